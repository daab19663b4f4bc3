//! Where rows come from: one consistent view of a database, read only.
//!
//! ```text
//! database ── rows ──▶ View::read ── cells ──▶ RowSink
//! ```
//!
//! The server half knows [`Database`] and [`View`]; what a [`DatabaseUrl`] names is one of them.
//! Everything that is said of a table, and every row of every table, is as it was at one moment,
//! for as long as the view is held. Nothing is written, and a reader holds one row at a time.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use self::postgres::Postgres;
use self::sqlite::Sqlite;
use super::cell::Cell;
use super::database::DatabaseUrl;
use super::table::{KeyValues, Table, TableName};
use super::wire::Source;

mod cells;
mod error;
pub mod identity;
mod name;
mod postgres;
mod quote;
mod sqlite;
#[cfg(test)]
mod tests;

pub use error::{FindError, ReadError, RowsError};

/// What rows are read from.
pub trait Database: fmt::Debug + Send + Sync + 'static {
    /// What it shows.
    type View: View;

    /// Connects and begins a view.
    ///
    /// # Errors
    /// [`ReadError`] if the database cannot be reached or opened.
    fn open(&self) -> impl Future<Output = Result<Self::View, ReadError>> + Send;
}

/// A consistent view of a database, held until it is closed or dropped.
///
/// What is cancelled (a future of it dropped) leaves it usable.
pub trait View: Send {
    /// Returns the identity of the database that the rows come from.
    fn source(&self) -> &Source;

    /// Lists the tables that may be read, in the order of their names. Views and foreign tables are
    /// not tables, the partitions of a table are that table, and `_tunnel_sync` is our own.
    ///
    /// # Errors
    /// [`ReadError`] if the catalog cannot be read.
    fn tables(&mut self) -> impl Future<Output = Result<Vec<TableName>, ReadError>> + Send;

    /// Finds the table that a user means: by its exact name, then as `schema.name`, then the only
    /// one that differs in nothing but case.
    ///
    /// # Errors
    /// [`FindError`] if there is no such table, or more than one. It names tables that are near,
    /// whoever asks.
    fn find(&mut self, typed: &str) -> impl Future<Output = Result<TableName, FindError>> + Send;

    /// Describes a table.
    ///
    /// # Errors
    /// [`ReadError`] if it is gone or may not be read whole.
    fn describe(
        &mut self,
        name: &TableName,
    ) -> impl Future<Output = Result<Table, ReadError>> + Send;

    /// Reads the rows of a range into a sink, as fast as the sink takes them.
    ///
    /// # Errors
    /// [`RowsError`]: the database's failure or the sink's own. Every row that was pushed before
    /// it stands.
    fn read<S: RowSink>(
        &mut self,
        table: &Table,
        range: &Range,
        rows: &mut S,
    ) -> impl Future<Output = Result<(), RowsError<S::Error>>> + Send;

    /// Ends the view and disconnects.
    fn close(self) -> impl Future<Output = ()> + Send;
}

/// A view of what a [`DatabaseUrl`] names: one snapshot of it.
#[derive(Debug)]
pub struct Snapshot {
    inner: Inner,
    deadline: Instant,
}

/// Which rows of a table to read, and in which order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Range {
    /// Goes on behind the row with this key; begins at the first row if `None`.
    pub after: Option<KeyValues>,
    /// The order of the rows.
    pub order: Order,
    /// At most so many rows.
    pub limit: Option<u64>,
}

/// The order in which rows are read. A table without a key is read as the database keeps it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// From the smallest key up.
    #[default]
    Ascending,
    /// From the largest key down: where keys grow, what was inserted last comes first.
    Newest,
}

/// What takes the rows of a table one by one.
pub trait RowSink: Send {
    /// Why the sink refuses a row.
    type Error: Send;

