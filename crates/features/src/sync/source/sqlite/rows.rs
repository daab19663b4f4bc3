//! Rows out of SQLite: one statement for the whole range, stepped by a thread of its own that stays
//! a few rows ahead.

use std::path::Path;

use futures_util::TryStreamExt as _;
use sqlx::sqlite::{Sqlite, SqliteArguments, SqliteConnection, SqliteRow, SqliteValueRef};
use sqlx::{AssertSqlSafe, Decode, Row as _, TypeInfo as _, ValueRef as _};

use super::super::cells::recycled;
use super::super::{Fill, Order, Range, ReadError, RowSink, RowsError, quote};
use super::catalog::{self, IndexColumn};
use super::failure::failed;
use crate::sync::cell::Cell;
use crate::sync::table::{KeyValue, Table};

/// Reads the rows of a range into a sink.
pub(super) async fn read<S: RowSink>(
    connection: &mut SqliteConnection,
    path: &Path,
    table: &Table,
    range: &Range,
    sink: &mut S,
) -> Result<(), RowsError<S::Error>> {
    let failed = |error| failed(path, "read rows", &error);
    let indexes = catalog::unique_indexes(connection, &table.name.name).await.map_err(failed)?;
    let wanted: Vec<_> = table.key_columns().map(|column| column.name.as_str()).collect();
    let key = indexes.into_iter().map(|index| index.columns).find(|columns| {
        columns.iter().map(|column| column.name.as_str()).eq(wanted.iter().copied())
    });
    if !wanted.is_empty() && key.is_none() {
        return Err(ReadError::Changed { table: table.name.clone() }.into());
    }
    let sql = select(table, range, &key.unwrap_or_default())?;
    let statement = bound(&sql, range.after.as_deref().unwrap_or_default());
    let mut rows = statement.persistent(false).fetch(connection);
    let mut cells = Vec::with_capacity(table.columns.len());
    while let Some(row) = rows.try_next().await.map_err(failed)? {
        if push(&row, &mut cells, sink, path)? == Fill::Full {
            sink.flush().await.map_err(RowsError::Sink)?;
        }
    }
    Ok(())
}

/// Writes the statement, with a `?` for each value of the key to go on from.
fn select(table: &Table, range: &Range, key: &[IndexColumn]) -> Result<String, ReadError> {
    let changed = || ReadError::Changed { table: table.name.clone() };
    let names: Option<Vec<_>> = table.columns.iter().map(|column| quote::identifier(&column.name)).collect();
    let from = quote::identifier(&table.name.name).ok_or_else(changed)?;
    let mut sql = format!("SELECT {} FROM {from}", names.ok_or_else(changed)?.join(", "));
    let key: Vec<_> = key.iter().map(expression).collect::<Option<_>>().ok_or_else(changed)?;
    let (beyond, direction) = match range.order {
        Order::Ascending => (">", ""),
        Order::Newest => ("<", " DESC"),
    };
    if let Some(values) = &range.after {
        if key.is_empty() || key.len() != values.len() {
            return Err(ReadError::Position { table: table.name.clone() });
        }
        sql += &format!(" WHERE ({}) {beyond} ({})", key.join(", "), vec!["?"; key.len()].join(", "));
    }
    if !key.is_empty() {
        let ordered: Vec<_> = key.iter().map(|column| format!("{column}{direction}")).collect();
        sql += &format!(" ORDER BY {}", ordered.join(", "));
    }
    if let Some(limit) = range.limit {
        // SQLite's numbers have a sign, and a negative limit is none.
        sql += &format!(" LIMIT {}", i64::try_from(limit).unwrap_or(i64::MAX));
    }
    Ok(sql)
}

fn expression(column: &IndexColumn) -> Option<String> {
    let name = quote::identifier(&column.name)?;
    match &column.collation {
        Some(collation) => Some(format!("{name} COLLATE {}", quote::identifier(collation)?)),
        None => Some(name),
    }
}

fn bound<'q>(sql: &str, values: &[KeyValue]) -> sqlx::query::Query<'q, Sqlite, SqliteArguments> {
    let statement = sqlx::query(AssertSqlSafe(sql.to_owned()));
    values.iter().fold(statement, |statement, value| match value {
        KeyValue::Integer(number) => statement.bind(*number),
        KeyValue::Real(number) => statement.bind(*number),
        KeyValue::Text(text) => statement.bind(text.clone()),
        KeyValue::Blob(bytes) => statement.bind(bytes.clone()),
    })
}

fn push<S: RowSink>(
    row: &SqliteRow,
    memory: &mut Vec<Cell<'static>>,
    sink: &mut S,
    path: &Path,
) -> Result<Fill, RowsError<S::Error>> {
    let mut cells = recycled(std::mem::take(memory));
    for position in 0..row.len() {
        cells.push(cell(row, position).map_err(|error| failed(path, "read a value", &error))?);
    }
    let fill = sink.push(&cells).map_err(RowsError::Sink);
    *memory = recycled(cells);
    fill
}

/// Borrows a value as SQLite keeps it, whatever its column says.
fn cell(row: &SqliteRow, position: usize) -> Result<Cell<'_>, sqlx::Error> {
    let value = row.try_get_raw(position)?;
    if value.is_null() {
        return Ok(Cell::Null);
    }
    match value.type_info().name() {
        "INTEGER" => decoded(value).map(Cell::Integer),
        "REAL" => decoded(value).map(Cell::Real),
        // Text in no encoding that we know is bytes.
        "TEXT" => decoded(value).map(Cell::Text).or_else(|_: sqlx::Error| {
            decoded(row.try_get_raw(position)?).map(Cell::Blob)
        }),
        _ => decoded(value).map(Cell::Blob),
    }
}

fn decoded<'r, T: Decode<'r, Sqlite>>(value: SqliteValueRef<'r>) -> Result<T, sqlx::Error> {
    T::decode(value).map_err(sqlx::Error::Decode)
}
