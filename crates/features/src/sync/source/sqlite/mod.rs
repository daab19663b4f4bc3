//! SQLite: one read transaction on an existing file, opened read only.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions as _, Connection as _};
use tokio::time::Instant;

use super::{FindError, Range, ReadError, RowSink, RowsError, identity, name};
use crate::sync::table::{Table, TableName};
use crate::sync::wire::{Engine, Source};

mod catalog;
mod failure;
mod kind;
mod rows;

/// A snapshot of a SQLite file.
#[derive(Debug)]
pub(super) struct Sqlite {
    connection: SqliteConnection,
    path: PathBuf,
    source: Source,
}

impl Sqlite {
    pub(super) async fn open(path: &Path) -> Result<Self, ReadError> {
        let mut connection = connect(path).await?;
        let id = identity::of_sqlite(path).map_err(|_| ReadError::Unreadable { path: path.into() })?;
        let begun = sqlx::raw_sql(BEGIN).execute(&mut connection).await;
        begun.map_err(|error| failure::failed(path, "begin a snapshot", &error))?;
        Ok(Self { connection, path: path.into(), source: Source { id, engine: Engine::Sqlite } })
    }

    pub(super) const fn source(&self) -> &Source {
        &self.source
    }

    pub(super) async fn tables(&mut self) -> Result<Vec<TableName>, ReadError> {
        let tables = catalog::tables(&mut self.connection).await;
        tables.map_err(|error| failure::failed(&self.path, "list its tables", &error))
    }

    pub(super) async fn find(&mut self, typed: &str) -> Result<TableName, FindError> {
        let candidates = catalog::candidates(&mut self.connection).await;
        let candidates =
            candidates.map_err(|error| failure::failed(&self.path, "list its tables", &error))?;
        name::resolve(typed, &candidates)
    }

    pub(super) async fn describe(&mut self, name: &TableName) -> Result<Table, ReadError> {
        let table = catalog::describe(&mut self.connection, name).await;
        let table = table.map_err(|error| failure::failed(&self.path, "describe a table", &error))?;
        table.ok_or_else(|| ReadError::Changed { table: name.clone() })
    }

    pub(super) async fn read<S: RowSink>(
        &mut self,
        table: &Table,
        range: &Range,
        rows: &mut S,
    ) -> Result<(), RowsError<S::Error>> {
        rows::read(&mut self.connection, &self.path, table, range, rows).await
    }

    pub(super) async fn close(self) {
        // A read transaction has nothing to lose.
        drop(self.connection.close().await);
    }
}

/// Opens the file, reads its first page, and says how long that took.
pub(super) async fn ping(path: &Path) -> Result<Duration, ReadError> {
    let begun = Instant::now();
    let mut connection = connect(path).await?;
    let answer = sqlx::raw_sql("PRAGMA schema_version").execute(&mut connection).await;
    answer.map_err(|error| failure::failed(path, "answer", &error))?;
    let took = begun.elapsed();
    drop(connection.close().await);
    Ok(took)
}

async fn connect(path: &Path) -> Result<SqliteConnection, ReadError> {
    if !path.try_exists().unwrap_or(true) {
        return Err(ReadError::NoFile { path: path.into() });
    }
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .read_only(true)
        .pragma("query_only", "on")
        .busy_timeout(BUSY_FOR)
        .row_buffer_size(ROWS_AHEAD)
        // A place to go on from is a value of a row.
        .disable_statement_logging();
    options.connect().await.map_err(|error| failure::failed(path, "be opened", &error))
}

/// A transaction begins with its first reading.
const BEGIN: &str = "BEGIN; SELECT count(*) FROM sqlite_schema";

/// Longer than an application's write takes, shorter than a user's patience.
const BUSY_FOR: Duration = Duration::from_secs(5);

/// How many rows SQLite's thread may be ahead of ours. TODO measure
const ROWS_AHEAD: usize = 512;
