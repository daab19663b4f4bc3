//! The client half of health.

use std::time::Duration;

use tokio::time::Instant;
use transport::channel::ChannelError;
use transport::first_call::FirstCall;
use transport::keeper::{Record, Snapshot};
use transport::session::Session;

use super::PROTOCOL;
use super::wire::{Answer, Ping, Report};

/// How the server is, and the way to it.
#[derive(Clone, Debug)]
pub struct Health {
    /// What the server says.
    pub report: Report,
    /// How the connection is when the answer is here. Its round trip is what QUIC measures on every
    /// packet; the answer itself may have waited.
    pub connection: Snapshot,
}

/// The round trips of some pings, one after the other, through both programs.
///
/// QUIC's own estimate is worth little at first: it begins with the handshake, in which the server
/// computes.
#[derive(Clone, Debug)]
pub struct RoundTrips {
    /// The shortest first.
    sorted: Vec<Duration>,
}

impl RoundTrips {
    /// Returns the round trip that so many per cent of the pings did not exceed (nearest rank).
    #[must_use]
    pub fn percentile(&self, percent: usize) -> Duration {
        let rank = (self.sorted.len() * percent).div_ceil(100).max(1);
        self.sorted.get(rank - 1).copied().unwrap_or_default()
    }
}

/// Returns the question for the hello's flight: a check that follows the hello at once then costs
/// no round trip of its own.
#[must_use]
pub fn first_call() -> Option<FirstCall> {
    // A ping is never too long.
    FirstCall::new(&PROTOCOL, &PING).ok()
}

/// Asks the server how it is. `record` is what has happened to the sessions before this one.
///
/// # Errors
/// [`ChannelError`] if the server refuses or the session is lost.
pub async fn check(session: &Session, record: Record) -> Result<Health, ChannelError> {
    let mut channel = session.ask(&PROTOCOL, &PING).await?;
    match channel.receive().await? {
        Some(Answer::Pong { .. }) => {}
        Some(Answer::Report(_)) | None => return Err(ChannelError::Missing("a pong")),
    }
    match channel.receive().await? {
        Some(Answer::Report(report)) => Ok(Health {
            report,
            connection: Snapshot::of(session, record),
        }),
        Some(Answer::Pong { .. }) | None => Err(ChannelError::Missing("the report")),
    }
}

/// Pings the server ten times.
///
/// # Errors
/// [`ChannelError`] if the server refuses or the session is lost.
pub async fn measure(session: &Session) -> Result<RoundTrips, ChannelError> {
    let mut asked = Instant::now();
    let mut channel = session.open(&PROTOCOL, &PING).await?;
    let mut sorted = Vec::with_capacity(PINGS);
    loop {
        match channel.receive().await? {
            Some(Answer::Pong { .. }) => sorted.push(asked.elapsed()),
            Some(Answer::Report(_)) | None => return Err(ChannelError::Missing("a pong")),
        }
        if sorted.len() == PINGS {
            break;
        }
        asked = Instant::now();
        channel.send(&PING).await?;
    }
    sorted.sort_unstable();
    Ok(RoundTrips { sorted })
}

/// What every check asks.
const PING: Ping = Ping { number: 0 };

/// Enough for a median that one late packet does not move.
const PINGS: usize = 10;
