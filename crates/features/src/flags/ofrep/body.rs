//! Bodies: those that come in, bounded; and those that go out.

use std::convert::Infallible;
use std::time::Duration;

use axum::http::{HeaderValue, Response, StatusCode, header};
use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use serde_json::{Map, Value};
use tokio::time::timeout;

/// A body that goes out.
pub(super) type Body = UnsyncBoxBody<Bytes, Infallible>;

/// Why there is no context.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoContext {
    TooLong,
    TooSlow,
    Cut,
    NotJson,
    NotObject,
}

/// Reads the context of a request; a request without a body is about nobody in particular.
pub(super) async fn context(body: Incoming) -> Result<Map<String, Value>, NoContext> {
    let read = Limited::new(body, LONGEST_BODY).collect();
    let read = timeout(BODY_TIME, read)
        .await
        .map_err(|_| NoContext::TooSlow)?;
    let bytes = read.map_err(|error| match error.is::<LengthLimitError>() {
        true => NoContext::TooLong,
        false => NoContext::Cut,
    })?;
    let bytes = bytes.to_bytes();
    if bytes.is_empty() {
        return Ok(Map::new());
    }
    let Ok(Value::Object(mut whole)) = serde_json::from_slice(&bytes) else {
        return Err(NoContext::NotJson);
    };
    match whole.remove("context") {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(context)) => Ok(context),
        Some(_) => Err(NoContext::NotObject),
    }
}

/// Answers with JSON.
pub(super) fn json(status: StatusCode, body: &Value) -> Response<Body> {
    let mut response = Response::new(whole(Bytes::from(body.to_string())));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json; charset=utf-8"),
    );
    response
}

/// Answers with a status alone.
pub(super) fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(whole(Bytes::new()));
    *response.status_mut() = status;
    response
}

fn whole(bytes: Bytes) -> Body {
    Full::new(bytes).boxed_unsync()
}

/// A context says who asks, and of what: some kilobytes.
const LONGEST_BODY: usize = 64 * 1024;

/// Between programs of one machine it takes milliseconds; whoever takes longer has somebody else's place.
const BODY_TIME: Duration = Duration::from_secs(10);
