//! The hearing side of a flow: acks are held against what is in flight, and kept.

use ::wire::{Fault, Status};
use futures_util::StreamExt as _;
use futures_util::stream::FuturesOrdered;
use transport::channel::{ChannelError, Receiver};
use transport::router::ServeError;

use super::Source;
use super::flight::{NotOffered, NotTold, Try, Worth};
use crate::webhooks::delivery::Receipt;
use crate::webhooks::server::refusals::{check_receipt, fault};
use crate::webhooks::wire::Ack;

impl Source<'_> {
    /// Hears acks, and lets the inbox keep them in their order. What was heard is kept, even if the
    /// follower is gone by then.
    pub(super) async fn hear(&self, receiver: &mut Receiver) -> Result<(), ServeError> {
        let mut keeping = FuturesOrdered::new();
        let gone = loop {
            tokio::select! {
                // So each ack is on its way to the disk before the next is heard.
                biased;
                Some(kept) = keeping.next() => self.kept(kept?),
                ack = receiver.receive::<Ack>(), if keeping.len() < MOST_KEEPING => match ack {
                    Ok(Some(ack)) => if let Some(tried) = self.weigh(ack)? {
                        keeping.push_back(self.keep(tried));
                    },
                    // No more will come: the follower has gone in order.
                    Ok(None) => break ChannelError::Closed,
                    Err(gone) => break gone,
                },
            }
        };
        while let Some(kept) = keeping.next().await {
            self.kept(kept?);
        }
        Err(gone.into())
    }

    fn kept(&self, settled: Option<u64>) {
        if let Some(sequence) = settled {
            self.flight.settle(sequence);
            self.move_on();
        }
    }

    /// Returns the receipt in an ack that is to be kept.
    fn weigh(&self, ack: Ack) -> Result<Option<(Receipt, Try)>, Fault> {
        let refuse = |reason: &str| Fault::new(Status::BAD_REQUEST, reason);
        let (receipt, of) = match ack {
            Ack::Tried(receipt) => (receipt, Try::Failed),
            Ack::Done(receipt) => (receipt, Try::Last),
            Ack::Heard { sequence } => {
                let heard = self.flight.hear(sequence);
                heard.map_err(|NotTold| refuse("nothing is missing where it was heard of"))?;
                self.move_on();
                return Ok(None);
            }
        };
        check_receipt(&receipt)?;
        let worth = self
            .flight
            .weigh(&receipt, of)
            .map_err(|NotOffered| refuse("a receipt of what was not offered, or not in order"))?;
        match worth {
            Worth::Known => {
                self.flight.tell_again(receipt.sequence);
                Ok(None)
            }
            Worth::Keep => {
                self.answer(&receipt);
                Ok(Some((receipt, of)))
            }
        }
    }

    /// Gives a receipt to the provider that waits for it, before it is on any disk.
    fn answer(&self, receipt: &Receipt) {
        if self.webhooks.about.waits(&self.follow.provider) {
            self.webhooks.desk.answer(receipt);
        }
    }

    /// Keeps a receipt; returns what is settled by it.
    async fn keep(&self, (receipt, of): (Receipt, Try)) -> Result<Option<u64>, Fault> {
        let inbox = &self.webhooks.inbox;
        match of {
            Try::Failed => {
                let kept = inbox.tried(&self.owner, receipt).await;
                kept.map(|()| None).map_err(|error| fault(&error))
            }
            Try::Last => {
                let sequence = receipt.sequence;
                let kept = inbox.settle(&self.owner, receipt).await;
                kept.map(|()| Some(sequence)).map_err(|error| fault(&error))
            }
        }
    }
}

/// As many as a follower may send that has tried each delivery of a window five times.
const MOST_KEEPING: usize = 64;
