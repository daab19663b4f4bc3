//! Why an inbox cannot be opened, or not do what it is asked.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::parts::SectionError;

/// Why the inbox has not done what it was asked. Nothing of it is kept then; or, where its database
/// went away in the middle, nobody knows, and a second one of the same event is known as that.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum InboxError {
    /// Its disk is full. The operator can make room.
    #[error("the inbox cannot keep any more: its disk is full")]
    Full,
    /// More comes than it can write. The sender can come again.
    #[error("more comes than the inbox can write")]
    Busy,
    /// What is not verified fills its share. The sender can come again, or be given a secret.
    #[error("what is not verified fills its share of the inbox")]
    Crowded,
    /// It cannot be reached, or fails: the machine's fault, or the operator's.
    #[error("the inbox cannot be used: {0}")]
    Unavailable(String),
    /// A provider's name that none has. The sender is at fault.
    #[error("there is no provider of this name")]
    NoSuchProvider,
}

/// Why an inbox cannot be opened. The operator is at fault, or the machine.
#[derive(Debug, Error)]
pub(crate) enum OpenError {
    /// Two places are named.
    #[error("`inbox` and `inbox-env` are both set: an inbox is in one place")]
    TwoPlaces,
    /// The variable is not set.
    #[error("{0}, which `inbox-env` names, is not set")]
    NoAddress(String),
    /// What it holds is no PostgreSQL address. The text may be a password.
    #[error("{0}, which `inbox-env` names, does not hold a PostgreSQL address: postgres://…")]
    NotPostgres(String),
    /// The folder or the file cannot be made or looked at.
    #[error("the inbox {} cannot be made or opened: {source}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Another server has it.
    #[error(
        "another server has the inbox {}: each needs a file of its own, or all a PostgreSQL database \
         (`inbox-env`)", .0.display()
    )]
    InUse(PathBuf),
    /// Another program writes to it.
    #[error("another program holds the inbox {} locked", .0.display())]
    Locked(PathBuf),
    /// It is something else, or damaged.
    #[error(
        "{} is not an inbox, or is damaged ({reason}): move it away, with the files -wal and -shm \
         beside it, to begin an empty one", .path.display()
    )]
    NotAnInbox {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        reason: String,
    },
    /// A newer server has written it.
    #[error(
        "{} was written by a newer version of this program (its schema is {found}, this one knows \
         {known}): start that one, or name another file", .path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// The schema that it has.
        found: i64,
        /// The newest that this program knows.
        known: i64,
    },
    /// There is no room for it.
    #[error("there is no room for the inbox {}", .0.display())]
    Full(PathBuf),
    /// SQLite cannot use it.
    #[error("the inbox {} cannot be used: {reason}", .path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        reason: String,
    },
}

impl From<OpenError> for SectionError {
    fn from(error: OpenError) -> Self {
        Self {
            section: "webhooks".to_owned(),
            reason: error.to_string(),
        }
    }
}
