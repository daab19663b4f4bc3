//! What happened between two lines: to the server, to the app that writes, or to what it wrote.

use serde::{Deserialize, Serialize};

use super::entry::Origin;

/// Something that happened between two lines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Nanoseconds since 1970.
    pub time: u64,
    /// To whom it happened.
    pub origin: Origin,
    /// What happened.
    pub event: Event,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// The server began to take lines.
    ServerStarted {
        /// The commit that runs, if the platform tells.
        commit: Option<String>,
        /// What is known of the time before.
        before: Before,
    },
    /// The wrapped app was started.
    AppStarted {
        /// Its process.
        pid: u32,
    },
    /// The wrapped app ended.
    AppEnded {
        /// How.
        end: AppEnd,
    },
    /// Lines are missing here that never came into the ring: the app never waits.
    Dropped {
        /// How many.
        lines: u64,
        /// How many bytes they had.
        bytes: u64,
    },
    /// A source was away; what it had in the meantime may be missing.
    SourceAway {
        /// Which one, and why, in a few words.
        reason: String,
    },
    /// What follows is in the server's memory alone, until its disk is back: that has failed.
    DiskLost {
        /// Why, in a few words.
        reason: String,
    },
    /// What follows is on the server's disk again.
    DiskBack,
}

/// What a server that starts knows of the lines before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Before {
    /// Nothing: it has no memory on a disk, or an empty one.
    Unknown,
    /// The one before it ended in order: all that it took is there.
    Ended,
    /// The one before it was cut off: its last lines may be missing.
    CutOff,
}

/// How a wrapped app ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AppEnd {
    /// By itself, with this code.
    Code(u8),
    /// By this signal.
    Signal(u8),
}
