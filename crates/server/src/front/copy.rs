//! The copy of a request that passes to the app, for a feature that wants one.
//!
//! ```text
//! client ─▶ upstream/body.rs ─▶ app ─▶ the head of its answer
//!                  │ Tap                     │ Asking
//!                  └──────────▶ copy ◀───────┘
//!                                └──▶ Entry::copied, when both have let go of it
//! ```
//! The app and its client wait for nothing of this: bytes that pass are noted, and shared where they
//! are many. What does not fit is not copied, and the feature hears why.

use std::mem;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::{Bytes, BytesMut};
use features::{Client, Copied, CopiedBody, Entry};
use hyper::Request;
use hyper::http::{StatusCode, header, request};
use tokio::time::Instant;

use super::forwarded::{Peer, client};

/// What all copies may hold at once, in bytes.
#[derive(Debug)]
pub(super) struct Room(AtomicUsize);

/// A copy that begins.
#[derive(Debug)]
pub(crate) struct Copying(Arc<Copy>);

/// Notes the body; dropped when there is no more of it.
#[derive(Debug)]
pub(super) struct Tap(Arc<Copy>);

/// Notes the answer; dropped when there is one, or nobody waits for it any more.
#[derive(Debug)]
pub(super) struct Asking(Arc<Copy>);

/// What is known of a request; handed over when it is dropped.
#[derive(Debug)]
struct Copy {
    entry: Arc<dyn Entry>,
    room: Arc<Room>,
    began: Instant,
    // Both who write to it run in the connection's task.
    noted: Mutex<Noted>,
}

#[derive(Debug)]
struct Noted {
    /// `None` when it has been handed over.
    head: Option<(request::Parts, Client)>,
    body: Body,
    answered: Option<(StatusCode, Instant)>,
    /// How much of the room it holds.
    held: usize,
}

#[derive(Debug)]
enum Body {
    Flowing(Pieces),
    Ended(CopiedBody),
}

#[derive(Debug, Default)]
struct Pieces {
    whole: Vec<Bytes>,
    /// Short ones, put together: each would hold the buffer that it was read into.
    last: BytesMut,
}

impl Copying {
    /// Copies the head of a request as it came.
    pub(super) fn new<B>(
        entry: Arc<dyn Entry>,
        room: Arc<Room>,
        Peer(peer): Peer,
        request: &Request<B>,
    ) -> Self {
        let (mut head, ()) = Request::new(()).into_parts();
        head.method.clone_from(request.method());
        head.uri.clone_from(request.uri());
        head.version = request.version();
        head.headers.clone_from(request.headers());
        let client = client(peer, request.uri().authority(), request.headers());
        let length = request.headers().get(header::CONTENT_LENGTH);
        let length = length.and_then(|it| it.to_str().ok()?.parse::<usize>().ok());
        let body = match length {
            Some(length) if length > entry.most_copied() => Body::Ended(CopiedBody::TooLong),
            _ => Body::Flowing(Pieces::default()),
        };
        Self(Arc::new(Copy {
            entry,
            room,
            began: Instant::now(),
            noted: Mutex::new(Noted {
                head: Some((head, client)),
                body,
                answered: None,
                held: 0,
            }),
        }))
    }

    /// Returns what notes the body, and what notes the answer.
    pub(super) fn split(self) -> (Tap, Asking) {
        (Tap(Arc::clone(&self.0)), Asking(self.0))
    }
}

impl Tap {
    /// Notes bytes that pass.
    pub(super) fn passes(&self, bytes: &Bytes) {
        self.0.lock().add(bytes, &self.0);
    }

    /// Notes that this was all of it.
    pub(super) fn ended_whole(self) {
        let mut noted = self.0.lock();
        if let Body::Flowing(pieces) = &mut noted.body {
            noted.body = Body::Ended(CopiedBody::Whole(mem::take(pieces).finish()));
        }
    }
}

impl Asking {
    /// Notes the status that goes back.
    pub(super) fn answered(self, status: StatusCode) {
        self.0.lock().answered = Some((status, Instant::now()));
    }
}

impl Copy {
    fn lock(&self) -> MutexGuard<'_, Noted> {
        // Each note is whole after every statement.
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Noted {
    fn add(&mut self, bytes: &Bytes, copy: &Copy) {
        let Body::Flowing(pieces) = &mut self.body else {
            return;
        };
        let wanted = self.held.saturating_add(bytes.len());
        let given_up = if wanted > copy.entry.most_copied() {
            CopiedBody::TooLong
        } else if !copy.room.take(bytes.len()) {
            CopiedBody::NoRoom
        } else {
            pieces.add(bytes);
            self.held = wanted;
            return;
        };
        self.body = Body::Ended(given_up);
        copy.room.give_back(mem::take(&mut self.held));
    }
}

impl Pieces {
    fn add(&mut self, bytes: &Bytes) {
        if bytes.len() < SHARED {
            return self.last.extend_from_slice(bytes);
        }
        self.end_last();
        self.whole.push(bytes.clone());
    }

    fn end_last(&mut self) {
        if !self.last.is_empty() {
            self.whole.push(Bytes::copy_from_slice(&self.last));
            self.last.clear();
        }
    }

    fn finish(mut self) -> Vec<Bytes> {
        self.end_last();
        self.whole
    }
}

impl Drop for Copy {
    /// Hands it over: nobody notes anything any more.
    fn drop(&mut self) {
        let noted = self.noted.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some((head, client)) = noted.head.take() {
            let body = match mem::replace(&mut noted.body, Body::Ended(CopiedBody::Cut)) {
                Body::Flowing(_) => CopiedBody::Cut,
                Body::Ended(body) => body,
            };
            let until = noted.answered.map_or_else(Instant::now, |(_, at)| at);
            self.entry.copied(Copied {
                head,
                client,
                body,
                answered: noted.answered.map(|(status, _)| status),
                took: until - self.began,
            });
        }
        self.room.give_back(noted.held);
    }
}

impl Room {
    /// Takes so many bytes, if they are free.
    fn take(&self, bytes: usize) -> bool {
        let taken = |left: usize| left.checked_sub(bytes);
        self.0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, taken)
            .is_ok()
    }

    fn give_back(&self, bytes: usize) {
        self.0.fetch_add(bytes, Ordering::Relaxed);
    }
}

impl Default for Room {
    fn default() -> Self {
        Self(AtomicUsize::new(MOST_HELD))
    }
}

/// Two of the longest bodies that providers send (GitHub's 25 MB), and some thousands of ordinary ones
/// beside them; an eighth of the smallest instance that Render has.
const MOST_HELD: usize = 64 * 1024 * 1024;

/// Shorter pieces are copied, in less time than it takes to share them: so that a body of single bytes
/// does not take a buffer for each.
const SHARED: usize = 8 * 1024;

#[cfg(test)]
mod tests;
