//! Production in memory: its tables, which sync reads, and its log, of which each start of the server
//! remembers its own part.

use std::sync::{Arc, Mutex, MutexGuard};

use features::sync::cell::Cell;
use features::sync::source::{
    Database, Fill, FindError, Range, ReadError, RowSink, RowsError, View,
};
use features::sync::table::{Column, KeyValue, Table, TableName};
use features::sync::wire::{Engine, Identity, Source};
use sanitize::ValueKind;
use testkit::luck::Luck;

/// Production's tables, of which a view shows what is there when it is opened.
#[derive(Clone, Debug)]
pub(crate) struct Tables(Arc<Mutex<Arc<Vec<Filled>>>>);

/// A table with its rows, in the order of its key.
#[derive(Clone, Debug)]
pub(crate) struct Filled {
    pub(crate) table: Table,
    pub(crate) rows: Vec<[KeyValue; 2]>,
}

/// What is there at one moment.
#[derive(Debug)]
pub(crate) struct Moment {
    source: Source,
    tables: Arc<Vec<Filled>>,
}

impl Tables {
    pub(crate) fn new() -> Self {
        Self(Arc::default())
    }

    /// Replaces all rows by new ones.
    pub(crate) fn fill(&self, luck: &mut Luck) {
        let mut number = luck.below(1 << 30);
        let mut filled = |name, key, declared: &str, rows| {
            let rows: Vec<_> = (0..rows)
                .map(|_| {
                    number += 1 + luck.below(9);
                    let key = match declared {
                        "INTEGER" => KeyValue::Integer(number.cast_signed()),
                        _ => KeyValue::Text(format!("{number:010}")),
                    };
                    [key, KeyValue::Text(words(number, luck))]
                })
                .collect();
            let table = table(name, key, declared, rows.len() as u64);
            Filled { table, rows }
        };
        let tables = vec![
            filled(EVENTS, vec![0], "INTEGER", 800),
            filled(LOOSE, Vec::new(), "INTEGER", 200),
            filled(NOTES, vec![0], "TEXT", 300),
        ];
        *self.lock() = Arc::new(tables);
    }

    /// Returns all rows as they are now.
    pub(crate) fn all(&self) -> Arc<Vec<Filled>> {
        Arc::clone(&self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Arc<Vec<Filled>>> {
        self.0.lock().expect("nobody panics here")
    }
}

impl Database for Tables {
    type View = Moment;

    async fn open(&self) -> Result<Moment, ReadError> {
        let identity = Identity {
            id: [7; 32],
            known_to_all: None,
        };
        Ok(Moment {
            source: Source {
                identity,
                engine: Engine::Sqlite,
            },
            tables: self.all(),
        })
    }
}

impl View for Moment {
    fn source(&self) -> &Source {
        &self.source
    }

    async fn tables(&mut self) -> Result<Vec<TableName>, ReadError> {
        let names = self.tables.iter().map(|filled| filled.table.name.clone());
        Ok(names.collect())
    }

    async fn find(&mut self, typed: &str) -> Result<TableName, FindError> {
        Ok(name(typed))
    }

    async fn describe(&mut self, name: &TableName) -> Result<Table, ReadError> {
        self.filled(name).map(|filled| filled.table.clone())
    }

    async fn read<S: RowSink>(
        &mut self,
        table: &Table,
        range: &Range,
        sink: &mut S,
    ) -> Result<(), RowsError<S::Error>> {
        let filled = self.filled(&table.name)?;
        let first = match range.after.as_deref() {
            None => 0,
            Some([key]) => 1 + filled.place_of(key)?,
            Some(_) => return Err(filled.no_place().into()),
        };
        for row in &filled.rows[first..] {
            let cells = [cell(&row[0]), cell(&row[1])];
            if sink.push(&cells).map_err(RowsError::Sink)? == Fill::Full {
                sink.flush().await.map_err(RowsError::Sink)?;
            }
        }
        Ok(())
    }

    async fn close(self) {}
}

impl Moment {
    fn filled(&self, name: &TableName) -> Result<&Filled, ReadError> {
        let mut tables = self.tables.iter();
        let found = tables.find(|filled| filled.table.name == *name);
        found.ok_or_else(|| ReadError::Changed {
            table: name.clone(),
        })
    }
}

impl Filled {
    fn place_of(&self, key: &KeyValue) -> Result<usize, ReadError> {
        let place = self.rows.iter().position(|row| row[0] == *key);
        place.ok_or_else(|| self.no_place())
    }

    fn no_place(&self) -> ReadError {
        ReadError::Position {
            table: self.table.name.clone(),
        }
    }
}

fn name(name: &str) -> TableName {
    TableName {
        schema: None,
        name: name.to_owned(),
    }
}

fn table(table: &str, key: Vec<u16>, declared: &str, rows: u64) -> Table {
    let column = |name: &str, declared: &str, kind| Column {
        name: name.to_owned(),
        declared: declared.to_owned(),
        kind,
        max_chars: None,
        nullable: false,
        generated: false,
    };
    let kind = match declared {
        "INTEGER" => ValueKind::Integer,
        _ => ValueKind::Text,
    };
    Table {
        name: name(table),
        columns: vec![
            column("id", declared, kind),
            column("words", "TEXT", ValueKind::Text),
        ],
        key,
        unique: Vec::new(),
        parents: Vec::new(),
        estimated_rows: rows,
    }
}

fn cell(value: &KeyValue) -> Cell<'_> {
    match value {
        KeyValue::Integer(number) => Cell::Integer(*number),
        KeyValue::Real(number) => Cell::Real(*number),
        KeyValue::Text(text) => Cell::Text(text),
        KeyValue::Blob(bytes) => Cell::Blob(bytes),
    }
}

/// Returns a text that no other row has: long, so that a few thousand rows are many chunks, and of
/// which little is left when it is compressed, so that a slow link carries many of them in an hour.
fn words(number: u64, luck: &mut Luck) -> String {
    let new: String = (0..20)
        .map(|_| format!("{:016x}", luck.below(u64::MAX)))
        .collect();
    format!("{number} {new} {}", "and so on ".repeat(300))
}

pub(crate) const EVENTS: &str = "events";
/// Has no key, so that a loss makes it begin anew.
pub(crate) const LOOSE: &str = "loose";
pub(crate) const NOTES: &str = "notes";
