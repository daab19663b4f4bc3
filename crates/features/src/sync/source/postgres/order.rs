//! The order of a table's key, and where in it to go on.
//!
//! Rows are ordered and compared by the operators of the key's own index, each named with its
//! schema. So the order is the index's whatever the types are, and a comparison never falls back to
//! another one: with an empty search path, `>` between two `citext` would compare them as `text`.

use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{FromRow, Row as _};

use super::super::{Order, quote};
use crate::sync::table::{KeyValue, Table};

/// One column of a key.
#[derive(Debug)]
pub(super) struct KeyColumn {
    index: i64,
    name: String,
    less: String,
    greater: String,
    equal: String,
    collation: Option<String>,
}

impl FromRow<'_, PgRow> for KeyColumn {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        Ok(Self {
            index: row.try_get("index")?,
            name: row.try_get("name")?,
            less: row.try_get("less")?,
            greater: row.try_get("greater")?,
            equal: row.try_get("equal")?,
            collation: row.try_get("collation")?,
        })
    }
}

/// Returns the columns of the index behind a table's key. `None` if there is no such index.
pub(super) async fn key_columns(
    connection: &mut PgConnection,
    table: &Table,
) -> Result<Option<Vec<KeyColumn>>, sqlx::Error> {
    let columns: Vec<KeyColumn> = sqlx::query_as(
        "WITH operator AS (
            SELECT c.oid AS opclass, m.amopstrategy AS strategy,
                   format('OPERATOR(%I.%s)', n.nspname, o.oprname) AS name
            FROM pg_opclass c
            JOIN pg_amop m ON m.amopfamily = c.opcfamily
                          AND m.amoplefttype = c.opcintype AND m.amoprighttype = c.opcintype
            JOIN pg_operator o ON o.oid = m.amopopr JOIN pg_namespace n ON n.oid = o.oprnamespace
         )
         SELECT i.indexrelid::int8 AS index, a.attname::text AS name,
                -- The numbers of a B-tree's operators.
                (SELECT name FROM operator o WHERE o.opclass = k.opclass AND strategy = 1) AS less,
                (SELECT name FROM operator o WHERE o.opclass = k.opclass AND strategy = 3) AS equal,
                (SELECT name FROM operator o WHERE o.opclass = k.opclass AND strategy = 5) AS greater,
                (SELECT format('%I.%I', n.nspname, l.collname)
                 FROM pg_collation l JOIN pg_namespace n ON n.oid = l.collnamespace
                 WHERE l.oid = k.coll AND l.oid <> a.attcollation) AS collation
         FROM pg_index i
         JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace s ON s.oid = c.relnamespace
         CROSS JOIN unnest(i.indkey::int2[], i.indclass::oid[], i.indcollation::oid[])
                    WITH ORDINALITY AS k (attnum, opclass, coll, place)
         JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
         WHERE s.nspname = $1 AND c.relname = $2
           AND i.indisunique AND i.indisvalid AND i.indislive
           AND i.indpred IS NULL AND i.indexprs IS NULL AND k.place <= i.indnkeyatts
         ORDER BY i.indisprimary DESC, i.indnkeyatts, i.indexrelid, k.place",
    )
    .bind(table.name.schema.as_deref())
    .bind(&table.name.name)
    .persistent(false)
    .fetch_all(connection)
    .await?;
    let wanted: Vec<&str> = table
        .key_columns()
        .map(|column| column.name.as_str())
        .collect();
    let mut rest = columns.into_iter().peekable();
    while let Some(first) = rest.next() {
        let mut index = vec![first];
        while let Some(next) = rest.next_if(|next| next.index == index[0].index) {
            index.push(next);
        }
        if index
            .iter()
            .map(|column| column.name.as_str())
            .eq(wanted.iter().copied())
        {
            return Ok(Some(index));
        }
    }
    Ok(None)
}

/// Writes `ORDER BY` over a key.
pub(super) fn order_by(key: &[KeyColumn], order: Order) -> Option<String> {
    let columns: Option<Vec<_>> = key
        .iter()
        .map(|column| {
            Some(format!(
                "{} USING {}",
                column.expression()?,
                column.onward(order)
            ))
        })
        .collect();
    Some(format!(" ORDER BY {}", columns?.join(", ")))
}

/// Writes `WHERE` for the rows that come after `values`. `None` if those are no values of the key.
pub(super) fn behind(key: &[KeyColumn], values: &[KeyValue], order: Order) -> Option<String> {
    if key.len() != values.len() {
        return None;
    }
    let columns: Vec<_> = key
        .iter()
        .map(KeyColumn::expression)
        .collect::<Option<_>>()?;
    let values: Vec<_> = values.iter().map(literal).collect::<Option<_>>()?;
    let onward = key.first()?.beyond(order);
    let condition = if key.iter().all(|column| column.beyond(order) == onward) {
        format!(
            "ROW({}) {onward} ROW({})",
            columns.join(", "),
            values.join(", ")
        )
    } else {
        // A row is compared by one operator; where the columns' differ, each is compared alone.
        alone(key, &columns, &values, order)
    };
    Some(format!(" WHERE {condition}"))
}

/// Writes `a > x OR (a = x AND (b > y OR (b = y AND c > z)))`.
fn alone(key: &[KeyColumn], columns: &[String], values: &[String], order: Order) -> String {
    let parts = key.iter().zip(columns).zip(values).rev();
    parts.fold(String::new(), |inner, ((key, column), value)| {
        let beyond = format!("{column} {} {value}", key.beyond(order));
        if inner.is_empty() {
            return beyond;
        }
        format!("{beyond} OR ({column} {} {value} AND ({inner}))", key.equal)
    })
}

impl KeyColumn {
    /// The column as it is compared.
    fn expression(&self) -> Option<String> {
        let name = quote::identifier(&self.name)?;
        Some(match &self.collation {
            Some(collation) => format!("{name} COLLATE {collation}"),
            None => name,
        })
    }

    /// The operator that sorts.
    fn onward(&self, order: Order) -> &str {
        match order {
            Order::Ascending => &self.less,
            Order::Newest => &self.greater,
        }
    }

    /// The operator between a row that comes later and one that came before.
    fn beyond(&self, order: Order) -> &str {
        match order {
            Order::Ascending => &self.greater,
            Order::Newest => &self.less,
        }
    }
}

/// Writes a value without a type: PostgreSQL gives it that of the column beside it, and no length
/// that could cut it.
fn literal(value: &KeyValue) -> Option<String> {
    match value {
        KeyValue::Text(text) => quote::literal(text),
        KeyValue::Blob(bytes) => Some(quote::bytea(bytes)),
        KeyValue::Integer(number) => Some(format!("'{number}'")),
        KeyValue::Real(number) => Some(format!("'{number}'")),
    }
}
