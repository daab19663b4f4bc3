//! The messages of health. `docs/PROTOCOL.md` gives their bytes.

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use crate::parts::Identity;
use crate::vitals::{Check, Verdict, worst};

/// Asks for an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ping {
    /// Comes back in the answer.
    pub number: u32,
}

/// What a server answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// To a ping.
    Pong {
        /// The ping's number.
        number: u32,
    },
    /// After the last ping.
    Report(Report),
}

/// How a server is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Who it is.
    pub identity: Identity,
    /// The server's clock when it sent this, in milliseconds since 1970.
    pub time: u64,
    /// How long the server has run.
    pub uptime: Duration,
    /// How many sessions are open, this one included.
    pub sessions: u32,
    /// What there is to say about it, by name.
    pub checks: Vec<Check>,
}

impl Report {
    /// Returns the worst of what there is to say.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        worst(&self.checks)
    }
}
