//! What OFREP answers of a flag.

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use super::body::NoContext;
use crate::flags::client::Freshness;
use crate::flags::eval::{Budget, EvaluationError};
use crate::flags::view::{Evaluator, View, Viewed};

/// What is said of one flag, and with which status if it was asked for alone.
pub(super) fn of_flag(
    key: &str,
    viewed: &Viewed,
    context: &Map<String, Value>,
    now: u64,
    budget: &Budget,
) -> (StatusCode, Value) {
    let evaluation = match viewed.evaluate(context, now, budget) {
        Ok(evaluation) => evaluation,
        Err(error) => return (StatusCode::BAD_REQUEST, failed(key, error)),
    };
    let mut answer = Map::new();
    answer.insert("key".to_owned(), key.into());
    // Without a value, the default in the app's code counts.
    if let Some(value) = evaluation.value {
        answer.insert("value".to_owned(), value.clone());
    }
    answer.insert("reason".to_owned(), evaluation.reason.name().into());
    // Python's provider insists on one; flagd says it so where there is none.
    let variant = evaluation.variant.unwrap_or_default();
    answer.insert("variant".to_owned(), variant.into());
    answer.insert("metadata".to_owned(), metadata(viewed));
    (StatusCode::OK, Value::Object(answer))
}

/// What is noted of a flag: values that are no text, number or boolean are not for OFREP.
fn metadata(viewed: &Viewed) -> Value {
    let noted = viewed.entry.definition.metadata.iter();
    let plain =
        noted.filter(|(_, value)| !value.is_object() && !value.is_array() && !value.is_null());
    let mut metadata: Map<_, _> = plain
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    metadata.insert("source".to_owned(), viewed.entry.flag.source.clone().into());
    if viewed.overridden.is_some() {
        metadata.insert("overridden".to_owned(), true.into());
    }
    Value::Object(metadata)
}

fn failed(key: &str, error: EvaluationError) -> Value {
    json!({ "key": key, "errorCode": "PARSE_ERROR", "errorDetails": error.to_string() })
}

/// What is said of a flag that is not there.
pub(super) fn not_found(key: &str) -> (StatusCode, Value) {
    let details = "production has no such flag";
    let answer = json!({ "key": key, "errorCode": "FLAG_NOT_FOUND", "errorDetails": details });
    (StatusCode::NOT_FOUND, answer)
}

/// What is said of a request without a context.
pub(super) fn no_context(key: Option<&str>, why: NoContext) -> (StatusCode, Value) {
    let (status, code, details) = match why {
        NoContext::TooLong => (
            StatusCode::PAYLOAD_TOO_LARGE,
            "INVALID_CONTEXT",
            "a context has at most 64 KiB",
        ),
        NoContext::TooSlow => (
            StatusCode::REQUEST_TIMEOUT,
            "PARSE_ERROR",
            "the body was not there within 10 s",
        ),
        NoContext::Cut => (StatusCode::BAD_REQUEST, "PARSE_ERROR", "the body broke off"),
        NoContext::NotJson => (
            StatusCode::BAD_REQUEST,
            "PARSE_ERROR",
            "the body is no object of JSON",
        ),
        NoContext::NotObject => (
            StatusCode::BAD_REQUEST,
            "INVALID_CONTEXT",
            "the context is no object",
        ),
    };
    let mut answer = json!({ "errorCode": code, "errorDetails": details });
    if let Some(key) = key {
        answer["key"] = key.into();
    }
    (status, answer)
}

/// What is said of all flags.
pub(super) fn of_all(view: &View, context: &Map<String, Value>, now: u64, host: &str) -> Value {
    let budget = Budget::default();
    let flags = view.flags.iter();
    let flags = flags.map(|(key, viewed)| of_flag(key, viewed, context, now, &budget).1);
    json!({
        "flags": flags.collect::<Vec<_>>(),
        "metadata": about(view),
        "eventStreams": [{
            "type": "sse",
            "url": format!("http://{host}{}", super::routes::EVENTS),
            "inactivityDelaySec": INACTIVE,
        }],
    })
}

fn about(view: &View) -> Value {
    match view.freshness {
        Freshness::Live => json!({ "live": true }),
        Freshness::Empty => json!({ "live": false }),
        Freshness::Since(heard) => json!({ "live": false, "heardAt": time(heard) }),
    }
}

/// What is said to whoever wants to see the flags, without OFREP.
pub(super) fn plain(view: &View, evaluator: &Evaluator) -> Value {
    let flags = view.flags.iter().map(|(key, viewed)| {
        let mut flag = json!({
            "key": key,
            "type": viewed.entry.definition.kind().name(),
            "value": evaluator.value(viewed),
            "source": viewed.entry.flag.source,
            "updated": time(viewed.entry.flag.updated),
        });
        if viewed.overridden.is_some() {
            flag["overridden"] = true.into();
        }
        flag
    });
    let flags: Vec<_> = flags.collect();
    json!({ "metadata": about(view), "flags": flags })
}

/// Writes milliseconds since 1970 as RFC 3339 has them.
fn time(millis: u64) -> String {
    let millis = i64::try_from(millis).unwrap_or(i64::MAX);
    let time = jiff::Timestamp::from_millisecond(millis).unwrap_or(jiff::Timestamp::MAX);
    format!("{time:.3}")
}

/// After so long without a client of the stream, an SDK may let go of it: the specification's own default.
const INACTIVE: u32 = 120;
