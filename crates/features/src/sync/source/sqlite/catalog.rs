//! What SQLite's catalog says of the tables: which there are, and what each looks like.

use rusqlite::{Connection, Params, Row};

use super::super::name::{Candidate, What};
use super::super::quote;
use super::kind;
use crate::sync::table::{Column, Table, TableName};

/// Lists the tables.
pub(super) fn tables(connection: &Connection) -> rusqlite::Result<Vec<TableName>> {
    let candidates = candidates(connection)?;
    let tables = candidates
        .into_iter()
        .filter(|candidate| candidate.what == What::Table);
    Ok(tables.map(|candidate| candidate.name).collect())
}

/// Lists all that a user may name.
pub(super) fn candidates(connection: &Connection) -> rusqlite::Result<Vec<Candidate>> {
    let relations: Vec<(String, String)> = list(
        connection,
        "SELECT name, type FROM pragma_table_list
         WHERE schema = 'main' AND type IN ('table', 'view', 'virtual')
           AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name <> '_tunnel_sync'
         ORDER BY name",
        [],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    let candidates = relations.into_iter().map(|(name, kind)| {
        let what = match kind.as_str() {
            "view" => What::Other("a view"),
            "virtual" => What::Other("a virtual table"),
            _ => What::Table,
        };
        Candidate {
            name: TableName { schema: None, name },
            what,
        }
    });
    Ok(candidates.collect())
}

/// Describes a table. `None` if there is none with this name.
pub(super) fn describe(
    connection: &Connection,
    name: &TableName,
) -> rusqlite::Result<Option<Table>> {
    let Some(from) = quote::identifier(&name.name) else {
        return Ok(None);
    };
    let columns = columns(connection, &name.name)?;
    if columns.is_empty() {
        return Ok(None);
    }
    let mut unique = Vec::new();
    let mut key = Vec::new();
    for index in unique_indexes(connection, &name.name)? {
        let places = index
            .columns
            .iter()
            .map(|column| place(&columns, &column.name));
        let Some(places) = places.collect::<Option<Vec<u16>>>() else {
            continue;
        };
        if key.is_empty() && index.is_key(connection, &from, &columns)? {
            key = places;
        } else {
            unique.push(places);
        }
    }
    Ok(Some(Table {
        name: name.clone(),
        key,
        unique,
        parents: parents(connection, &name.name)?,
        estimated_rows: estimate(connection, &from)?,
        columns: columns.into_iter().map(ColumnRow::column).collect(),
    }))
}

#[derive(Debug)]
struct ColumnRow {
    name: String,
    declared: String,
    not_null: bool,
    /// Its place in the primary key, from one; zero if it is not in it.
    primary: i64,
    generated: bool,
}

impl ColumnRow {
    fn column(self) -> Column {
        Column {
            kind: kind::kind(&self.declared),
            max_chars: kind::max_chars(&self.declared),
            nullable: !self.not_null,
            generated: self.generated,
            name: self.name,
            declared: self.declared,
        }
    }
}

fn columns(connection: &Connection, table: &str) -> rusqlite::Result<Vec<ColumnRow>> {
    list(
        connection,
        "SELECT name, type, \"notnull\" <> 0, pk, hidden IN (2, 3)
         FROM pragma_table_xinfo(?) WHERE hidden <> 1 ORDER BY cid",
        [table],
        |row| {
            Ok(ColumnRow {
                name: row.get(0)?,
                declared: row.get(1)?,
                not_null: row.get(2)?,
                primary: row.get(3)?,
                generated: row.get(4)?,
            })
        },
    )
}

fn place(columns: &[ColumnRow], name: &str) -> Option<u16> {
    u16::try_from(columns.iter().position(|column| column.name == name)?).ok()
}

/// A unique index over whole columns and all rows, or the number of the row itself.
#[derive(Debug)]
pub(super) struct Index {
    primary: bool,
    pub(super) columns: Vec<IndexColumn>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct IndexColumn {
    pub(super) name: String,
    /// How the index compares text; `None` for a row's number, which is never text.
    pub(super) collation: Option<String>,
}

impl Index {
    /// Whether every row has a value for each column.
    fn is_key(
        &self,
        connection: &Connection,
        from: &str,
        columns: &[ColumnRow],
    ) -> rusqlite::Result<bool> {
        let named = |column: &&IndexColumn| {
            columns
                .iter()
                .any(|known| known.name == column.name && !known.not_null)
        };
        let nullable: Vec<_> = self.columns.iter().filter(named).collect();
        if nullable.is_empty() || self.columns.iter().all(|column| column.collation.is_none()) {
            return Ok(true);
        }
        if !self.primary {
            return Ok(false);
        }
        // SQLite lets NULL into a primary key, and hardly anybody uses that: the index knows.
        let tests: Option<Vec<_>> = nullable
            .iter()
            .map(|column| Some(format!("{} IS NULL", quote::identifier(&column.name)?)))
            .collect();
        let Some(tests) = tests else { return Ok(false) };
        let question = format!(
            "SELECT NOT EXISTS (SELECT 1 FROM {from} WHERE {})",
            tests.join(" OR ")
        );
        connection.query_row(&question, [], |row| row.get(0))
    }
}

/// Returns a table's unique indexes, the best key first.
pub(super) fn unique_indexes(connection: &Connection, table: &str) -> rusqlite::Result<Vec<Index>> {
    let rows: Vec<(String, bool, Option<String>, Option<String>)> = list(
        connection,
        "SELECT i.name, i.origin = 'pk', c.name, c.coll
         FROM pragma_index_list(?) AS i, pragma_index_xinfo(i.name) AS c
         WHERE i.\"unique\" AND NOT i.partial AND c.key
         ORDER BY i.seq, c.seqno",
        [table],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
    )?;
    let by_index = rows.chunk_by(|one, next| one.0 == next.0);
    let mut indexes: Vec<Index> = by_index
        .filter_map(|rows| {
            // An expression has no name.
            let columns = rows.iter().map(|(_, _, name, collation)| {
                Some(IndexColumn {
                    name: name.clone()?,
                    collation: collation.clone(),
                })
            });
            Some(Index {
                primary: rows.first()?.1,
                columns: columns.collect::<Option<_>>()?,
            })
        })
        .collect();
    if !indexes.iter().any(|index| index.primary) {
        // A primary key without an index is the number of the row.
        let columns = columns(connection, table)?
            .into_iter()
            .filter(|column| column.primary > 0);
        let columns: Vec<_> = columns
            .map(|column| IndexColumn {
                name: column.name,
                collation: None,
            })
            .collect();
        if !columns.is_empty() {
            indexes.push(Index {
                primary: true,
                columns,
            });
        }
    }
    indexes.sort_by_key(|index| (!index.primary, index.columns.len()));
    Ok(indexes)
}

fn parents(connection: &Connection, table: &str) -> rusqlite::Result<Vec<TableName>> {
    // A foreign key names its table in any case, the catalog in one.
    list(
        connection,
        "SELECT DISTINCT t.name FROM pragma_foreign_key_list(?1) AS k
         JOIN sqlite_schema AS t ON t.type = 'table' AND t.name = k.\"table\" COLLATE NOCASE
         WHERE t.name <> ?1 ORDER BY t.name",
        [table],
        |row| {
            Ok(TableName {
                schema: None,
                name: row.get(0)?,
            })
        },
    )
}

/// Returns how many rows there are: counted where they are few, else the span of their numbers,
/// which is the same unless many were deleted.
fn estimate(connection: &Connection, from: &str) -> rusqlite::Result<u64> {
    let number = |sql: &str| {
        connection
            .query_row(sql, [], |row| row.get(0))
            .map(i64::unsigned_abs)
    };
    let limit = COUNTED + 1;
    let counted = number(&format!(
        "SELECT count(*) FROM (SELECT 1 FROM {from} LIMIT {limit})"
    ))?;
    if counted <= COUNTED {
        return Ok(counted);
    }
    // Two questions in one: asked together, they would be answered by reading the whole table.
    let span =
        format!("SELECT (SELECT max(rowid) FROM {from}) - (SELECT min(rowid) FROM {from}) + 1");
    match number(&span) {
        Ok(span) if span > COUNTED => Ok(span),
        // A table without numbers, or whose column of that name is something else.
        _ => number(&format!("SELECT count(*) FROM {from}")),
    }
}

/// Asks a question with any number of answers.
fn list<T>(
    connection: &Connection,
    sql: &str,
    parameters: impl Params,
    answer: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    connection
        .prepare(sql)?
        .query_map(parameters, answer)?
        .collect()
}

/// Counting so many rows takes a few milliseconds.
const COUNTED: u64 = 100_000;
