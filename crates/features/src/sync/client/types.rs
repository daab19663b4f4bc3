//! What a sync is asked for, what it tells on the way, and what it comes to.

use std::time::Duration;

use crate::sync::table::TableName;
use crate::sync::target::{Commits, Destination, Mode, Problem};
use crate::sync::wire::{Open, Plan};

/// What to sync, and where to.
#[derive(Debug)]
pub struct SyncRequest {
    /// What is asked of the server.
    pub open: Open,
    /// Where the rows go.
    pub destination: Destination,
    /// What becomes of rows that are there.
    pub mode: Mode,
    /// Whether rows that no sync has made may be merged or replaced.
    pub theirs: Theirs,
}

/// What happens to a table that has rows which no sync has made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theirs {
    /// The sync ends with [`SyncError::Theirs`](super::SyncError::Theirs) before anything is
    /// written: the user is asked.
    Ask,
    /// It goes ahead: the user was asked.
    Write,
}

/// What happens during a sync, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The plan is made, and the server is asked to pour. Comes again after each loss.
    Started {
        /// How many rows are expected, of all tables.
        rows: u64,
        /// How many of them are here already: from an interrupted sync, and from this one before a
        /// loss.
        resumed: u64,
    },
    /// A local table differs from production's in a way that does not stand in the way.
    Differs {
        /// The table.
        name: TableName,
        /// How it differs.
        problem: Problem,
    },
    /// A table begins.
    Table {
        /// The table.
        name: TableName,
        /// When its rows are committed.
        commits: Commits,
    },
    /// A chunk is written, and committed if the table's chunks are.
    Chunk {
        /// How many rows it had.
        rows: u64,
        /// How many bytes it took before encryption.
        bytes: u64,
    },
    /// A table is whole.
    TableDone {
        /// The table.
        name: TableName,
    },
    /// The session was lost; the sync waits for another and goes on.
    Lost,
    /// The server does not know where an interrupted sync has stopped: tables that are not whole
    /// begin anew.
    Anew,
}

/// What a sync came to.
#[derive(Clone, Debug)]
pub struct Summary {
    /// Its tables, in the order of the plan.
    pub tables: Vec<TableSummary>,
    /// The plan of the last session.
    pub plan: Plan,
    /// The bytes that its sessions received on the carrier.
    pub bytes: u64,
    /// How long it took, waiting included.
    pub took: Duration,
    /// How often the session was lost on the way.
    pub losses: u32,
    /// Whether the rows come from more than one moment of production: an interrupted sync was gone
    /// on with, or a loss was survived.
    pub spans_snapshots: bool,
    /// Whether the rows have pseudonyms of more than one key.
    pub mixed_pseudonyms: bool,
}

/// What a table came to.
#[derive(Clone, Debug)]
pub struct TableSummary {
    /// The table.
    pub name: TableName,
    /// The rows that are here, those before an interruption included.
    pub rows: u64,
    /// How many values were replaced in each column of the plan, by the last session that sent
    /// rows of it; all 0 if an earlier sync had finished the table.
    pub replaced: Vec<u64>,
    /// How many rows refer to a row that is not here, as far as they were counted.
    pub dangling: u64,
}
