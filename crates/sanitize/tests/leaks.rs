//! What once left and must not again: each value with what of it may not be in what leaves.

use sanitize::{
    ColumnFacts, Outcome, PseudonymKey, SanitizedColumn, Sanitizer, Treatment, ValueKind, classify,
};

/// Returns what leaves of a value of this kind in a column that nothing is known of.
fn leaves(kind: &ValueKind, value: &str) -> String {
    leaves_of("c", kind, value)
}

fn leaves_of(name: &str, kind: &ValueKind, value: &str) -> String {
    let facts = ColumnFacts {
        table: "t",
        name,
        kind,
        max_chars: None,
        unique: false,
        nullable: true,
    };
    let column = SanitizedColumn::new(&facts, classify(&facts).treatment);
    let sanitizer = Sanitizer::new(&PseudonymKey::from_secret("a key for tests"));
    let mut out = String::new();
    match sanitizer.apply(&column, value, &mut out) {
        Outcome::Kept => value.to_owned(),
        Outcome::Replaced => out,
        Outcome::Null => "NULL".to_owned(),
    }
}

#[track_caller]
fn is_gone(kind: &ValueKind, value: &str, personal: &str) {
    let left = leaves(kind, value);
    assert!(!left.contains(personal), "{kind:?} {value:?} is {left:?}");
}

#[track_caller]
fn stays(kind: &ValueKind, value: &str) {
    assert_eq!(leaves(kind, value), value, "{kind:?}");
}

#[test]
fn digits_and_signs_are_not_yet_a_number_or_a_day() {
    for (kind, value) in [
        (ValueKind::Integer, "123-45-6789"),
        (ValueKind::Integer, "4111-1111-1111-1111"),
        (ValueKind::Integer, "+49301234567"),
        (ValueKind::Decimal, "192.168.7.77"),
        (ValueKind::Decimal, "+49.30.1234567"),
        (ValueKind::Date, "+49 30 1234567"),
        (ValueKind::Date, "123-45-6789"),
        (ValueKind::Timestamp, "2024-01-15 +49 30 1234567"),
        (ValueKind::Time, "+49 30 1234567"),
        (ValueKind::Uuid, "4111-1111-1111-1111 4111-1111-1111-1"),
    ] {
        assert_ne!(leaves(&kind, value), value, "{kind:?}");
    }
    is_gone(&ValueKind::Boolean, "x@y.io", "y.io");
}

#[test]
fn a_number_that_is_a_card_goes_from_a_column_as_from_a_document() {
    for kind in [ValueKind::Integer, ValueKind::Decimal, ValueKind::Json] {
        is_gone(&kind, "4111111111111111", "4111111111111111");
        is_gone(&kind, "12127365000", "12127365000");
        stays(&kind, "1755302400123");
    }
    let array = ValueKind::Array(Box::new(ValueKind::Integer));
    is_gone(&array, "{1,{4111111111111111}}", "4111111111111111");
    let key = ColumnFacts {
        table: "t",
        name: "id",
        kind: &ValueKind::Integer,
        max_chars: None,
        unique: true,
        nullable: false,
    };
    let sanitizer = Sanitizer::new(&PseudonymKey::from_secret("a key for tests"));
    let column = SanitizedColumn::new(&key, Treatment::Keep);
    let outcome = sanitizer.apply(&column, "4111111111111111", &mut String::new());
    assert_eq!(outcome, Outcome::Kept, "in a key it is the row's number");
}

#[test]
fn a_day_of_birth_keeps_no_more_than_a_year() {
    for kind in [ValueKind::Date, ValueKind::Timestamp] {
        let left = leaves_of("birth_date", &kind, "4111111111111111");
        assert!(!left.contains("4111111111111111"), "{left}");
        let left = leaves_of("birth_date", &kind, "1985-12-31");
        assert!(left.starts_with("1985-01-01"), "{left}");
    }
}

