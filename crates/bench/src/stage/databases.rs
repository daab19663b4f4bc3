//! Production's database and the developer's own, on servers that nobody else uses.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use testkit::postgres::Server;
use tokio::task::spawn_blocking;

use super::rows;
use crate::run::progress;

/// Production's PostgreSQL and the developer's, each with a server of its own.
#[derive(Debug)]
pub(crate) struct Databases {
    production: Server,
    local: Server,
}

/// What a local database has before a sync.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Prepared {
    /// Nothing.
    Empty,
    /// The table, with its indexes and without rows.
    WithTable,
}

impl Databases {
    pub(super) async fn start() -> Result<Self> {
        progress("  starts two PostgreSQL servers");
        let start = || spawn_blocking(|| Server::start_with(SETTINGS));
        let (production, local) = tokio::try_join!(start(), start())?;
        Ok(Self {
            production: production?,
            local: local?,
        })
    }

    /// Returns the URL of a production database with so many rows in its table `courses`.
    pub(crate) async fn production(&self, rows: u64) -> Result<String> {
        let name = format!("courses_{rows}");
        let mut admin = admin(&self.production).await?;
        let there: bool =
            sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)")
                .bind(&name)
                .fetch_one(&mut admin)
                .await?;
        let url = format!("{}/{name}", self.production.address());
        if !there {
            progress(&format!("  makes {rows} rows in PostgreSQL"));
            run(&mut admin, &format!("CREATE DATABASE {name}")).await?;
            fill_postgres(&url, rows)
                .await
                .context("make production's rows")?;
        }
        Ok(url)
    }

    /// Returns the URL of a new, empty database on production's server.
    pub(crate) async fn inbox(&self) -> Result<String> {
        let mut admin = admin(&self.production).await?;
        run(&mut admin, "DROP DATABASE IF EXISTS inbox").await?;
        run(&mut admin, "CREATE DATABASE inbox").await?;
        Ok(format!("{}/inbox", self.production.address()))
    }

    /// Returns the address of the developer's database server.
    pub(super) fn local_address(&self) -> String {
        self.local.address().to_string()
    }

    /// Empties the developer's database and returns its URL.
    ///
    /// What an earlier measurement has left to write is on disk before this one begins.
    pub(crate) async fn local(&self, prepared: Prepared) -> Result<String> {
        let url = format!("{}/postgres", self.local.address());
        let mut local = admin(&self.local).await?;
        run(
            &mut local,
            "DROP SCHEMA public CASCADE; CREATE SCHEMA public",
        )
        .await?;
        if prepared == Prepared::WithTable {
            run(&mut local, rows::postgres_table()).await?;
        }
        run(&mut local, "CHECKPOINT").await?;
        local.close().await?;
        Ok(url)
    }
}

/// Makes sure that so many rows have arrived in a database.
pub(crate) async fn check_rows(url: &str, rows: u64) -> Result<()> {
    let mut connection = PgConnection::connect(url).await?;
    let found: i64 = sqlx::query_scalar("SELECT count(*) FROM courses")
        .fetch_one(&mut connection)
        .await?;
    ensure!(
        found.cast_unsigned() == rows,
        "{found} rows have arrived, and not {rows}"
    );
    Ok(())
}

async fn fill_postgres(url: &str, rows: u64) -> Result<()> {
    let mut connection = PgConnection::connect(url).await?;
    run(&mut connection, rows::postgres_table()).await?;
    run(&mut connection, &rows::postgres_rows(rows)).await?;
    // As in production: the planner knows the table, and the first reader has nothing to tidy up.
    run(&mut connection, "VACUUM (FREEZE, ANALYZE) courses").await?;
    run(&mut connection, "CHECKPOINT").await?;
    Ok(connection.close().await?)
}

pub(super) async fn fill_sqlite(path: &Path, rows: u64) -> Result<()> {
    progress(&format!("  makes {rows} rows in SQLite"));
    let path = path.to_path_buf();
    let fill = move || rusqlite::Connection::open(path)?.execute_batch(&rows::sqlite(rows));
    spawn_blocking(fill)
        .await?
        .context("make the rows of SQLite")
}

async fn admin(server: &Server) -> Result<PgConnection> {
    PgConnection::connect(&format!("{}/postgres", server.address()))
        .await
        .context("connect to PostgreSQL")
}

async fn run(connection: &mut PgConnection, statement: &str) -> Result<()> {
    sqlx::raw_sql(AssertSqlSafe(statement))
        .execute(connection)
        .await?;
    Ok(())
}

/// What PostgreSQL has by default, instead of what makes tests quick: rows are on disk when they
/// are committed, and the log is as for a replica. Nothing is vacuumed behind a measurement's back.
const SETTINGS: &[&str] = &[
    "fsync=on",
    "synchronous_commit=on",
    "full_page_writes=on",
    "wal_level=replica",
    "max_wal_senders=10",
    "shared_buffers=128MB",
];
