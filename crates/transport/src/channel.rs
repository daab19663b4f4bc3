//! Channels: one bidirectional stream, cut into frames, each a typed message.

use bytes::{Buf, Bytes, BytesMut};
use quinn::{ConnectionError, ReadError, RecvStream, SendStream, VarInt, WriteError};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use tokio_util::task::task_tracker::TaskTrackerToken;
use wire::frame;
use wire::{CloseCode, DecodeError, Fault, FrameError, FrameKind, Header};

#[cfg(unix)]
use crate::held;
use crate::session::close_code;

/// One stream of a session, both directions of it.
#[derive(Debug)]
pub struct Channel {
    sender: Sender,
    receiver: Receiver,
    /// By which its session knows that it is open.
    counted: Option<TaskTrackerToken>,
}

/// The direction of a channel that leads to the peer.
#[derive(Debug)]
pub struct Sender {
    stream: Out,
}

/// The direction of a channel that comes from the peer.
#[derive(Debug)]
pub struct Receiver {
    stream: In,
    buffer: BytesMut,
    cap: u32,
    ended: bool,
}

/// What a sender writes to.
#[derive(Debug)]
enum Out {
    Quic(SendStream),
    /// A connection to whoever holds the session.
    #[cfg(unix)]
    Held(held::Writer),
}

/// What a receiver reads from.
#[derive(Debug)]
enum In {
    Quic(RecvStream),
    /// A connection to whoever holds the session.
    #[cfg(unix)]
    Held(held::Reader),
}

/// Which channel sends first when not all can: higher ones take the whole link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Priority {
    /// One question, one answer.
    Call,
    /// Somebody watches: logs, webhooks.
    Live,
    /// As fast as the rest allows: sync.
    Bulk,
}

impl Priority {
    pub(crate) const fn number(self) -> i32 {
        match self {
            Self::Call => 2,
            Self::Live => 1,
            Self::Bulk => 0,
        }
    }
}

impl Channel {
    /// Makes a channel of a stream. No message of more than `cap` bytes will be received.
    pub(crate) fn new(stream: SendStream, receive: RecvStream, cap: u32) -> Self {
        Self {
            sender: Sender {
                stream: Out::Quic(stream),
            },
            receiver: Receiver::new(In::Quic(receive), cap),
            counted: None,
        }
    }

    /// Makes a channel of a connection to whoever holds the session.
    #[cfg(unix)]
    pub(crate) fn held(writer: held::Writer, reader: held::Reader, cap: u32) -> Self {
        Self {
            sender: Sender {
                stream: Out::Held(writer),
            },
            receiver: Receiver::new(In::Held(reader), cap),
            counted: None,
        }
    }

    /// Lets the session count the channel for as long as it is open.
    pub(crate) fn counted(mut self, token: TaskTrackerToken) -> Self {
        self.counted = Some(token);
        self
    }

    /// Takes the directions apart for good.
    pub(crate) fn into_halves(self) -> (Sender, Receiver) {
        (self.sender, self.receiver)
    }

    /// Sets the longest message that may be received, in bytes.
    pub const fn set_cap(&mut self, cap: u32) {
        self.receiver.set_cap(cap);
    }

    /// Says when this end's messages go.
    pub fn set_priority(&self, priority: Priority) {
        match &self.sender.stream {
            // Fails only when the stream is closed, and then nothing is left to send.
            Out::Quic(stream) => drop(stream.set_priority(priority.number())),
            // The holder was told when it was opened.
            #[cfg(unix)]
            Out::Held(_) => {}
        }
    }

    /// Sends one message. See [`Sender::send`].
    ///
    /// # Errors
    /// See [`Sender::send`].
    pub async fn send<M: Serialize + Sync>(&mut self, message: &M) -> Result<(), ChannelError> {
        self.sender.send(message).await
    }

    /// Receives the next message. See [`Receiver::receive`].
    ///
    /// # Errors
    /// See [`Receiver::receive`].
    pub async fn receive<M: DeserializeOwned>(&mut self) -> Result<Option<M>, ChannelError> {
        self.receiver.receive().await
    }

    /// Says that this end has sent all. See [`Sender::finish`].
    ///
    /// # Errors
    /// See [`Sender::finish`].
    pub async fn finish(&mut self) -> Result<(), ChannelError> {
        self.sender.finish().await
    }

    /// Gives up and says why. See [`Sender::fault`].
    ///
    /// # Errors
    /// See [`Sender::fault`].
    pub async fn fault(&mut self, fault: &Fault) -> Result<(), ChannelError> {
        self.sender.fault(fault).await
    }

