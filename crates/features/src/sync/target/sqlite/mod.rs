//! Writing into SQLite: many rows a statement, a transaction for each chunk, the cursor in it.

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

use sqlx::{AssertSqlSafe, Connection, SqliteConnection};

use self::error::Deed;
use self::open::File;
use self::running::Running;
use super::names::{self, Case, Rules};
use super::record::{Stamp, Statements};
use super::{DecodedChunk, Finished, Found, Mode, Resume, WriteError};
use crate::sync::source::identity;
use crate::sync::table::Table;
use crate::sync::wire::{Engine, Plan, TablePlan};

/// A SQLite database that is written to.
#[derive(Debug)]
pub(super) struct SqliteTarget {
    connection: SqliteConnection,
    path: PathBuf,
    /// Whether the file is ours to remove while nothing has begun.
    file: File,
    /// The kind of database that the rows come from.
    engine: Engine,
    stamp: Stamp,
    records: Statements,
    running: Option<Running>,
}

impl SqliteTarget {
    pub(super) async fn open(path: &Path, plan: &Plan) -> Result<Self, WriteError> {
        names::check(plan, RULES)?;
        let (connection, file) = open::open(path).await?;
        Ok(Self {
            connection,
            path: path.to_owned(),
            file,
            engine: plan.source.engine,
            stamp: Stamp::of(plan),
            records: Statements::new(None, "blob"),
            running: None,
        })
    }

    pub(super) fn id(&self) -> Result<[u8; 32], WriteError> {
        let failed = |source| WriteError::File {
            deed: "look at",
            path: self.path.clone(),
            source,
        };
        identity::of_sqlite(&self.path).map_err(failed)
    }

    pub(super) async fn inspect(
        &mut self,
        plan: &TablePlan,
        mode: Mode,
    ) -> Result<Found, WriteError> {
        begin::inspect(self, plan, mode).await
    }

    pub(super) async fn begin(
        &mut self,
        plan: &TablePlan,
        mode: Mode,
        resume: Option<&Resume>,
    ) -> Result<(), WriteError> {
        self.running = Some(begin::begin(self, plan, mode, resume).await?);
        self.file = File::Found;
        Ok(())
    }

    pub(super) async fn apply(
        &mut self,
        plan: &TablePlan,
        chunk: DecodedChunk<'_>,
    ) -> Result<(), WriteError> {
        let Self {
            connection,
            path,
            records,
            running,
            ..
        } = self;
        let running = begun(running.as_mut(), &plan.table)?;
        let deed = Deed {
            file: path,
            table: &plan.table,
            deed: "write rows",
        };

        running
            .open(connection)
            .await
            .map_err(|error| deed.refused(&error))?;
        running.insert.write(connection, chunk, deed).await?;
        running.advance(connection, records, chunk, deed).await?;
        running
            .commit(connection)
            .await
            .map_err(|error| deed.refused(&error))
    }

    pub(super) async fn finish(&mut self, plan: &TablePlan) -> Result<Finished, WriteError> {
        let Self {
            connection,
            path,
            records,
            running,
            ..
        } = self;
        let ending = begun(running.as_mut(), &plan.table)?;
        let deed = Deed {
            file: path,
            table: &plan.table,
            deed: "make indexes",
        };

        let finished = ending.finish(connection, records, plan, deed).await?;
        *running = None;
        Ok(finished)
    }

    pub(super) async fn close(self) {
        // What counts is committed, and a transaction that is open is rolled back when the
        // connection ends, however it does.
        self.connection.close().await.ok();
        if self.file == File::Made {
            open::remove(&self.path).await;
        }
    }
}

fn begun<'r>(
    running: Option<&'r mut Running>,
    table: &Table,
) -> Result<&'r mut Running, WriteError> {
    let running = running.filter(|running| running.name == table.name);
    running.ok_or_else(|| WriteError::NotBegun {
        table: table.name.to_string(),
    })
}

/// Executes SQL that takes and returns no values.
async fn run(connection: &mut SqliteConnection, sql: &str) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(AssertSqlSafe(sql))
        .execute(connection)
        .await
        .map(drop)
}

/// SQLite has no limit for names but that of a statement, of which a name is a small part.
const RULES: Rules = Rules {
    max_bytes: 1024,
    case: Case::IsTheSame,
};
