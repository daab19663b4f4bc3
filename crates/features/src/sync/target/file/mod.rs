//! Writing a file: JSON, newline-delimited JSON or CSV.
//!
//! Of several tables a `.json` file is an object of arrays by the tables' names; the other
//! formats hold one table.

mod format;
mod part;
mod text;

use std::io;

use self::format::Format;
use self::part::Part;
use self::text::FieldWriter;
use super::current::Current;
use super::form::Form;
use super::{DecodedChunk, Finished, Found, Holds, WriteError};
use crate::sync::cell::{Cell, RowsReader};
use crate::sync::json::push_string;
use crate::sync::wire::{Engine, Plan, TablePlan};

pub use self::format::OutputFile;

/// A file that is written to.
#[derive(Debug)]
pub(super) struct FileTarget {
    part: Part,
    layout: Layout,
    /// The kind of database that the rows come from.
    engine: Engine,
    /// How many tables have begun.
    begun: usize,
    running: Current<Running>,
    /// What will be written next; kept for its memory.
    buffer: String,
}

/// How tables and rows are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layout {
    /// An array of objects.
    JsonArray,
    /// An object of arrays of objects.
    JsonObject,
    /// An object a line.
    Ndjson,
    /// A line of names and a line for each row.
    Csv,
}

/// A table that has begun.
#[derive(Debug)]
struct Running {
    columns: Vec<FieldWriter>,
    rows: u64,
}

impl FileTarget {
    pub(super) async fn open(file: &OutputFile, plan: &Plan) -> Result<Self, WriteError> {
        let layout = match (file.format(), plan.tables.len()) {
            (Format::Json, 0 | 1) => Layout::JsonArray,
            (Format::Json, _) => Layout::JsonObject,
            (Format::Ndjson, 0 | 1) => Layout::Ndjson,
            (Format::Csv, 0 | 1) => Layout::Csv,
            (Format::Ndjson | Format::Csv, _) => {
                return Err(WriteError::OneTable {
                    path: file.path().to_owned(),
                });
            }
        };
        Ok(Self {
            part: Part::create(file.path()).await?,
            layout,
            engine: plan.source.engine,
            begun: 0,
            running: Current::NONE,
            buffer: layout.head().to_owned(),
        })
    }

    /// Says that nothing is there: the file is made anew.
    pub(super) const fn inspect() -> Found {
        Found {
            holds: Holds::Missing,
            problems: Vec::new(),
        }
    }

    pub(super) async fn begin(&mut self, plan: &TablePlan) -> Result<(), WriteError> {
        let name = plan.table.name.clone();
        match self.layout {
            Layout::JsonArray | Layout::Ndjson => {}
            Layout::JsonObject => {
                self.buffer
                    .push_str(if self.begun == 0 { "\n" } else { ",\n" });
                push_string(&name.to_string(), &mut self.buffer);
                self.buffer.push_str(": [");
            }
            Layout::Csv => text::push_header(&plan.table, &mut self.buffer),
        }
        self.begun += 1;
        let columns = plan.table.columns.iter();
        let columns = columns
            .map(|column| FieldWriter::new(&column.name, Form::of(column, self.engine)))
            .collect();
        self.running.begin(&name, Running { columns, rows: 0 });
        self.flush().await
    }

    pub(super) async fn apply(
        &mut self,
        plan: &TablePlan,
        chunk: &DecodedChunk,
    ) -> Result<(), WriteError> {
        let running = self.running.of(&plan.table.name)?;
        let table = || plan.table.name.to_string();
        let mut rows = RowsReader::new(&chunk.body);
        let mut row = vec![Cell::Null; running.columns.len()];
        for _ in 0..chunk.rows {
            rows.row(&mut row).map_err(|source| WriteError::Body {
                table: table(),
                source,
            })?;
            running.push_row(self.layout, &row, &mut self.buffer);
        }
        if !rows.is_at_end() {
            return Err(WriteError::RowCount { table: table() });
        }
        self.flush().await
    }

    pub(super) fn finish(&mut self, plan: &TablePlan) -> Result<Finished, WriteError> {
        let rows = self.running.of(&plan.table.name)?.rows;
        self.running.end();
        if self.layout == Layout::JsonObject {
            self.buffer.push_str(if rows == 0 { "]" } else { "\n]" });
        }
        Ok(Finished { rows, dangling: 0 })
    }

    pub(super) async fn close(mut self) -> Result<(), WriteError> {
        self.buffer.push_str(self.layout.tail());
        self.flush().await?;
        self.part.put_in_place().await
    }

    /// Removes what was written.
    pub(super) fn abandon(self) {
        drop(self.part);
    }

    async fn flush(&mut self) -> Result<(), WriteError> {
        self.part.write(self.buffer.as_bytes()).await?;
        self.buffer.clear();
        Ok(())
    }
}

impl Running {
    fn push_row(&mut self, layout: Layout, row: &[Cell<'_>], out: &mut String) {
        match layout {
            Layout::JsonArray | Layout::JsonObject => {
                out.push_str(if self.rows == 0 { "\n" } else { ",\n" });
                text::push_object(&self.columns, row, out);
            }
            Layout::Ndjson => {
                text::push_object(&self.columns, row, out);
                out.push('\n');
            }
            Layout::Csv => text::push_line(&self.columns, row, out),
        }
        self.rows += 1;
    }
}

impl Layout {
    const fn head(self) -> &'static str {
        match self {
            Self::JsonArray => "[",
            Self::JsonObject => "{",
            Self::Ndjson | Self::Csv => "",
        }
    }

    const fn tail(self) -> &'static str {
        match self {
            Self::JsonArray => "\n]\n",
            Self::JsonObject => "\n}\n",
            Self::Ndjson | Self::Csv => "",
        }
    }
}

/// Whether there is no room left, on the disk or by the user's quota.
fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}
