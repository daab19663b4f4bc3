//! A table that has begun: its transactions, its record, and how it ends.

use sqlx::{AssertSqlSafe, SqliteConnection};

use super::error::Deed;
use super::insert::Insert;
use super::{catalog, ddl, run};
use crate::sync::table::TableName;
use crate::sync::target::fit::missing_indexes;
use crate::sync::target::record::Statements;
use crate::sync::target::{Commits, DecodedChunk, Finished, WriteError};
use crate::sync::wire::TablePlan;

/// A table that has begun.
#[derive(Debug)]
pub(super) struct Running {
    /// The table in the plan.
    pub(super) name: TableName,
    /// The local table's name.
    pub(super) local: String,
    pub(super) insert: Insert,
    pub(super) commits: Commits,
    /// Whether a sync has made the table.
    pub(super) made: bool,
    /// How many rows are written, those before an interruption included.
    pub(super) rows: u64,
}

impl Running {
    /// Opens the transaction of a chunk, unless one is open for the whole table.
    pub(super) async fn open(&self, connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
        match self.commits {
            Commits::EachChunk => run(connection, BEGIN).await,
            Commits::AtTheEnd => Ok(()),
        }
    }

    /// Commits the transaction of a chunk.
    pub(super) async fn commit(
        &self,
        connection: &mut SqliteConnection,
    ) -> Result<(), sqlx::Error> {
        match self.commits {
            Commits::EachChunk => run(connection, "COMMIT").await,
            Commits::AtTheEnd => Ok(()),
        }
    }

    /// Writes into the table's record how far it has come.
    pub(super) async fn advance(
        &mut self,
        connection: &mut SqliteConnection,
        records: &Statements,
        chunk: DecodedChunk<'_>,
        deed: Deed<'_>,
    ) -> Result<(), WriteError> {
        let advanced = sqlx::query(AssertSqlSafe(&*records.advance))
            .bind(chunk.cursor.map(|cursor| &*cursor.0))
            .bind(i64::from(chunk.rows))
            .bind(&self.local)
            .bind(self.rows.cast_signed())
            .execute(connection);
        let advanced = advanced.await.map_err(|error| deed.refused(&error))?;
        self.expect_one(advanced.rows_affected())?;
        self.rows += u64::from(chunk.rows);
        Ok(())
    }

    /// Makes what is made when all rows are there, and marks the table done.
    pub(super) async fn finish(
        &self,
        connection: &mut SqliteConnection,
        records: &Statements,
        plan: &TablePlan,
        deed: Deed<'_>,
    ) -> Result<Finished, WriteError> {
        let refused = |error: sqlx::Error| deed.refused(&error);
        self.open(connection).await.map_err(refused)?;
        if self.made {
            self.add_unique_indexes(connection, plan)
                .await
                .map_err(refused)?;
        }
        let done = sqlx::query(AssertSqlSafe(&*records.done))
            .bind(&self.local)
            .bind(self.rows.cast_signed());
        let done = done.execute(&mut *connection).await.map_err(refused)?;
        self.expect_one(done.rows_affected())?;
        run(connection, "COMMIT").await.map_err(refused)?;
        // What was committed is on disk before the table is said to be done. A reader may keep
        // some of it from moving out of the journal; it is safe there too.
        run(connection, "PRAGMA wal_checkpoint(PASSIVE)")
            .await
            .map_err(refused)?;
        // A foreign key to a table that is not here, or to columns that are not unique, cannot be
        // checked; that is the local schema's own matter.
        let dangling = catalog::count_dangling(connection, &self.local)
            .await
            .unwrap_or(0);
        Ok(Finished {
            rows: self.rows,
            dangling,
        })
    }

    fn expect_one(&self, records: u64) -> Result<(), WriteError> {
        if records == 1 {
            Ok(())
        } else {
            Err(WriteError::Overtaken {
                table: self.name.to_string(),
            })
        }
    }

    /// Adds the unique indexes of the source that the table does not have yet.
    async fn add_unique_indexes(
        &self,
        connection: &mut SqliteConnection,
        plan: &TablePlan,
    ) -> Result<(), sqlx::Error> {
        let Some((_, table)) = catalog::read(connection, &self.local).await? else {
            return Err(sqlx::Error::RowNotFound);
        };
        for columns in missing_indexes(plan, &table) {
            run(connection, &ddl::create_unique_index(&self.local, &columns)).await?;
        }
        Ok(())
    }
}

/// The lock for writing is waited for here, and not in the middle of the rows.
pub(super) const BEGIN: &str = "BEGIN IMMEDIATE";
