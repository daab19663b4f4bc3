//! A conversation on a control socket: greetings, then messages, one a frame.

use std::io;
use std::time::Duration;

use ::wire::{DecodeError, FrameError, FrameKind, Header, frame};
use bytes::{Buf, BytesMut};
use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use super::greeting::Greeting;
use super::wire::ToHolder;

/// One connection, and what was read of it ahead.
#[derive(Debug)]
pub(super) struct Talk {
    stream: UnixStream,
    buffer: BytesMut,
}

impl Talk {
    /// Begins a conversation.
    pub(super) fn new(stream: UnixStream) -> Self {
        Self {
            stream,
            buffer: BytesMut::new(),
        }
    }

    /// Begins one with a holder: greets, sends the question along, and waits for the holder's greeting.
    pub(super) async fn open(
        stream: UnixStream,
        version: &str,
        question: &ToHolder,
    ) -> Result<(Self, Greeting), TalkError> {
        let mut talk = Self::new(stream);
        let mut first = Greeting::of(version).encode();
        first.extend(framed(question)?);
        talk.send(&first).await?;
        let theirs = talk.greeting().await?;
        Ok((talk, theirs))
    }

    /// Returns the connection and what was read of it ahead.
    pub(super) fn into_parts(self) -> (UnixStream, BytesMut) {
        (self.stream, self.buffer)
    }

    /// Sends bytes as they are.
    pub(super) async fn send(&mut self, bytes: &[u8]) -> Result<(), TalkError> {
        Ok(self.stream.write_all(bytes).await?)
    }

    /// Sends one message. Not cancel-safe.
    pub(super) async fn say<M: Serialize>(&mut self, message: &M) -> Result<(), TalkError> {
        self.send(&framed(message)?).await
    }

    /// Waits for the peer's greeting. Cancel-safe.
    pub(super) async fn greeting(&mut self) -> Result<Greeting, TalkError> {
        loop {
            if let Some(greeting) = Greeting::take(&mut self.buffer)? {
                return Ok(greeting);
            }
            self.more().await?;
        }
    }

    /// Waits for the next message. Cancel-safe.
    pub(super) async fn hear<M: DeserializeOwned>(&mut self) -> Result<M, TalkError> {
        loop {
            if let Some(payload) = self.take()? {
                return Ok(::wire::decode(&payload)?);
            }
            self.more().await?;
        }
    }

    fn take(&mut self) -> Result<Option<BytesMut>, TalkError> {
        let Some(&head) = self.buffer.first_chunk() else {
            return Ok(None);
        };
        let header = Header::decode(head, LONGEST)?;
        let length = header.length as usize;
        if self.buffer.len() < Header::LEN + length {
            return Ok(None);
        }
        self.buffer.advance(Header::LEN);
        let payload = self.buffer.split_to(length);
        match header.kind {
            FrameKind::MESSAGE => Ok(Some(payload)),
            FrameKind(kind) => Err(TalkError::UnknownFrame(kind)),
        }
    }

    async fn more(&mut self) -> Result<(), TalkError> {
        // Never more than a message ahead: each is bounded before it is waited for.
        match self.stream.read_buf(&mut self.buffer).await? {
            0 => Err(TalkError::Ended),
            _ => Ok(()),
        }
    }
}

/// Returns the frame of a message.
pub(super) fn framed<M: Serialize>(message: &M) -> Result<Vec<u8>, TalkError> {
    let mut bytes = Vec::new();
    frame::encode(FrameKind::MESSAGE, message, LONGEST, &mut bytes)?;
    Ok(bytes)
}

/// A conversation that came to nothing.
#[derive(Debug, Error)]
pub enum TalkError {
    /// The system says so.
    #[error("the control socket: {0}")]
    Io(#[from] io::Error),
    /// The other program is none of ours.
    #[error("what listens on the control socket is no tunnel")]
    NotAGreeting,
    /// The other program has closed the connection.
    #[error("the other program has closed the control socket")]
    Ended,
    /// The other program takes too long.
    #[error("the other program does not answer on the control socket")]
    Slow,
    /// A frame over the bound.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// A frame that is no message.
    #[error("a frame of the unknown kind {0} on the control socket")]
    UnknownFrame(u8),
    /// A message that is none.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// A message that was not due.
    #[error("the other program said something else than it was asked")]
    OutOfTurn,
}

/// Local programs answer within a millisecond; one that was just swapped out needs a little longer.
pub(super) const ANSWER_TIME: Duration = Duration::from_secs(2);

/// A list of every command that there is room for, with its name, is the longest.
const LONGEST: u32 = 32 * 1024;
