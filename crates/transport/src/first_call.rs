//! The first call: a question that a client sends in the same flight as its hello, so that the
//! answer comes with the welcome.
//!
//! ```text
//! client ── Hello ──▶ ── preface, request, end ──▶ server
//! client ◀── Welcome ── ◀──────────── answer ───── server, once it has accepted the hello
//! ```
//! Whoever asks the same question of the session within a moment gets this answer.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use quinn::Connection;
use serde::Serialize;
use tokio::time::Instant;
use wire::{FrameError, FrameKind, Preface, frame};

use crate::channel::Channel;
use crate::session::Protocol;

/// A question for the hello's flight. It must reveal nothing: the server has the packets before it
/// has checked who sends them, though it does not read them.
#[derive(Clone, Debug)]
pub struct FirstCall {
    protocol: Protocol,
    bytes: Vec<u8>,
}

/// The channel of a first call that was sent, until somebody asks its question.
#[derive(Debug, Default)]
pub(crate) struct Asked(Mutex<Option<Sent>>);

#[derive(Debug)]
struct Sent {
    bytes: Vec<u8>,
    channel: Channel,
    at: Instant,
}

impl FirstCall {
    /// Makes a first call of a request.
    ///
    /// # Errors
    /// [`FrameError`] if the request is longer than its feature allows.
    pub fn new<M: Serialize + ?Sized>(
        protocol: &Protocol,
        request: &M,
    ) -> Result<Self, FrameError> {
        Ok(Self {
            protocol: *protocol,
            bytes: question(protocol, request)?,
        })
    }

    /// Sends it, unless the server has room for the hello alone.
    pub(crate) async fn send(&self, connection: &Connection) -> Asked {
        // A server that grants one stream before the hello would let this one wait for ever.
        let Some(Ok((send, receive))) = connection.open_bi().now_or_never() else {
            return Asked::default();
        };
        let mut channel = Channel::new(send, receive, self.protocol.longest_reply);
        channel.set_priority(self.protocol.priority);
        match channel.send_last(self.bytes.clone()).await {
            Ok(()) => Asked(Mutex::new(Some(Sent {
                bytes: self.bytes.clone(),
                channel,
                at: Instant::now(),
            }))),
            Err(_) => Asked::default(),
        }
    }
}

impl Asked {
    /// Returns the channel on which the answer to `question` comes, if it was just asked.
    pub(crate) fn take(&self, question: &[u8]) -> Option<Channel> {
        let mut asked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let sent = asked.take_if(|sent| sent.bytes == question)?;
        (sent.at.elapsed() < FRESH).then_some(sent.channel)
    }
}

/// Returns the bytes of a channel that asks one thing: preface, request, end.
pub(crate) fn question<M: Serialize + ?Sized>(
    protocol: &Protocol,
    request: &M,
) -> Result<Vec<u8>, FrameError> {
    let mut bytes = opening(protocol, request)?;
    frame::encode_end(&mut bytes);
    Ok(bytes)
}

/// Returns the bytes that begin a channel: preface and first message.
pub(crate) fn opening<M: Serialize + ?Sized>(
    protocol: &Protocol,
    first: &M,
) -> Result<Vec<u8>, FrameError> {
    let mut bytes = Vec::new();
    let preface = Preface {
        feature: protocol.feature_version(),
    };
    // In one write: the server has the question as soon as it knows for whom it is.
    frame::encode(
        FrameKind::MESSAGE,
        &preface,
        wire::preface::MAX_PREFACE,
        &mut bytes,
    )?;
    frame::encode(
        FrameKind::MESSAGE,
        first,
        protocol.longest_request,
        &mut bytes,
    )?;
    Ok(bytes)
}

/// Whoever asks later than that means another moment. Two round trips of a slow link, and some.
const FRESH: Duration = Duration::from_secs(2);
