//! A table that has begun: its transactions, its record, and how it ends.

use sqlx::{AssertSqlSafe, PgConnection};

use super::error::Deed;
use super::load::{Load, Way};
use super::{catalog, run};
use crate::sync::table::TableName;
use crate::sync::target::fit::missing_indexes;
use crate::sync::target::local::Written;
use crate::sync::target::names::{quoted, quoted_list};
use crate::sync::target::record::{Stamp, Statements, expect_one};
use crate::sync::target::{Commits, DecodedChunk, Mode, WriteError};
use crate::sync::wire::TablePlan;

/// A table that has begun.
#[derive(Debug)]
pub(super) struct Running {
    /// The local table: its schema, its name, and both as SQL has them.
    pub(super) local: Local,
    pub(super) load: Load,
    pub(super) mode: Mode,
    pub(super) commits: Commits,
    /// Whether a sync has made the table.
    pub(super) made: bool,
    pub(super) written: Vec<Written>,
    /// How many rows are written, those before an interruption included.
    pub(super) rows: u64,
    pub(super) stamp: Stamp,
}

/// The name of a local table.
#[derive(Clone, Debug)]
pub(super) struct Local {
    pub(super) schema: String,
    pub(super) name: String,
    /// Both as SQL has them; also what the table is called in its record.
    pub(super) at: String,
}

impl Local {
    pub(super) fn of(name: &TableName, home: &str) -> Self {
        let schema = name.schema.clone().unwrap_or_else(|| home.to_owned());
        let at = format!("{}.{}", quoted(&schema), quoted(&name.name));
        Self {
            schema,
            name: name.name.clone(),
            at,
        }
    }
}

impl Running {
    /// Opens the transaction of a chunk, unless one is open for the whole table.
    pub(super) async fn open(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        match self.commits {
            Commits::EachChunk => run(connection, "BEGIN").await,
            Commits::EachTable | Commits::AtTheEnd => Ok(()),
        }
    }

    /// Commits the transaction of a chunk.
    pub(super) async fn commit(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        match self.commits {
            Commits::EachChunk => run(connection, "COMMIT").await,
            Commits::EachTable | Commits::AtTheEnd => Ok(()),
        }
    }

    /// Whether a chunk with a row that is there already can be merged instead. Rows come twice
    /// where a sync goes on under another snapshot, or somebody else writes to the table.
    pub(super) fn may_turn_aside(&self) -> bool {
        self.mode == Mode::Merge && self.load.way() == Way::Direct
    }

    /// Gives up the transaction of a chunk and opens another, in which it is merged.
    pub(super) async fn turn_aside(
        &mut self,
        connection: &mut PgConnection,
    ) -> Result<(), sqlx::Error> {
        run(connection, "ROLLBACK").await?;
        self.load.turn_aside(connection).await?;
        self.open(connection).await
    }

    /// Writes into the table's record how far it has come.
    pub(super) async fn advance(
        &mut self,
        connection: &mut PgConnection,
        records: &Statements,
        chunk: &DecodedChunk,
        deed: Deed<'_>,
    ) -> Result<(), WriteError> {
        let advanced = sqlx::query(AssertSqlSafe(&*records.advance))
            .bind(chunk.cursor.as_ref().map(|cursor| &*cursor.0))
            .bind(i64::from(chunk.rows))
            .bind(&self.local.at)
            .bind(self.rows.cast_signed())
            .execute(connection);
        let advanced = advanced.await.map_err(|error| deed.refused(&error))?;
        expect_one(advanced.rows_affected(), &deed.table.name)?;
        self.rows += u64::from(chunk.rows);
        Ok(())
    }

    /// Makes what is made when all rows are there, and marks the table whole.
    pub(super) async fn finish(
        &self,
        connection: &mut PgConnection,
        records: &Statements,
        plan: &TablePlan,
        deed: Deed<'_>,
    ) -> Result<(), WriteError> {
        let refused = |error: sqlx::Error| deed.refused(&error);
        self.open(connection).await.map_err(refused)?;
        if self.made {
            self.add_unique_indexes(connection, plan)
                .await
                .map_err(refused)?;
        }
        self.move_sequences(connection).await.map_err(refused)?;
        let whole = sqlx::query(AssertSqlSafe(&*records.whole))
            .bind(&self.local.at)
            .bind(self.rows.cast_signed());
        let whole = whole.execute(&mut *connection).await.map_err(refused)?;
        expect_one(whole.rows_affected(), &deed.table.name)?;
        let done = sqlx::query(AssertSqlSafe(&*records.done))
            .bind(self.stamp.tables.as_slice())
            .bind(self.stamp.count);
        done.execute(&mut *connection).await.map_err(refused)?;
        // This commit is on disk before the table is said to be done, and with it all before.
        run(connection, "SET LOCAL synchronous_commit = on; COMMIT")
            .await
            .map_err(refused)
    }

    /// Adds the unique indexes of the source that the table does not have yet.
    async fn add_unique_indexes(
        &self,
        connection: &mut PgConnection,
        plan: &TablePlan,
    ) -> Result<(), sqlx::Error> {
        let Some(table) = catalog::read(connection, &self.local.schema, &self.local.name).await?
        else {
            return Err(sqlx::Error::RowNotFound);
        };
        for columns in missing_indexes(plan, &table) {
            let (at, columns) = (&self.local.at, quoted_list(columns));
            run(
                connection,
                &format!("CREATE UNIQUE INDEX ON {at} ({columns})"),
            )
            .await?;
        }
        Ok(())
    }

    /// Moves each sequence of the table past the values that were written, and never back.
    async fn move_sequences(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        let is_written = |name: &str| {
            self.written
                .iter()
                .any(|written| written.local.name == name)
        };
        for (column, sequence) in catalog::sequences(connection, &self.local.at).await? {
            if is_written(&column) {
                let (at, column) = (&self.local.at, quoted(&column));
                let literal = sequence.replace('\'', "''");
                let sql = format!(
                    "SELECT setval('{literal}', max({column})) FROM {at} \
                     HAVING max({column}) >= (SELECT last_value FROM {sequence})"
                );
                run(connection, &sql).await?;
            }
        }
        Ok(())
    }
}
