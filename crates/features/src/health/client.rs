//! The client half of health.

use std::time::Duration;

use tokio::time::Instant;
use transport::carrier::Carrier;
use transport::channel::ChannelError;
use transport::session::Session;

use super::PROTOCOL;
use super::wire::{Answer, Ping, Report};

/// How the server is, and the way to it.
#[derive(Clone, Debug)]
pub struct Health {
    /// What the server says.
    pub report: Report,
    /// What carries the session.
    pub carrier: Carrier,
    /// How long the session has held.
    pub connected: Duration,
    /// The round trips of the pings, shortest first.
    pub round_trips: Vec<Duration>,
}

impl Health {
    /// Returns the round trip that so many per cent of the pings did not exceed (nearest rank).
    #[must_use]
    pub fn round_trip(&self, percent: usize) -> Duration {
        let rank = (self.round_trips.len() * percent).div_ceil(100).max(1);
        self.round_trips.get(rank - 1).copied().unwrap_or_default()
    }
}

/// Pings the server ten times and asks for its report.
///
/// # Errors
/// [`ChannelError`] if the server refuses or the session is lost.
pub async fn check(session: &Session) -> Result<Health, ChannelError> {
    let mut asked = Instant::now();
    let mut channel = session.open(&PROTOCOL, &Ping { number: 0 }).await?;
    let mut round_trips = Vec::with_capacity(PINGS);
    loop {
        match channel.receive().await? {
            Some(Answer::Pong { .. }) => round_trips.push(asked.elapsed()),
            Some(Answer::Report(_)) | None => return Err(ChannelError::Missing("a pong")),
        }
        let number = u32::try_from(round_trips.len()).unwrap_or(u32::MAX);
        if round_trips.len() == PINGS {
            break;
        }
        asked = Instant::now();
        channel.send(&Ping { number }).await?;
    }
    channel.finish().await?;
    round_trips.sort_unstable();
    match channel.receive().await? {
        Some(Answer::Report(report)) => Ok(Health {
            report,
            carrier: session.carrier(),
            connected: session.since().elapsed(),
            round_trips,
        }),
        Some(Answer::Pong { .. }) | None => Err(ChannelError::Missing("the report")),
    }
}

/// Enough for a median that one late packet does not move.
const PINGS: usize = 10;
