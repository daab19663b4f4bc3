//! Why a sync did not come to its end.

use thiserror::Error;
use transport::channel::ChannelError;
use transport::keeper::GiveUp;
use wire::Status;

use crate::sync::check::UnsoundPlan;
use crate::sync::table::TableName;
use crate::sync::target::{Mode, WriteError};

/// A sync that did not come to its end.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SyncError {
    /// The server refused, or broke the protocol.
    #[error(transparent)]
    Server(#[from] ChannelError),
    /// The session was lost, and there is no other.
    #[error(transparent)]
    GaveUp(#[from] GiveUp),
    /// The target.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The target is the source.
    #[error("the target is the very database that the server reads: choose another with --to")]
    SameDatabase,
    /// Tables of the target have rows that no sync has made.
    #[error("{} has rows that no sync has made", names(.tables))]
    Theirs {
        /// The tables, and how many rows each has.
        tables: Vec<(TableName, u64)>,
        /// What would be done with them.
        mode: Mode,
    },
    /// The plan is not one to go along with.
    #[error(transparent)]
    Unsound(#[from] UnsoundPlan),
    /// The tables changed while the session was lost.
    #[error("the tables in production changed during the sync: run it again")]
    PlanChanged,
    /// A chunk that is not what the server hashed.
    #[error("a chunk arrived damaged: run the sync again, it goes on where it stopped")]
    Corrupt,
    /// Items in an order that is none.
    #[error("the server sent other rows of {table} than it counted")]
    OutOfOrder {
        /// The table.
        table: TableName,
    },
    /// No memory for decompressing.
    #[error("the decompressor could not be set up")]
    Decompressor,
}

impl SyncError {
    /// Whether the session went away under the sync.
    pub(super) fn is_lost(&self) -> bool {
        matches!(self, Self::Server(error) if error.is_lost())
    }

    /// Whether the server does not know a cursor that it was given.
    pub(super) fn is_stale(&self) -> bool {
        self.has(Status::CONFLICT)
    }

    /// Whether the server has as many syncs as it can bear.
    pub(super) fn is_too_many(&self) -> bool {
        self.has(Status::TOO_MANY)
    }

    fn has(&self, status: Status) -> bool {
        matches!(self, Self::Server(ChannelError::Fault(fault)) if fault.status == status)
    }
}

fn names(tables: &[(TableName, u64)]) -> String {
    tables
        .iter()
        .map(|(name, _)| name.to_string())
        .collect::<Vec<_>>()
        .join(", ")
}
