//! PostgreSQL: one read-only transaction on a connection of its own.
//!
//! Everything happens inside that transaction, settings included, so a pooler in between does no
//! harm. Every question begins by going back to a savepoint: that clears a failed question, closes
//! a cursor that was dropped half read, and lets go of the lock on the table before it, while the
//! snapshot stays.

use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions as _, Connection as _};
use tokio::time::{Instant, timeout};

use self::failure::Place;
use super::{FindError, Range, ReadError, RowSink, RowsError, identity, name};
use crate::sync::table::{Table, TableName};
use crate::sync::wire::{Engine, Identity, Source};

mod access;
mod catalog;
mod failure;
mod kind;
mod order;
mod relations;
mod rows;

/// A snapshot of a PostgreSQL database.
#[derive(Debug)]
pub(super) struct Postgres {
    connection: PgConnection,
    place: Place,
    source: Source,
}

impl Postgres {
    pub(super) async fn open(
        options: &PgConnectOptions,
        database: String,
    ) -> Result<Self, ReadError> {
        let mut place = Place {
            database,
            user: options.get_username().to_owned(),
        };
        let mut connection = connect(options, &place).await?;
        let begun = begin(&mut connection, &mut place).await;
        let identity = begun.map_err(|error| error.read(&place))?;
        Ok(Self {
            connection,
            place,
            source: Source {
                identity,
                engine: Engine::Postgres,
            },
        })
    }

    pub(super) const fn source(&self) -> &Source {
        &self.source
    }

    pub(super) async fn tables(&mut self) -> Result<Vec<TableName>, ReadError> {
        self.clean().await?;
        let tables = relations::readable_tables(&mut self.connection).await;
        tables.map_err(|error| self.place.failed("list its tables", None, error))
    }

    pub(super) async fn find(&mut self, typed: &str) -> Result<TableName, FindError> {
        self.clean().await?;
        let candidates = relations::candidates(&mut self.connection).await;
        let candidates =
            candidates.map_err(|error| self.place.failed("list its tables", None, error))?;
        name::resolve(typed, &candidates)
    }

    pub(super) async fn describe(&mut self, table: &TableName) -> Result<Table, ReadError> {
        self.clean().await?;
        catalog::describe(&mut self.connection, &self.place, table).await
    }

    pub(super) async fn read<S: RowSink>(
        &mut self,
        table: &Table,
        range: &Range,
        rows: &mut S,
    ) -> Result<(), RowsError<S::Error>> {
        self.clean().await?;
        rows::read(&mut self.connection, &self.place, table, range, rows).await
    }

    pub(super) async fn close(self) {
        // The server ends the transaction with the connection; that it is gone already is as well.
        drop(self.connection.close().await);
    }

    /// Goes back to the state right after the transaction began.
    async fn clean(&mut self) -> Result<(), ReadError> {
        let back = sqlx::raw_sql("ROLLBACK TO SAVEPOINT clean")
            .execute(&mut self.connection)
            .await;
        back.map(drop)
            .map_err(|error| self.place.failed("hold its snapshot", None, error))
    }
}

/// Connects, waits for one answer, and says how long that took.
pub(super) async fn ping(
    options: &PgConnectOptions,
    database: String,
) -> Result<Duration, ReadError> {
    let place = Place {
        database,
        user: options.get_username().to_owned(),
    };
    let begun = Instant::now();
    let mut connection = connect(options, &place).await?;
    let answer = sqlx::raw_sql("SELECT 1").execute(&mut connection).await;
    answer.map_err(|error| place.failed("answer", None, error))?;
    let took = begun.elapsed();
    drop(connection.close().await);
    Ok(took)
}

async fn connect(options: &PgConnectOptions, place: &Place) -> Result<PgConnection, ReadError> {
    // Statements are not logged: a place to go on from is a value of a row. None is kept prepared:
    // in a pooler its name would outlive the session.
    let options = options
        .clone()
        .disable_statement_logging()
        .statement_cache_capacity(0);
    match timeout(CONNECT_WITHIN, options.connect()).await {
        Ok(connected) => connected.map_err(|error| place.unconnected(error)),
        Err(_) => Err(ReadError::Silent {
            database: place.database.clone(),
            seconds: CONNECT_WITHIN.as_secs(),
        }),
    }
}

/// Begins the transaction, and returns the identity of the database.
async fn begin(connection: &mut PgConnection, place: &mut Place) -> Result<Identity, Unbegun> {
    // Before the transaction: a question that is not permitted would end it.
    let id = identity::of_postgres(connection).await?;
    let about = relations::about(connection).await?;
    if about.major < OLDEST_MAJOR {
        return Err(Unbegun::TooOld(about.major));
    }
    place.user = about.user;
    sqlx::raw_sql(BEGIN).execute(connection).await?;
    Ok(id)
}

/// Why a transaction could not begin.
enum Unbegun {
    TooOld(u32),
    Failed(sqlx::Error),
}

impl From<sqlx::Error> for Unbegun {
    fn from(error: sqlx::Error) -> Self {
        Self::Failed(error)
    }
}

impl Unbegun {
    fn read(self, place: &Place) -> ReadError {
        match self {
            Self::TooOld(major) => ReadError::TooOld {
                database: place.database.clone(),
                major,
            },
            Self::Failed(error) => place.failed("begin a snapshot", None, error),
        }
    }
}

/// Below the ten seconds after which a command that cannot connect has to end.
const CONNECT_WITHIN: Duration = Duration::from_secs(8);

/// Generated columns came with 12, and the catalog has no word for them before.
pub(super) const OLDEST_MAJOR: u32 = 12;

/// Begins the transaction and pins every setting that changes what is read or how it is written.
const BEGIN: &str = "\
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
-- How values are written as text: the same for every role, database and server.
SET LOCAL client_encoding = 'UTF8';
SET LOCAL DateStyle = 'ISO, YMD';
SET LOCAL IntervalStyle = 'postgres';
SET LOCAL TimeZone = 'UTC';
SET LOCAL extra_float_digits = 3;
SET LOCAL bytea_output = 'hex';
SET LOCAL lc_monetary = 'C';
SET LOCAL xmloption = 'content';
SET LOCAL standard_conforming_strings = on;
SET LOCAL quote_all_identifiers = off;
-- Nothing is found that is not named with its schema, so nobody's look-alike is called.
SET LOCAL search_path = '';
-- Rows that a policy hides are an error, not a smaller table.
SET LOCAL row_security = off;
-- A table without a key comes in the same order each time.
SET LOCAL synchronize_seqscans = off;
-- Rows leave as fast as the other end takes them, so no statement has a time limit;
-- the snapshot as a whole has one, kept by this program.
SET LOCAL statement_timeout = 0;
-- On PostgreSQL 17 and later.
SELECT set_config(name, '0', true) FROM pg_catalog.pg_settings WHERE name = 'transaction_timeout';
-- A migration holds its table for seconds at most, or is better not waited for.
SET LOCAL lock_timeout = '5s';
-- Should this program hang, the server itself ends the snapshot, which keeps VACUUM from
-- production. A user who reads a plan needs less.
SET LOCAL idle_in_transaction_session_timeout = '10min';
SET LOCAL tcp_keepalives_idle = 60;
-- Rows are wanted as they come, along the key's index: not sorted first into temporary files,
-- and with no more of production's processors than one.
SET LOCAL enable_sort = off;
SET LOCAL cursor_tuple_fraction = 0.01;
SET LOCAL max_parallel_workers_per_gather = 0;
SET LOCAL jit = off;
SET LOCAL application_name = 'render-tunnel sync';
SAVEPOINT clean";
