//! A request, taken down as it comes: every header, and the bytes of the body.

use std::time::Duration;

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use bytes::Bytes;
use http_body_util::BodyExt as _;
use tokio::time::{Instant, timeout_at};

use super::refused::NotTaken;
use super::room::{Held, Room};
use crate::Client;
use crate::webhooks::{Header, Origin, Request};

/// Reads a body, as long as it is not too long, comes in time and finds room.
///
/// # Errors
/// [`NotTaken`] says whose fault it is. What is still to come of it is not read.
pub(super) async fn whole(
    headers: &HeaderMap,
    mut body: Body,
    room: &Room,
    most: usize,
) -> Result<(Bytes, Held), NotTaken> {
    let announced = announced(headers);
    if announced.is_some_and(|length| length > most) {
        return Err(NotTaken::TooLong);
    }
    let mut held = room.hold();
    let mut taken = Vec::with_capacity(announced.unwrap_or(0).min(AT_ONCE));
    let start = Instant::now();
    loop {
        let next = patience(start, taken.len());
        let frame = match timeout_at(next, body.frame()).await {
            Ok(Some(Ok(frame))) => frame,
            Ok(Some(Err(_))) => return Err(NotTaken::Cut),
            Ok(None) => break,
            Err(_) => return Err(NotTaken::Slow),
        };
        // Trailers are between neighbours.
        let Ok(bytes) = frame.into_data() else {
            continue;
        };
        if taken.len() + bytes.len() > most {
            return Err(NotTaken::TooLong);
        }
        held.grow(taken.len() + bytes.len()).await?;
        taken.extend_from_slice(&bytes);
    }
    // It may be kept for long.
    taken.shrink_to_fit();
    Ok((taken.into(), held))
}

/// Makes the request what is kept of it.
pub(super) fn record(head: &Parts, client: Client, body: Bytes) -> Request {
    let target = head.uri.path_and_query();
    let target = target.map_or_else(|| head.uri.path(), |target| target.as_str());
    let headers = head.headers.iter();
    Request {
        method: head.method.as_str().to_owned(),
        target: target.to_owned(),
        headers: headers
            .map(|(name, value)| Header::new(name.as_str(), value.as_bytes()))
            .collect(),
        body,
        origin: Origin {
            scheme: client.scheme.to_owned(),
            host: client.host,
            client: client.address,
        },
    }
}

/// Returns until when the next piece of a body must be there.
fn patience(start: Instant, taken: usize) -> Instant {
    if taken == 0 {
        return start + FIRST;
    }
    let slowest = Duration::from_millis((taken / A_MILLISECOND) as u64);
    let now = Instant::now();
    (start + WHOLE)
        .min(now + PAUSE)
        .min(start + PAUSE + slowest)
}

/// Returns how long a body is, by its head.
fn announced(headers: &HeaderMap) -> Option<usize> {
    let length = headers.get(header::CONTENT_LENGTH)?;
    length.to_str().ok()?.parse().ok()
}

/// Memory that is taken for a body before it has come: a head alone is to cost no more.
const AT_ONCE: usize = 16 * 1024;

/// The first of a body comes with its head: who sends a head alone holds a place for no longer.
const FIRST: Duration = Duration::from_secs(3);

/// Beside one pause, a body comes at 64 KB/s at least: nobody holds a place with a byte now and then.
const A_MILLISECOND: usize = 64;

/// The longest pause in the middle of a body. Providers send from memory; a mobile phone sends none.
const PAUSE: Duration = Duration::from_secs(10);

/// For all of it: 25 MiB at 3.5 Mbit/s. Providers wait less, and have less to send.
const WHOLE: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use futures_util::{StreamExt as _, stream};

    use super::*;

    type Pieces = Vec<Result<Bytes, std::io::Error>>;

    fn body(pieces: &[&'static str]) -> Body {
        let pieces: Pieces = pieces.iter().map(|it| Ok(Bytes::from(*it))).collect();
        Body::from_stream(stream::iter(pieces))
    }

    async fn read(body: Body) -> Result<Bytes, NotTaken> {
        let room = Room::of(1024 * 1024);
        let (bytes, _held) = whole(&HeaderMap::new(), body, &room, 8).await?;
        Ok(bytes)
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_is_what_has_come() {
        assert_eq!(
            read(body(&["ab", "", "c"])).await.as_deref(),
            Ok(&b"abc"[..])
        );
        assert_eq!(read(Body::empty()).await, Ok(Bytes::new()));
        assert_eq!(read(body(&["12345678"])).await.map(|it| it.len()), Ok(8));
        assert_eq!(read(body(&["1234", "56789"])).await, Err(NotTaken::TooLong));
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_stops_or_dribbles_is_given_up() {
        let stops = body_stream(stream::iter(["ab"]).chain(stream::pending()));
        let began = Instant::now();
        assert_eq!(read(stops).await, Err(NotTaken::Slow));
        assert_eq!(began.elapsed(), PAUSE);
        let slowly = stream::repeat("a").then(|it| async move {
            tokio::time::sleep(PAUSE * 2 / 5).await;
            it
        });
        let dribbles = body_stream(stream::iter(["a"]).chain(slowly));
        let began = Instant::now();
        assert_eq!(read(dribbles).await, Err(NotTaken::Slow));
        assert_eq!(began.elapsed(), PAUSE);
        let never = body_stream(stream::pending());
        let began = Instant::now();
        assert_eq!(read(never).await, Err(NotTaken::Slow));
        assert_eq!(began.elapsed(), FIRST);
    }

    fn body_stream(
        pieces: impl futures_util::Stream<Item = &'static str> + Send + 'static,
    ) -> Body {
        Body::from_stream(pieces.map(|it| Ok::<_, std::io::Error>(Bytes::from(it))))
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_announced_as_too_long_is_not_read() {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_LENGTH, "9".parse().unwrap());
        let never = Body::from_stream(stream::pending::<Result<Bytes, std::io::Error>>());
        let room = Room::of(1024);
        let refused = whole(&headers, never, &room, 8).await.map(drop);
        assert_eq!(refused, Err(NotTaken::TooLong));
    }

    #[tokio::test(start_paused = true)]
    async fn where_there_is_no_room_it_is_told_to_come_again() {
        let room = Room::of(1024);
        let (_, held) = whole(&HeaderMap::new(), body(&["ab"]), &room, 8)
            .await
            .unwrap();
        let again = whole(&HeaderMap::new(), body(&["ab"]), &room, 8)
            .await
            .map(drop);
        assert_eq!(again, Err(NotTaken::Busy));
        drop(held);
        whole(&HeaderMap::new(), body(&["ab"]), &room, 8)
            .await
            .unwrap();
    }
}
