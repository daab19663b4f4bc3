//! Writing into SQLite: one prepared statement, a transaction for each chunk, the cursor in it.
//!
//! SQLite blocks, so all of it runs on the runtime's blocking threads, with one connection that
//! stays with the target. Work whose caller is gone runs to its end, and rows and cursor are
//! committed together even then.

mod begin;
mod bind;
mod catalog;
mod ddl;
mod error;
mod insert;
mod open;
mod running;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use tokio::task::spawn_blocking;

use self::error::Deed;
use self::open::File;
pub(super) use self::open::look;
use self::running::Running;
use super::current::Current;
use super::names::{self, Case, Rules};
use super::record::{Stamp, Statements};
use super::{DecodedChunk, Finished, Found, Mode, Resume, WriteError};
use crate::sync::source::identity;
use crate::sync::table::TableName;
use crate::sync::wire::{Engine, Identity, Plan, TablePlan};

/// A SQLite database that is written to.
#[derive(Debug)]
pub(super) struct SqliteTarget {
    path: PathBuf,
    database: Arc<Mutex<Database>>,
}

/// What only one thread may use at a time.
#[derive(Debug)]
struct Database {
    connection: Connection,
    path: PathBuf,
    /// Whether the file is ours to remove while nothing has begun.
    file: File,
    /// The kind of database that the rows come from.
    engine: Engine,
    stamp: Stamp,
    records: Statements,
    running: Current<Running>,
}

impl SqliteTarget {
    pub(super) async fn open(path: &Path, plan: &Plan) -> Result<Self, WriteError> {
        names::check(plan, RULES)?;
        let (at, engine, stamp) = (path.to_owned(), plan.source.engine, Stamp::of(plan));
        let opened = spawn_blocking(move || {
            let (connection, file) = open::open(&at)?;
            let records = Statements::new(None, "blob");
            Ok(Database {
                connection,
                path: at,
                file,
                engine,
                stamp,
                records,
                running: Current::NONE,
            })
        });
        let database = opened.await.unwrap_or_else(|_| Err(stopped(path)))?;
        Ok(Self {
            path: path.to_owned(),
            database: Arc::new(Mutex::new(database)),
        })
    }

    pub(super) fn identity(&self) -> Result<Identity, WriteError> {
        let failed = |source| WriteError::File {
            deed: "look at",
            path: self.path.clone(),
            source,
        };
        identity::of_sqlite(&self.path).map_err(failed)
    }

    pub(super) async fn inspect(&self, plan: &TablePlan, mode: Mode) -> Result<Found, WriteError> {
        let plan = plan.clone();
        self.run(move |database| begin::inspect(database, &plan, mode))
            .await
    }

    pub(super) async fn begin(
        &self,
        plan: &TablePlan,
        mode: Mode,
        resume: Option<&Resume>,
    ) -> Result<(), WriteError> {
        let (plan, resume) = (plan.clone(), resume.cloned());
        let begin = move |database: &mut Database| {
            let running = begin::begin(database, &plan, mode, resume.as_ref())?;
            database.running.begin(&plan.table.name, running);
            database.file = File::Found;
            Ok(())
        };
        self.run(begin).await
    }

    pub(super) async fn apply(
        &self,
        plan: &TablePlan,
        chunk: DecodedChunk,
    ) -> Result<(), WriteError> {
        let name = plan.table.name.clone();
        self.run(move |database| database.apply(&name, &chunk))
            .await
    }

    pub(super) async fn finish(&self, plan: &TablePlan) -> Result<Finished, WriteError> {
        let plan = plan.clone();
        self.run(move |database| database.finish(&plan)).await
    }

    pub(super) async fn close(self) {
        let close = move || {
            // Work whose caller is gone comes to its end first.
            drop(self.database.lock());
            if let Some(database) = Arc::into_inner(self.database) {
                database
                    .into_inner()
                    .unwrap_or_else(PoisonError::into_inner)
                    .close();
            }
        };
        // What counts is committed, however the connection ends.
        spawn_blocking(close).await.ok();
    }

    /// Does work on a thread that may block.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Database) -> Result<T, WriteError> + Send + 'static,
    ) -> Result<T, WriteError> {
        let database = Arc::clone(&self.database);
        let done = spawn_blocking(move || {
            // Work that panicked has left its transaction open: whatever comes next will not
            // open another.
            work(&mut database.lock().unwrap_or_else(PoisonError::into_inner))
        });
        done.await.unwrap_or_else(|_| Err(stopped(&self.path)))
    }
}

impl Database {
    fn apply(&mut self, name: &TableName, chunk: &DecodedChunk) -> Result<(), WriteError> {
        let Self {
            connection,
            path,
            records,
            running,
            ..
        } = self;
        let running = running.of(name)?;
        let table = Arc::clone(&running.table);
        let deed = Deed {
            file: path,
            table: &table,
            deed: "write rows",
        };
        running.apply(connection, records, chunk, deed)
    }

    fn finish(&mut self, plan: &TablePlan) -> Result<Finished, WriteError> {
        let Self {
            connection,
            path,
            records,
            running,
            ..
        } = self;
        let ending = running.of(&plan.table.name)?;
        let deed = Deed {
            file: path,
            table: &plan.table,
            deed: "make indexes",
        };
        let finished = ending.finish(connection, records, plan, deed)?;
        running.end();
        Ok(finished)
    }

    fn close(self) {
        // A transaction that is open is rolled back.
        drop(self.connection);
        if self.file == File::Made {
            open::remove(&self.path);
        }
    }
}

/// Says that the thread came to its end without an answer.
fn stopped(path: &Path) -> WriteError {
    WriteError::Refused {
        database: path.display().to_string(),
        deed: "answer".to_owned(),
        code: "stopped".to_owned(),
    }
}

/// SQLite has no limit for names but that of a statement, of which a name is a small part.
const RULES: Rules = Rules {
    max_bytes: 1024,
    case: Case::IsTheSame,
    called: names::flat,
};