    /// Borrows the directions apart.
    pub const fn halves(&mut self) -> (&mut Sender, &mut Receiver) {
        (&mut self.sender, &mut self.receiver)
    }

    /// Sends frames as they are.
    pub(crate) async fn send_frames(&mut self, frames: Vec<u8>) -> Result<(), ChannelError> {
        self.sender.write(frames).await
    }

    /// Sends frames of which the last is an end.
    pub(crate) async fn send_last(&mut self, frames: Vec<u8>) -> Result<(), ChannelError> {
        self.sender.write_last(frames).await
    }

    /// Waits until the peer has received all that was sent, or is gone.
    pub(crate) async fn until_read(&self) {
        self.sender.closed().await;
    }

    pub(crate) async fn send_payload(&mut self, payload: &[u8]) -> Result<(), ChannelError> {
        let mut bytes = Vec::with_capacity(Header::LEN + payload.len());
        frame::encode_raw(FrameKind::MESSAGE, payload, &mut bytes)?;
        self.sender.write(bytes).await
    }

    pub(crate) async fn receive_payload(&mut self) -> Result<Option<Bytes>, ChannelError> {
        self.receiver.receive_payload().await
    }
}

impl Sender {
    /// Sends one message; returns when it is on its way, not when it has arrived.
    ///
    /// Waits while the peer is slow. Not cancel-safe: a message that was begun is cut, and the
    /// channel is of no use after it.
    ///
    /// # Errors
    /// [`ChannelError`] if the channel or the session has ended.
    pub async fn send<M: Serialize + Sync + ?Sized>(
        &mut self,
        message: &M,
    ) -> Result<(), ChannelError> {
        let mut bytes = Vec::new();
        frame::encode(FrameKind::MESSAGE, message, frame::MAX_PAYLOAD, &mut bytes)?;
        self.write(bytes).await
    }

    /// Says that all has been sent. Nothing can be sent after it.
    ///
    /// # Errors
    /// [`ChannelError`] if the channel or the session has ended.
    pub async fn finish(&mut self) -> Result<(), ChannelError> {
        let mut bytes = Vec::new();
        frame::encode_end(&mut bytes);
        self.write_last(bytes).await
    }

    /// Gives up and tells the peer why. Nothing can be sent after it.
    ///
    /// # Errors
    /// [`ChannelError`] if the channel or the session has ended.
    pub async fn fault(&mut self, fault: &Fault) -> Result<(), ChannelError> {
        let mut bytes = Vec::new();
        frame::encode(FrameKind::FAULT, fault, MAX_FAULT, &mut bytes)?;
        self.write_last(bytes).await
    }

    /// Waits until the peer wants nothing more of this direction, has received all of it, or is
    /// gone. Cancel-safe.
    pub async fn closed(&self) {
        match &self.stream {
            // Which of the three it is makes no difference to somebody who only waits.
            Out::Quic(stream) => drop(stream.stopped().await),
            // Known when the holder has said how the other direction ends.
            #[cfg(unix)]
            Out::Held(writer) => writer.closed().await,
        }
    }

    async fn write_last(&mut self, bytes: Vec<u8>) -> Result<(), ChannelError> {
        self.write(bytes).await?;
        match &mut self.stream {
            // Fails only if it was finished before, which is what is wanted.
            Out::Quic(stream) => drop(stream.finish()),
            #[cfg(unix)]
            Out::Held(writer) => writer.finish().await,
        }
        Ok(())
    }

    async fn write(&mut self, bytes: Vec<u8>) -> Result<(), ChannelError> {
        match &mut self.stream {
            Out::Quic(stream) => Ok(stream.write_chunk(bytes.into()).await?),
            #[cfg(unix)]
            Out::Held(writer) => writer.write(bytes.into()).await,
        }
    }
}

impl Receiver {
    fn new(stream: In, cap: u32) -> Self {
        Self {
            stream,
            buffer: BytesMut::new(),
            cap,
            ended: false,
        }
    }

    /// Receives the next message, or `None` when the peer has sent all. Cancel-safe.
    ///
    /// # Errors
    /// [`ChannelError::Fault`] if the peer gave up; another [`ChannelError`] if the stream was
    /// cut, the session has ended, or the peer broke the protocol.
    pub async fn receive<M: DeserializeOwned>(&mut self) -> Result<Option<M>, ChannelError> {
        match self.receive_payload().await? {
            Some(payload) => Ok(Some(wire::decode(&payload)?)),
            None => Ok(None),
        }
    }

    pub(crate) const fn set_cap(&mut self, cap: u32) {
        self.cap = cap;
    }

