//! What PostgreSQL's catalog says of the tables: which there are, and what each looks like.

use std::collections::BTreeMap;

use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{AssertSqlSafe, FromRow, Row as _};

use super::super::ReadError;
use super::super::name::{Candidate, What};
use super::failure::{Place, qualified};
use super::kind::{Class, Step, shape};
use crate::sync::table::{Column, Table, TableName};

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
    Ok(About { major: version.parse().unwrap_or(0) / 10_000, user: row.try_get("me")? })
}

/// Lists the tables that may be read whole, without partitions (their table has their rows) and
/// without what belongs to an extension.
pub(super) async fn readable_tables(connection: &mut PgConnection) -> Result<Vec<TableName>, sqlx::Error> {
    let relations = relations(connection).await?;
    let readable = relations.into_iter().filter(|relation| relation.readable && !relation.of_extension);
    let tables = readable.map(Relation::candidate).filter(|candidate| candidate.what == What::Table);
    Ok(tables.map(|candidate| candidate.name).collect())
}

/// Lists all that a user may name, readable or not: that a permission is missing is said better
/// than that there is no such table.
pub(super) async fn candidates(connection: &mut PgConnection) -> Result<Vec<Candidate>, sqlx::Error> {
    Ok(relations(connection).await?.into_iter().map(Relation::candidate).collect())
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
        Candidate { name: TableName { schema: Some(self.schema), name: self.name }, what }
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
    let changed = || ReadError::Changed { table: table.clone() };
    let name = qualified(table).ok_or_else(changed)?;
    let row: Option<(i64, String, Option<bool>, Option<bool>, Option<bool>)> = sqlx::query_as(
        "SELECT c.oid::int8, c.relkind::text,
                has_schema_privilege(n.oid, 'USAGE') AND has_any_column_privilege(c.oid, 'SELECT'),
                has_table_privilege(c.oid, 'SELECT'), row_security_active(c.oid)
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p')",
    )
    .bind(table.schema.as_deref())
    .bind(&table.name)
    .persistent(false)
    .fetch_optional(&mut *connection)
    .await
    .map_err(|error| place.failed("find a table", Some(table), error))?;
    // The catalog is the snapshot's, but of a table that is gone since, nobody knows the rights.
    let Some((oid, kind, Some(some), Some(whole), Some(secured))) = row else { return Err(changed()) };
    if !some {
        return Err(place.permission(table));
    }
    if !whole {
        forbidden_columns(connection, place, table, oid).await?;
    }
    if secured {
        return Err(ReadError::RowSecurity { table: table.clone(), user: place.user.clone() });
    }
    // An ordinary table may have heirs, which are tables of their own; the rows of a partitioned
    // one are all in its partitions.
    let from = if kind == "r" { format!("ONLY {name}") } else { name };
    Ok(Found { oid, from })
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
    Err(ReadError::ColumnPermission { table, columns, user, grant })
}

/// Whether a table that is being read still holds what it held when the snapshot began.
///
/// `TRUNCATE` and an `ALTER TABLE` that rewrites leave a new, empty file to older snapshots, and a
/// partition that was detached takes its rows along: both would pass for a smaller table. The lock
/// of an open cursor keeps either from happening later.
pub(super) async fn is_whole(connection: &mut PgConnection, found: &Found) -> Result<bool, sqlx::Error> {
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

/// Describes a table.
pub(super) async fn describe(
    connection: &mut PgConnection,
    place: &Place,
    name: &TableName,
) -> Result<Table, ReadError> {
    let found = find(connection, place, name).await?;
    let described = described(connection, name, &found).await;
    described.map_err(|error| place.failed("describe a table", Some(name), error))
}

async fn described(
    connection: &mut PgConnection,
    name: &TableName,
    found: &Found,
) -> Result<Table, sqlx::Error> {
    let columns = columns(connection, found.oid).await?;
    let mut indexes = unique_indexes(connection, found.oid, &columns).await?;
    let key = indexes.iter().position(|index| index.is_key).map(|position| indexes.remove(position));
    Ok(Table {
        name: name.clone(),
        key: key.map(|index| index.columns).unwrap_or_default(),
        unique: indexes.into_iter().map(|index| index.columns).collect(),
        parents: parents(connection, found.oid).await?,
        estimated_rows: estimate(connection, &found.from).await?,
        columns: columns.into_values().collect(),
    })
}

struct ColumnStep {
    number: i16,
    column: String,
    declared: String,
    not_null: bool,
    generated: bool,
    class: String,
    type_name: String,
    built_in: bool,
    modifier: i32,
    domain_not_null: bool,
}

impl FromRow<'_, PgRow> for ColumnStep {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        Ok(Self {
            number: row.try_get("number")?,
            column: row.try_get("column")?,
            declared: row.try_get("declared")?,
            not_null: row.try_get("not_null")?,
            generated: row.try_get("generated")?,
            class: row.try_get("class")?,
            type_name: row.try_get("type_name")?,
            built_in: row.try_get("built_in")?,
            modifier: row.try_get("modifier")?,
            domain_not_null: row.try_get("domain_not_null")?,
        })
    }
}

