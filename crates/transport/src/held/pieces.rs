//! Pieces: how the bytes of a channel cross a control socket, and how a channel ends on it.
//!
//! ```text
//!  0        1                 4
//! ┌────────┬─────────────────┬──────────┐
//! │ kind   │ length, 24 bit  │ bytes    │
//! └────────┴─────────────────┴──────────┘
//! ```
//! A socket alone can say only that it is closed; a stream of QUIC is finished, cut or lost.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ::wire::{FrameKind, Header};
use bytes::{Buf, BufMut, Bytes, BytesMut};
use quinn::ConnectionError;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio_util::sync::CancellationToken;

use super::greeting::Greeting;
use super::wire::End;
use crate::channel::ChannelError;

/// What comes next of a channel.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// Some of its bytes.
    Data(Bytes),
    /// No more will come.
    End,
    /// No more will come, and some is missing.
    Cut,
    /// The session has ended.
    Lost(End),
}

/// The reading half of a connection that is a channel.
#[derive(Debug)]
pub(super) struct PieceReader {
    half: OwnedReadHalf,
    buffer: BytesMut,
    /// What is still to come of a piece that has begun.
    left: usize,
}

/// The writing half of a connection that is a channel.
#[derive(Debug)]
pub(super) struct PieceWriter {
    half: OwnedWriteHalf,
    /// What goes before the first piece, in one write with it.
    unsent: BytesMut,
}

/// What a channel of a held session receives from.
#[derive(Debug)]
pub(crate) struct Reader {
    pieces: PieceReader,
    greeted: bool,
    ended: bool,
    received: Arc<AtomicU64>,
    closed: CancellationToken,
    /// Told when the holder sends no more.
    over: CancellationToken,
}

/// What a channel of a held session sends to.
#[derive(Debug)]
pub(crate) struct Writer {
    pieces: PieceWriter,
    closed: CancellationToken,
    over: CancellationToken,
}

impl PieceReader {
    pub(super) const fn new(half: OwnedReadHalf, buffer: BytesMut) -> Self {
        Self {
            half,
            buffer,
            left: 0,
        }
    }

    /// Waits for the next piece, or a part of it; `None` when the peer is gone. Cancel-safe.
    pub(super) async fn next(&mut self) -> io::Result<Option<Piece>> {
        loop {
            if let Some(piece) = self.take()? {
                return Ok(Some(piece));
            }
            if !self.more().await? {
                return Ok(None);
            }
        }
    }

    async fn more(&mut self) -> io::Result<bool> {
        self.buffer.reserve(PIECE);
        Ok(self.half.read_buf(&mut self.buffer).await? > 0)
    }

    fn take(&mut self) -> io::Result<Option<Piece>> {
        if self.left > 0 {
            let ready = self.left.min(self.buffer.len());
            self.left -= ready;
            let data = self.buffer.split_to(ready).freeze();
            return Ok((ready > 0).then_some(Piece::Data(data)));
        }
        let Some(&head) = self.buffer.first_chunk() else {
            return Ok(None);
        };
        let header = Header::decode(head, LONGEST).map_err(nonsense)?;
        let length = header.length as usize;
        if header.kind == DATA {
            self.buffer.advance(Header::LEN);
            self.left = length;
            // An empty piece is none.
            return if length > 0 { self.take() } else { Ok(None) };
        }
        if self.buffer.len() < Header::LEN + length {
            return Ok(None);
        }
        self.buffer.advance(Header::LEN);
        let payload = self.buffer.split_to(length);
        Ok(Some(match header.kind {
            END => Piece::End,
            CUT => Piece::Cut,
            LOST => Piece::Lost(::wire::decode(&payload).map_err(nonsense)?),
            FrameKind(kind) => return Err(nonsense(format!("a piece of the kind {kind}"))),
        }))
    }
}

impl PieceWriter {
    pub(super) fn new(half: OwnedWriteHalf, unsent: &[u8]) -> Self {
        let unsent = BytesMut::from(unsent);
        Self { half, unsent }
    }

    /// Sends some of the channel's bytes.
    pub(super) async fn data(&mut self, mut bytes: Bytes) -> io::Result<()> {
        while bytes.has_remaining() {
            let data = bytes.split_to(bytes.len().min(PIECE));
            let head = self.head(DATA, data.len());
            self.half.write_all_buf(&mut head.chain(data)).await?;
        }
        Ok(())
    }

    /// Says how the channel ends. Only a loss has more to say than its kind.
    pub(super) async fn end(&mut self, how: &Piece) -> io::Result<()> {
        let mut payload = Vec::new();
        let kind = match how {
            Piece::Lost(end) => {
                ::wire::encode(end, &mut payload);
                LOST
            }
            Piece::Cut => CUT,
            Piece::Data(_) | Piece::End => END,
        };
        let head = self.head(kind, payload.len());
        self.half
            .write_all_buf(&mut head.chain(payload.as_slice()))
            .await
    }

    /// Returns what is sent before a piece's bytes.
    fn head(&mut self, kind: FrameKind, length: usize) -> BytesMut {
        let mut head = self.unsent.split();
        let length = u32::try_from(length).unwrap_or(u32::MAX);
        let [_, high, middle, low] = length.to_be_bytes();
        head.put_slice(&[kind.0, high, middle, low]);
        head
    }
}

impl Reader {
    pub(super) const fn new(
        pieces: PieceReader,
        received: Arc<AtomicU64>,
        closed: CancellationToken,
        over: CancellationToken,
    ) -> Self {
        Self {
            pieces,
            greeted: false,
            ended: false,
            received,
            closed,
            over,
        }
    }

