//! Makes a line of a record.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Number, Value as Json};

use super::message::{AnyValue, KeyValue, LogRecord, Scope, Value};
use crate::logs::entry::{Line, Origin};
use crate::logs::level::Level;
use crate::logs::parse;
use crate::logs::sources::made::{Fits, Made};

/// Makes a line of what `origin` wrote; `now` stands in for a time that nobody noted.
pub(super) fn line(origin: &Origin, scope: &Scope, record: &LogRecord, now: u64) -> Line {
    let time = [record.time_unix_nano, record.observed_time_unix_nano, now];
    let time = time.into_iter().find(|&time| time > 0).unwrap_or(now);
    let Some(level) = level(record) else {
        return forwarded(origin, record, text(record.body.as_ref()), time);
    };
    let mut made = Made::new();
    let body = message(&mut made, record.body.as_ref());
    made.set("event", &record.event_name);
    made.set("scope", &scope.name);
    describe(&mut made, record);
    let message = with_trace(body, record);
    let raw = match made.fits() {
        Fits::All => None,
        Fits::Some => Some(written(record)),
    };
    made.line((time, level), origin.clone(), &message, raw)
}

/// Returns what a body says. One that is an object with a message has fields beside it.
fn message(made: &mut Made, body: Option<&AnyValue>) -> String {
    let Some(Value::Object(parts)) = body.and_then(|body| body.value.as_ref()) else {
        return text(body);
    };
    let is_message = |it: &&KeyValue| matches!(&*it.key, "message" | "msg");
    let Some(found) = parts.values.iter().find(is_message) else {
        return text(body);
    };
    for part in parts.values.iter().filter(|it| it.key != found.key) {
        flatten(made, &part.key, part.value.as_ref());
    }
    text(found.value.as_ref())
}

/// Sets the fields of a record, but for the stack trace, which is shown.
fn describe(made: &mut Made, record: &LogRecord) {
    for attribute in &record.attributes {
        if attribute.key != STACK_TRACE {
            flatten(made, &attribute.key, attribute.value.as_ref());
        }
    }
    made.set("traceId", &hex(&record.trace_id));
    made.set("spanId", &hex(&record.span_id));
}

/// Reads a line that a collector took from a file as it was: nobody has read a level from it yet.
fn forwarded(origin: &Origin, record: &LogRecord, body: String, time: u64) -> Line {
    let mut line = parse::line(body.into_bytes(), origin, time).line;
    let mut made = Made::new();
    describe(&mut made, record);
    for (name, value) in made.fields().iter() {
        line.fields.set(name, value);
    }
    line
}

/// Returns how grave a record is, if it says so.
fn level(record: &LogRecord) -> Option<Level> {
    match u8::try_from(record.severity_number) {
        Ok(number @ 1..=24) => Some(Level(number)),
        _ => match &*record.severity_text {
            "" => None,
            word => Some(Level::named(word).unwrap_or_default()),
        },
    }
}

/// Adds the stack trace to the message, as an app writes it to its output.
fn with_trace(message: String, record: &LogRecord) -> String {
    let mut found = record.attributes.iter().filter(|it| it.key == STACK_TRACE);
    match found.next().map(|it| text(it.value.as_ref())) {
        Some(trace) if !message.contains(&trace) => format!("{message}\n{}", trace.trim_end()),
        _ => message,
    }
}

/// Sets a field; the parts of an object are fields of their own, `http.status`.
fn flatten(made: &mut Made, name: &str, value: Option<&AnyValue>) {
    match value.and_then(|value| value.value.as_ref()) {
        Some(Value::Object(list)) => {
            for KeyValue { key, value } in &list.values {
                flatten(made, &format!("{name}.{key}"), value.as_ref());
            }
        }
        _ => made.set(name, &text(value)),
    }
}

fn text(value: Option<&AnyValue>) -> String {
    match value.map(json) {
        None | Some(Json::Null) => String::new(),
        Some(Json::String(text)) => text,
        Some(other) => other.to_string(),
    }
}

/// Returns the record as JSON, for what is too long or too much for fields.
fn written(record: &LogRecord) -> Vec<u8> {
    let mut whole = Map::new();
    whole.insert("body".into(), record.body.as_ref().map_or(Json::Null, json));
    whole.insert("attributes".into(), object(&record.attributes));
    Json::Object(whole).to_string().into_bytes()
}

fn json(value: &AnyValue) -> Json {
    match &value.value {
        None => Json::Null,
        Some(Value::Text(text)) => Json::String(text.clone()),
        Some(Value::Bool(flag)) => Json::Bool(*flag),
        Some(Value::Integer(number)) => Json::Number((*number).into()),
        Some(Value::Double(number)) => {
            Number::from_f64(*number).map_or_else(|| Json::String(number.to_string()), Json::Number)
        }
        Some(Value::Array(array)) => Json::Array(array.values.iter().map(json).collect()),
        Some(Value::Object(list)) => object(&list.values),
        Some(Value::Bytes(bytes)) => Json::String(STANDARD.encode(bytes)),
    }
}

fn object(values: &[KeyValue]) -> Json {
    let pair = |it: &KeyValue| (it.key.clone(), it.value.as_ref().map_or(Json::Null, json));
    Json::Object(values.iter().map(pair).collect())
}

fn hex(bytes: &[u8]) -> String {
    // An id has 16 bytes, or 8; whatever is longer is none.
    bytes
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Where OpenTelemetry's conventions put what a program prints below its error.
const STACK_TRACE: &str = "exception.stacktrace";
