//! A database to write to, of either kind, that a test can look into.

use std::path::PathBuf;

use rusqlite::Connection;
use sqlx::AssertSqlSafe;
use tempfile::TempDir;
use testkit::postgres::Database;

use super::plan;
use crate::sync::database::DatabaseUrl;
use crate::sync::target::{Destination, Target, WriteError};
use crate::sync::wire::{Plan, TablePlan};

/// A database to write to.
pub(super) enum Place {
    Postgres(Database),
    Sqlite(TempDir),
}

impl Place {
    pub(super) async fn postgres() -> Self {
        Self::Postgres(testkit::postgres::database().await)
    }

    pub(super) async fn sqlite() -> Self {
        let place = Self::Sqlite(TempDir::new().unwrap());
        // One that is somebody's: made before the tunnel came.
        place
            .run("CREATE TABLE mine (id integer); DROP TABLE mine")
            .await;
        place
    }

    pub(super) fn destination(&self) -> Destination {
        Destination::Database(match self {
            Self::Postgres(database) => DatabaseUrl::Postgres(database.url().parse().unwrap()),
            Self::Sqlite(_) => DatabaseUrl::Sqlite(self.file()),
        })
    }

    pub(super) fn file(&self) -> PathBuf {
        match self {
            Self::Postgres(_) => panic!("PostgreSQL is no file"),
            Self::Sqlite(folder) => folder.path().join("local.db"),
        }
    }

    /// Opens the database for a plan of these tables.
    pub(super) async fn open(&self, tables: &[&TablePlan]) -> Target {
        self.open_for(&plan(tables)).await.unwrap()
    }

    pub(super) async fn open_for(&self, plan: &Plan) -> Result<Target, WriteError> {
        Target::open(&self.destination(), plan).await
    }

    /// Runs statements as the user of the database would.
    pub(super) async fn run(&self, sql: &str) {
        match self {
            Self::Postgres(database) => database.run(sql).await,
            Self::Sqlite(_) => self.connect_sqlite().execute_batch(sql).unwrap(),
        }
    }

    /// Returns the only column of a query, which is text.
    pub(super) async fn texts(&self, sql: &str) -> Vec<String> {
        match self {
            Self::Postgres(database) => {
                let query = sqlx::query_scalar(AssertSqlSafe(sql));
                query
                    .fetch_all(&mut database.connect().await)
                    .await
                    .unwrap()
            }
            Self::Sqlite(_) => {
                let connection = self.connect_sqlite();
                let mut query = connection.prepare(sql).unwrap();
                let texts = query.query_map([], |row| row.get(0)).unwrap();
                texts.map(Result::unwrap).collect()
            }
        }
    }

    /// Returns the rows of [`super::courses`].
    pub(super) async fn courses(&self) -> Vec<String> {
        self.texts("SELECT id || ' ' || title FROM courses ORDER BY id")
            .await
    }

    /// Makes the database refuse to note that more than so many rows are committed.
    pub(super) async fn refuse_to_note_more_than(&self, rows: u64) {
        match self {
            Self::Postgres(_) => {
                self.run(&format!(
                    "ALTER TABLE _tunnel_sync ADD CHECK (committed <= {rows})"
                ))
                .await;
            }
            Self::Sqlite(_) => {
                let trigger = format!(
                    "CREATE TRIGGER refuse BEFORE UPDATE ON _tunnel_sync WHEN NEW.committed > {rows} \
                     BEGIN SELECT RAISE(ABORT, 'no'); END"
                );
                self.run(&trigger).await;
            }
        }
    }

    pub(super) fn connect_sqlite(&self) -> Connection {
        Connection::open(self.file()).unwrap()
    }
}
