//! SQLite: one read transaction on an existing file, opened read only.
//!
//! SQLite blocks, so every question is asked on one of the runtime's blocking threads, by one
//! connection that stays with the snapshot: a question whose asker is gone runs to its end, and the
//! next one waits for it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use tokio::task::spawn_blocking;
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
    file: File,
    source: Source,
}

/// An open file.
#[derive(Clone, Debug)]
struct File {
    connection: Arc<Mutex<Connection>>,
    path: PathBuf,
}

impl Sqlite {
    pub(super) async fn open(path: &Path) -> Result<Self, ReadError> {
        let file = File::open(path).await?;
        let identity =
            identity::of_sqlite(path).map_err(|_| ReadError::Unreadable { path: path.into() })?;
        file.ask("begin a snapshot", |connection| {
            connection.execute_batch(BEGIN)
        })
        .await?;
        Ok(Self {
            file,
            source: Source {
                identity,
                engine: Engine::Sqlite,
            },
        })
    }

    pub(super) const fn source(&self) -> &Source {
        &self.source
    }

    pub(super) async fn tables(&mut self) -> Result<Vec<TableName>, ReadError> {
        self.file.ask("list its tables", catalog::tables).await
    }

    pub(super) async fn find(&mut self, typed: &str) -> Result<TableName, FindError> {
        let candidates = self
            .file
            .ask("list its tables", catalog::candidates)
            .await?;
        name::resolve(typed, &candidates)
    }

    pub(super) async fn describe(&mut self, name: &TableName) -> Result<Table, ReadError> {
        let wanted = name.clone();
        let described = self
            .file
            .ask("describe a table", move |connection| {
                catalog::describe(connection, &wanted)
            })
            .await?;
        described.ok_or_else(|| ReadError::Changed {
            table: name.clone(),
        })
    }

    pub(super) async fn read<S: RowSink>(
        &mut self,
        table: &Table,
        range: &Range,
        rows: &mut S,
    ) -> Result<(), RowsError<S::Error>> {
        rows::read(&self.file, table, range, rows).await
    }

    pub(super) async fn close(self) {
        // Closing waits for a question that still runs, and a read transaction has nothing to lose.
        drop(spawn_blocking(move || drop(self)).await);
    }
}

impl File {
    async fn open(path: &Path) -> Result<Self, ReadError> {
        if !path.try_exists().unwrap_or(true) {
            return Err(ReadError::NoFile { path: path.into() });
        }
        let opened = path.to_path_buf();
        let connection = spawn_blocking(move || connect(&opened)).await;
        let connection = connection.map_err(|_| failure::stopped(path, "be opened"))?;
        let connection = connection.map_err(|error| failure::failed(path, "be opened", &error))?;
        Ok(Self {
            connection: Arc::new(Mutex::new(connection)),
            path: path.into(),
        })
    }

    /// Asks the connection on a thread that may block.
    async fn ask<T: Send + 'static>(
        &self,
        deed: &'static str,
        question: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, ReadError> {
        let connection = Arc::clone(&self.connection);
        let answer = spawn_blocking(move || {
            // A question that panicked has left nothing half done: it only reads.
            question(&connection.lock().unwrap_or_else(PoisonError::into_inner))
        });
        let answer = answer
            .await
            .map_err(|_| failure::stopped(&self.path, deed))?;
        answer.map_err(|error| failure::failed(&self.path, deed, &error))
    }
}

/// Opens the file, reads its first page, and says how long that took.
pub(super) async fn ping(path: &Path) -> Result<Duration, ReadError> {
    let begun = Instant::now();
    let file = File::open(path).await?;
    let asked =
        |connection: &Connection| connection.pragma_query(None, "schema_version", |_| Ok(()));
    file.ask("answer", asked).await?;
    Ok(begun.elapsed())
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    // One thread at a time uses it, so SQLite need not lock.
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_FOR)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

/// A transaction begins with its first reading.
const BEGIN: &str = "BEGIN; SELECT count(*) FROM sqlite_schema";

/// Longer than an application's write takes, shorter than a user's patience.
const BUSY_FOR: Duration = Duration::from_secs(5);
