//! What SQLite's catalog says of the tables: which there are, and what each looks like.

use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{AssertSqlSafe, FromRow, Row as _};

use super::super::name::{Candidate, What};
use super::super::quote;
use super::kind;
use crate::sync::table::{Column, Table, TableName};

/// Lists the tables.
pub(super) async fn tables(connection: &mut SqliteConnection) -> Result<Vec<TableName>, sqlx::Error> {
    let candidates = candidates(connection).await?;
    let tables = candidates.into_iter().filter(|candidate| candidate.what == What::Table);
    Ok(tables.map(|candidate| candidate.name).collect())
}

/// Lists all that a user may name.
pub(super) async fn candidates(connection: &mut SqliteConnection) -> Result<Vec<Candidate>, sqlx::Error> {
    let relations: Vec<(String, String)> = sqlx::query_as(
        "SELECT name, type FROM pragma_table_list
         WHERE schema = 'main' AND type IN ('table', 'view', 'virtual')
           AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name <> '_tunnel_sync'
         ORDER BY name",
    )
    .fetch_all(connection)
    .await?;
    let candidates = relations.into_iter().map(|(name, kind)| {
        let what = match kind.as_str() {
            "view" => What::Other("a view"),
            "virtual" => What::Other("a virtual table"),
            _ => What::Table,
        };
        Candidate { name: TableName { schema: None, name }, what }
    });
    Ok(candidates.collect())
}

/// Describes a table. `None` if there is none with this name.
pub(super) async fn describe(
    connection: &mut SqliteConnection,
    name: &TableName,
) -> Result<Option<Table>, sqlx::Error> {
    let Some(from) = quote::identifier(&name.name) else { return Ok(None) };
    let columns = columns(connection, &name.name).await?;
    if columns.is_empty() {
        return Ok(None);
    }
    let mut unique = Vec::new();
    let mut key = Vec::new();
    for index in unique_indexes(connection, &name.name).await? {
        let places = index.columns.iter().map(|column| place(&columns, &column.name));
        let Some(places) = places.collect::<Option<Vec<u16>>>() else { continue };
        if key.is_empty() && index.is_key(connection, &from, &columns).await? {
            key = places;
        } else {
            unique.push(places);
        }
    }
    Ok(Some(Table {
        name: name.clone(),
        key,
        unique,
        parents: parents(connection, &name.name).await?,
        estimated_rows: estimate(connection, &from).await?,
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

impl FromRow<'_, SqliteRow> for ColumnRow {
    fn from_row(row: &SqliteRow) -> sqlx::Result<Self> {
        Ok(Self {
            name: row.try_get("name")?,
            declared: row.try_get("declared")?,
            not_null: row.try_get("not_null")?,
            primary: row.try_get("primary")?,
            generated: row.try_get("generated")?,
        })
    }
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

async fn columns(connection: &mut SqliteConnection, table: &str) -> Result<Vec<ColumnRow>, sqlx::Error> {
    sqlx::query_as(
        "SELECT name, type AS declared, \"notnull\" <> 0 AS not_null, pk AS \"primary\",
                hidden IN (2, 3) AS generated
         FROM pragma_table_xinfo(?) WHERE hidden <> 1 ORDER BY cid",
    )
    .bind(table)
    .fetch_all(connection)
    .await
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
    async fn is_key(
        &self,
        connection: &mut SqliteConnection,
        from: &str,
        columns: &[ColumnRow],
    ) -> Result<bool, sqlx::Error> {
        let named = |column: &&IndexColumn| columns.iter().any(|known| known.name == column.name && !known.not_null);
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
        let question = format!("SELECT NOT EXISTS (SELECT 1 FROM {from} WHERE {})", tests.join(" OR "));
        sqlx::query_scalar(AssertSqlSafe(question)).persistent(false).fetch_one(connection).await
    }
}

/// Returns a table's unique indexes, the best key first.
pub(super) async fn unique_indexes(
    connection: &mut SqliteConnection,
    table: &str,
) -> Result<Vec<Index>, sqlx::Error> {
    let rows: Vec<(String, bool, Option<String>, Option<String>)> = sqlx::query_as(
        "SELECT i.name, i.origin = 'pk', c.name, c.coll
         FROM pragma_index_list(?) AS i, pragma_index_xinfo(i.name) AS c
         WHERE i.\"unique\" AND NOT i.partial AND c.key
         ORDER BY i.seq, c.seqno",
    )
    .bind(table)
    .fetch_all(&mut *connection)
    .await?;
    let by_index = rows.chunk_by(|one, next| one.0 == next.0);
    let mut indexes: Vec<Index> = by_index
        .filter_map(|rows| {
            // An expression has no name.
            let columns = rows.iter().map(|(_, _, name, collation)| {
                Some(IndexColumn { name: name.clone()?, collation: collation.clone() })
            });
            Some(Index { primary: rows.first()?.1, columns: columns.collect::<Option<_>>()? })
        })
        .collect();
    if !indexes.iter().any(|index| index.primary) {
        // A primary key without an index is the number of the row.
        let columns = columns(connection, table).await?.into_iter().filter(|column| column.primary > 0);
        let columns: Vec<_> =
            columns.map(|column| IndexColumn { name: column.name, collation: None }).collect();
        if !columns.is_empty() {
            indexes.push(Index { primary: true, columns });
        }
    }
    indexes.sort_by_key(|index| (!index.primary, index.columns.len()));
    Ok(indexes)
}

async fn parents(connection: &mut SqliteConnection, table: &str) -> Result<Vec<TableName>, sqlx::Error> {
    // A foreign key names its table in any case, the catalog in one.
    let parents: Vec<String> = sqlx::query_scalar(
        "SELECT DISTINCT t.name FROM pragma_foreign_key_list(?1) AS k
         JOIN sqlite_schema AS t ON t.type = 'table' AND t.name = k.\"table\" COLLATE NOCASE
         WHERE t.name <> ?1 ORDER BY t.name",
    )
    .bind(table)
    .fetch_all(connection)
    .await?;
    Ok(parents.into_iter().map(|name| TableName { schema: None, name }).collect())
}

/// Returns how many rows there are: counted where they are few, else the span of their numbers,
/// which is the same unless many were deleted.
async fn estimate(connection: &mut SqliteConnection, from: &str) -> Result<u64, sqlx::Error> {
    let count = format!("SELECT count(*) FROM (SELECT 1 FROM {from} LIMIT {})", COUNTED + 1);
    let counted: i64 =
        sqlx::query_scalar(AssertSqlSafe(count)).persistent(false).fetch_one(&mut *connection).await?;
    if counted.unsigned_abs() <= COUNTED {
        return Ok(counted.unsigned_abs());
    }
    // Two questions in one: asked together, they would be answered by reading the whole table.
    let span = format!("SELECT (SELECT max(rowid) FROM {from}) - (SELECT min(rowid) FROM {from}) + 1");
    let span = sqlx::query_scalar(AssertSqlSafe(span)).persistent(false).fetch_one(&mut *connection).await;
    // A table without numbers, or whose column of that name is something else, is counted.
    match span.map(i64::unsigned_abs) {
        Ok(span) if span > COUNTED => Ok(span),
        _ => {
            let count = format!("SELECT count(*) FROM {from}");
            let counted: i64 =
                sqlx::query_scalar(AssertSqlSafe(count)).persistent(false).fetch_one(connection).await?;
            Ok(counted.unsigned_abs())
        }
    }
}

/// Counting so many rows takes a few milliseconds.
const COUNTED: u64 = 100_000;