    /// Waits for some of the channel's bytes; `None` at its end. Cancel-safe.
    pub(crate) async fn read(&mut self) -> Result<Option<Bytes>, ChannelError> {
        if self.ended {
            return Ok(None);
        }
        let closed = self.closed.clone();
        let piece = tokio::select! {
            biased;
            () = closed.cancelled() => return Err(ConnectionError::LocallyClosed.into()),
            piece = self.piece() => piece,
        };
        match piece {
            Ok(Some(Piece::Data(bytes))) => {
                self.received
                    .fetch_add(bytes.len() as u64, Ordering::Relaxed);
                Ok(Some(bytes))
            }
            Ok(Some(Piece::End)) => {
                self.ended = true;
                self.over.cancel();
                Ok(None)
            }
            Ok(Some(Piece::Lost(end))) => {
                self.over.cancel();
                Err(ChannelError::Lost(end.into()))
            }
            // A holder that died says nothing any more.
            Ok(Some(Piece::Cut) | None) | Err(_) => {
                self.over.cancel();
                Err(ChannelError::Cut)
            }
        }
    }

    async fn piece(&mut self) -> io::Result<Option<Piece>> {
        while !self.greeted {
            // Whose greeting it is was looked at when the command attached.
            match Greeting::take(&mut self.pieces.buffer).map_err(nonsense)? {
                Some(_) => self.greeted = true,
                None if self.pieces.more().await? => {}
                None => return Ok(None),
            }
        }
        self.pieces.next().await
    }
}

impl Writer {
    pub(super) const fn new(
        pieces: PieceWriter,
        closed: CancellationToken,
        over: CancellationToken,
    ) -> Self {
        Self {
            pieces,
            closed,
            over,
        }
    }

    /// Sends some of the channel's bytes. Not cancel-safe.
    pub(crate) async fn write(&mut self, bytes: Bytes) -> Result<(), ChannelError> {
        let sent = self
            .closed
            .run_until_cancelled(self.pieces.data(bytes))
            .await;
        match sent {
            Some(Ok(())) => Ok(()),
            // The holder is gone: while it is there, it takes whatever comes.
            Some(Err(_)) => Err(ChannelError::Cut),
            None => Err(ConnectionError::LocallyClosed.into()),
        }
    }

    /// Says that all is sent.
    pub(crate) async fn finish(&mut self) {
        // Whoever is gone need not be told.
        self.pieces.end(&Piece::End).await.ok();
    }

    /// Waits until the holder's side of the channel is over.
    pub(crate) async fn closed(&self) {
        tokio::select! {
            () = self.over.cancelled() => {}
            () = self.closed.cancelled() => {}
        }
    }
}

fn nonsense(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

const DATA: FrameKind = FrameKind(0);
const END: FrameKind = FrameKind(1);
const CUT: FrameKind = FrameKind(2);
const LOST: FrameKind = FrameKind(3);

/// What is moved at a time: as much as a channel takes from QUIC.
pub(super) const PIECE: usize = 64 * 1024;

/// [`PIECE`] as a frame counts it.
const LONGEST: u32 = PIECE as u32;

#[cfg(test)]
mod tests {
    use tokio::net::UnixStream;

    use super::*;

    fn joined() -> (PieceWriter, PieceReader) {
        let (left, right) = UnixStream::pair().unwrap();
        let (_, write) = left.into_split();
        let (read, _) = right.into_split();
        (
            PieceWriter::new(write, b""),
            PieceReader::new(read, BytesMut::new()),
        )
    }

    #[tokio::test]
    async fn pieces_have_these_bytes() {
        let (left, mut right) = UnixStream::pair().unwrap();
        let (_, write) = left.into_split();
        let mut writer = PieceWriter::new(write, b"first");
        writer.data(Bytes::from_static(b"ab")).await.unwrap();
        writer.end(&Piece::End).await.unwrap();
        writer.end(&Piece::Cut).await.unwrap();
        writer.end(&Piece::Lost(End::Code(5))).await.unwrap();
        drop(writer);
        let mut bytes = Vec::new();
        right.read_to_end(&mut bytes).await.unwrap();
        let pieces = b"\x00\x00\x00\x02ab\x01\x00\x00\x00\x02\x00\x00\x00\x03\x00\x00\x02\x00\x05";
        assert_eq!(bytes, [&b"first"[..], pieces].concat());
    }

    #[tokio::test]
    async fn bytes_of_any_length_arrive_as_they_were_sent() {
        let (mut writer, mut reader) = joined();
        let sent: Vec<u8> = (0..3 * PIECE + 17).map(|byte| byte as u8).collect();
        let sending = async {
            writer.data(sent.clone().into()).await.unwrap();
            writer.end(&Piece::End).await.unwrap();
        };
        let receiving = async {
            let mut received = Vec::new();
            while let Some(Piece::Data(data)) = reader.next().await.unwrap() {
                received.extend_from_slice(&data);
            }
            received
        };
        let ((), received) = tokio::join!(sending, receiving);
        assert!(received == sent, "{} bytes came", received.len());
    }

    #[tokio::test]
    async fn nonsense_is_refused_before_it_is_kept() {
        for bytes in [
            &b"\x00\xff\xff\xff"[..],
            b"\x09\x00\x00\x00",
            b"\x03\x00\x00\x01\x63",
        ] {
            let (mut left, right) = UnixStream::pair().unwrap();
            left.write_all(bytes).await.unwrap();
            let (read, _write) = right.into_split();
            let refused = PieceReader::new(read, BytesMut::new()).next().await;
            assert_eq!(refused.unwrap_err().kind(), io::ErrorKind::InvalidData);
        }
    }

    #[tokio::test]
    async fn a_peer_that_is_gone_is_told_from_an_end() {
        let (writer, mut reader) = joined();
        drop(writer);
        assert_eq!(reader.next().await.unwrap(), None);
    }
}
