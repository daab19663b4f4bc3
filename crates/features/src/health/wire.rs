//! The messages of health. `docs/PROTOCOL.md` gives their bytes.

use std::time::Duration;

use serde::{Deserialize, Serialize};

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
    /// The server's name.
    pub server_id: String,
    /// For example `production`.
    pub environment: String,
    /// Program and version.
    pub program: String,
    /// The commit that runs, if the platform tells.
    pub commit: Option<String>,
    /// How long the server has run.
    pub uptime: Duration,
    /// How many sessions are open, this one included.
    pub sessions: u32,
    /// How production's database is.
    pub database: DatabaseHealth,
}

/// How production's database is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DatabaseHealth {
    /// The server has none.
    None,
    /// It answers.
    Up {
        /// How long a connection and an empty query took.
        took: Duration,
    },
    /// It does not.
    Down {
        /// Why, without any address or value.
        reason: String,
    },
}