    /// Receives the payload of the next message, or `None` when the peer has sent all. Cancel-safe.
    pub(crate) async fn receive_payload(&mut self) -> Result<Option<Bytes>, ChannelError> {
        if self.ended {
            return Ok(None);
        }
        let header = self.header().await?;
        let length = header.length as usize;
        self.fill(Header::LEN + length).await?;
        self.buffer.advance(Header::LEN);
        let payload = self.buffer.split_to(length).freeze();
        match header.kind {
            FrameKind::MESSAGE => Ok(Some(payload)),
            FrameKind::END => {
                self.ended = true;
                Ok(None)
            }
            FrameKind::FAULT => Err(ChannelError::Fault(wire::decode(&payload)?)),
            FrameKind(kind) => Err(ChannelError::UnknownFrame(kind)),
        }
    }

    /// Reads a header and leaves it in the buffer, so that a cancelled receive loses nothing.
    async fn header(&mut self) -> Result<Header, ChannelError> {
        self.fill(Header::LEN).await?;
        let (header, _) = self.buffer.split_first_chunk().ok_or(ChannelError::Cut)?;
        Ok(Header::decode(*header, self.cap)?)
    }

    /// Reads until the buffer holds at least `length` bytes.
    async fn fill(&mut self, length: usize) -> Result<(), ChannelError> {
        while self.buffer.len() < length {
            // The stream's own window bounds what one read can bring.
            match self.stream.read().await? {
                Some(bytes) => self.buffer.extend_from_slice(&bytes),
                None => return Err(ChannelError::Cut),
            }
        }
        Ok(())
    }
}

impl In {
    /// Waits for some bytes; `None` at the end. Cancel-safe.
    async fn read(&mut self) -> Result<Option<Bytes>, ChannelError> {
        match self {
            Self::Quic(stream) => {
                let chunk = stream.read_chunk(READ, true).await?;
                Ok(chunk.map(|chunk| chunk.bytes))
            }
            #[cfg(unix)]
            Self::Held(reader) => reader.read().await,
        }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        match &mut self.stream {
            // A peer that still sends learns at once that nobody reads. Fails only when all is read.
            In::Quic(stream) => drop(stream.stop(VarInt::from_u32(CloseCode::DONE.0))),
            // The connection is closed with the sender, which goes with it: the holder then does the
            // same.
            #[cfg(unix)]
            In::Held(_) => {}
        }
    }
}

/// A channel that cannot go on.
#[derive(Clone, Debug, Error)]
pub enum ChannelError {
    /// The peer gave up and says why.
    #[error(transparent)]
    Fault(Fault),
    /// The session has ended.
    #[error("the session was lost: {0}")]
    Lost(#[source] ConnectionError),
    /// The peer wants nothing more of this channel.
    #[error("the peer has closed the channel")]
    Closed,
    /// The stream ended in the middle.
    #[error("the channel was cut before its end")]
    Cut,
    /// A frame over the bound.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// A frame of a kind that this version does not know.
    #[error("a frame of the unknown kind {0}")]
    UnknownFrame(u8),
    /// A message that is none, or not the one that was due.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The peer ended the channel, or sent something else, where this was due.
    #[error("the peer should have sent {0}, and did not")]
    Missing(&'static str),
    /// The peer sent more than is taken, which is this.
    #[error("the peer sent more than {0}")]
    TooMuch(&'static str),
    /// The peer sent nothing in time.
    #[error("the peer did not answer in time")]
    Slow,
}

impl ChannelError {
    /// Whether another session may do better: the connection failed, not the request.
    #[must_use]
    pub const fn is_lost(&self) -> bool {
        matches!(self, Self::Lost(_) | Self::Cut)
    }

    /// Whether the session ended because its key was revoked: no other will be had.
    #[must_use]
    pub fn is_revoked(&self) -> bool {
        matches!(self, Self::Lost(reason) if close_code(reason) == Some(CloseCode::REVOKED))
    }
}

impl From<WriteError> for ChannelError {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::ConnectionLost(lost) => Self::Lost(lost),
            WriteError::Stopped(_) | WriteError::ClosedStream | WriteError::ZeroRttRejected => {
                Self::Closed
            }
        }
    }
}

impl From<ReadError> for ChannelError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::ConnectionLost(lost) => Self::Lost(lost),
            ReadError::Reset(_) => Self::Cut,
            ReadError::ClosedStream
            | ReadError::IllegalOrderedRead
            | ReadError::ZeroRttRejected => Self::Closed,
        }
    }
}

impl From<ConnectionError> for ChannelError {
    fn from(error: ConnectionError) -> Self {
        Self::Lost(error)
    }
}

/// What is taken from the stream at a time.
const READ: usize = 64 * 1024;

/// A status and a sentence.
const MAX_FAULT: u32 = 4096;
