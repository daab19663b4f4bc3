//! Databases are read: all of them by the same rules, each by its own catalog.

use std::future::pending;

use testkit::postgres::{Database, database};

use super::*;
use crate::sync::table::{Column, KeyValue};

mod postgres_rows;
mod postgres_tables;
mod sqlite;

/// Keeps rows as text, each cell by [`shown`].
#[derive(Debug, Default)]
struct Collected {
    rows: Vec<Vec<String>>,
    /// The key of the last row.
    last: Option<KeyValues>,
    key: Vec<u16>,
}

impl RowSink for Collected {
    type Error = Refused;

    fn push(&mut self, cells: &[Cell<'_>]) -> Result<Fill, Refused> {
        let values = self
            .key
            .iter()
            .map(|&position| key_value(cells[usize::from(position)]));
        self.last = values.collect();
        self.rows.push(cells.iter().map(shown).collect());
        Ok(Fill::Room)
    }

    async fn flush(&mut self) -> Result<(), Refused> {
        unreachable!("it always has room")
    }
}

/// Takes some rows and then refuses, or never comes back.
#[derive(Debug)]
struct Stubborn {
    taken: usize,
    room: usize,
    then: Then,
}

#[derive(Debug)]
enum Then {
    Refuse,
    Hang,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("refused")]
struct Refused;

impl RowSink for Stubborn {
    type Error = Refused;

    fn push(&mut self, _: &[Cell<'_>]) -> Result<Fill, Refused> {
        assert!(
            self.taken < self.room,
            "a row was pushed before the flush that it asked for"
        );
        self.taken += 1;
        Ok(if self.taken == self.room {
            Fill::Full
        } else {
            Fill::Room
        })
    }

    async fn flush(&mut self) -> Result<(), Refused> {
        match self.then {
            Then::Refuse => Err(Refused),
            Then::Hang => pending().await,
        }
    }
}

fn key_value(cell: Cell<'_>) -> Option<KeyValue> {
    match cell {
        Cell::Null => None,
        Cell::Integer(value) => Some(KeyValue::Integer(value)),
        Cell::Real(value) => Some(KeyValue::Real(value)),
        Cell::Text(text) => Some(KeyValue::Text(text.to_owned())),
        Cell::Blob(bytes) => Some(KeyValue::Blob(bytes.to_vec())),
    }
}

fn shown(cell: &Cell<'_>) -> String {
    match cell {
        Cell::Null => "NULL".into(),
        Cell::Integer(value) => format!("{value}i"),
        Cell::Real(value) => format!("{value:?}r"),
        Cell::Text(text) => (*text).into(),
        Cell::Blob(bytes) => format!("{bytes:x?}"),
    }
}

async fn database_with(statements: &str) -> Database {
    let database = database().await;
    database.run(statements).await;
    database
}

async fn open(url: &str) -> Snapshot {
    Snapshot::open(&url.parse().unwrap()).await.unwrap()
}

/// Finds and describes a table.
async fn table(snapshot: &mut Snapshot, typed: &str) -> Table {
    let name = snapshot.find(typed).await.unwrap();
    snapshot.describe(&name).await.unwrap()
}

async fn rows(snapshot: &mut Snapshot, table: &Table, range: Range) -> Collected {
    let mut sink = Collected {
        key: table.key.clone(),
        ..Default::default()
    };
    snapshot.read(table, &range, &mut sink).await.unwrap();
    sink
}

async fn all_rows(snapshot: &mut Snapshot, typed: &str) -> Vec<Vec<String>> {
    let table = table(snapshot, typed).await;
    rows(snapshot, &table, Range::default()).await.rows
}

/// Reads a table in pieces of two rows, each from behind the last.
async fn in_pieces(snapshot: &mut Snapshot, table: &Table, order: Order) -> Vec<Vec<String>> {
    let mut all = Vec::new();
    let mut after = None;
    loop {
        let mut piece = rows(
            snapshot,
            table,
            Range {
                after,
                order,
                limit: Some(2),
            },
        )
        .await;
        if piece.rows.is_empty() {
            return all;
        }
        assert!(piece.rows.len() <= 2);
        all.append(&mut piece.rows);
        assert!(all.len() <= 100, "the same rows come again");
        after = piece.last;
    }
}

/// Holds what must hold for every key: all rows come, in either order, whole or in pieces.
async fn reads_alike_in_pieces(snapshot: &mut Snapshot, typed: &str, expected: usize) {
    let table = table(snapshot, typed).await;
    assert!(!table.key.is_empty(), "{typed} has no key");
    let mut whole = rows(snapshot, &table, Range::default()).await.rows;
    assert_eq!(whole.len(), expected, "{typed}");
    assert_eq!(
        in_pieces(snapshot, &table, Order::Ascending).await,
        whole,
        "{typed}"
    );
    whole.reverse();
    assert_eq!(
        in_pieces(snapshot, &table, Order::Newest).await,
        whole,
        "{typed}"
    );
}

/// Holds what must hold after a read that ended early, for whatever reason.
async fn survives_an_early_end(snapshot: &mut Snapshot, table: &Table, expected: usize) {
    let mut refusing = Stubborn {
        taken: 0,
        room: 3,
        then: Then::Refuse,
    };
    let refused = snapshot.read(table, &Range::default(), &mut refusing).await;
    assert!(matches!(refused, Err(RowsError::Sink(Refused))));
    assert_eq!(
        rows(snapshot, table, Range::default()).await.rows.len(),
        expected
    );

    let mut hanging = Stubborn {
        taken: 0,
        room: 3,
        then: Then::Hang,
    };
    {
        let range = Range::default();
        let mut read = std::pin::pin!(snapshot.read(table, &range, &mut hanging));
        // Polled until it hangs in the flush, then dropped.
        let dropped = tokio::time::timeout(Duration::from_millis(200), &mut read).await;
        assert!(dropped.is_err());
    }
    assert_eq!(hanging.taken, 3);
    assert_eq!(
        rows(snapshot, table, Range::default()).await.rows.len(),
        expected
    );
}

fn column<'t>(table: &'t Table, name: &str) -> &'t Column {
    table
        .columns
        .iter()
        .find(|column| column.name == name)
        .unwrap()
}

fn names(tables: &[TableName]) -> Vec<String> {
    tables.iter().map(ToString::to_string).collect()
}
