//! Bodies on their way: frames pass one by one, and nothing is kept.

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::http::header;
use hyper::{Request, StatusCode};
use thiserror::Error;
use tokio::sync::Notify;

use super::Upstream;
use super::connection::AppConnection;
use crate::front::copy::Tap;
use crate::front::presence::Presence;

/// What a client sends, on its way to the app.
pub(super) struct RequestBody {
    /// `None` where there is nothing.
    incoming: Option<Incoming>,
    /// What has to happen before the client is asked for it.
    gate: Option<Gate>,
    client: Arc<Presence>,
    /// Who gets a copy, until there is no more of it.
    tap: Option<Tap>,
}

type Gate = Pin<Box<dyn Future<Output = ()> + Send>>;

impl RequestBody {
    /// Returns the body of no request, such as that of a repeated one.
    pub(super) fn empty() -> Self {
        Self {
            incoming: None,
            gate: None,
            client: Arc::default(),
            tap: None,
        }
    }

    /// Takes a request's body. If the client waits for `100 Continue`, it gets it when the app says
    /// so: hyper says it when the body is first asked for.
    pub(super) fn of(request: Request<Incoming>, client: &Arc<Presence>) -> Request<Self> {
        let expects = request.headers().get(header::EXPECT);
        let waits = expects.is_some_and(|it| it.as_bytes().eq_ignore_ascii_case(b"100-continue"));
        let mut request = request.map(|incoming| Self {
            incoming: (!incoming.is_end_stream()).then_some(incoming),
            gate: None,
            client: Arc::clone(client),
            tap: None,
        });
        if request.body().incoming.is_none() {
            client.note_given();
        } else if waits {
            request.body_mut().gate = Some(gate(&mut request));
        }
        request
    }

    /// Has a copy made of it as it passes.
    pub(super) fn tapped(mut self, tap: Tap) -> Self {
        match self.incoming {
            Some(_) => self.tap = Some(tap),
            None => tap.ended_whole(),
        }
        self
    }

    /// Tells whoever gets a copy.
    fn tell(&mut self, polled: &Poll<Option<hyper::Result<Frame<Bytes>>>>) {
        let Some(tap) = &self.tap else {
            return;
        };
        let has_ended = match polled {
            Poll::Ready(Some(Ok(frame))) => {
                if let Some(bytes) = frame.data_ref() {
                    tap.passes(bytes);
                }
                // Nothing follows trailers, and nobody asks again.
                frame.is_trailers() || self.is_end_stream()
            }
            Poll::Ready(None) => true,
            Poll::Ready(Some(Err(_))) | Poll::Pending => false,
        };
        if has_ended && let Some(tap) = self.tap.take() {
            tap.ended_whole();
        }
    }
}

fn gate(request: &mut Request<RequestBody>) -> Gate {
    let continued = Arc::new(Notify::new());
    let told = Arc::clone(&continued);
    hyper::ext::on_informational(request, move |response| {
        if response.status() == StatusCode::CONTINUE {
            told.notify_one();
        }
    });
    Box::pin(async move {
        // An app that never says it gets the body all the same, as clients do by themselves.
        tokio::time::timeout(EXPECT_TIME, continued.notified())
            .await
            .ok();
    })
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = CutOff;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, CutOff>>> {
        if let Some(gate) = &mut self.gate {
            ready!(gate.as_mut().poll(cx));
            self.gate = None;
        }
        let Some(incoming) = &mut self.incoming else {
            return Poll::Ready(None);
        };
        let polled = Pin::new(&mut *incoming).poll_frame(cx);
        if matches!(polled, Poll::Ready(None)) || incoming.is_end_stream() {
            self.client.note_given();
        }
        self.tell(&polled);
        match polled {
            Poll::Ready(frame) => Poll::Ready(frame.map(|it| it.map_err(CutOff::Broken))),
            // What it has said has been taken, and is not all.
            Poll::Pending if self.client.has_ended() => Poll::Ready(Some(Err(CutOff::Ended))),
            Poll::Pending => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let empty = || SizeHint::with_exact(0);
        self.incoming.as_ref().map_or_else(empty, Body::size_hint)
    }
}

/// Why a request does not pass on wholly. The client is at fault.
#[derive(Debug, Error)]
pub(super) enum CutOff {
    /// Its connection broke, or it did not speak HTTP.
    #[error("the client's connection broke in the middle of a request")]
    Broken(#[source] hyper::Error),
    /// It closed its side.
    #[error("the client ended in the middle of a request")]
    Ended,
}

impl CutOff {
    /// Whether it is why an exchange with the app failed.
    pub(super) fn caused(failed: &hyper::Error) -> bool {
        let own = failed.source().map(<dyn Error>::is::<Self>);
        own.unwrap_or(false)
    }
}

impl fmt::Debug for RequestBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestBody")
            .field("incoming", &self.incoming)
            .finish_non_exhaustive()
    }
}

/// What the app answers, on its way to the client. It drives the connection that it comes on, and
/// gives it back when it has ended; dropped before, it closes it, so that the app hears of a client
/// that went away.
#[derive(Debug)]
pub(crate) struct AppBody {
    incoming: Incoming,
    source: Option<(AppConnection, Arc<Upstream>)>,
    client: Arc<Presence>,
    /// Comes after everything that arrived before it has been sent on.
    error: Option<hyper::Error>,
}

impl AppBody {
    pub(super) const fn new(
        incoming: Incoming,
        connection: AppConnection,
        upstream: Arc<Upstream>,
        client: Arc<Presence>,
    ) -> Self {
        Self {
            incoming,
            source: Some((connection, upstream)),
            client,
            error: None,
        }
    }
}

impl Body for AppBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<hyper::Result<Frame<Bytes>>>> {
        if let Some(error) = self.error.take() {
            return Poll::Ready(Some(Err(error)));
        }
        let this = &mut *self;
        if let Some((connection, _)) = &mut this.source {
            connection.drive(&this.client, cx);
        }
        match ready!(Pin::new(&mut this.incoming).poll_frame(cx)) {
            Some(Err(error)) => {
                // hyper drops what it has not written yet as soon as it sees an error: it writes
                // before it asks again.
                this.error = Some(error);
                this.source = None;
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            frame => Poll::Ready(frame),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.error.is_none() && self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

impl Drop for AppBody {
    fn drop(&mut self) {
        if let Some((connection, upstream)) = self.source.take() {
            upstream.give_back(connection);
        }
    }
}

/// How long curl waits for `100 Continue` before it sends the body anyway.
const EXPECT_TIME: Duration = Duration::from_secs(1);
