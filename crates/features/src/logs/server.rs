//! The server half of logs.

use std::sync::Arc;
use std::time::Duration;

use ::wire::{Fault, Status};
use futures_util::future::BoxFuture;
use tokio::time::Instant;
use transport::channel::{Channel, ChannelError};
use transport::flow::Pour;
use transport::router::{Handler, ServeError, Visit};
use transport::tasks::Tasks;

use super::filter::Sieve;
use super::ring::{Most, Ring};
use super::wire::{Cursor, Follow, Item, Open, Stock};
use crate::parts::{SectionError, ServerParts};

/// Makes the server half; every server has a ring.
pub(super) fn half(parts: &ServerParts) -> Result<Option<Arc<dyn Handler>>, SectionError> {
    Ok(Some(Arc::new(Logs::new(Arc::clone(&parts.ring)))))
}

#[derive(Debug)]
pub(super) struct Logs {
    ring: Arc<Ring>,
}

impl Logs {
    pub(super) const fn new(ring: Arc<Ring>) -> Self {
        Self { ring }
    }
}

impl Handler for Logs {
    fn serve<'a>(
        &'a self,
        channel: &'a mut Channel,
        visit: &'a Visit,
    ) -> BoxFuture<'a, Result<(), ServeError>> {
        Box::pin(async move {
            let open: Open = channel
                .receive()
                .await?
                .ok_or(ChannelError::Missing("what to pour"))?;
            let sieve = open.filter.compile();
            let sieve =
                sieve.map_err(|error| Fault::new(Status::BAD_REQUEST, error.to_string()))?;
            let source = Source::begin(&self.ring, &open, sieve, Pour::new(channel));
            Ok(source.pour(&visit.tasks).await?)
        })
    }
}

/// Pours a ring's entries into one flow.
struct Source<'c> {
    ring: &'c Ring,
    open: &'c Open,
    sieve: Sieve,
    pour: Pour<'c, ()>,
    /// Where the reader will be after what has been sent, and what it did not want.
    at: Cursor,
    /// Where a flow ends that does not follow.
    end: Cursor,
    /// What the reader knows of `at`, and since when.
    told: Cursor,
    told_at: Instant,
}

impl<'c> Source<'c> {
    fn begin(ring: &'c Ring, open: &'c Open, sieve: Sieve, pour: Pour<'c, ()>) -> Self {
        let end = ring.end();
        let at = ring.begin(open.start, &sieve);
        Self {
            ring,
            open,
            sieve,
            pour,
            at,
            end,
            told: at,
            told_at: Instant::now(),
        }
    }

    /// Pours until there is nothing more to come, or `session` is told to stop and has all that
    /// was written by then.
    async fn pour(mut self, session: &Tasks) -> Result<(), ChannelError> {
        // Whoever opened the flow hears that it stands, and where.
        let opened = Item::Opened {
            stock: Stock::default(),
            cursor: self.at,
        };
        self.tell(opened).await?;
        while let Some(most) = self.most() {
            if self.step(most).await? == Pace::Idle && self.rest(session).await? == Rest::Stopped {
                // The flow is cut rather than ended: it is to be taken up elsewhere.
                return Ok(());
            }
        }
        self.pour.finish().await.map(|_| ())
    }

    /// Returns what the next read may take, or `None` at the end.
    fn most(&self) -> Option<Most> {
        let entries = match self.open.follow {
            Follow::On => u64::MAX,
            // A reader from another epoch has everything before it, and is to hear that.
            Follow::Off if self.at.epoch != self.end.epoch => self.end.sequence.max(1),
            Follow::Off => self.end.sequence.saturating_sub(self.at.sequence),
        };
        let bytes = BATCH;
        (entries > 0).then_some(Most { entries, bytes })
    }

    async fn step(&mut self, most: Most) -> Result<Pace, ChannelError> {
        let batch = self.ring.read(self.at, &self.sieve, most);
        let looked = batch.next != self.at;
        self.at = batch.next;
        if let Some(missed) = batch.missed {
            let cursor = batch.from;
            self.tell(Item::Missed { missed, cursor }).await?;
        }
        if !batch.entries.is_empty() {
            let (entries, cursor) = (batch.entries, self.at);
            self.tell(Item::Batch { entries, cursor }).await?;
        } else if self.told != self.at && self.told_at.elapsed() >= TELL {
            self.tell(Item::Nothing { cursor: self.at }).await?;
        } else if looked {
            // A long log of which nothing is wanted does not keep others waiting.
            tokio::task::yield_now().await;
        } else {
            return Ok(Pace::Idle);
        }
        Ok(Pace::Busy)
    }

    /// Waits for the next entry, or until the reader is to be told how far it is.
    async fn rest(&mut self, session: &Tasks) -> Result<Rest, ChannelError> {
        let behind = self.told != self.at;
        tokio::select! {
            biased;
            () = self.ring.wait(self.at) => Ok(Rest::Over),
            () = tokio::time::sleep_until(self.told_at + TELL), if behind => Ok(Rest::Over),
            () = session.stopping() => Ok(Rest::Stopped),
            gone = self.pour.abandoned() => Err(gone),
        }
    }

    async fn tell(&mut self, item: Item) -> Result<(), ChannelError> {
        self.pour.send(&item).await?;
        self.told = item.cursor();
        self.told_at = Instant::now();
        Ok(())
    }
}

/// What a step of a source came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pace {
    /// There may be more.
    Busy,
    /// There is nothing to read.
    Idle,
}

/// How a source's rest ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rest {
    /// There is something to do.
    Over,
    /// There will be nothing to do.
    Stopped,
}

/// Large enough to fill a fast link, small enough that other channels have their turn.
const BATCH: usize = 64 * 1024;

/// How old a reader's cursor may be: after a loss, what came since and was not wanted would count
/// as missing if the ring no longer had it.
const TELL: Duration = Duration::from_secs(5);
