//! Where rows go: the developer's own database, or a file.
//!
//! ```text
//! open ─▶ id, inspect ─▶ begin ─▶ apply, apply, … ─▶ finish ─▶ (next table) ─▶ close
//!                          └── rows and cursor in one transaction ──┘
//! ```
//!
//! Nothing is written before `begin`. A target that is dropped on the way keeps what it has
//! committed, and the next sync of the same plan goes on from there.

mod current;
mod ddl;
mod error;
mod file;
mod fit;
mod form;
mod found;
mod local;
mod names;
mod postgres;
mod ready;
mod record;
mod sqlite;
#[cfg(test)]
mod tests;

use std::fmt;

use super::database::DatabaseUrl;
use super::wire::{Cursor, Identity, Plan, TablePlan};

use self::file::FileTarget;
use self::postgres::PostgresTarget;
use self::sqlite::SqliteTarget;

pub use self::error::WriteError;
pub use self::file::OutputFile;
pub use self::found::{Found, Holds, Problem, Resume, Whole};
pub use self::ready::{Readiness, look};

/// Where a sync writes to.
#[expect(
    clippy::large_enum_variant,
    reason = "there is one of them in a whole sync"
)]
#[derive(Debug)]
pub enum Destination {
    /// A database.
    Database(DatabaseUrl),
    /// A file, made anew.
    File(OutputFile),
}

/// What becomes of the rows that a table has already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Rows are merged by key: inserted, or updated where the key is there.
    Merge,
    /// The table's rows are replaced in one transaction: all, or nothing.
    Replace,
    /// Rows are only added; one that is there already is an error.
    Append,
}

/// A chunk whose body has been verified and decompressed.
#[derive(Clone, Debug)]
pub struct DecodedChunk {
    /// How many rows the body holds.
    pub rows: u32,
    /// Where the chunk ends.
    pub cursor: Option<Cursor>,
    /// The rows, as [`super::cell`] writes them.
    pub body: Vec<u8>,
}

/// When rows are committed, and stay even if the sync ends early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Commits {
    /// Each chunk by itself, with the cursor where the next one begins.
    EachChunk,
    /// A table's all at once: the old rows stay until then, or there is no cursor to go on from.
    EachTable,
    /// All of the sync's at once: a file is put in its place when it is whole.
    AtTheEnd,
}

/// What a table came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// How many rows were written, those before an interruption included.
    pub rows: u64,
    /// How many rows refer to a row that is not here. Counted in SQLite only: PostgreSQL refuses
    /// such rows.
    pub dangling: u64,
}

/// An open destination.
///
/// After an error, or when a call is dropped half way, only [`Target::abandon`] is of use.
#[derive(Debug)]
pub struct Target(Kind);

#[derive(Debug)]
enum Kind {
    Postgres(Box<PostgresTarget>),
    Sqlite(Box<SqliteTarget>),
    File(Box<FileTarget>),
}

impl Target {
    /// Opens `destination` for the tables of `plan`.
    ///
    /// # Errors
    /// [`WriteError`] if it cannot be reached or written to, or cannot hold the plan's tables
    /// beside one another.
    pub async fn open(destination: &Destination, plan: &Plan) -> Result<Self, WriteError> {
        Ok(Self(match destination {
            Destination::Database(database) => match database {
                DatabaseUrl::Postgres(options) => Kind::Postgres(Box::new(
                    PostgresTarget::open(options, database.to_string(), plan).await?,
                )),
                DatabaseUrl::Sqlite(path) => {
                    Kind::Sqlite(Box::new(SqliteTarget::open(path, plan).await?))
                }
            },
            Destination::File(file) => Kind::File(Box::new(FileTarget::open(file, plan).await?)),
        }))
    }

    /// Returns which database it is, so that a target which is the source can be refused. A file
    /// is none.
    ///
    /// # Errors
    /// [`WriteError`] if the database does not say what it is.
    pub async fn identity(&mut self) -> Result<Option<Identity>, WriteError> {
        match &mut self.0 {
            Kind::Postgres(target) => target.identity().await.map(Some),
            Kind::Sqlite(target) => target.identity().map(Some),
            Kind::File(_) => Ok(None),
        }
    }

