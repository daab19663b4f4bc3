//! What SQLite's catalog says of a local table.

use ring::digest::{SHA256, digest};
use sqlx::{AssertSqlSafe, SqliteConnection};

use crate::sync::json::HEX;
use crate::sync::target::local::{LocalColumn, LocalTable, Role};
use crate::sync::target::names::{Case, quoted};

/// Reads what there is under a name, which is not told apart by case; `None` if nothing.
///
/// Returns the table's own spelling of its name too.
pub(super) async fn read(
    connection: &mut SqliteConnection,
    name: &str,
) -> Result<Option<(String, LocalTable)>, sqlx::Error> {
    let found: Option<(String, String, String)> = sqlx::query_as(RELATION)
        .bind(name)
        .fetch_optional(&mut *connection)
        .await?;
    let Some((name, kind, sql)) = found else {
        return Ok(None);
    };
    let columns: Vec<(String, String, bool, bool, i64, i64)> = sqlx::query_as(COLUMNS)
        .bind(&name)
        .fetch_all(&mut *connection)
        .await?;
    let has_triggers = sqlx::query_scalar(TRIGGERS)
        .bind(&name)
        .fetch_one(&mut *connection)
        .await?;
    let mut unique = unique_indexes(connection, &name).await?;
    unique.push(
        columns
            .iter()
            .filter(|column| column.4 > 0)
            .map(|column| column.0.clone())
            .collect(),
    );
    let table = LocalTable {
        case: Case::IsTheSame,
        relation: hex(digest(&SHA256, sql.as_bytes()).as_ref()),
        is_table: kind == "table",
        columns: columns.into_iter().map(local_column).collect(),
        unique,
        has_triggers,
        // Foreign keys are not enforced while we write.
        cascades_to: Vec::new(),
    };
    Ok(Some((name, table)))
}

/// Counts the rows of a table.
pub(super) async fn count(
    connection: &mut SqliteConnection,
    name: &str,
) -> Result<u64, sqlx::Error> {
    let sql = AssertSqlSafe(format!("SELECT count(*) FROM {}", quoted(name)));
    let rows: i64 = sqlx::query_scalar(sql).fetch_one(connection).await?;
    Ok(rows.cast_unsigned())
}

/// Counts the rows that refer to rows which are not there.
pub(super) async fn count_dangling(
    connection: &mut SqliteConnection,
    name: &str,
) -> Result<u64, sqlx::Error> {
    let sql = "SELECT count(DISTINCT rowid) FROM pragma_foreign_key_check($1)";
    let rows: i64 = sqlx::query_scalar(sql)
        .bind(name)
        .fetch_one(connection)
        .await?;
    Ok(rows.cast_unsigned())
}

/// Reads the columns of each unique index that covers every row; an expression among them has no
/// name and rules the index out.
async fn unique_indexes(
    connection: &mut SqliteConnection,
    name: &str,
) -> Result<Vec<Vec<String>>, sqlx::Error> {
    let parts: Vec<(i64, Option<String>)> = sqlx::query_as(UNIQUE)
        .bind(name)
        .fetch_all(connection)
        .await?;
    let indexes = parts.chunk_by(|one, next| one.0 == next.0);
    Ok(indexes
        .filter_map(|parts| parts.iter().map(|(_, column)| column.clone()).collect())
        .collect())
}

fn local_column(
    (name, declared, is_required, has_default, _, hidden): (String, String, bool, bool, i64, i64),
) -> LocalColumn {
    let role = if hidden == 0 {
        Role::Plain
    } else {
        Role::Generated
    };
    LocalColumn {
        name,
        declared,
        is_required,
        has_default,
        role,
    }
}

fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
    digits
        .map(|digit| char::from(HEX[usize::from(digit)]))
        .collect()
}

const RELATION: &str = "\
SELECT name, type, coalesce(sql, '') FROM sqlite_schema
WHERE type IN ('table', 'view') AND name = $1 COLLATE NOCASE";

/// Hidden columns are those that SQLite computes.
const COLUMNS: &str = "\
SELECT name, type, \"notnull\" <> 0, dflt_value IS NOT NULL, pk, hidden FROM pragma_table_xinfo($1) ORDER BY cid";

const TRIGGERS: &str = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = $1 COLLATE NOCASE)";

const UNIQUE: &str = "\
SELECT l.seq, c.name FROM pragma_index_list($1) AS l, pragma_index_xinfo(l.name) AS c
WHERE l.\"unique\" AND NOT l.partial AND c.key ORDER BY l.seq, c.seqno";
