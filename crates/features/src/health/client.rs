//! The client half of health.

use tokio::time::Instant;
use transport::channel::ChannelError;
use transport::first_call::FirstCall;
use transport::keeper::{Record, Snapshot};
use transport::path::RoundTrips;
use transport::session::Session;

use super::PROTOCOL;
pub use super::clock::ClockOffset;
use super::wire::{Answer, Ping, Report};
use crate::wall_clock;

/// How the server is, and the way to it.
#[derive(Clone, Debug)]
pub struct Health {
    /// What the server says.
    pub report: Report,
    /// How the connection is when the answer is here. Its round trip is what QUIC measures on every
    /// packet; the answer itself may have waited.
    pub connection: Snapshot,
    /// How far the server's clock is from this end's.
    pub clock: ClockOffset,
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
        Some(Answer::Report(report)) => {
            let connection = Snapshot::of(session, record);
            let clock =
                ClockOffset::of(report.time, wall_clock::millis(), connection.path.shortest);
            Ok(Health {
                report,
                connection,
                clock,
            })
        }
        Some(Answer::Pong { .. }) | None => Err(ChannelError::Missing("the report")),
    }
}

/// Pings the server ten times, one after the other, through both programs: for a session that is too
/// young to know how long its way is. QUIC's own estimate begins with the handshake, in which the server
/// computes.
///
/// # Errors
/// [`ChannelError`] if the server refuses or the session is lost.
pub async fn measure(session: &Session) -> Result<RoundTrips, ChannelError> {
    let mut asked = Instant::now();
    let mut channel = session.open(&PROTOCOL, &PING).await?;
    let mut all = Vec::with_capacity(PINGS);
    loop {
        match channel.receive().await? {
            Some(Answer::Pong { .. }) => all.push(asked.elapsed()),
            Some(Answer::Report(_)) | None => return Err(ChannelError::Missing("a pong")),
        }
        if all.len() == PINGS {
            break;
        }
        asked = Instant::now();
        channel.send(&PING).await?;
    }
    RoundTrips::of(all).ok_or(ChannelError::Missing("a pong"))
}

/// What every check asks.
const PING: Ping = Ping { number: 0 };

/// Enough for a median that one late packet does not move.
const PINGS: usize = 10;
