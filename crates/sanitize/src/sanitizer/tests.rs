use super::*;
use crate::{ColumnFacts, Persona, Treatment, ValueKind, classify};

fn facts<'a>(table: &'a str, name: &'a str, kind: &'a ValueKind) -> ColumnFacts<'a> {
    ColumnFacts {
        table,
        name,
        kind,
        max_chars: None,
        unique: false,
        nullable: true,
    }
}

fn apply(facts: &ColumnFacts<'_>, treatment: Treatment, value: &str) -> (Outcome, String) {
    let sanitizer = Sanitizer::new(&PseudonymKey::from_secret("a key for tests"));
    let mut out = "what was there before".to_owned();
    let outcome = sanitizer.apply(&SanitizedColumn::new(facts, treatment), value, &mut out);
    (outcome, out)
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "a table of cases reads better without ampersands"
)]
fn classified(table: &str, name: &str, kind: ValueKind, value: &str) -> (Outcome, String) {
    let facts = facts(table, name, &kind);
    apply(&facts, classify(&facts).treatment, value)
}

#[test]
fn empty_text_is_kept_under_every_treatment() {
    let facts = facts("t", "c", &ValueKind::Text);
    for treatment in [
        Treatment::Redact,
        Treatment::Null,
        Treatment::Pseudonymise(Persona::Email),
    ] {
        assert_eq!(apply(&facts, treatment, ""), (Outcome::Kept, String::new()));
    }
}

#[test]
fn a_kept_column_keeps_what_is_of_its_kind() {
    for (kind, value) in [
        (ValueKind::Integer, "-3074185296"),
        (ValueKind::Decimal, "1e-5"),
        (ValueKind::Decimal, "NaN"),
        (ValueKind::Boolean, "t"),
        (ValueKind::Timestamp, "2024-01-15 10:30:00.123456+00"),
        (ValueKind::Timestamp, "infinity"),
        (ValueKind::Date, "0044-03-15 BC"),
        (ValueKind::Interval, "1 year 2 mons 3 days 04:05:06.789"),
        (ValueKind::Uuid, "12345678-1234-1234-1234-123456789012"),
        (ValueKind::Enum, "pending"),
        (
            ValueKind::Array(Box::new(ValueKind::Integer)),
            "{{1,2},{3,4}}",
        ),
    ] {
        assert_eq!(
            classified("t", "c", kind, value).0,
            Outcome::Kept,
            "{value}"
        );
    }
}

#[test]
fn what_a_loose_database_keeps_in_a_column_of_another_kind_is_searched() {
    for kind in [
        ValueKind::Integer,
        ValueKind::Decimal,
        ValueKind::Boolean,
        ValueKind::Timestamp,
        ValueKind::Uuid,
    ] {
        let (outcome, out) = classified("t", "c", kind, "ada@lovelace.uk");
        assert_eq!(outcome, Outcome::Replaced);
        assert!(out.ends_with("@example.com"), "{out}");
    }
}

