//! Rows as `INSERT` statements of many rows each.

use std::sync::Arc;

use sqlx::sqlite::{SqliteArguments, SqliteConnection};
use sqlx::{Arguments, AssertSqlSafe};

use super::bind::Binder;
use super::error::Deed;
use crate::sync::cell::{Cell, RowsReader};
use crate::sync::target::local::{Written, key};
use crate::sync::target::names::{quoted, quoted_list};
use crate::sync::target::{DecodedChunk, Mode, WriteError};
use crate::sync::wire::{Engine, TablePlan};

/// Writes the rows of one table.
#[derive(Debug)]
pub(super) struct Insert {
    columns: Vec<Binder>,
    parts: Parts,
    /// How many rows the statement has that is prepared once.
    rows_at_once: u32,
    full: Arc<str>,
}

/// The parts of the statement before, for each, and after its rows.
#[derive(Debug)]
struct Parts {
    head: String,
    row: String,
    tail: String,
}

impl Insert {
    /// Prepares to write the columns `written` of the plan into the table `name`.
    pub(super) fn new(
        name: &str,
        plan: &TablePlan,
        mode: Mode,
        written: &[Written],
        engine: Engine,
    ) -> Self {
        let columns: Vec<_> = written
            .iter()
            .map(|column| Binder::of(plan, column.position, engine))
            .collect();
        let parts = Parts::new(name, plan, mode, written);
        let rows_at_once = (MAX_BINDS / columns.len().max(1)).clamp(1, ROWS_AT_ONCE) as u32;
        let full = parts.statement(rows_at_once).into();
        Self {
            columns,
            parts,
            rows_at_once,
            full,
        }
    }

    /// Writes the rows of a chunk within the transaction that is open.
    pub(super) async fn write(
        &self,
        connection: &mut SqliteConnection,
        chunk: DecodedChunk<'_>,
        deed: Deed<'_>,
    ) -> Result<(), WriteError> {
        let mut rows = RowsReader::new(chunk.body);
        let mut left = chunk.rows;
        while left > 0 {
            let now = left.min(self.rows_at_once);
            let arguments = self.arguments(&mut rows, now, deed)?;
            self.execute(connection, now, arguments)
                .await
                .map_err(|error| deed.refused(&error))?;
            left -= now;
        }
        if rows.is_at_end() {
            Ok(())
        } else {
            Err(WriteError::RowCount {
                table: deed.table.name.to_string(),
            })
        }
    }

    fn arguments(
        &self,
        from: &mut RowsReader<'_>,
        rows: u32,
        deed: Deed<'_>,
    ) -> Result<SqliteArguments, WriteError> {
        let mut arguments = SqliteArguments::default();
        arguments.reserve(rows as usize * self.columns.len(), 0);
        let mut row = vec![Cell::Null; deed.table.columns.len()];
        for _ in 0..rows {
            from.row(&mut row).map_err(|source| WriteError::Body {
                table: deed.table.name.to_string(),
                source,
            })?;
            for column in &self.columns {
                column.bind(&row, &mut arguments);
            }
        }
        Ok(arguments)
    }

    async fn execute(
        &self,
        connection: &mut SqliteConnection,
        rows: u32,
        arguments: SqliteArguments,
    ) -> Result<(), sqlx::Error> {
        let insert = if rows == self.rows_at_once {
            sqlx::query_with(AssertSqlSafe(Arc::clone(&self.full)), arguments)
        } else {
            sqlx::query_with(AssertSqlSafe(self.parts.statement(rows)), arguments).persistent(false)
        };
        insert.execute(connection).await.map(drop)
    }
}

impl Parts {
    fn new(name: &str, plan: &TablePlan, mode: Mode, written: &[Written]) -> Self {
        let columns = quoted_list(written.iter().map(|column| &*column.local.name));
        let marks = vec!["?"; written.len()].join(",");
        Self {
            head: format!("INSERT INTO {} ({columns}) VALUES ", quoted(name)),
            row: format!("({marks})"),
            tail: if mode == Mode::Merge {
                merge(name, plan, written)
            } else {
                String::new()
            },
        }
    }

    fn statement(&self, rows: u32) -> String {
        let Self { head, row, tail } = self;
        let rows = vec![&**row; rows as usize].join(",");
        [head, &*rows, tail].concat()
    }
}

/// Writes what happens to a row whose key is there: it is updated, if anything in it differs. To
/// write what is there already would touch every index, and is most of what a second sync brings.
fn merge(name: &str, plan: &TablePlan, written: &[Written]) -> String {
    let key = key(plan, written);
    let others: Vec<_> = written
        .iter()
        .map(|column| &*column.local.name)
        .filter(|name| !key.contains(name))
        .map(quoted)
        .collect();
    let each = |pattern: &dyn Fn(&String) -> String| {
        others.iter().map(pattern).collect::<Vec<_>>().join(", ")
    };
    let table = quoted(name);
    let action = if others.is_empty() {
        "NOTHING".to_owned()
    } else {
        // Rows are compared as such: as a chain of `OR` they would be too deep for SQLite.
        format!(
            "UPDATE SET {} WHERE ({}) IS NOT ({})",
            each(&|column| format!("{column} = excluded.{column}")),
            each(&|column| format!("{table}.{column}")),
            each(&|column| format!("excluded.{column} COLLATE BINARY")),
        )
    };
    format!(" ON CONFLICT ({}) DO {action}", quoted_list(key))
}

/// Each statement is a message to SQLite's thread, which must not cost more than its rows.
const ROWS_AT_ONCE: usize = 500;

/// SQLite's own limit for the parameters of one statement, unless it was built with another.
const MAX_BINDS: usize = 32_766;
