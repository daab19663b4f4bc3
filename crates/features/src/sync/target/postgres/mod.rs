//! Writing into PostgreSQL: `COPY`, a transaction for each chunk, the cursor in it.

mod begin;
mod catalog;
mod copy;
mod error;
mod load;
mod running;
#[cfg(test)]
mod tests;
mod types;

use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection};

use self::error::{Deed, unreachable};
use self::running::Running;
use super::current::Current;
use super::names::{self, Case, Rules};
use super::record::{Stamp, Statements};
use super::{DecodedChunk, Finished, Found, Mode, Readiness, Resume, WriteError};
use crate::sync::source::identity;
use crate::sync::table::TableName;
use crate::sync::wire::{Engine, Identity, Plan, TablePlan};

/// A PostgreSQL database that is written to.
#[derive(Debug)]
pub(super) struct PostgresTarget {
    connection: PgConnection,
    /// What to call the database.
    database: String,
    /// The schema of tables that name none, and of `_tunnel_sync`.
    home: String,
    /// The kind of database that the rows come from.
    engine: Engine,
    stamp: Stamp,
    records: Statements,
    running: Current<Running>,
}

impl PostgresTarget {
    pub(super) async fn open(
        options: &PgConnectOptions,
        database: String,
        plan: &Plan,
    ) -> Result<Self, WriteError> {
        names::check(plan, RULES)?;
        let mut connection = connect(options, &database).await?;
        let home = prepare(&mut connection)
            .await
            .map_err(|error| unreachable(&database, &error))?;
        Ok(Self {
            connection,
            database,
            engine: plan.source.engine,
            stamp: Stamp::of(plan),
            records: Statements::new(Some(&home), "bytea"),
            home,
            running: Current::NONE,
        })
    }

    pub(super) async fn identity(&mut self) -> Result<Identity, WriteError> {
        let identity = identity::of_postgres(&mut self.connection).await;
        identity.map_err(|error| unreachable(&self.database, &error))
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
        let running = begin::begin(self, plan, mode, resume).await?;
        self.running.begin(&plan.table.name, running);
        Ok(())
    }

    pub(super) async fn apply(
        &mut self,
        plan: &TablePlan,
        chunk: &DecodedChunk,
    ) -> Result<(), WriteError> {
        let Self {
            connection,
            database,
            records,
            running,
            ..
        } = self;
        let running = running.of(&plan.table.name)?;
        let deed = Deed {
            database,
            table: &plan.table,
            deed: "write rows",
        };

        running
            .open(connection)
            .await
            .map_err(|error| deed.refused(&error))?;
        match running.load.write(connection, chunk, deed).await {
            Err(WriteError::Duplicate { .. }) if running.may_turn_aside() => {
                running
                    .turn_aside(connection)
                    .await
                    .map_err(|error| deed.refused(&error))?;
                running.load.write(connection, chunk, deed).await?;
            }
            written => written?,
        }
        running.advance(connection, records, chunk, deed).await?;
        running
            .commit(connection)
            .await
            .map_err(|error| deed.refused(&error))
    }

    pub(super) async fn finish(&mut self, plan: &TablePlan) -> Result<Finished, WriteError> {
        let Self {
            connection,
            database,
            records,
            running,
            ..
        } = self;
        let ending = running.of(&plan.table.name)?;
        let deed = Deed {
            database,
            table: &plan.table,
            deed: "make indexes",
        };

        ending.finish(connection, records, plan, deed).await?;
        let rows = ending.rows;
        running.end();
        Ok(Finished { rows, dangling: 0 })
    }

    pub(super) async fn close(self) {
        // What counts is committed, and a transaction that is open is rolled back when the
        // connection ends, however it does.
        self.connection.close().await.ok();
    }
}

async fn connect(options: &PgConnectOptions, database: &str) -> Result<PgConnection, WriteError> {
    // What sqlx logs of slow statements would name tables and columns.
    let options = options
        .clone()
        .application_name("tunnel")
        .disable_statement_logging();
    let Ok(connected) = tokio::time::timeout(CONNECT_WITHIN, options.connect()).await else {
        return Err(WriteError::Unreachable {
            database: database.to_owned(),
            reason: "it does not answer".to_owned(),
        });
    };
    connected.map_err(|error| unreachable(database, &error))
}

/// Finds out whether new tables could be made.
pub(super) async fn look(
    options: &PgConnectOptions,
    database: String,
) -> Result<Readiness, WriteError> {
    let mut connection = connect(options, &database).await?;
    let rights = sqlx::query_as(RIGHTS).fetch_one(&mut connection).await;
    connection.close().await.ok();
    match rights.map_err(|error| unreachable(&database, &error))? {
        (true, _) => Err(WriteError::ReadOnly { database }),
        (false, false) => Err(WriteError::Denied {
            table: "new tables".to_owned(),
            database,
        }),
        (false, true) => Ok(Readiness::Found),
    }
}

/// Pins what the meaning of written text depends on, and returns the schema of new tables.
async fn prepare(connection: &mut PgConnection) -> Result<String, sqlx::Error> {
    sqlx::raw_sql(SETTINGS).execute(&mut *connection).await?;
    let home: Option<String> = sqlx::query_scalar("SELECT current_schema()::text")
        .fetch_one(connection)
        .await?;
    Ok(home.unwrap_or_else(|| "public".to_owned()))
}

/// Executes SQL that takes and returns no values.
async fn run(connection: &mut PgConnection, sql: &str) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(AssertSqlSafe(sql))
        .execute(connection)
        .await
        .map(drop)
}

/// Values arrive as a source writes them whose settings are these. Commits need not wait for the
/// disk: a crash loses rows and cursor together, and the next sync goes on from what is left; only
/// the last commit of a table waits. A transaction may be idle for as long as the server is away,
/// but a lock of somebody else's is waited for no longer than a person would.
const SETTINGS: &str = "\
SET client_encoding = 'UTF8'; SET standard_conforming_strings = on;
SET DateStyle = 'ISO, YMD'; SET IntervalStyle = 'postgres'; SET TimeZone = 'UTC';
SET synchronous_commit = off; SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0;
SET lock_timeout = '10s'; SET client_min_messages = error";

/// Whether nothing can be written, as on a standby, and whether new tables can be made.
const RIGHTS: &str = "SELECT current_setting('transaction_read_only')::bool, \
    has_database_privilege(current_database(), 'CREATE') \
    OR coalesce(has_schema_privilege(current_schema(), 'CREATE'), false)";

const RULES: Rules = Rules {
    max_bytes: 63,
    case: Case::Differs,
    called: TableName::to_string,
};

/// A database on this machine answers at once, or not at all.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);