#[test]
fn the_same_address_is_the_same_everywhere() {
    let (_, column) = classified("users", "email", ValueKind::Text, "Ada@Lovelace.uk");
    let (_, text) = classified("posts", "body", ValueKind::Text, "by ada@lovelace.uk!");
    let (_, json) = classified(
        "posts",
        "meta",
        ValueKind::Json,
        r#"{"to":["ada@lovelace.uk"]}"#,
    );
    let (_, array) = classified(
        "posts",
        "cc",
        ValueKind::Array(Box::new(ValueKind::Text)),
        "{ada@lovelace.uk}",
    );
    assert_eq!(text, format!("by {column}!"));
    assert_eq!(json, format!(r#"{{"to":["{column}"]}}"#));
    assert_eq!(array, format!(r#"{{"{column}"}}"#));
}

#[test]
fn a_pseudonym_is_its_own_pseudonym() {
    let facts = facts("users", "email", &ValueKind::Text);
    let treatment = Treatment::Pseudonymise(Persona::Email);
    let (_, once) = apply(&facts, treatment, "ada@lovelace.uk");
    assert_eq!(
        apply(&facts, treatment, &once),
        (Outcome::Kept, String::new())
    );
}

#[test]
fn arrays_are_rewritten_element_by_element() {
    let texts = || ValueKind::Array(Box::new(ValueKind::Text));
    let (_, out) = classified(
        "t",
        "tags",
        texts(),
        r#"{a,"b, c",NULL,{"to ada@lovelace.uk"}}"#,
    );
    assert!(
        out.starts_with(r#"{a,"b, c",NULL,{"to "#) && out.ends_with(r#"@example.com"}}"#),
        "{out}"
    );
    assert_eq!(classified("t", "tags", texts(), "{a").0, Outcome::Null);
    let documents = ValueKind::Array(Box::new(ValueKind::Json));
    let (_, out) = classified("t", "docs", documents, r#"{"{\"email\": \"x\"}","{}","{"}"#);
    assert!(
        out.ends_with(r#"","{}",NULL}"#) && out.contains("@example.com"),
        "{out}"
    );
    let phones = ValueKind::Array(Box::new(ValueKind::Integer));
    let (_, out) = classified("users", "phones", phones, "{2127365000,NULL}");
    assert!(out.contains("55501") && out.ends_with(",NULL}"), "{out}");
}

#[test]
fn text_that_is_json_is_read_as_json() {
    let (_, out) = classified(
        "t",
        "payload",
        ValueKind::Text,
        r#"{"first_name":"Ada","x":"ada\u0040x.uk"}"#,
    );
    assert!(
        !out.contains("Ada") && out.contains("@example.com"),
        "{out}"
    );
    let (_, out) = classified("t", "body", ValueKind::Text, "{{greeting}} ada@lovelace.uk");
    assert!(out.starts_with("{{greeting}} "), "{out}");
    let deep = "[".repeat(200) + &"]".repeat(200);
    assert_eq!(
        classified("t", "payload", ValueKind::Text, &deep),
        (Outcome::Replaced, "redacted".into())
    );
}

#[test]
fn a_scanned_value_never_outgrows_its_column() {
    for value in [
        "a@b.co",
        "x a@b.co y c@d.io",
        "8.8.8.8",
        "https://a:b@c.d/",
        "2a00::1",
        r#"{"email":"a"}"#,
    ] {
        for extra in 0..60 {
            let max_chars = value.chars().count() as u32 + extra;
            let facts = ColumnFacts {
                max_chars: Some(max_chars),
                ..facts("t", "c", &ValueKind::Text)
            };
            let (outcome, out) = apply(&facts, Treatment::Scan, value);
            assert_eq!(outcome, Outcome::Replaced, "{value}");
            assert!(out.chars().count() <= max_chars as usize, "{out}");
        }
    }
}

#[test]
fn redacting_leaves_a_value_of_the_kind() {
    for (kind, value, left) in [
        (ValueKind::Text, "hunter2", "redacted"),
        (ValueKind::Integer, "1234", "0"),
        (ValueKind::Decimal, "12.5", "0"),
        (ValueKind::Boolean, "t", "false"),
        (ValueKind::Boolean, "1", "0"),
        (ValueKind::Json, "{", "null"),
        (ValueKind::Bytes, "\\x00", ""),
        (ValueKind::Array(Box::new(ValueKind::Text)), "{a}", "{}"),
    ] {
        let (outcome, out) = apply(&facts("t", "c", &kind), Treatment::Redact, value);
        assert_eq!((outcome, out.as_str()), (Outcome::Replaced, left));
    }
    let (outcome, _) = apply(&facts("t", "c", &ValueKind::Opaque), Treatment::Redact, "x");
    assert_eq!(outcome, Outcome::Null);
}

#[test]
fn redacted_values_of_a_unique_column_differ() {
    for (kind, values) in [
        (ValueKind::Text, ["abc", "abd"]),
        (ValueKind::Integer, ["1234567", "1234568"]),
        (
            ValueKind::Uuid,
            [
                "550e8400-e29b-41d4-a716-446655440000",
                "550e8400-e29b-41d4-a716-446655440001",
            ],
        ),
    ] {
        let facts = ColumnFacts {
            unique: true,
            ..facts("t", "c", &kind)
        };
        let [one, two] = values.map(|value| apply(&facts, Treatment::Redact, value).1);
        assert_ne!(one, two);
        assert!(!values.contains(&one.as_str()));
    }
}

#[test]
fn where_null_is_refused_a_constant_takes_its_place() {
    let facts = ColumnFacts {
        nullable: false,
        ..facts("t", "c", &ValueKind::Json)
    };
    assert_eq!(
        apply(&facts, Treatment::Scan, "{"),
        (Outcome::Replaced, "null".into())
    );
}

#[test]
fn a_treatment_that_makes_no_sense_for_a_kind_leaves_nothing() {
    for kind in [
        ValueKind::Uuid,
        ValueKind::Time,
        ValueKind::Opaque,
        ValueKind::Bytes,
    ] {
        let (outcome, out) = apply(
            &facts("t", "c", &kind),
            Treatment::Pseudonymise(Persona::Email),
            "x",
        );
        assert_eq!((outcome, out.as_str()), (Outcome::Null, ""));
    }
}

#[test]
fn debug_says_nothing_of_the_key() {
    let sanitizer = Sanitizer::new(&PseudonymKey::from_secret("a key for tests"));
    assert_eq!(format!("{sanitizer:?}"), "Sanitizer(<redacted>)");
}