/// Returns the columns by their number in the catalog, in which dropped ones leave gaps.
async fn columns(connection: &mut PgConnection, table: i64) -> Result<BTreeMap<i16, Column>, sqlx::Error> {
    let steps: Vec<ColumnStep> = sqlx::query_as(
        "WITH RECURSIVE chain AS (
            SELECT attnum, 0 AS step, atttypid AS type, atttypmod AS modifier
            FROM pg_attribute WHERE attrelid = $1::oid AND attnum > 0 AND NOT attisdropped
            UNION ALL
            SELECT attnum, step + 1,
                   CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE t.typelem END,
                   CASE t.typtype WHEN 'd' THEN t.typtypmod ELSE chain.modifier END
            FROM chain JOIN pg_type t ON t.oid = chain.type
            WHERE t.typtype = 'd'
               -- Arrays as they are written everywhere: {a,b}. A box has another delimiter, and
               -- two old vectors have none.
               OR t.typcategory = 'A' AND t.typelem <> 0 AND t.typdelim = ','
                  AND t.typname NOT IN ('int2vector', 'oidvector')
         )
         SELECT a.attnum AS number, a.attname::text AS column,
                format_type(a.atttypid, a.atttypmod) AS declared,
                a.attnotnull AS not_null, a.attgenerated <> '' AS generated,
                CASE WHEN t.typtype = 'd' THEN 'domain'
                     WHEN t.typtype = 'e' THEN 'enum'
                     WHEN lead(step) OVER (PARTITION BY attnum ORDER BY step) IS NOT NULL THEN 'array'
                     ELSE 'other' END AS class,
                t.typname::text AS type_name, n.nspname = 'pg_catalog' AS built_in,
                chain.modifier, t.typnotnull AS domain_not_null
         FROM chain
         JOIN pg_attribute a USING (attnum)
         JOIN pg_type t ON t.oid = chain.type
         JOIN pg_namespace n ON n.oid = t.typnamespace
         WHERE a.attrelid = $1::oid
         ORDER BY a.attnum, step",
    )
    .bind(table)
    .persistent(false)
    .fetch_all(connection)
    .await?;
    let by_column = steps.chunk_by(|one, next| one.number == next.number);
    Ok(by_column.filter_map(|steps| Some((steps.first()?.number, column(steps)?))).collect())
}

fn column(steps: &[ColumnStep]) -> Option<Column> {
    let first = steps.first()?;
    let shape = shape(&steps.iter().map(ColumnStep::step).collect::<Vec<_>>());
    Some(Column {
        name: first.column.clone(),
        declared: first.declared.clone(),
        kind: shape.kind,
        max_chars: shape.max_chars,
        nullable: !first.not_null && !shape.not_null,
        generated: first.generated,
    })
}

impl ColumnStep {
    fn step(&self) -> Step {
        let class = match self.class.as_str() {
            "domain" => Class::Domain,
            "enum" => Class::Enum,
            "array" => Class::Array,
            _ => Class::Other,
        };
        Step {
            name: self.type_name.clone(),
            built_in: self.built_in,
            class,
            modifier: self.modifier,
            not_null: self.domain_not_null,
        }
    }
}

