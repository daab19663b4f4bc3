//! What there is in a PostgreSQL database: the server's version, who asks, and all that has a name.

use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{FromRow, Row as _};

use super::super::name::{Candidate, What};
use crate::sync::table::TableName;

/// What has to be known before the transaction begins.
pub(super) struct About {
    pub(super) major: u32,
    pub(super) user: String,
}

pub(super) async fn about(connection: &mut PgConnection) -> Result<About, sqlx::Error> {
    let row = sqlx::raw_sql(
        "SELECT pg_catalog.current_setting('server_version_num') AS version,
                current_user::pg_catalog.text AS me",
    )
    .fetch_one(connection)
    .await?;
    let version: String = row.try_get("version")?;
    // 150018 is 15.18.
    Ok(About {
        major: version.parse().unwrap_or(0) / 10_000,
        user: row.try_get("me")?,
    })
}

/// Lists the tables that may be read whole, without partitions (their table has their rows) and
/// without what belongs to an extension.
pub(super) async fn readable_tables(
    connection: &mut PgConnection,
) -> Result<Vec<TableName>, sqlx::Error> {
    let relations = relations(connection).await?;
    let readable = relations
        .into_iter()
        .filter(|relation| relation.readable && !relation.of_extension);
    let tables = readable
        .map(Relation::candidate)
        .filter(|candidate| candidate.what == What::Table);
    Ok(tables.map(|candidate| candidate.name).collect())
}

/// Lists all that a user may name, readable or not: that a permission is missing is said better
/// than that there is no such table.
pub(super) async fn candidates(
    connection: &mut PgConnection,
) -> Result<Vec<Candidate>, sqlx::Error> {
    Ok(relations(connection)
        .await?
        .into_iter()
        .map(Relation::candidate)
        .collect())
}

struct Relation {
    schema: String,
    name: String,
    kind: String,
    partition: bool,
    readable: bool,
    of_extension: bool,
}

impl FromRow<'_, PgRow> for Relation {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        Ok(Self {
            schema: row.try_get("schema")?,
            name: row.try_get("name")?,
            kind: row.try_get("kind")?,
            partition: row.try_get("partition")?,
            readable: row.try_get("readable")?,
            of_extension: row.try_get("of_extension")?,
        })
    }
}

impl Relation {
    fn candidate(self) -> Candidate {
        let what = match self.kind.as_str() {
            "v" => What::Other("a view"),
            "m" => What::Other("a materialized view"),
            "f" => What::Other("a foreign table"),
            _ if self.partition => What::Partition,
            _ => What::Table,
        };
        Candidate {
            name: TableName {
                schema: Some(self.schema),
                name: self.name,
            },
            what,
        }
    }
}

async fn relations(connection: &mut PgConnection) -> Result<Vec<Relation>, sqlx::Error> {
    sqlx::query_as(
        "SELECT n.nspname::text AS schema, c.relname::text AS name, c.relkind::text AS kind,
                c.relispartition AS partition,
                has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT') AS readable,
                EXISTS (SELECT FROM pg_depend d
                        WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid
                          AND d.deptype = 'e') AS of_extension
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relpersistence <> 't'
           AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
           AND c.relname <> '_tunnel_sync'
         ORDER BY n.nspname, c.relname",
    )
    .persistent(false)
    .fetch_all(connection)
    .await
}
