//! A table that has begun: its transactions, its record, and how it ends.

use std::sync::Arc;

use rusqlite::{Connection, params};

use super::error::Deed;
use super::insert::Insert;
use super::{catalog, ddl};
use crate::sync::table::Table;
use crate::sync::target::fit::missing_indexes;
use crate::sync::target::record::{Stamp, Statements, expect_one};
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
    pub(super) stamp: Stamp,
}

impl Running {
    /// Writes a chunk: its rows and how far the table has come, in one transaction.
    pub(super) fn apply(
        &mut self,
        connection: &Connection,
        records: &Statements,
        chunk: &DecodedChunk,
        deed: Deed<'_>,
    ) -> Result<(), WriteError> {
        self.open(connection)
            .map_err(|error| deed.refused(&error))?;
        self.insert.write(connection, chunk, deed)?;
        let cursor = chunk.cursor.as_ref().map(|cursor| &*cursor.0);
        let values = params![cursor, chunk.rows, self.local, self.rows.cast_signed()];
        let advanced = connection.execute(&records.advance, values);
        let advanced = advanced.map_err(|error| deed.refused(&error))?;
        expect_one(advanced as u64, &self.table.name)?;
        self.rows += u64::from(chunk.rows);
        self.commit(connection)
            .map_err(|error| deed.refused(&error))
    }

    /// Makes what is made when all rows are there, and marks the table whole.
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
        let values = params![self.local, self.rows.cast_signed()];
        let whole = connection.execute(&records.whole, values);
        expect_one(whole.map_err(refused)? as u64, &self.table.name)?;
        let values = params![self.stamp.tables, self.stamp.count];
        connection.execute(&records.done, values).map_err(refused)?;
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
            Commits::EachTable | Commits::AtTheEnd => Ok(()),
        }
    }

    /// Opens the transaction of a chunk, unless one is open for the whole table.
    fn open(&self, connection: &Connection) -> rusqlite::Result<()> {
        match self.commits {
            Commits::EachChunk => connection.execute_batch(BEGIN),
            Commits::EachTable | Commits::AtTheEnd => Ok(()),
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
