//! Texts that are held against those that were kept.

use std::path::Path;

use regex::Regex;
use serde_json::{Map, Value};

/// Holds a text against the one in `snapshots`; with `UPDATE_SNAPSHOTS` set it is written there.
#[track_caller]
pub(crate) fn assert_snapshot(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/cli/snapshots")
        .join(name);
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(
        text, kept,
        "{name} is another: run the test with UPDATE_SNAPSHOTS=1 if it should be"
    );
}

/// Returns a text without what is another each time: the folder, ids, secrets, numbers and their
/// units, and the width of columns.
pub(crate) fn lasting(text: &str, folder: &Path) -> String {
    let mut text = text.replace(folder.to_str().unwrap(), "FOLDER");
    for (pattern, name) in [
        (r"whd_[0-9a-z]+", "whd_ID"),
        (r"whsec_[0-9A-Za-z+/=]+", "whsec_SECRET"),
        (r"\b[0-9a-f]{32,}\b", "HEX"),
        (r"\b\d[\d.,:]*( ?(ns|µs|ms|s|min|h|kB|MB|B))?\b(Z)?", "N"),
        (r"N-N-(N|\d+T)\S*", "N"),
        (r" {2,}", "  "),
    ] {
        text = Regex::new(pattern)
            .unwrap()
            .replace_all(&text, name)
            .into_owned();
    }
    text
}

/// Returns what a value is made of: of each member its type, of each list its first item. What lies
/// deeper is another from machine to machine: a check that warns says more.
pub(crate) fn shape(value: &Value) -> Value {
    shape_to(value, DEPTH)
}

fn shape_to(value: &Value, depth: u32) -> Value {
    let below = |value: &Value| shape_to(value, depth - 1);
    let kind = |name: &str| Value::String(name.to_owned());
    match value {
        Value::Null => Value::Null,
        Value::Bool(_) => kind("truth"),
        Value::Number(_) => kind("number"),
        Value::String(_) => kind("text"),
        Value::Array(_) if depth == 0 => kind("list"),
        Value::Object(_) if depth == 0 => kind("object"),
        Value::Array(items) => Value::Array(items.iter().take(1).map(below).collect()),
        Value::Object(members) => {
            let each = members
                .iter()
                .map(|(name, value)| match (name.as_str(), value) {
                    // It says what else there is.
                    ("type", Value::String(_)) => (name.clone(), value.clone()),
                    _ => (name.clone(), below(value)),
                });
            Value::Object(each.collect::<Map<_, _>>())
        }
    }
}

/// A list in a document, with its items' members.
const DEPTH: u32 = 3;
