//! What PostgreSQL's catalog says of a local table.

use sqlx::{AssertSqlSafe, PgConnection};

use crate::sync::target::local::{LocalColumn, LocalTable, Role};
use crate::sync::target::names::Case;

/// Reads what there is under a name; `None` if nothing.
pub(super) async fn read(
    connection: &mut PgConnection,
    schema: &str,
    name: &str,
) -> Result<Option<LocalTable>, sqlx::Error> {
    let found: Option<(i64, bool, bool, Vec<String>)> = sqlx::query_as(RELATION)
        .bind(schema)
        .bind(name)
        .fetch_optional(&mut *connection)
        .await?;
    let Some((oid, is_table, has_triggers, cascades_to)) = found else {
        return Ok(None);
    };
    let columns: Vec<(String, String, bool, bool, String, String)> = sqlx::query_as(COLUMNS)
        .bind(oid)
        .fetch_all(&mut *connection)
        .await?;
    let unique: Vec<(Vec<String>,)> = sqlx::query_as(UNIQUE)
        .bind(oid)
        .fetch_all(&mut *connection)
        .await?;
    Ok(Some(LocalTable {
        case: Case::Differs,
        relation: oid.to_string(),
        is_table,
        columns: columns.into_iter().map(local_column).collect(),
        unique: unique.into_iter().map(|(columns,)| columns).collect(),
        has_triggers,
        cascades_to,
    }))
}

/// Counts the rows of a table.
pub(super) async fn count(connection: &mut PgConnection, at: &str) -> Result<u64, sqlx::Error> {
    let sql = AssertSqlSafe(format!("SELECT count(*) FROM {at}"));
    let rows: i64 = sqlx::query_scalar(sql).fetch_one(connection).await?;
    Ok(rows.cast_unsigned())
}

/// Whether a table has any row.
pub(super) async fn has_rows(connection: &mut PgConnection, at: &str) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(AssertSqlSafe(format!("SELECT EXISTS (SELECT FROM {at})")))
        .fetch_one(connection)
        .await
}

/// Whether there is a schema of this name.
pub(super) async fn has_schema(
    connection: &mut PgConnection,
    schema: &str,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)")
        .bind(schema)
        .fetch_one(connection)
        .await
}

/// Lists the columns that take their values from a sequence, each with the sequence's name as SQL
/// has it.
pub(super) async fn sequences(
    connection: &mut PgConnection,
    at: &str,
) -> Result<Vec<(String, String)>, sqlx::Error> {
    sqlx::query_as(SEQUENCES)
        .bind(at)
        .fetch_all(connection)
        .await
}

fn local_column(
    (name, declared, is_required, has_default, identity, generated): (
        String,
        String,
        bool,
        bool,
        String,
        String,
    ),
) -> LocalColumn {
    let role = match (&*generated, &*identity) {
        ("", "a") => Role::AlwaysIdentity,
        ("", _) => Role::Plain,
        _ => Role::Generated,
    };
    LocalColumn {
        name,
        declared,
        is_required,
        has_default,
        role,
    }
}

/// What has the name. Foreign keys that delete or change rows of other tables matter where rows
/// are replaced.
const RELATION: &str = "\
SELECT c.oid::int8, c.relkind IN ('r', 'p'),
       EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal AND t.tgenabled <> 'D'),
       ARRAY(SELECT DISTINCT k.conrelid::regclass::text FROM pg_constraint k
             WHERE k.contype = 'f' AND k.confrelid = c.oid AND k.conrelid <> c.oid AND k.confdeltype IN ('c', 'n', 'd'))
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relname = $2";

const COLUMNS: &str = "\
SELECT a.attname::text, format_type(a.atttypid, a.atttypmod), a.attnotnull,
       a.atthasdef OR a.attidentity <> '' OR t.typdefault IS NOT NULL,
       a.attidentity::text, a.attgenerated::text
FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
WHERE a.attrelid = $1::oid AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum";

/// Unique indexes by which `ON CONFLICT` can find a row: over plain columns, of every row, checked
/// at once.
const UNIQUE: &str = "\
SELECT ARRAY(SELECT a.attname::text FROM unnest(i.indkey) WITH ORDINALITY AS k(attnum, place)
             JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
             WHERE k.place <= i.indnkeyatts ORDER BY k.place)
FROM pg_index i
WHERE i.indrelid = $1::oid AND i.indisunique AND i.indimmediate AND i.indisvalid
  AND i.indpred IS NULL AND i.indexprs IS NULL";

const SEQUENCES: &str = "\
SELECT a.attname::text, s.name
FROM pg_attribute a, pg_get_serial_sequence($1, a.attname::text) AS s(name)
WHERE a.attrelid = $1::regclass AND a.attnum > 0 AND NOT a.attisdropped AND s.name IS NOT NULL";
