//! Flows: channels on which items pour one way and acks travel back.
//!
//! ```text
//! source ── Pour ── items ──▶ ── Drain ──▶ sink
//!        ◀── acks ───────────────────────
//! ```
//! There is no queue in between: a sink that stops draining closes QUIC's window, and `pour`
//! waits.

use std::fmt;
use std::marker::PhantomData;
use std::pin::pin;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::channel::{Channel, ChannelError, Receiver, Sender};

/// The end of a flow that sends items and hears acks of type `A`.
pub struct Pour<'c, A> {
    items: &'c mut Sender,
    acks: &'c mut Receiver,
    acked: Option<A>,
}

/// The end of a flow that receives items of type `I` and acks them.
pub struct Drain<I> {
    channel: Channel,
    items: PhantomData<fn() -> I>,
}

impl<'c, A: DeserializeOwned> Pour<'c, A> {
    /// Begins to pour into a channel.
    #[must_use]
    pub const fn new(channel: &'c mut Channel) -> Self {
        let (items, acks) = channel.halves();
        Self {
            items,
            acks,
            acked: None,
        }
    }

    /// Sends one item and takes in the acks that have come meanwhile. Not cancel-safe.
    ///
    /// # Errors
    /// [`ChannelError`] if the sink is gone or gave up.
    pub async fn send<I: Serialize + Sync>(&mut self, item: &I) -> Result<(), ChannelError> {
        let Self { items, acks, acked } = self;
        let mut sending = pin!(items.send(item));
        loop {
            tokio::select! {
                biased;
                ack = acks.receive() => match ack? {
                    Some(ack) => *acked = Some(ack),
                    // No more acks will come, which is no reason to stop.
                    None => return sending.await,
                },
                sent = &mut sending => return sent,
            }
        }
    }

    /// Waits until the sink is gone, taking in acks. For a source that has nothing to send.
    /// Cancel-safe.
    pub async fn abandoned(&mut self) -> ChannelError {
        loop {
            match self.acks.receive().await {
                Ok(Some(ack)) => self.acked = Some(ack),
                Ok(None) => {
                    self.items.closed().await;
                    return ChannelError::Closed;
                }
                Err(error) => return error,
            }
        }
    }

    /// Says that all items are sent, waits for the last acks and returns the last one.
    ///
    /// # Errors
    /// [`ChannelError`] if the sink is gone or gave up before it had taken all.
    pub async fn finish(mut self) -> Result<Option<A>, ChannelError> {
        self.items.finish().await?;
        while let Some(ack) = self.acks.receive().await? {
            self.acked = Some(ack);
        }
        Ok(self.acked)
    }
}

impl<I: DeserializeOwned> Drain<I> {
    /// Begins to drain a channel.
    #[must_use]
    pub const fn new(channel: Channel) -> Self {
        Self {
            channel,
            items: PhantomData,
        }
    }

    /// Waits for the next item; `None` when the source has sent all. Cancel-safe.
    ///
    /// # Errors
    /// [`ChannelError`] if the source gave up or the session ended.
    pub async fn next(&mut self) -> Result<Option<I>, ChannelError> {
        self.channel.receive().await
    }

    /// Tells the source how far its items are safe. Not cancel-safe.
    ///
    /// A source that wants to hear nothing more is told nothing: what is left of its items, and how
    /// they end, is for [`Drain::next`] to say.
    ///
    /// # Errors
    /// [`ChannelError`] if the session has ended.
    pub async fn ack<A: Serialize + Sync>(&mut self, ack: &A) -> Result<(), ChannelError> {
        match self.channel.send(ack).await {
            Err(ChannelError::Closed) => Ok(()),
            sent => sent,
        }
    }

    /// Ends a flow whose last item has been taken and acked.
    ///
    /// # Errors
    /// [`ChannelError`] if the source is gone, to whom it makes no difference.
    pub async fn finish(mut self) -> Result<(), ChannelError> {
        self.channel.finish().await
    }
}

impl<A> fmt::Debug for Pour<'_, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pour").finish_non_exhaustive()
    }
}

impl<I> fmt::Debug for Drain<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Drain").finish_non_exhaustive()
    }
}
