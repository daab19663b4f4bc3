//! What SQLite's catalog says of a local table.

use ring::digest::{SHA256, digest};
use rusqlite::{Connection, OptionalExtension, Row};

use crate::sync::json::HEX;
use crate::sync::target::local::{LocalColumn, LocalTable, Role};
use crate::sync::target::names::{Case, quoted};

/// Reads what there is under a name, which is not told apart by case; `None` if nothing.
///
/// Returns the table's own spelling of its name too.
pub(super) fn read(
    connection: &Connection,
    name: &str,
) -> rusqlite::Result<Option<(String, LocalTable)>> {
    let found = connection.query_row(RELATION, [name], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?))
    });
    let Some((name, is_table, sql)): Option<(String, bool, String)> = found.optional()? else {
        return Ok(None);
    };
    let (columns, key) = columns(connection, &name)?;
    let mut unique = unique_indexes(connection, &name)?;
    unique.push(key);
    let table = LocalTable {
        case: Case::IsTheSame,
        relation: hex(digest(&SHA256, sql.as_bytes()).as_ref()),
        is_table,
        columns,
        unique,
        has_triggers: connection.query_row(TRIGGERS, [&name], |row| row.get(0))?,
        // Foreign keys are not enforced while we write.
        cascades_to: Vec::new(),
    };
    Ok(Some((name, table)))
}

/// Counts the rows of a table.
pub(super) fn count(connection: &Connection, name: &str) -> rusqlite::Result<u64> {
    let sql = format!("SELECT count(*) FROM {}", quoted(name));
    connection
        .query_row(&sql, [], |row| row.get::<_, i64>(0))
        .map(i64::cast_unsigned)
}

/// Counts the rows that refer to rows which are not there.
pub(super) fn count_dangling(connection: &Connection, name: &str) -> rusqlite::Result<u64> {
    connection
        .query_row(DANGLING, [name], |row| row.get::<_, i64>(0))
        .map(i64::cast_unsigned)
}

/// Reads a table's columns, and the names of those that are its primary key.
fn columns(
    connection: &Connection,
    name: &str,
) -> rusqlite::Result<(Vec<LocalColumn>, Vec<String>)> {
    let mut statement = connection.prepare(COLUMNS)?;
    let columns = statement.query_map([name], |row| Ok((local_column(row)?, row.get(5)?)))?;
    let columns: Vec<(LocalColumn, bool)> = columns.collect::<Result<_, _>>()?;
    let key = columns
        .iter()
        .filter(|(_, is_key)| *is_key)
        .map(|(column, _)| column.name.clone())
        .collect();
    Ok((columns.into_iter().map(|(column, _)| column).collect(), key))
}

fn local_column(row: &Row<'_>) -> rusqlite::Result<LocalColumn> {
    Ok(LocalColumn {
        name: row.get(0)?,
        declared: row.get(1)?,
        is_required: row.get(2)?,
        has_default: row.get(3)?,
        role: if row.get(4)? {
            Role::Generated
        } else {
            Role::Plain
        },
    })
}

/// Reads the columns of each unique index that covers every row; an expression among them has no
/// name and rules the index out.
fn unique_indexes(connection: &Connection, name: &str) -> rusqlite::Result<Vec<Vec<String>>> {
    let mut statement = connection.prepare(UNIQUE)?;
    let parts = statement.query_map([name], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let parts: Vec<(i64, Option<String>)> = parts.collect::<Result<_, _>>()?;
    let indexes = parts.chunk_by(|one, next| one.0 == next.0);
    Ok(indexes
        .filter_map(|parts| parts.iter().map(|(_, column)| column.clone()).collect())
        .collect())
}

fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
    digits
        .map(|digit| char::from(HEX[usize::from(digit)]))
        .collect()
}

const RELATION: &str = "\
SELECT name, type = 'table', coalesce(sql, '') FROM sqlite_schema
WHERE type IN ('table', 'view') AND name = $1 COLLATE NOCASE";

/// Hidden columns are those that SQLite computes.
const COLUMNS: &str = "\
SELECT name, type, \"notnull\" <> 0, dflt_value IS NOT NULL, hidden <> 0, pk <> 0
FROM pragma_table_xinfo($1) ORDER BY cid";

const TRIGGERS: &str = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = $1 COLLATE NOCASE)";

const UNIQUE: &str = "\
SELECT l.seq, c.name FROM pragma_index_list($1) AS l, pragma_index_xinfo(l.name) AS c
WHERE l.\"unique\" AND NOT l.partial AND c.key ORDER BY l.seq, c.seqno";

const DANGLING: &str = "SELECT count(DISTINCT rowid) FROM pragma_foreign_key_check($1)";
