//! Chunks as they come in: decompressed, verified, acked.

use ring::digest::{SHA256, digest};
use transport::channel::{Channel, ChannelError};
use transport::flow::Drain;
use zstd::bulk::Decompressor;

use super::SyncError;
use crate::sync::chunker::LONGEST_BODY;
use crate::sync::wire::{Ack, Chunk, Item};

/// Chunks as they come in.
pub(super) struct Inflow {
    drain: Drain<Item>,
    decompressor: Decompressor<'static>,
    chunks: u64,
}

impl Inflow {
    pub(super) fn new(channel: Channel) -> Result<Self, SyncError> {
        Ok(Self {
            drain: Drain::new(channel),
            decompressor: Decompressor::new().map_err(|_| SyncError::Decompressor)?,
            chunks: 0,
        })
    }

    /// Waits for the next item; `None` at the end. Cancel-safe.
    pub(super) async fn next(&mut self) -> Result<Option<Item>, ChannelError> {
        self.drain.next().await
    }

    /// Decompresses a chunk's body and holds it against its hash.
    pub(super) fn verified(&mut self, chunk: &Chunk) -> Result<Vec<u8>, SyncError> {
        let corrupt = || SyncError::Corrupt;
        let length = Some(chunk.raw_bytes)
            .filter(|&bytes| bytes <= LONGEST_BODY)
            .ok_or_else(corrupt)?;
        let body = self
            .decompressor
            .decompress(&chunk.body, length as usize)
            .map_err(|_| corrupt())?;
        let whole = body.len() == length as usize && digest(&SHA256, &body).as_ref() == chunk.hash;
        if whole { Ok(body) } else { Err(corrupt()) }
    }

    /// Tells the server that another chunk is committed. Not cancel-safe.
    pub(super) async fn ack(&mut self) -> Result<(), ChannelError> {
        self.chunks += 1;
        let ack = Ack {
            chunks: self.chunks,
        };
        self.drain.ack(&ack).await
    }

    /// Takes the end of the flow.
    pub(super) async fn finish(mut self) -> Result<(), SyncError> {
        if self.drain.next().await?.is_some() {
            return Err(ChannelError::Missing("the end").into());
        }
        // Every row is here and committed: whether the server hears of it changes nothing.
        self.drain.finish().await.ok();
        Ok(())
    }
}
