//! What a local app answers, as much of it as a receipt has room for.

use bytes::Bytes;
use http::{HeaderMap, Response};
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use serde_bytes::ByteBuf;
use tokio::time::{Instant, timeout_at};

use crate::webhooks::delivery::{Answer, Header};
use crate::webhooks::http::Between;
use crate::webhooks::wire::{MOST_HEADERS, MOST_KEPT};

/// How far a body was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// To its end: the connection can take another request.
    Whole,
    /// Not to its end.
    Cut,
}

/// Reads an answer until its end, its bound, or `until`. The local app has taken the delivery by
/// then: a body that breaks off changes nothing of that.
pub(super) async fn read(response: Response<Incoming>, until: Instant) -> (Answer, Reading) {
    let (head, mut body) = response.into_parts();
    let mut kept = Vec::new();
    let (mut length, mut cut) = (0, false);
    let mut reading = Reading::Cut;
    while length <= MOST_READ {
        if body.is_end_stream() {
            reading = Reading::Whole;
            break;
        }
        match timeout_at(until, body.frame()).await {
            Ok(Some(Ok(frame))) => {
                let data = frame.into_data().unwrap_or_else(|_| Bytes::new());
                length += data.len() as u64;
                let room = data.len().min(MOST_KEPT - kept.len());
                cut |= room < data.len();
                kept.extend_from_slice(data.get(..room).unwrap_or_default());
            }
            Ok(None) => reading = Reading::Whole,
            Ok(Some(Err(_))) | Err(_) => break,
        }
        if reading == Reading::Whole {
            break;
        }
    }
    let answer = Answer {
        status: head.status.as_u16(),
        headers: headers(&head.headers),
        body: ByteBuf::from(kept),
        length,
        cut: cut || reading == Reading::Cut,
    };
    (answer, reading)
}

/// Returns the headers that are not between neighbours, as many as there is room for.
fn headers(headers: &HeaderMap) -> Vec<Header> {
    let mut room = MOST_HEADERS;
    let between = Between::of_map(headers);
    let lines = headers.iter();
    lines
        .filter(|(name, _)| !between.has(name.as_str()))
        .map_while(|(name, value)| {
            room = room.checked_sub(name.as_str().len() + value.len())?;
            Some(Header::new(name.as_str(), value.as_bytes()))
        })
        .collect()
}

/// What is read of a body before its connection is closed: what is left of it costs more than a
/// connection does.
const MOST_READ: u64 = 1024 * 1024;