    /// Takes a row's cells in the order of the table's columns.
    ///
    /// # Errors
    /// The sink's own; reading ends with it.
    fn push(&mut self, cells: &[Cell<'_>]) -> Result<Fill, Self::Error>;

    /// Passes on what was taken. Called before the next row whenever [`RowSink::push`] said
    /// [`Fill::Full`]; what is left after the last row is the caller's to flush.
    ///
    /// # Errors
    /// The sink's own; reading ends with it.
    fn flush(&mut self) -> impl Future<Output = Result<(), Self::Error>> + Send;
}

/// What a [`RowSink`] says after a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fill {
    /// It has room for another row.
    Room,
    /// It wants to be flushed before the next row.
    Full,
}

impl Snapshot {
    /// Connects and begins the snapshot.
    ///
    /// # Errors
    /// [`ReadError`] if the database cannot be reached or opened.
    pub async fn open(database: &DatabaseUrl) -> Result<Self, ReadError> {
        let inner = match database {
            DatabaseUrl::Postgres(options) => Inner::Postgres(Box::new(
                Postgres::open(options, database.to_string()).await?,
            )),
            DatabaseUrl::Sqlite(path) => Inner::Sqlite(Box::new(Sqlite::open(path).await?)),
        };
        Ok(Self {
            inner,
            deadline: Instant::now() + HELD_AT_MOST,
        })
    }
}

impl Database for DatabaseUrl {
    type View = Snapshot;

    async fn open(&self) -> Result<Snapshot, ReadError> {
        Snapshot::open(self).await
    }
}

impl View for Snapshot {
    fn source(&self) -> &Source {
        match &self.inner {
            Inner::Postgres(postgres) => postgres.source(),
            Inner::Sqlite(sqlite) => sqlite.source(),
        }
    }

    async fn tables(&mut self) -> Result<Vec<TableName>, ReadError> {
        match &mut self.inner {
            Inner::Postgres(postgres) => postgres.tables().await,
            Inner::Sqlite(sqlite) => sqlite.tables().await,
        }
    }

    async fn find(&mut self, typed: &str) -> Result<TableName, FindError> {
        match &mut self.inner {
            Inner::Postgres(postgres) => postgres.find(typed).await,
            Inner::Sqlite(sqlite) => sqlite.find(typed).await,
        }
    }

    async fn describe(&mut self, name: &TableName) -> Result<Table, ReadError> {
        match &mut self.inner {
            Inner::Postgres(postgres) => postgres.describe(name).await,
            Inner::Sqlite(sqlite) => sqlite.describe(name).await,
        }
    }

    async fn read<S: RowSink>(
        &mut self,
        table: &Table,
        range: &Range,
        rows: &mut S,
    ) -> Result<(), RowsError<S::Error>> {
        let read = async {
            match &mut self.inner {
                Inner::Postgres(postgres) => postgres.read(table, range, rows).await,
                Inner::Sqlite(sqlite) => sqlite.read(table, range, rows).await,
            }
        };
        let late = || ReadError::HeldTooLong {
            minutes: HELD_AT_MOST.as_secs() / 60,
        };
        timeout_at(self.deadline, read)
            .await
            .unwrap_or_else(|_| Err(late().into()))
    }

    async fn close(self) {
        match self.inner {
            Inner::Postgres(postgres) => postgres.close().await,
            Inner::Sqlite(sqlite) => sqlite.close().await,
        }
    }
}

/// Counts the rows that one task has read without a pause, so that it gives way now and then.
///
/// A source that is faster than its sink is always ready: without it, a task would read and treat a
/// whole chunk before another task of its thread, such as one with a log line, had its turn.
#[derive(Debug, Default)]
struct Turns(u32);

impl Turns {
    /// Counts a row, and lets other tasks go first if it is time.
    async fn row(&mut self) {
        self.0 += 1;
        if self.0 == ROWS_TO_A_TURN {
            self.0 = 0;
            tokio::task::yield_now().await;
        }
    }
}

/// Connects to a database, waits for one answer, disconnects, and says how long the answer took,
/// connecting included.
///
/// # Errors
/// [`ReadError`] if the database cannot be reached or opened.
pub async fn ping(database: &DatabaseUrl) -> Result<Duration, ReadError> {
    match database {
        DatabaseUrl::Postgres(options) => postgres::ping(options, database.to_string()).await,
        DatabaseUrl::Sqlite(path) => sqlite::ping(path).await,
    }
}

#[derive(Debug)]
enum Inner {
    Postgres(Box<Postgres>),
    Sqlite(Box<Sqlite>),
}

/// While a snapshot is open, its database keeps every row that dies meanwhile. A copy that takes
/// longer goes on from its last chunk in a new snapshot.
const HELD_AT_MOST: Duration = Duration::from_secs(60 * 60);

/// At one to three microseconds a row: a turn takes about a tenth of a millisecond, a thousand times
/// what giving way costs.
const ROWS_TO_A_TURN: u32 = 64;
