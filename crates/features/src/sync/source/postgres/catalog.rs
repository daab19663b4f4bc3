//! What PostgreSQL's catalog says of a table: its columns, its indexes, its parents, its size.

use std::collections::BTreeMap;

use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{AssertSqlSafe, FromRow, Row as _};

use super::super::ReadError;
use super::access::{Found, find};
use super::failure::Place;
use super::kind::{Class, Step, shape};
use crate::sync::table::{Column, Table, TableName};

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
    let key = indexes
        .iter()
        .position(|index| index.is_key)
        .map(|position| indexes.remove(position));
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
async fn columns(
    connection: &mut PgConnection,
    table: i64,
) -> Result<BTreeMap<i16, Column>, sqlx::Error> {
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
    Ok(by_column
        .filter_map(|steps| Some((steps.first()?.number, column(steps)?)))
        .collect())
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
                -- Only what the column itself refuses: a domain may have let NULL in before it refused it.
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
        Some(Index {
            columns: columns?,
            is_key,
        })
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
    Ok(parents
        .into_iter()
        .map(|(schema, name)| TableName {
            schema: Some(schema),
            name,
        })
        .collect())
}

/// Returns how many rows there are: counted where they are few, else as the planner reckons, which
/// weighs the last ANALYZE against the size that the table has now, partitions included.
async fn estimate(connection: &mut PgConnection, from: &str) -> Result<u64, sqlx::Error> {
    let explain = AssertSqlSafe(format!("EXPLAIN (FORMAT JSON) SELECT FROM {from}"));
    let row = sqlx::raw_sql(explain).fetch_one(&mut *connection).await?;
    let plan = row.try_get_raw(0)?;
    let plan: Option<serde_json::Value> =
        serde_json::from_slice(plan.as_bytes().unwrap_or_default()).ok();
    let reckoned = plan
        .as_ref()
        .and_then(|plan| plan.pointer("/0/Plan/Plan Rows")?.as_u64())
        .unwrap_or(0);
    if reckoned > SURELY_MANY {
        return Ok(reckoned);
    }
    let count = format!(
        "SELECT count(*)::int8 FROM (SELECT FROM {from} LIMIT {}) AS few",
        COUNTED + 1
    );
    let counted: i64 = sqlx::query_scalar(AssertSqlSafe(count))
        .persistent(false)
        .fetch_one(connection)
        .await?;
    let counted = counted.unsigned_abs();
    Ok(if counted > COUNTED {
        counted.max(reckoned)
    } else {
        counted
    })
}

/// Counting so many rows takes a few milliseconds.
const COUNTED: u64 = 10_000;

/// The planner may be wrong by half or by double, for a table that was never analysed by ten times;
/// beyond that there is nothing to count.
const SURELY_MANY: u64 = 10 * COUNTED;
