//! What the values of a SQLite column look like, as far as its declared type tells.
//!
//! SQLite keeps any value in any column, so this is a guess by the names in common use and then by
//! SQLite's own rules of affinity. Each cell says itself what it is.

use sanitize::ValueKind;

/// Returns what the values of a column of this type look like.
pub(super) fn kind(declared: &str) -> ValueKind {
    let name = declared
        .split('(')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_uppercase();
    let has = |parts: &[&str]| parts.iter().any(|part| name.contains(part));
    match name.as_str() {
        "BOOL" | "BOOLEAN" => ValueKind::Boolean,
        "DATE" => ValueKind::Date,
        "TIME" => ValueKind::Time,
        "UUID" | "GUID" | "UNIQUEIDENTIFIER" => ValueKind::Uuid,
        "JSON" | "JSONB" => ValueKind::Json,
        "INET" | "CIDR" => ValueKind::Network,
        "DATETIME" | "TIMESTAMPTZ" => ValueKind::Timestamp,
        "NUMERIC" | "DECIMAL" | "NUMBER" | "MONEY" => ValueKind::Decimal,
        _ if name.starts_with("TIMESTAMP") => ValueKind::Timestamp,
        // From here on, SQLite's rules in their order, with the names of other databases added.
        _ if has(&["INT"]) => ValueKind::Integer,
        _ if has(&["CHAR", "CLOB", "TEXT"]) => ValueKind::Text,
        _ if has(&["BLOB", "BINARY", "BYTEA", "IMAGE"]) => ValueKind::Bytes,
        _ if has(&["REAL", "FLOA", "DOUB"]) => ValueKind::Decimal,
        // No type or one that nobody knows: its text is looked into like any other.
        _ => ValueKind::Text,
    }
}

/// Returns the bound of `VARCHAR(160)`: SQLite does not hold anybody to it, but applications do.
pub(super) fn max_chars(declared: &str) -> Option<u32> {
    let (name, rest) = declared.split_once('(')?;
    let (length, _) = rest.split_once(')')?;
    name.to_ascii_uppercase()
        .contains("CHAR")
        .then(|| length.trim().parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_common_use_and_affinities() {
        for (declared, expected) in [
            ("INTEGER", ValueKind::Integer),
            ("unsigned big int", ValueKind::Integer),
            ("NUMERIC(10, 2)", ValueKind::Decimal),
            ("double precision", ValueKind::Decimal),
            ("NVARCHAR(160)", ValueKind::Text),
            ("", ValueKind::Text),
            ("phone", ValueKind::Text),
            ("Boolean", ValueKind::Boolean),
            ("timestamp with time zone", ValueKind::Timestamp),
            ("BLOB", ValueKind::Bytes),
            ("varbinary(16)", ValueKind::Bytes),
            ("jsonb", ValueKind::Json),
        ] {
            assert_eq!(kind(declared), expected, "{declared}");
        }
    }

    #[test]
    fn only_characters_have_a_bound() {
        assert_eq!(max_chars("VARCHAR( 160 )"), Some(160));
        for unbound in [
            "TEXT",
            "NUMERIC(10,2)",
            "varchar(max)",
            "varchar(",
            "INT(11)",
        ] {
            assert_eq!(max_chars(unbound), None, "{unbound}");
        }
    }
}
