//! The types of local columns: which one a column gets, and whether one that is there will do.

use sanitize::ValueKind;

use crate::sync::table::Column;
use crate::sync::target::form::is_real;
use crate::sync::wire::Engine;

/// Returns the type of the local column: the source's own if every PostgreSQL has it, otherwise
/// the widest of its kind.
pub(super) fn column_type(column: &Column, engine: Engine) -> String {
    if engine == Engine::Postgres && is_everywhere(&column.declared) {
        column.declared.clone()
    } else {
        widest(&column.kind, &column.declared)
    }
}

fn widest(kind: &ValueKind, declared: &str) -> String {
    match kind {
        ValueKind::Boolean => "boolean".to_owned(),
        ValueKind::Integer => "bigint".to_owned(),
        ValueKind::Decimal if is_real(declared) => "double precision".to_owned(),
        ValueKind::Decimal => "numeric".to_owned(),
        ValueKind::Json => "jsonb".to_owned(),
        ValueKind::Bytes => "bytea".to_owned(),
        ValueKind::Array(element) => format!("{}[]", widest(element, declared)),
        // SQLite has no types for these: what is in such a column may have any form.
        ValueKind::Text
        | ValueKind::Date
        | ValueKind::Time
        | ValueKind::Timestamp
        | ValueKind::Interval
        | ValueKind::Uuid
        | ValueKind::Network
        | ValueKind::Enum
        | ValueKind::Opaque => "text".to_owned(),
    }
}

/// Whether a local column of the type `local` holds every value of the source's column.
///
/// Where it does not for certain, single values may still fit; the rows will tell.
pub(super) fn holds(column: &Column, engine: Engine, local: &str) -> bool {
    // A type of the source's own may be here too, in another schema.
    let name = |declared: &str| declared.rsplit('.').next().map(str::to_owned);
    let is_the_same = engine == Engine::Postgres && name(&column.declared) == name(local);
    is_the_same || is_wider(&column_type(column, engine), local)
}

/// Whether every value of the one type is one of the other too.
fn is_wider(wanted: &str, local: &str) -> bool {
    let rank = |name: &str| INTEGERS.iter().position(|&integer| integer == name);
    match (rank(wanted), rank(local)) {
        (Some(wanted), Some(local)) => wanted <= local,
        _ => {
            wanted == local
                || matches!(local, "text" | "character varying")
                || matches!((wanted, local), ("json", "jsonb") | ("jsonb", "json"))
                || has_wider_bound(wanted, local)
        }
    }
}

/// Whether two types differ only by a bound, and the local one has none or a larger one.
fn has_wider_bound(wanted: &str, local: &str) -> bool {
    if without_modifier(wanted) != without_modifier(local) {
        return false;
    }
    match (bound(wanted), bound(local)) {
        (_, None) => true,
        (Some(wanted), Some(local)) => wanted <= local,
        (None, Some(_)) => false,
    }
}

/// Returns the number of a type with one, such as the 160 of `character varying(160)`. A type
/// with two has none: which of `numeric(10,2)` and `numeric(12,4)` is wider depends on the value.
fn bound(declared: &str) -> Option<u32> {
    let (_, rest) = declared.split_once('(')?;
    rest.split_once(')')?.0.parse().ok()
}

/// Whether a type as `format_type` writes it is one of `pg_catalog`, which no extension, schema
/// or version since 12 has to bring; nothing else is ever pasted into a statement.
fn is_everywhere(declared: &str) -> bool {
    let element = declared.strip_suffix("[]").unwrap_or(declared);
    without_modifier(element).is_some_and(|name| EVERYWHERE.contains(&&*name))
}

/// Returns a type's name without `(10,2)` and its like, or `None` if the parentheses hold
/// anything but numbers.
fn without_modifier(declared: &str) -> Option<String> {
    let Some((name, rest)) = declared.split_once('(') else {
        return Some(declared.to_owned());
    };
    let (modifier, rest) = rest.split_once(')')?;
    let is_modifier = modifier
        .bytes()
        .all(|byte| matches!(byte, b'0'..=b'9' | b',' | b'-'));
    (is_modifier && !modifier.is_empty()).then(|| [name, rest].concat())
}

/// From the narrowest to the widest.
const INTEGERS: [&str; 4] = ["smallint", "integer", "bigint", "numeric"];

