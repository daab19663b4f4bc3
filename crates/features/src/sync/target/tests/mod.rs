//! What a target must do, played with real databases and files.

mod everywhere;
mod files;
mod place;
mod postgres;
mod round_trip;
mod sqlite;

use sanitize::{Treatment, ValueKind};

use super::{DecodedChunk, Finished, Mode, Resume, Target, WriteError};
use crate::sync::cell::{Cell, RowsBuilder};
use crate::sync::table::{Column, Table, TableName};
use crate::sync::wire::{
    ColumnPlan, Cursor, Engine, Identity, Plan, Pseudonyms, Source, TablePlan,
};

/// A column of a PostgreSQL source that may be null.
pub(super) fn column(name: &str, declared: &str, kind: ValueKind) -> Column {
    Column {
        name: name.to_owned(),
        declared: declared.to_owned(),
        kind,
        max_chars: None,
        nullable: true,
        generated: false,
    }
}

/// The plan of a table in `public` that is kept as it is, with the first column as its key.
pub(super) fn table(name: &str, columns: Vec<Column>) -> TablePlan {
    let keep = ColumnPlan {
        treatment: Treatment::Keep,
        reason: String::new(),
    };
    TablePlan {
        columns: vec![keep; columns.len()],
        table: Table {
            name: TableName {
                schema: Some("public".to_owned()),
                name: name.to_owned(),
            },
            columns,
            key: vec![0],
            unique: Vec::new(),
            parents: Vec::new(),
            estimated_rows: 0,
        },
        rows: 0,
        limit: None,
    }
}

/// A table with a number for its key and a text.
pub(super) fn courses() -> TablePlan {
    let columns = vec![
        column("id", "bigint", ValueKind::Integer),
        column("title", "text", ValueKind::Text),
    ];
    table("courses", columns)
}

pub(super) fn plan_from(engine: Engine, tables: &[&TablePlan]) -> Plan {
    Plan {
        source: Source {
            identity: Identity {
                id: [7; 32],
                known_to_all: None,
            },
            engine,
        },
        pseudonyms: Pseudonyms {
            fingerprint: [9; 8],
            lasting: true,
        },
        tables: tables.iter().map(|&table| table.clone()).collect(),
        skipped: Vec::new(),
    }
}

pub(super) fn plan(tables: &[&TablePlan]) -> Plan {
    plan_from(Engine::Postgres, tables)
}

/// A chunk as it comes in, with a cursor that ends in its number.
pub(super) struct Chunk {
    rows: u32,
    cursor: Option<Cursor>,
    body: Vec<u8>,
}

impl Chunk {
    pub(super) fn new(number: u8, rows: &[&[Cell<'_>]]) -> Self {
        let mut builder = RowsBuilder::default();
        for row in rows {
            row.iter().for_each(|&cell| builder.cell(cell));
            builder.end_row();
        }
        Self {
            rows: builder.rows(),
            cursor: Some(cursor(number)),
            body: builder.body().to_vec(),
        }
    }

    pub(super) fn decoded(&self) -> DecodedChunk {
        DecodedChunk {
            rows: self.rows,
            cursor: self.cursor.clone(),
            body: self.body.clone(),
        }
    }
}

pub(super) fn cursor(number: u8) -> Cursor {
    Cursor(vec![0xc0, number])
}

/// A chunk of [`courses`].
pub(super) fn titles(number: u8, rows: &[(&str, &str)]) -> Chunk {
    let rows: Vec<_> = rows
        .iter()
        .map(|(id, title)| [Cell::Text(id), Cell::Text(title)])
        .collect();
    Chunk::new(
        number,
        &rows.iter().map(<[_; 2]>::as_slice).collect::<Vec<_>>(),
    )
}

/// Writes a whole table, from its beginning or from where an interrupted sync stopped.
pub(super) async fn write(
    target: &mut Target,
    plan: &TablePlan,
    mode: Mode,
    resume: Option<&Resume>,
    chunks: &[Chunk],
) -> Result<Finished, WriteError> {
    target.begin(plan, mode, resume).await?;
    for chunk in chunks {
        target.apply(plan, chunk.decoded()).await?;
    }
    target.finish(plan).await
}
