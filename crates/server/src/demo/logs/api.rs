//! Lines of the API, as pino writes them: one JSON object a line, levels as numbers.

use serde_json::{Value, json};

use super::service::Level;
use crate::demo::calendar::Moment;
use crate::demo::database::{COURSES, ENROLLMENTS, USERS};
use crate::demo::draw::Draw;

/// Writes a line.
pub(super) fn line(level: Level, at: Moment, draw: &mut Draw) -> String {
    let mut line = json!({
        "level": number(level),
        "time": at.millis(),
        "pid": 17,
        "hostname": "api-6c9f4",
    });
    let story = match level {
        Level::Debug => cache(draw),
        Level::Info => answered(draw),
        Level::Warn => refused(draw),
        Level::Error => failed(draw),
    };
    if let (Value::Object(line), Value::Object(story)) = (&mut line, story) {
        line.extend(story);
    }
    line.to_string()
}

/// Returns pino's number for a level.
const fn number(level: Level) -> u8 {
    match level {
        Level::Debug => 20,
        Level::Info => 30,
        Level::Warn => 40,
        Level::Error => 50,
    }
}

fn cache(draw: &mut Draw) -> Value {
    let outcome = draw.pick(&["hit", "miss", "stale"]);
    let key = format!("course:{}", draw.within(1..=COURSES));
    json!({ "key": key, "msg": format!("cache {outcome}") })
}

fn answered(draw: &mut Draw) -> Value {
    let (method, url, status) = match draw.below(10) {
        0..=4 => (
            "GET",
            format!("/api/courses/{}", draw.within(1..=COURSES)),
            200,
        ),
        5 | 6 => (
            "GET",
            format!("/api/courses?page={}", draw.within(1..=40)),
            200,
        ),
        7 => ("GET", "/api/me/enrollments".to_owned(), 200),
        8 => ("POST", "/api/enrollments".to_owned(), 201),
        _ => (
            "PATCH",
            format!("/api/enrollments/{}", draw.within(1..=ENROLLMENTS)),
            204,
        ),
    };
    request(
        method,
        &url,
        status,
        draw.within(3..=90),
        "request completed",
        draw,
    )
}

fn refused(draw: &mut Draw) -> Value {
    match draw.below(3) {
        0 => request("POST", "/api/login", 429, 2, "too many attempts", draw),
        1 => request("GET", "/api/courses/0", 404, 3, "no such course", draw),
        _ => {
            let took = draw.within(900..=2800);
            request("GET", "/api/search?q=rust", 200, took, "slow request", draw)
        }
    }
}

fn failed(draw: &mut Draw) -> Value {
    let (message, at) = FAILURES[draw.place(FAILURES)];
    let took = draw.within(40..=5000);
    let mut story = request(
        "POST",
        "/api/enrollments",
        500,
        took,
        "request errored",
        draw,
    );
    story["err"] = json!({
        "type": "Error",
        "message": message,
        "stack": format!("Error: {message}\n    at {at}"),
    });
    story
}

fn request(method: &str, url: &str, status: u16, took: u64, msg: &str, draw: &mut Draw) -> Value {
    json!({
        "reqId": format!("req-{:x}", draw.within(0x1000..=0xffff)),
        "userId": draw.within(1..=USERS),
        "req": { "method": method, "url": url },
        "res": { "statusCode": status },
        "responseTime": took,
        "msg": msg,
    })
}

/// What goes wrong, and where.
const FAILURES: &[(&str, &str)] = &[
    (
        "Connection terminated unexpectedly",
        "Pool.query (/app/node_modules/pg-pool/index.js:45:11)",
    ),
    (
        "Cannot read properties of undefined",
        "toCard (/app/src/courses/card.js:18:24)",
    ),
    (
        "upstream timed out",
        "fetchInvoice (/app/src/billing/client.js:72:9)",
    ),
];
