use super::*;
use crate::{ColumnFacts, PseudonymKey, SanitizedColumn, Sanitizer, Treatment, ValueKind};

fn rewritten_in(table: &str, treatment: Treatment, document: &str) -> (Outcome, String) {
    let facts = ColumnFacts {
        table,
        name: "meta",
        kind: &ValueKind::Json,
        max_chars: None,
        unique: false,
        nullable: true,
    };
    let mut out = String::new();
    let sanitizer = Sanitizer::new(&PseudonymKey::from_secret("a key for tests"));
    let outcome = sanitizer.apply(&SanitizedColumn::new(&facts, treatment), document, &mut out);
    (outcome, out)
}

fn scanned(document: &str) -> (Outcome, String) {
    rewritten_in("orders", Treatment::Scan, document)
}

/// Returns the document with each given piece of it replaced by what stands there now.
#[track_caller]
fn only_changed(document: &str, personal: &[&str]) {
    let (outcome, out) = scanned(document);
    assert_eq!(outcome, Outcome::Replaced, "{document}");
    let mut rest = out.as_str();
    let mut before = document;
    for piece in personal {
        let (kept, after) = before.split_once(piece).unwrap();
        rest = rest
            .strip_prefix(kept)
            .unwrap_or_else(|| panic!("{kept} is not kept in {out}"));
        let next = after.chars().next().unwrap();
        let end = rest.find(next).unwrap();
        assert_ne!(&rest[..end], *piece, "{out}");
        rest = &rest[end..];
        before = after;
    }
    assert_eq!(rest, before, "{out}");
    let read: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert!(read.is_object() || read.is_array() || read.is_string() || read.is_number());
}

#[test]
fn a_harmless_document_is_kept_byte_for_byte() {
    for document in [
        "{}",
        " [ ] ",
        "null",
        "-0.0e+10",
        r#"{"b":1.50,"a":[true,null,{"name":"Intro"}],"level":"\u00e9\n\"x\""}"#,
        r#"{"id":3074185296,"at":1755302400,"ms":1755302400123,"big":12345678901234567890}"#,
        r#"{"version":"1.2.3.4","sha":"da39a3ee5e6b4b0d3255bfef95601890afd80709"}"#,
        r#"{"email":"","phone":null,"email_verified":true}"#,
    ] {
        assert_eq!(
            scanned(document),
            (Outcome::Kept, String::new()),
            "{document}"
        );
    }
}

#[test]
fn what_is_personal_is_replaced_at_any_depth_and_all_else_is_kept() {
    only_changed(
        r#"{"a":1.50, "note" : "ask ada@x.uk now","z":[1e5]}"#,
        &["ada@x.uk"],
    );
    only_changed(
        r#"[[[{"a":{"b":["+44 20 7946 0123"]}}]]]"#,
        &["+44 20 7946 0123"],
    );
    only_changed(r#""ada@x.uk""#, &["ada@x.uk"]);
    only_changed(r#"{"n":4111111111111111,"m":2}"#, &["4111111111111111"]);
    only_changed(r#"{"n":12127365000}"#, &["12127365000"]);
}

#[test]
fn names_of_members_are_searched_too() {
    only_changed(r#"{"ada@x.uk":{"role":"admin"},"b":2}"#, &["ada@x.uk"]);
}

#[test]
fn a_member_with_a_known_name_is_treated_by_it() {
    only_changed(r#"{"firstName":"Ada","age":36}"#, &["Ada"]);
    only_changed(r#"{"phone":2127365000,"n":2127365000}"#, &["2127365000"]);
    only_changed(r#"{"password":"hunter2","hint":"none"}"#, &["hunter2"]);
    only_changed(
        r#"{"emails":["ada","bob"],"tags":["ada"]}"#,
        &["ada", "bob"],
    );
    only_changed(
        r#"{"name":{"first":"Ada","last":"King"},"email":""}"#,
        &["Ada", "King"],
    );
    only_changed(r#"{"latitude":51.5074}"#, &["51.5074"]);
    only_changed(
        r#"{"address":{"line1":"St James","country":"GB"}}"#,
        &["St James"],
    );
    only_changed(r#"{"api_key":{"live":["abc",1234]}}"#, &["abc", "1234"]);
}

#[test]
fn a_bare_name_is_a_persons_where_the_document_says_so() {
    only_changed(r#"{"user":{"name":"Ada"},"plan":{"name":"Pro"}}"#, &["Ada"]);
    only_changed(r#"{"name":"Ada","email":""}"#, &["Ada"]);
    only_changed(
        r#"[{"name":"Intro"},{"author":"Ada King","name":"Intro"}]"#,
        &["Ada King"],
    );
    let (outcome, _) = rewritten_in("users", Treatment::Scan, r#"{"name":"Ada"}"#);
    assert_eq!(outcome, Outcome::Replaced);
    assert_eq!(scanned(r#"{"name":"Ada"}"#).0, Outcome::Kept);
}

#[test]
fn escapes_hide_nothing() {
    for document in [
        r#"{"a":"ada\u0040x.uk"}"#,
        r#"{"a":"x\n212-736-5000"}"#,
        r#"{"a":"\u0061da@x.uk"}"#,
        r#"{"em\u0061il":"Ada"}"#,
        r#"{"a":"{\"firstName\":\"Ada\"}"}"#,
        r#"{"a":"[\"{\\\"b\\\":\\\"ada@x.uk\\\"}\"]"}"#,
    ] {
        let (outcome, out) = scanned(document);
        assert_eq!(outcome, Outcome::Replaced, "{document}");
        let read: serde_json::Value = serde_json::from_str(&out).unwrap();
        assert!(
            !read.to_string().contains("Ada") && !read.to_string().contains("x.uk"),
            "{out}"
        );
    }
}

#[test]
fn a_document_under_a_personal_name_is_personal_throughout() {
    let (_, out) = rewritten_in(
        "t",
        Treatment::Pseudonymise(Persona::Phone),
        r#"["7365000",{"x":2127365000}]"#,
    );
    assert!(!out.contains("7365000"), "{out}");
    let (outcome, out) = rewritten_in("t", Treatment::Redact, r#"{"a":1}"#);
    assert_eq!((outcome, out.as_str()), (Outcome::Replaced, "null"));
}

#[test]
fn what_cannot_be_read_becomes_null() {
    let deep = "[".repeat(200) + &"]".repeat(200);
    for document in [
        "",
        " ",
        "{",
        "[1,]",
        "[1 2]",
        "{\"a\"}",
        "{\"a\":1,}",
        "{a:1}",
        "nul",
        "01",
        "1.",
        "1e",
        "\"a",
        "\"\\",
        "[]]",
        "'a'",
        "{\"a\":\"\\x@\"}",
        "[\"\\ud800@\"]",
        &deep,
    ] {
        let expected = if document.is_empty() {
            Outcome::Kept
        } else {
            Outcome::Null
        };
        assert_eq!(scanned(document).0, expected, "{document}");
    }
    let fits = "[".repeat(100) + "\"ada@x.uk\"" + &"]".repeat(100);
    assert_eq!(scanned(&fits).0, Outcome::Replaced);
}
