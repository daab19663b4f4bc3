//! Rows on their way into one table: by `COPY` straight into it, or aside and merged from there.

use sqlx::postgres::PgCopyIn;
use sqlx::{AssertSqlSafe, PgConnection};

use super::copy::{CopyColumn, Encoder, Takes};
use super::error::Deed;
use crate::sync::cell::{Cell, RowsReader};
use crate::sync::target::local::{Role, Written, key};
use crate::sync::target::names::{quoted, quoted_list};
use crate::sync::target::{DecodedChunk, WriteError};
use crate::sync::wire::TablePlan;

/// Writes the chunks of one table.
#[derive(Debug)]
pub(super) struct Load {
    way: Way,
    encoder: Encoder,
    /// Encoded rows that have not been sent; kept for its memory.
    buffer: Vec<u8>,
    statements: Statements,
}

/// The way that rows take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Straight into the table: the fastest, for rows whose keys are not there.
    Direct,
    /// Into a temporary table, and from there merged by key.
    Aside,
}

#[derive(Debug)]
struct Statements {
    copy: String,
    make_aside: String,
    copy_aside: String,
    merge: String,
}

impl Load {
    /// Prepares to write the columns `written` of the plan into the table `at`.
    pub(super) fn new(at: &str, plan: &TablePlan, written: &[Written]) -> Self {
        let columns = written.iter().map(|column| CopyColumn {
            position: column.position,
            takes: if column.local.declared == "bytea" {
                Takes::Bytes
            } else {
                Takes::Text
            },
        });
        Self {
            way: Way::Direct,
            encoder: Encoder::new(columns.collect()),
            buffer: Vec::new(),
            statements: Statements::new(at, plan, written),
        }
    }

    /// Returns the way that rows take.
    pub(super) const fn way(&self) -> Way {
        self.way
    }

    /// Turns to merging, from the next chunk on.
    pub(super) async fn turn_aside(
        &mut self,
        connection: &mut PgConnection,
    ) -> Result<(), sqlx::Error> {
        self.way = Way::Aside;
        sqlx::raw_sql(AssertSqlSafe(&*self.statements.make_aside))
            .execute(connection)
            .await
            .map(drop)
    }

    /// Writes the rows of a chunk within the transaction that is open.
    pub(super) async fn write(
        &mut self,
        connection: &mut PgConnection,
        chunk: &DecodedChunk,
        deed: Deed<'_>,
    ) -> Result<(), WriteError> {
        match self.way {
            Way::Direct => self.copy(connection, chunk, deed).await,
            Way::Aside => {
                self.copy(connection, chunk, deed).await?;
                let merge =
                    sqlx::raw_sql(AssertSqlSafe(&*self.statements.merge)).execute(connection);
                merge.await.map(drop).map_err(|error| deed.refused(&error))
            }
        }
    }

    async fn copy(
        &mut self,
        connection: &mut PgConnection,
        chunk: &DecodedChunk,
        deed: Deed<'_>,
    ) -> Result<(), WriteError> {
        let statement = match self.way {
            Way::Direct => &self.statements.copy,
            Way::Aside => &self.statements.copy_aside,
        };
        let mut copy = connection
            .copy_in_raw(statement)
            .await
            .map_err(|error| deed.refused(&error))?;
        match self.send(&mut copy, chunk, deed).await {
            Ok(()) => copy
                .finish()
                .await
                .map(drop)
                .map_err(|error| deed.refused(&error)),
            Err(error) => {
                // The error that counts is ours; the server answers an abort with one of its own.
                copy.abort("the rows cannot be written").await.ok();
                Err(error)
            }
        }
    }

    async fn send(
        &mut self,
        copy: &mut PgCopyIn<&mut PgConnection>,
        chunk: &DecodedChunk,
        deed: Deed<'_>,
    ) -> Result<(), WriteError> {
        let table = deed.table;
        let mut rows = RowsReader::new(&chunk.body);
        let mut row = vec![Cell::Null; table.columns.len()];
        self.buffer.clear();
        for _ in 0..chunk.rows {
            rows.row(&mut row).map_err(|source| WriteError::Body {
                table: table.name.to_string(),
                source,
            })?;
            self.encoder
                .push_row(&row, &mut self.buffer)
                .map_err(|misfit| WriteError::Value {
                    table: table.name.to_string(),
                    column: table
                        .columns
                        .get(misfit.position)
                        .map(|column| column.name.clone()),
                    reason: misfit.reason,
                })?;
            if self.buffer.len() >= PIECE {
                copy.send(&*self.buffer)
                    .await
                    .map_err(|error| deed.refused(&error))?;
                self.buffer.clear();
            }
        }
        if !rows.is_at_end() {
            return Err(WriteError::RowCount {
                table: table.name.to_string(),
            });
        }
        copy.send(&*self.buffer)
            .await
            .map(drop)
            .map_err(|error| deed.refused(&error))
    }
}

impl Statements {
    fn new(at: &str, plan: &TablePlan, written: &[Written]) -> Self {
        let columns = quoted_list(written.iter().map(|column| &*column.local.name));
        Self {
            copy: format!("COPY {at} ({columns}) FROM STDIN"),
            // It has the columns' types and none of their constraints.
            make_aside: format!(
                "DROP TABLE IF EXISTS pg_temp.{ASIDE}; \
                 CREATE TEMPORARY TABLE {ASIDE} ON COMMIT DELETE ROWS AS SELECT {columns} FROM {at} WITH NO DATA"
            ),
            copy_aside: format!("COPY pg_temp.{ASIDE} ({columns}) FROM STDIN"),
            merge: format!(
                "INSERT INTO {at} AS here ({columns}) OVERRIDING SYSTEM VALUE SELECT {columns} FROM pg_temp.{ASIDE} \
                 {}",
                on_conflict(plan, written)
            ),
        }
    }
}

/// Writes what happens to a row whose key is there: it is updated, if anything in it differs. To
/// write what is there already would leave a dead row behind, and is most of what a second sync
/// brings.
fn on_conflict(plan: &TablePlan, written: &[Written]) -> String {
    let key = key(plan, written);
    let others: Vec<_> = written
        .iter()
        // What is always an identity may be inserted, but never updated.
        .filter(|column| !key.contains(&&*column.local.name) && column.local.role == Role::Plain)
        .map(|column| quoted(&column.local.name))
        .collect();
    let action = if others.is_empty() {
        "NOTHING".to_owned()
    } else {
        let each = |pattern: fn(&String) -> String| {
            others.iter().map(pattern).collect::<Vec<_>>().join(", ")
        };
        // `*<>` compares bytes: not every type has an equality, nor does every equality see case
        // or trailing zeros. The casts make operands of what would be a syntax of its own.
        format!(
            "UPDATE SET {} WHERE ROW({})::record *<> ROW({})::record",
            each(|column| format!("{column} = excluded.{column}")),
            each(|column| format!("here.{column}")),
            each(|column| format!("excluded.{column}"))
        )
    };
    format!("ON CONFLICT ({}) DO {action}", quoted_list(key))
}

/// How many bytes are sent at once: each piece is a write to the socket and is parsed by the
/// backend while the next one is encoded, and beyond this size nothing more is gained.
const PIECE: usize = 96 * 1024;

/// The temporary table that chunks are merged from.
const ASIDE: &str = "_tunnel_sync_rows";