/// Types of `pg_catalog` that an ordinary table may have.
const EVERYWHERE: &[&str] = &[
    "\"char\"",
    "bigint",
    "bit",
    "bit varying",
    "boolean",
    "box",
    "bytea",
    "character",
    "character varying",
    "cidr",
    "circle",
    "date",
    "daterange",
    "double precision",
    "inet",
    "int4range",
    "int8range",
    "integer",
    "interval",
    "interval day",
    "interval day to hour",
    "interval day to minute",
    "interval day to second",
    "interval hour",
    "interval hour to minute",
    "interval hour to second",
    "interval minute",
    "interval minute to second",
    "interval month",
    "interval second",
    "interval year",
    "interval year to month",
    "json",
    "jsonb",
    "jsonpath",
    "line",
    "lseg",
    "macaddr",
    "macaddr8",
    "money",
    "name",
    "numeric",
    "numrange",
    "oid",
    "path",
    "pg_lsn",
    "point",
    "polygon",
    "real",
    "smallint",
    "text",
    "time with time zone",
    "time without time zone",
    "timestamp with time zone",
    "timestamp without time zone",
    "tsquery",
    "tsrange",
    "tstzrange",
    "tsvector",
    "uuid",
    "xml",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn local(declared: &str, kind: ValueKind, engine: Engine) -> String {
        let column = Column {
            name: "c".to_owned(),
            declared: declared.to_owned(),
            kind,
            max_chars: None,
            nullable: true,
            generated: false,
        };
        column_type(&column, engine)
    }

    #[test]
    fn types_of_pg_catalog_stay() {
        let types = [
            "character varying(160)",
            "numeric(10,2)",
            "numeric(3,-2)",
            "timestamp(3) with time zone",
            "interval day to second(3)",
            "text[]",
            "numeric(10,2)[]",
            "bit(3)",
            "\"char\"",
        ];
        for declared in types {
            assert_eq!(local(declared, ValueKind::Text, Engine::Postgres), declared);
        }
    }

    #[test]
    fn other_types_become_the_widest_of_their_kind() {
        let integers = ValueKind::Array(Box::new(ValueKind::Integer));
        assert_eq!(
            local("app.positive", ValueKind::Integer, Engine::Postgres),
            "bigint"
        );
        assert_eq!(local("app.mood", ValueKind::Enum, Engine::Postgres), "text");
        assert_eq!(
            local(
                "app.mood[]",
                ValueKind::Array(Box::new(ValueKind::Enum)),
                Engine::Postgres
            ),
            "text[]"
        );
        assert_eq!(local("positives[]", integers, Engine::Postgres), "bigint[]");
        assert_eq!(local("citext", ValueKind::Text, Engine::Postgres), "text");
        assert_eq!(
            local("INTEGER", ValueKind::Integer, Engine::Sqlite),
            "bigint"
        );
        assert_eq!(
            local("DOUBLE", ValueKind::Decimal, Engine::Sqlite),
            "double precision"
        );
        assert_eq!(
            local("DECIMAL(10,2)", ValueKind::Decimal, Engine::Sqlite),
            "numeric"
        );
    }

    #[test]
    fn a_wider_local_type_will_do_and_a_narrower_one_is_said() {
        let wider = [
            ("integer", "bigint"),
            ("bigint", "numeric"),
            ("character varying(10)", "character varying(20)"),
            ("character varying(10)", "text"),
            ("uuid", "text"),
            ("json", "jsonb"),
            ("numeric(10,2)", "numeric"),
        ];
        for (wanted, local) in wider {
            assert!(is_wider(wanted, local), "{wanted} in {local}");
        }
        let narrower = [
            ("bigint", "integer"),
            ("character varying(20)", "character varying(10)"),
            ("text", "character varying(10)"),
            ("text", "integer"),
            ("text", "uuid"),
        ];
        for (wanted, local) in narrower {
            assert!(!is_wider(wanted, local), "{wanted} in {local}");
        }
    }

    #[test]
    fn a_type_that_is_a_statement_is_never_pasted() {
        for declared in [
            "text); DROP TABLE users; --",
            "numeric(1); DROP TABLE users; --)",
            "text DEFAULT now()",
        ] {
            assert_eq!(local(declared, ValueKind::Text, Engine::Postgres), "text");
        }
    }
}