    /// Looks at what is there already. Writes nothing.
    ///
    /// # Errors
    /// [`WriteError`] if the table cannot be looked at, or can never take part in `mode`.
    pub async fn inspect(&mut self, table: &TablePlan, mode: Mode) -> Result<Found, WriteError> {
        match &mut self.0 {
            Kind::Postgres(target) => target.inspect(table, mode).await,
            Kind::Sqlite(target) => target.inspect(table, mode).await,
            Kind::File(_) => Ok(FileTarget::inspect()),
        }
    }

    /// Returns when the rows of a table are committed.
    #[must_use]
    pub fn commits(&self, table: &TablePlan, mode: Mode) -> Commits {
        match &self.0 {
            Kind::Postgres(_) | Kind::Sqlite(_) => Commits::of(table, mode),
            Kind::File(_) => Commits::AtTheEnd,
        }
    }

    /// Begins a table, at its first row or after what an interrupted sync has committed; makes
    /// the table if it is missing.
    ///
    /// # Errors
    /// [`WriteError::Unfit`] if a problem that [`Target::inspect`] found stands in the way, and
    /// whatever else keeps the table from being made.
    pub async fn begin(
        &mut self,
        table: &TablePlan,
        mode: Mode,
        resume: Option<&Resume>,
    ) -> Result<(), WriteError> {
        match &mut self.0 {
            Kind::Postgres(target) => target.begin(table, mode, resume).await,
            Kind::Sqlite(target) => target.begin(table, mode, resume).await,
            Kind::File(target) => target.begin(table).await,
        }
    }

    /// Writes the rows of one chunk and its cursor, in one transaction.
    ///
    /// Not cancel-safe: a target whose `apply` was dropped can only be abandoned. What earlier
    /// chunks committed stays.
    ///
    /// # Errors
    /// [`WriteError`] if the chunk was not written; then nothing of it was.
    pub async fn apply(
        &mut self,
        table: &TablePlan,
        chunk: DecodedChunk,
    ) -> Result<(), WriteError> {
        match &mut self.0 {
            Kind::Postgres(target) => target.apply(table, &chunk).await,
            Kind::Sqlite(target) => target.apply(table, chunk).await,
            Kind::File(target) => target.apply(table, &chunk).await,
        }
    }

    /// Ends a table: makes its unique indexes, moves its sequences past its rows, and marks it
    /// done.
    ///
    /// # Errors
    /// [`WriteError`] if it could not be ended; the rows of a resumable load stay.
    pub async fn finish(&mut self, table: &TablePlan) -> Result<Finished, WriteError> {
        match &mut self.0 {
            Kind::Postgres(target) => target.finish(table).await,
            Kind::Sqlite(target) => target.finish(table).await,
            Kind::File(target) => target.finish(table),
        }
    }

    /// Ends a whole sync: a file is renamed into place, a database is left.
    ///
    /// # Errors
    /// [`WriteError`] if the file could not be put in its place.
    pub async fn close(self) -> Result<(), WriteError> {
        match self.0 {
            Kind::Postgres(target) => target.close().await,
            Kind::Sqlite(target) => target.close().await,
            Kind::File(target) => return target.close().await,
        }
        Ok(())
    }

    /// Gives up: what has been committed stays, what is partial goes.
    pub async fn abandon(self) {
        match self.0 {
            Kind::Postgres(target) => target.close().await,
            Kind::Sqlite(target) => target.close().await,
            Kind::File(target) => target.abandon(),
        }
    }
}

impl Commits {
    /// Returns when a database commits the rows of a table.
    fn of(plan: &TablePlan, mode: Mode) -> Self {
        if mode == Mode::Replace || plan.table.key.is_empty() {
            Self::EachTable
        } else {
            Self::EachChunk
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Merge => "merge",
            Self::Replace => "replace",
            Self::Append => "append",
        })
    }
}