#[test]
fn a_document_that_cannot_be_read_hides_no_names() {
    for value in [
        r#"{"first_name":"Anna","x":"cut sho"#,
        r#"{"first_name":"Anna","x":NaN}"#,
        "\u{feff}{\"first_name\":\"Anna\"}",
        "\u{feff} {\"first_name\":\"Anna\"",
        r#"payload={"first_name":"Anna"}"#,
        r#""{\"first_name\":\"Anna\"}""#,
        r#"body: {\"first_name\":\"Anna\"}"#,
        r#"{"first\u005fname":"Anna","#,
        r#"[{"x":{"first_name" : "Anna""#,
        "{'first_name': 'Anna'}",
        "{first_name: \"Anna\", x: 1}",
        r#"{"log":"{'first_name': 'Anna'}"}"#,
    ] {
        is_gone(&ValueKind::Text, value, "Anna");
    }
    for value in [
        r#"{"mail_to":"anna\u0040example.org","x":NaN"#,
        r#"{"x":"anna\u0040example.org"#,
        r"payload=anna\u0040example.org",
        r"\u005cu0061nna\u005cu0040example.org",
        r#""anna\u0040example.org""#,
        r#"{"x":"anna%40example.org"#,
    ] {
        is_gone(&ValueKind::Text, value, "example.org");
    }
    stays(&ValueKind::Text, r#"{"level":"info","at":NaN,"#);
    stays(&ValueKind::Text, r#"{"first_name":null,"x":NaN}"#);
    stays(
        &ValueKind::Text,
        r#"he said: "fine", and 'why not': so it was"#,
    );
    stays(&ValueKind::Text, r"C:\users\up");
}

#[test]
fn characters_that_nobody_sees_hide_nothing() {
    for (value, personal) in [
        ("anna\u{200b}@example.org", "example.org"),
        ("4111\u{200b}1111\u{200b}1111\u{200b}1111", "1111"),
        ("anna\u{ff20}example.org", "example.org"),
        ("anna@example\u{ff0e}org", "anna"),
        (
            "\u{ff10}\u{ff13}\u{ff10} \u{ff11}\u{ff12}\u{ff13}\u{ff14}\u{ff15}\u{ff16}\u{ff17}\u{ff18}",
            "\u{ff11}",
        ),
        ("\u{ad}a\u{ad}n\u{ad}na@example.org", "n\u{ad}na"),
    ] {
        is_gone(&ValueKind::Text, value, personal);
        let document = serde_json::Value::from(value).to_string();
        is_gone(&ValueKind::Json, &format!("[{document}]"), personal);
    }
    stays(
        &ValueKind::Text,
        "\u{1f469}\u{200d}\u{1f4bb} codes \u{ff08}v\u{ff12}\u{ff09}",
    );
}

#[test]
fn a_yes_under_a_sensitive_name_says_all() {
    let left = leaves(&ValueKind::Json, r#"{"hiv_positive":true,"new":true}"#);
    assert_eq!(left, r#"{"hiv_positive":false,"new":true}"#);
}

#[test]
fn labels_are_searched_and_become_null() {
    assert_eq!(leaves(&ValueKind::Enum, "anna@example.org"), "NULL");
    assert_eq!(
        leaves_of("email", &ValueKind::Enum, "anna@example.org"),
        "NULL"
    );
    assert_eq!(leaves_of("religion", &ValueKind::Enum, "none"), "NULL");
    stays(&ValueKind::Enum, "in progress");
    let labels = ValueKind::Array(Box::new(ValueKind::Enum));
    assert_eq!(leaves(&labels, "{new,anna@example.org}"), "{new,NULL}");
}

#[test]
fn what_only_begins_as_a_replacement_does_is_none() {
    for value in [
        "x://redacted@anna@b.de",
        "x://redacted:anna@b.de",
        "x://anna:red@b.de",
        "https://b.de/?token=redactedanna",
    ] {
        is_gone(&ValueKind::Text, value, "anna");
    }
    stays(&ValueKind::Text, "x://redacted@b.de/?token=redacted");
}

#[test]
fn a_secret_goes_whole_whatever_is_in_it() {
    is_gone(
        &ValueKind::Text,
        "https://b.de/?token=hunter2,x://a:b@c.de",
        "hunter2",
    );
    let armour = [
        "-----BEGIN PRIVATE",
        "KEY-----\nMIIEpAIBAAKCAQEA7\nx://a:b@c.de\nAAKCAQEA7",
    ]
    .join(" ");
    is_gone(&ValueKind::Text, &armour, "MIIEpAIB");
    is_gone(&ValueKind::Text, &armour, "bodyAAKC");
}

#[test]
fn a_document_in_text_keeps_its_form() {
    let left = leaves(&ValueKind::Text, r#"{"first_name":"Anna", "n" : 1.50}"#);
    assert!(
        left.starts_with(r#"{"first_name":""#) && left.ends_with(r#"", "n" : 1.50}"#),
        "{left}"
    );
    assert!(!left.contains("Anna"));
    let nested = r#"{"body":"{\"first_name\":\"Anna\"}"}"#;
    let left = leaves(&ValueKind::Text, nested);
    assert!(left.starts_with(r#"{"body":"{\"first_name\":\""#), "{left}");
    assert!(!left.contains("Anna"));
}

#[test]
fn a_mark_that_came_about_by_chance_costs_little_of_a_long_text() {
    let data = |length: usize| "Q9x/Zk+7".repeat(length / 8);
    for mark in ["/SK9", "/SK", "+eyJ", "/eyJ/", "-sk-", "_hf_"] {
        let text = format!("{}{mark}{}", data(1 << 14), data(1 << 14));
        let left = leaves(&ValueKind::Text, &text);
        assert!(
            left.len() > text.len() - 4096,
            "{mark}: {} bytes",
            left.len()
        );
    }
}
