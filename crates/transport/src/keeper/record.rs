//! What has happened to a keeper's sessions, for whoever asks how the connection is.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::carrier::Carrier;
use crate::path::Path;
use crate::session::Session;

/// What has happened to a keeper's sessions so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// How many sessions were lost and replaced.
    pub reconnects: u32,
    /// How many sessions were replaced before they were lost, because their server was leaving.
    pub moves: u32,
    /// When there was no session last.
    pub last_gap: Option<Gap>,
}

/// A time without a session that is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// When the loss of the session was noticed.
    #[serde(with = "age")]
    pub began: Instant,
    /// How long it took until there was another.
    pub lasted: Duration,
}

/// How a connection is at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// What carries the session.
    pub carrier: Carrier,
    /// How long the session has held.
    pub connected: Duration,
    /// How the way to the server is.
    pub path: Path,
    /// What has happened to the sessions before it.
    pub record: Record,
}

impl Snapshot {
    /// Takes a snapshot of a session, or the last one that the holder of it has sent. `record` is
    /// that of this end's keeper.
    #[must_use]
    pub fn of(session: &Session, record: Record) -> Self {
        if let Some(theirs) = session.held_snapshot() {
            return theirs;
        }
        Self {
            carrier: session.carrier(),
            connected: session.since().elapsed(),
            path: session.path(),
            record,
        }
    }
}

impl Record {
    /// Notes that a session came back which was lost at `began`.
    pub(super) fn note_reconnect(&mut self, began: Instant) {
        self.reconnects = self.reconnects.saturating_add(1);
        self.last_gap = Some(Gap {
            began,
            lasted: began.elapsed(),
        });
    }

    /// Notes that another session stands in the place of one that was still open.
    pub(super) const fn note_move(&mut self) {
        self.moves = self.moves.saturating_add(1);
    }
}

/// Moments of this process's clock, for another: by their age.
mod age {
    use std::time::Duration;

    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};
    use tokio::time::Instant;

    pub(super) fn serialize<S: Serializer>(at: &Instant, to: S) -> Result<S::Ok, S::Error> {
        at.elapsed().serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Instant, D::Error> {
        let age = Duration::deserialize(from)?;
        let now = Instant::now();
        // A clock that began later has no such moment.
        Ok(now.checked_sub(age).unwrap_or(now))
    }
}
