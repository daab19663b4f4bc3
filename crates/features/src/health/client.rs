//! The client half of health.

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

/// What every check asks.
const PING: Ping = Ping { number: 0 };
