//! NDJSON: pino, bunyan, winston, zap, slog, and `tracing`, which nests its message in `fields`.

use serde_json::{Map, Value};

use super::found::Found;

/// Reads a line that is one JSON object.
pub(super) fn read(text: &str) -> Option<Found> {
    if !text.starts_with('{') {
        return None;
    }
    let object: Map<String, Value> = serde_json::from_str(text).ok()?;
    let mut found = Found::default();
    for (name, value) in &object {
        match value {
            Value::Object(fields) if name == "fields" => {
                for (name, value) in fields {
                    take(&mut found, name, value);
                }
            }
            value => take(&mut found, name, value),
        }
    }
    Some(found)
}

/// Takes a value that is not made of others; the rest is in the raw line.
fn take(found: &mut Found, name: &str, value: &Value) {
    match value {
        Value::String(text) => found.take(name, text),
        Value::Number(number) => found.take(name, &number.to_string()),
        Value::Bool(flag) => found.take(name, if *flag { "true" } else { "false" }),
        Value::Null | Value::Array(_) | Value::Object(_) => {}
    }
}