struct Index {
    columns: Vec<u16>,
    /// Whether it may serve as the table's key.
    is_key: bool,
}

/// Returns the unique indexes over whole columns and all rows; the best key first.
async fn unique_indexes(
    connection: &mut PgConnection,
    table: i64,
    columns: &BTreeMap<i16, Column>,
) -> Result<Vec<Index>, sqlx::Error> {
    let indexes: Vec<(String, i16, bool)> = sqlx::query_as(
        "SELECT i.indkey::text, i.indnkeyatts,
                -- A domain that refuses NULL does not count: an outer join of old may have let one in.
                (SELECT bool_and(a.attnotnull) FROM pg_attribute a
                 WHERE a.attrelid = i.indrelid AND a.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1]))
         FROM pg_index i
         WHERE i.indrelid = $1::oid AND i.indisunique AND i.indisvalid AND i.indislive
           AND i.indpred IS NULL AND i.indexprs IS NULL
         ORDER BY i.indisprimary DESC, i.indnkeyatts, i.indexrelid",
    )
    .bind(table)
    .persistent(false)
    .fetch_all(connection)
    .await?;
    let place_of = |number: &str| {
        let number: i16 = number.parse().ok()?;
        let place = columns.keys().position(|&column| column == number)?;
        u16::try_from(place).ok()
    };
    let indexes = indexes.into_iter().filter_map(|(numbers, length, is_key)| {
        let numbers = numbers.split(' ').take(usize::try_from(length).ok()?);
        let columns: Option<Vec<u16>> = numbers.map(place_of).collect();
        Some(Index { columns: columns?, is_key })
    });
    Ok(indexes.collect())
}

async fn parents(connection: &mut PgConnection, table: i64) -> Result<Vec<TableName>, sqlx::Error> {
    let parents: Vec<(String, String)> = sqlx::query_as(
        "SELECT DISTINCT n.nspname::text, c.relname::text
         FROM pg_constraint k
         JOIN pg_class c ON c.oid = k.confrelid JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE k.conrelid = $1::oid AND k.contype = 'f' AND k.confrelid <> k.conrelid
         ORDER BY 1, 2",
    )
    .bind(table)
    .persistent(false)
    .fetch_all(connection)
    .await?;
    Ok(parents.into_iter().map(|(schema, name)| TableName { schema: Some(schema), name }).collect())
}

/// Returns how many rows there are: counted where they are few, else as the planner reckons, which
/// weighs the last ANALYZE against the size that the table has now, partitions included.
async fn estimate(connection: &mut PgConnection, from: &str) -> Result<u64, sqlx::Error> {
    let explain = AssertSqlSafe(format!("EXPLAIN (FORMAT JSON) SELECT FROM {from}"));
    let row = sqlx::raw_sql(explain).fetch_one(&mut *connection).await?;
    let plan = row.try_get_raw(0)?;
    let plan: Option<serde_json::Value> = serde_json::from_slice(plan.as_bytes().unwrap_or_default()).ok();
    let reckoned = plan.as_ref().and_then(|plan| plan.pointer("/0/Plan/Plan Rows")?.as_u64()).unwrap_or(0);
    if reckoned > SURELY_MANY {
        return Ok(reckoned);
    }
    let count = format!("SELECT count(*)::int8 FROM (SELECT FROM {from} LIMIT {}) AS few", COUNTED + 1);
    let counted: i64 =
        sqlx::query_scalar(AssertSqlSafe(count)).persistent(false).fetch_one(connection).await?;
    let counted = counted.unsigned_abs();
    Ok(if counted > COUNTED { counted.max(reckoned) } else { counted })
}

/// Counting so many rows takes a few milliseconds.
const COUNTED: u64 = 10_000;

/// The planner may be wrong by half or by double, for a table that was never analysed by ten times;
/// beyond that there is nothing to count.
const SURELY_MANY: u64 = 10 * COUNTED;
