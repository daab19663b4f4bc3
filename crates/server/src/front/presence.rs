//! Whether a client is still there, and how far its request has come.
//!
//! A client that has said all it has to say may close its side and still read the answer. hyper can
//! either not tell it from one that has gone, or not see it at all. So its end is kept from hyper while
//! a request is answered, and passed to the app, which decides as it would without us.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{MissedTickBehavior, interval};

/// What is known of a client's connection. Everything that looks at it runs in one task.
#[derive(Debug, Default)]
pub(crate) struct Presence {
    /// Whether a request is being answered.
    answering: AtomicBool,
    /// Whether it is the app that answers it.
    passing: AtomicBool,
    /// Whether the client has said that nothing more comes, while the app was answering.
    ended: AtomicBool,
    /// Whether the request that is being answered has passed on wholly.
    given: AtomicBool,
    /// Whether something came after the last answer.
    heard: AtomicBool,
    /// How many requests there were.
    requests: AtomicU64,
    /// Who reads, and was not told of the end.
    reader: Mutex<Option<Waker>>,
}

/// Who answers a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    Us,
    TheApp,
}

/// A request that is being answered; dropped when the answer has been sent, or will not be.
#[derive(Debug)]
pub(crate) struct Answering(Arc<Presence>);

/// A client's TCP connection.
#[derive(Debug)]
pub(super) struct ClientStream {
    stream: TcpStream,
    presence: Arc<Presence>,
}

impl Presence {
    /// Begins to answer a request.
    pub(super) fn answer(self: &Arc<Self>, by: By) -> Answering {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.heard.store(false, Ordering::Relaxed);
        self.given.store(false, Ordering::Relaxed);
        self.passing.store(by == By::TheApp, Ordering::Relaxed);
        self.answering.store(true, Ordering::Relaxed);
        Answering(Arc::clone(self))
    }

    /// Whether a request is being answered.
    pub(super) fn is_answering(&self) -> bool {
        self.answering.load(Ordering::Relaxed)
    }

    /// Notes that the request that is being answered has passed on wholly.
    pub(super) fn note_given(&self) {
        self.given.store(true, Ordering::Relaxed);
    }

    /// Whether the client has closed its side.
    pub(super) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }

    /// Whether it has, and everything that it said has passed on.
    pub(super) fn has_said_all(&self) -> bool {
        self.has_ended() && self.given.load(Ordering::Relaxed)
    }

    /// Waits until the client has been silent for too long: before the first request, in the middle of
    /// a head, or between two requests. Cancel-safe.
    pub(super) async fn silent(&self) {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut requests, mut heard, mut idle) = (0, false, 0);
        loop {
            ticks.tick().await;
            let now = self.requests.load(Ordering::Relaxed);
            if self.answering.load(Ordering::Relaxed) || now != requests {
                (requests, heard, idle) = (now, false, 0);
                continue;
            }
            idle += 1;
            // Who has never said a word has nothing under way.
            let mute = now == 0 && !self.heard.load(Ordering::Relaxed);
            let still = std::mem::replace(&mut heard, self.heard.load(Ordering::Relaxed));
            if still || idle > IDLE_TICKS || mute && idle > MUTE_TICKS {
                return;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Waker>> {
        // A waker is there or not.
        self.reader.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.answering.store(false, Ordering::Relaxed);
        self.0.passing.store(false, Ordering::Relaxed);
        if self.0.ended.load(Ordering::Relaxed)
            && let Some(reader) = self.0.lock().take()
        {
            reader.wake();
        }
    }
}

impl ClientStream {
    pub(super) const fn new(stream: TcpStream, presence: Arc<Presence>) -> Self {
        Self { stream, presence }
    }
}

impl AsyncRead for ClientStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        let has_ended = buffer.filled().len() == before && buffer.remaining() > 0;
        let presence = &self.presence;
        if !has_ended {
            presence.heard.store(true, Ordering::Relaxed);
        } else if presence.passing.load(Ordering::Relaxed) {
            presence.ended.store(true, Ordering::Relaxed);
            *presence.lock() = Some(cx.waker().clone());
            return Poll::Pending;
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for ClientStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// How long a client may take for the head of a request, at least; at most twice as long. Within it
/// the slowest phone sends 128 KiB.
const TICK: Duration = Duration::from_secs(60);

/// How many of these a connection is kept without a request. Proxies keep theirs for less (Cloudflare
/// 400 s, AWS 60 s, Render asks apps for 120 s): who closes first risks the other's next request.
const IDLE_TICKS: u32 = 10;

/// How many of these one is kept on which nothing has ever come: browsers open some ahead, and use them
/// within seconds or not at all.
const MUTE_TICKS: u32 = 1;
