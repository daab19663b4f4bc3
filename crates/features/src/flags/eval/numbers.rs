//! Truth, numbers, texts and comparisons as JSONLogic has them: those of JavaScript, as far as they occur.

use std::cmp::Ordering;

use serde_json::Value;

/// Whether a value counts as true. An empty list does not.
pub(super) fn truth(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(truth) => *truth,
        Value::Number(number) => number.as_f64().is_some_and(|number| number != 0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(values) => !values.is_empty(),
        Value::Object(_) => true,
    }
}

/// Returns a value as a number, if it can be one; a text that is longer than any number is none.
pub(super) fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => match text.trim() {
            "" => Some(0.0),
            text if text.len() > LONGEST_NUMBER => None,
            text => text.parse().ok().filter(|it: &f64| it.is_finite()),
        },
        Value::Bool(truth) => Some(f64::from(u8::from(*truth))),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Writes a number: a whole one without a point.
pub(super) fn numeral(number: f64) -> Value {
    if number.fract() == 0.0 && number.abs() < LARGEST_EXACT {
        return Value::from(number as i64);
    }
    // What is no number has no value in JSON.
    serde_json::Number::from_f64(number).map_or(Value::Null, Value::Number)
}

/// Returns a value as a text.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() => text_of(&numeral(float)),
            _ => number.to_string(),
        },
        Value::Array(values) => values.iter().map(text).collect::<Vec<_>>().join(","),
        value => text_of(value),
    }
}

fn text_of(value: &Value) -> String {
    value.to_string()
}

/// Whether two values are the same, in kind too.
pub(super) fn strictly_equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (a, b) => a == b,
    }
}

/// Whether two values are the same, whatever they are written as.
pub(super) fn loosely_equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Null, Value::Null) => true,
        (Value::Null, _) | (_, Value::Null) => false,
        (Value::String(a), Value::String(b)) => a == b,
        (Value::Array(_) | Value::Object(_), _) | (_, Value::Array(_) | Value::Object(_)) => a == b,
        (a, b) => matches!((number(a), number(b)), (Some(a), Some(b)) if a == b),
    }
}

/// Compares two values: texts by their characters, all else as numbers.
pub(super) fn order(a: &Value, b: &Value) -> Option<Ordering> {
    match (a, b) {
        (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
        (a, b) => number(a)?.partial_cmp(&number(b)?),
    }
}

/// The longest that a float is written as has some two dozen bytes.
const LONGEST_NUMBER: usize = 64;

/// Whole numbers below this are exact in a float.
const LARGEST_EXACT: f64 = 9_007_199_254_740_992.0;
