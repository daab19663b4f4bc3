//! The messages of logs. `docs/PROTOCOL.md` gives their bytes.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::entry::Entry;
use super::filter::Filter;

/// Opens a flow of entries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Open {
    /// Where to begin.
    pub start: Start,
    /// Whether to go on with what is yet to be written.
    pub follow: Follow,
    /// Which entries. Last, so that a newer client can say more.
    pub filter: Filter,
}

/// Where a flow begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Start {
    /// With the oldest entry that the server has, or the first that its filter's `since` lets pass.
    Oldest,
    /// With the last so many lines that pass the filter. Marks between them come too.
    Tail(u32),
    /// Where earlier flows ended: in each ring that was read of late, the last one first. A server
    /// goes on at the first of them that its ring knows.
    At(Vec<Cursor>),
}

/// Whether a flow goes on after what is there when it is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Follow {
    /// It ends.
    Off,
    /// It never ends.
    On,
}

/// How far a reader has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// In which start of the server.
    pub epoch: Epoch,
    /// The first entry that it has not seen.
    pub sequence: u64,
}

/// Names one start of a server: a random number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Epoch(pub u64);

/// What a server pours. Each item says where its reader is after it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Item {
    /// Entries that pass the filter, in sequence.
    Batch {
        /// At least one.
        entries: Vec<Arc<Entry>>,
        /// Where the reader is.
        cursor: Cursor,
    },
    /// Entries are missing here.
    Missed {
        /// How many, and why.
        missed: Missed,
        /// Where the reader is.
        cursor: Cursor,
    },
    /// Nothing, up to here: for a while no entry has passed the filter.
    Nothing {
        /// Where the reader is.
        cursor: Cursor,
    },
    /// The flow stands: its first item.
    Opened {
        /// What the reader may want to know of what there is.
        stock: Stock,
        /// Where the reader is: in this ring, if it goes on with the last one that was read; else
        /// still where it was, and what is missing between them is the next item.
        cursor: Cursor,
    },
}

impl Item {
    /// Returns where the reader is after this item.
    #[must_use]
    pub const fn cursor(&self) -> Cursor {
        match *self {
            Self::Batch { cursor, .. }
            | Self::Missed { cursor, .. }
            | Self::Nothing { cursor }
            | Self::Opened { cursor, .. } => cursor,
        }
    }
}

/// What a server has when a flow is opened.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stock {
    /// How many entries it remembers.
    pub entries: u64,
    /// When the oldest of them came, in nanoseconds since 1970.
    pub oldest: Option<u64>,
    /// The fields that the filter wants.
    pub fields: Names,
    /// The services that it wants.
    pub services: Names,
    /// The instances that it wants.
    pub instances: Names,
}

/// Names that a filter wants, held against those that there are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Names {
    /// Those that none of the lines of late has had.
    pub unknown: Vec<String>,
    /// Some that they have had, if one is unknown: the commonest first.
    pub known: Vec<String>,
}

/// Entries that a reader will not see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missed {
    /// How many, before the filter, if that can be known.
    pub entries: Option<u64>,
    /// Why.
    pub cause: Cause,
    /// The time of the entry before them, in nanoseconds since 1970, if it is known.
    pub since: Option<u64>,
    /// The time of the entry behind them, if it is known.
    pub until: Option<u64>,
}

impl Missed {
    /// Nobody knows how many: the server has started anew.
    pub(super) const ANEW: Self = Self::new(None, Cause::Restart);

    pub(super) const fn new(entries: Option<u64>, cause: Cause) -> Self {
        Self {
            entries,
            cause,
            since: None,
            until: None,
        }
    }
}

/// Why entries are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cause {
    /// They left the ring before the reader came to them.
    Overrun,
    /// The server started anew, and does not know what the reader has not seen of the one before.
    /// A number is the least that is missing.
    Restart,
    /// They were on the server's disk, and cannot be read any more.
    Damaged,
}
