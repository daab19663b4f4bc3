//! The stream of events: tells SDKs when to evaluate again.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderValue, Response, header};
use bytes::Bytes;
use futures_util::stream::unfold;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::Frame;
use serde_json::json;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::timeout;

use super::body::Body;
use crate::flags::view::View;

/// Answers with a stream that has no end, and keeps its place as long.
pub(super) fn stream(
    mut views: watch::Receiver<Arc<View>>,
    place: OwnedSemaphorePermit,
) -> Response<Body> {
    // Who has just evaluated need not do so again.
    let told = views.borrow_and_update().tag;
    let state = State {
        views,
        told,
        begun: false,
        _place: place,
    };
    let frames = unfold(state, |mut state| async move {
        let text = state.next().await?;
        Some((Ok::<_, Infallible>(Frame::data(text)), state))
    });
    let mut response = Response::new(StreamBody::new(frames).boxed_unsync());
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/event-stream"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

struct State {
    views: watch::Receiver<Arc<View>>,
    told: u64,
    begun: bool,
    _place: OwnedSemaphorePermit,
}

impl State {
    /// Waits for the next piece; `None` when nothing will change any more.
    async fn next(&mut self) -> Option<Bytes> {
        if !std::mem::replace(&mut self.begun, true) {
            // Whoever listens knows that it does.
            return Some(Bytes::from_static(b": flags\n\n"));
        }
        loop {
            match timeout(SILENCE, self.views.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return None,
                Err(_) => return Some(Bytes::from_static(b": still here\n\n")),
            }
            let tag = self.views.borrow_and_update().tag;
            // How old the flags are changes none of their values.
            if tag != self.told {
                self.told = tag;
                return Some(event(tag));
            }
        }
    }
}

fn event(tag: u64) -> Bytes {
    let data = json!({ "type": "refetchEvaluation", "etag": format!("{tag:016x}") });
    Bytes::from(format!("id: {tag:016x}\nevent: message\ndata: {data}\n\n"))
}

/// What stands between takes a stream for dead that says nothing for a minute.
const SILENCE: Duration = Duration::from_secs(25);
