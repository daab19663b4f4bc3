//! The server half of logs.

use std::sync::Arc;
use std::time::Duration;

use ::wire::{Fault, Status};
use futures_util::future::BoxFuture;
use tokio::time::Instant;
use transport::channel::{Channel, ChannelError};
use transport::flow::Pour;
use transport::router::{Handler, ServeError, Visit};
use transport::tasks::{Tasks, heavy};

use super::filter::Sieve;
use super::ring::{Most, Ring};
use super::survey::Beginning;
use super::wire::{Cursor, Follow, Item, Open};
use crate::parts::ServerParts;

/// Makes who pours the ring.
pub(super) fn handler(parts: &ServerParts) -> Arc<dyn Handler> {
    Arc::new(Logs::new(Arc::clone(&parts.ring)))
}

/// Lets what is too old leave the ring, though nobody appends or reads.
pub(super) fn keep_tidy(parts: &ServerParts, tasks: &Tasks) {
    let (ring, stopping) = (Arc::clone(&parts.ring), tasks.clone());
    tasks.spawn("log keeper", async move {
        let tidy = async {
            loop {
                tokio::time::sleep(TIDY).await;
                ring.tidy();
            }
        };
        tokio::select! {
            () = tidy => {}
            () = stopping.stopping() => {}
        }
    });
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
            let sieve = heavy(|| open.filter.compile());
            let sieve =
                sieve.map_err(|error| Fault::new(Status::BAD_REQUEST, error.to_string()))?;
            let source = Source::begin(&self.ring, &open, sieve, Pour::new(channel)).await?;
            Ok(source.pour(&visit.tasks).await?)
        })
    }
}

/// Pours a ring's entries into one flow.
struct Source<'c> {
    ring: &'c Ring,
    sieve: Sieve,
    pour: Pour<'c, ()>,
    /// Where the reader will be after what has been sent, and what it did not want.
    at: u64,
    /// Where a flow ends that does not follow.
    end: Option<u64>,
    /// What the reader knows of `at`, and since when.
    told: u64,
    told_at: Instant,
}

impl<'c> Source<'c> {
    /// Says that the flow stands, where, and what is missing before that.
    async fn begin(
        ring: &'c Ring,
        open: &Open,
        sieve: Sieve,
        pour: Pour<'c, ()>,
    ) -> Result<Self, ChannelError> {
        let end = ring.end();
        // All that there is may have to be looked at.
        let (Beginning { at, missed, reader }, stock) =
            heavy(|| (ring.begin(&open.start, &sieve), ring.stock(&open.filter)));
        let mut source = Self {
            ring,
            sieve,
            pour,
            at,
            end: (open.follow == Follow::Off).then_some(end),
            told: at,
            told_at: Instant::now(),
        };
        let cursor = reader;
        source.pour.send(&Item::Opened { stock, cursor }).await?;
        if let Some(missed) = missed {
            let cursor = ring.cursor(at);
            source.tell(Item::Missed { missed, cursor }).await?;
        }
        Ok(source)
    }

    /// Pours until there is nothing more to come, or `session` is told to stop and has all that
    /// was written by then.
    async fn pour(mut self, session: &Tasks) -> Result<(), ChannelError> {
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
        let entries = self.end.map_or(u64::MAX, |end| end.saturating_sub(self.at));
        let bytes = BATCH;
        (entries > 0).then_some(Most { entries, bytes })
    }

    async fn step(&mut self, most: Most) -> Result<Pace, ChannelError> {
        let batch = self.ring.read(self.at, &self.sieve, most);
        let looked = batch.next != self.at;
        self.at = batch.next;
        if let Some(missed) = batch.missed {
            let cursor = self.ring.cursor(batch.from);
            self.tell(Item::Missed { missed, cursor }).await?;
        }
        if !batch.entries.is_empty() {
            let (entries, cursor) = (batch.entries, self.cursor());
            self.tell(Item::Batch { entries, cursor }).await?;
        } else if self.told != self.at && self.told_at.elapsed() >= TELL {
            let cursor = self.cursor();
            self.tell(Item::Nothing { cursor }).await?;
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
        self.told = item.cursor().sequence;
        self.told_at = Instant::now();
        Ok(())
    }

    const fn cursor(&self) -> Cursor {
        self.ring.cursor(self.at)
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

/// How much longer than the retention an entry may stay: little of the shortest that makes sense.
const TIDY: Duration = Duration::from_secs(30);
