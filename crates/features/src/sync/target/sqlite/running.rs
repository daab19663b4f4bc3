//! A table that has begun: its transactions, its record, and how it ends.

use std::sync::Arc;

use rusqlite::{Connection, params};

use super::error::Deed;
use super::insert::Insert;
use super::{catalog, ddl};
use crate::sync::table::Table;
use crate::sync::target::fit::missing_indexes;
use crate::sync::target::record::Statements;
use crate::sync::target::{Commits, DecodedChunk, Finished, WriteError};
use crate::sync::wire::TablePlan;

/// A table that has begun.
#[derive(Debug)]
pub(super) struct Running {
    /// The table in the plan.
    pub(super) table: Arc<Table>,
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
    /// Writes a chunk: its rows and how far the table has come, in one transaction.
    pub(super) fn apply(
        &mut self,
        connection: &Connection,
        records: &Statements,
        chunk: DecodedChunk<'_>,
        deed: Deed<'_>,
    ) -> Result<(), WriteError> {
        self.open(connection)
            .map_err(|error| deed.refused(&error))?;
        self.insert.write(connection, chunk, deed)?;
        let cursor = chunk.cursor.map(|cursor| &*cursor.0);
        let values = params![cursor, chunk.rows, self.local, self.rows.cast_signed()];
        let advanced = connection.execute(&records.advance, values);
        self.expect_one(advanced.map_err(|error| deed.refused(&error))?)?;
        self.rows += u64::from(chunk.rows);
        self.commit(connection)
            .map_err(|error| deed.refused(&error))
    }

    /// Makes what is made when all rows are there, and marks the table done.
    pub(super) fn finish(
        &self,
        connection: &Connection,
        records: &Statements,
        plan: &TablePlan,
        deed: Deed<'_>,
    ) -> Result<Finished, WriteError> {
        let refused = |error| deed.refused(&error);
        self.open(connection).map_err(refused)?;
        if self.made {
            self.add_unique_indexes(connection, plan).map_err(refused)?;
        }
        let done = connection.execute(&records.done, params![self.local, self.rows.cast_signed()]);
        self.expect_one(done.map_err(refused)?)?;
        // What was committed is on disk before the table is said to be done. A reader may keep
        // some of it from moving out of the journal; it is safe there too.
        connection
            .execute_batch("COMMIT; PRAGMA wal_checkpoint(PASSIVE)")
            .map_err(refused)?;
        // A foreign key to a table that is not here, or to columns that are not unique, cannot be
        // checked; that is the local schema's own matter.
        let dangling = catalog::count_dangling(connection, &self.local).unwrap_or(0);
        Ok(Finished {
            rows: self.rows,
            dangling,
        })
    }

    /// Commits the transaction of a chunk.
    pub(super) fn commit(&self, connection: &Connection) -> rusqlite::Result<()> {
        match self.commits {
            Commits::EachChunk => connection.execute_batch("COMMIT"),
            Commits::AtTheEnd => Ok(()),
        }
    }

    /// Opens the transaction of a chunk, unless one is open for the whole table.
    fn open(&self, connection: &Connection) -> rusqlite::Result<()> {
        match self.commits {
            Commits::EachChunk => connection.execute_batch(BEGIN),
            Commits::AtTheEnd => Ok(()),
        }
    }

    fn expect_one(&self, records: usize) -> Result<(), WriteError> {
        if records == 1 {
            Ok(())
        } else {
            Err(WriteError::Overtaken {
                table: self.table.name.to_string(),
            })
        }
    }

    /// Adds the unique indexes of the source that the table does not have yet.
    fn add_unique_indexes(
        &self,
        connection: &Connection,
        plan: &TablePlan,
    ) -> rusqlite::Result<()> {
        let table = catalog::read(connection, &self.local)?;
        let (_, table) = table.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
        for columns in missing_indexes(plan, &table) {
            connection.execute_batch(&ddl::create_unique_index(&self.local, &columns))?;
        }
        Ok(())
    }
}

/// The lock for writing is waited for here, and not in the middle of the rows.
pub(super) const BEGIN: &str = "BEGIN IMMEDIATE";
