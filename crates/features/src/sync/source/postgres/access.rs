//! Whether a table may be read, and whether it still holds what the snapshot saw in it.

use sqlx::Row as _;
use sqlx::postgres::PgConnection;

use super::super::ReadError;
use super::failure::{Place, qualified};
use crate::sync::table::TableName;

/// A table found in the catalog, with the permission to read it.
pub(super) struct Found {
    pub(super) oid: i64,
    /// As SQL, ready for `FROM`.
    pub(super) from: String,
}

/// Finds a table by its name, and makes sure that all of it may be read.
pub(super) async fn find(
    connection: &mut PgConnection,
    place: &Place,
    table: &TableName,
) -> Result<Found, ReadError> {
    let changed = || ReadError::Changed {
        table: table.clone(),
    };
    let name = qualified(table).ok_or_else(changed)?;
    let rights = rights(connection, table).await;
    let rights = rights.map_err(|error| place.failed("find a table", Some(table), error))?;
    // The catalog is the snapshot's, but of a table that is gone since, nobody knows the rights.
    let Some(Rights {
        oid,
        kind,
        some: Some(some),
        whole: Some(whole),
        secured: Some(secured),
    }) = rights
    else {
        return Err(changed());
    };
    if !some {
        return Err(place.permission(table));
    }
    if !whole {
        forbidden_columns(connection, place, table, oid).await?;
    }
    if secured {
        return Err(ReadError::RowSecurity {
            table: table.clone(),
            user: place.user.clone(),
        });
    }
    // An ordinary table may have heirs, which are tables of their own; the rows of a partitioned
    // one are all in its partitions.
    let from = if kind == "r" {
        format!("ONLY {name}")
    } else {
        name
    };
    Ok(Found { oid, from })
}

/// What the user may do with a table; nobody knows if it is gone.
struct Rights {
    oid: i64,
    kind: String,
    /// Whether some column may be read.
    some: Option<bool>,
    /// Whether all may be, by one grant.
    whole: Option<bool>,
    /// Whether policies hide rows.
    secured: Option<bool>,
}

async fn rights(
    connection: &mut PgConnection,
    table: &TableName,
) -> Result<Option<Rights>, sqlx::Error> {
    let row = sqlx::query(
        "SELECT c.oid::int8 AS oid, c.relkind::text AS kind,
                has_schema_privilege(n.oid, 'USAGE') AND has_any_column_privilege(c.oid, 'SELECT') AS some,
                has_table_privilege(c.oid, 'SELECT') AS whole, row_security_active(c.oid) AS secured
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p')",
    )
    .bind(table.schema.as_deref())
    .bind(&table.name)
    .persistent(false)
    .fetch_optional(connection)
    .await?;
    let rights = row.map(|row| {
        Ok(Rights {
            oid: row.try_get("oid")?,
            kind: row.try_get("kind")?,
            some: row.try_get("some")?,
            whole: row.try_get("whole")?,
            secured: row.try_get("secured")?,
        })
    });
    rights.transpose()
}

/// Fails with the columns that may not be read; there may be none where each has its own grant.
async fn forbidden_columns(
    connection: &mut PgConnection,
    place: &Place,
    table: &TableName,
    oid: i64,
) -> Result<(), ReadError> {
    let columns: Vec<String> = sqlx::query_scalar(
        "SELECT attname::text FROM pg_attribute
         WHERE attrelid = $1::oid AND attnum > 0 AND NOT attisdropped
           AND NOT has_column_privilege(attrelid, attnum, 'SELECT')
         ORDER BY attnum",
    )
    .bind(oid)
    .persistent(false)
    .fetch_all(connection)
    .await
    .map_err(|error| place.failed("describe a table", Some(table), error))?;
    if columns.is_empty() {
        return Ok(());
    }
    let (table, user, grant) = (table.clone(), place.user.clone(), place.grant(table));
    Err(ReadError::ColumnPermission {
        table,
        columns,
        user,
        grant,
    })
}

/// Whether a table that is being read still holds what it held when the snapshot began.
///
/// `TRUNCATE` and an `ALTER TABLE` that rewrites leave a new, empty file to older snapshots, and a
/// partition that was detached takes its rows along: both would pass for a smaller table. The lock
/// of an open cursor keeps either from happening later.
pub(super) async fn is_whole(
    connection: &mut PgConnection,
    found: &Found,
) -> Result<bool, sqlx::Error> {
    let whole: Option<bool> = sqlx::query_scalar(
        "WITH RECURSIVE member AS (
            SELECT $1::oid AS oid
            UNION
            SELECT i.inhrelid FROM member
            JOIN pg_class c ON c.oid = member.oid AND c.relkind = 'p'
            JOIN pg_inherits i ON i.inhparent = c.oid
         )
         -- Tables say what was, functions what is.
         SELECT bool_and(coalesce(c.relfilenode = pg_relation_filenode(c.oid), c.relkind = 'p')
                         AND (c.oid = $1::oid OR c.oid IN (SELECT relid FROM pg_partition_tree($1::oid))))
         FROM member JOIN pg_class c ON c.oid = member.oid",
    )
    .bind(found.oid)
    .persistent(false)
    .fetch_one(connection)
    .await?;
    Ok(whole == Some(true))
}
