//! The inbox: deliveries are on a disk before their provider hears that they were taken, and stay until
//! they are too old, or too much.
//!
//! ```text
//! take ──────▶ queue ──▶ writer ── one transaction for all that waits ──▶ store (SQLite, PostgreSQL)
//! settle ────▶   │          │                                               │
//! offered, ──▶ lazy ────────┘──▶ cache, changes ──▶ after ◀── what the cache does not reach back to
//! count_gap                      (a live flow reads nothing)
//! ```
//! Every delivery has a sequence over all providers, and so has a gap, so that a cursor behind it says
//! that it was heard of. Sequences are drawn in the transaction that commits them, under a lock that
//! instances share: whoever sees one has seen all before it, or never will.

mod cache;
mod error;
mod lazy;
mod ledger;
mod place;
mod shared;
mod store;
mod tasks;
#[cfg(test)]
mod tests;
mod types;
mod work;
mod writer;

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore, mpsc, oneshot, watch};

use self::cache::Cache;
use self::lazy::Earlier;
use self::ledger::{Bounds, Totals};
use self::shared::Shared;
use self::store::Store;
use self::types::weight;
use self::work::{Move, NewRow, Tried, Turn, Way};
use self::writer::{InboxState, Job, Reply, Writer};
use super::config::WebhooksConfig;
use super::delivery::{Delivery, DeliveryId, Receipt};
use super::name::is_provider_name;
use super::providers;
use super::wire::{self, List, Listed, Point, Start};
use crate::parts::{SectionError, Variables};

pub(crate) use self::error::InboxError;
pub use self::store::is_inbox_in_use;
pub(crate) use self::tasks::{Bringer, InboxTasks};
pub(crate) use self::types::{
    Begun, FollowerKey, Item, KnownProvider, Most, NewDelivery, Taken, draw,
};

/// Keeps deliveries. Every method may be called by many tasks at once.
#[derive(Debug)]
pub(crate) struct Inbox {
    shared: Arc<Shared>,
    queue: mpsc::Sender<Job>,
    /// The bytes that may wait to be written, in KiB.
    room: Arc<Semaphore>,
}

impl Inbox {
    /// Opens the inbox where the configuration says, or makes it there.
    ///
    /// # Errors
    /// [`SectionError`] if it cannot be used, and what to do. A PostgreSQL that is away is none: it is
    /// tried again with each delivery.
    pub(crate) fn open(
        config: &WebhooksConfig,
        variables: &Variables,
    ) -> Result<(Arc<Self>, InboxTasks), SectionError> {
        let place = place::Place::of(config, variables)?;
        let (store, last) = place.open()?;
        place.say(variables);
        let bounds = Bounds {
            bytes: config.max_bytes,
            retention: u64::try_from(config.retention.as_millis()).unwrap_or(u64::MAX),
            named: Arc::new(named(config)),
        };
        Ok(Self::new(store, last, bounds))
    }

    fn new(store: Store, last: Option<u64>, bounds: Bounds) -> (Arc<Self>, InboxTasks) {
        let shared = Arc::new(Shared {
            store,
            bounds,
            cache: Mutex::new(Cache::new(last)),
            lazy: Mutex::default(),
            state: Mutex::new(InboxState::Well),
            lazily: Notify::new(),
            changed: watch::Sender::new(last.unwrap_or_default()),
        });
        let (queue, jobs) = mpsc::channel(QUEUE);
        let (brings, brought) = mpsc::channel(1);
        let writer = Writer {
            shared: Arc::clone(&shared),
            queue: jobs,
            waiting: VecDeque::new(),
            brought,
        };
        let bringer = Bringer { _brings: brings };
        let room = Arc::new(Semaphore::new(ROOM));
        let inbox = Self {
            shared,
            queue,
            room,
        };
        (Arc::new(inbox), InboxTasks { writer, bringer })
    }

    /// Keeps a delivery: it is on the disk when this returns. If this is dropped before, nobody knows.
    ///
    /// # Errors
    /// [`InboxError`] if it is not kept within some seconds; it may be later.
    pub(crate) async fn take(&self, new: NewDelivery) -> Result<Taken, InboxError> {
        let taken = tokio::time::timeout(TAKE_WITHIN, self.keep(new)).await;
        let late = |_| InboxError::Unavailable("it does not answer in time".to_owned());
        taken.map_err(late)?
    }

    /// Keeps a delivery for which nobody waits, however long that takes.
    ///
    /// # Errors
    /// [`InboxError`] if it is not kept, nor will be.
    pub(crate) async fn keep(&self, new: NewDelivery) -> Result<Taken, InboxError> {
        if !is_provider_name(&new.provider) {
            return Err(InboxError::NoSuchProvider);
        }
        let kibibytes = weight(&new.request).div_ceil(1024).min(ROOM);
        let kibibytes = u32::try_from(kibibytes).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.room).try_acquire_many_owned(kibibytes);
        let room = room.map_err(|_| InboxError::Busy)?;
        let row = Box::new(NewRow::new(new));
        let (reply, taken) = oneshot::channel();
        let job = Job::Take { row, reply, room };
        self.queue.try_send(job).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => InboxError::Busy,
            mpsc::error::TrySendError::Closed(_) => closed(),
        })?;
        taken.await.map_err(|_| closed())?
    }

    /// Counts a copy that could not be kept, or not be made. Never waits, and never fails: where the disk
    /// is full, it is noted when there is room.
    pub(crate) fn count_gap(&self, provider: &str) {
        if is_provider_name(provider) {
            self.shared.lazy().gap(provider);
            self.shared.lazily.notify_one();
        }
    }

    /// Returns what comes next of a provider's behind a sequence; nothing if nothing does.
    ///
    /// # Errors
    /// [`InboxError::Unavailable`] if it cannot be read.
    pub(crate) async fn after(
        &self,
        provider: &str,
        sequence: u64,
        most: Most,
    ) -> Result<Vec<Item>, InboxError> {
        let cached = self.shared.cache().after(provider, sequence, most);
        match cached {
            Some(items) => Ok(items),
            None => self.shared.store.after(provider, sequence, most).await,
        }
    }

    /// Tells the last sequence, whenever there is another.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.shared.changed.subscribe()
    }

    /// Returns the providers that something has come from.
    ///
    /// # Errors
    /// [`InboxError::Unavailable`] if they cannot be read.
    pub(crate) async fn providers(&self) -> Result<Vec<KnownProvider>, InboxError> {
        let ledger = self.shared.store.ledger().await?;
        let providers = ledger.providers.into_iter();
        let known = providers.map(|(name, row)| KnownProvider {
            name,
            kept: row.kept,
        });
        Ok(known.collect())
    }

    /// Finds a follower's cursor, or makes it.
    ///
    /// # Errors
    /// [`InboxError`] if it cannot be read, or not be kept.
    pub(crate) async fn begin(
        &self,
        owner: &FollowerKey,
        provider: &str,
        start: Start,
    ) -> Result<Begun, InboxError> {
        if !is_provider_name(provider) {
            return Err(InboxError::NoSuchProvider);
        }
        let store = &self.shared.store;
        let known = store.cursor(owner, provider).await?;
        let offered = known.map_or(0, |cursor| cursor.offered);
        self.shared.lazy().begin(owner, provider, offered);
        let totals = self.totals().await?;
        let after = match (start, known) {
            (Start::Resume | Start::ResumeBehind(_), Some(cursor)) => cursor.sequence,
            (Start::Resume | Start::Now, _) => totals.last,
            (Start::ResumeBehind(point) | Start::Behind(point), _) => totals.behind(point),
            (Start::Since(received), _) => {
                let first = store.since(provider, received).await?;
                first.map_or(totals.last, |first| first - 1)
            }
        };
        let is_resumed = known.is_some() && matches!(start, Start::Resume | Start::ResumeBehind(_));
        if !is_resumed {
            self.shared.lazy().begin_anew(owner, provider);
            self.start_at(owner, provider, after).await?;
        }
        let waiting = store.waiting(provider, after).await?;
        let before = match known {
            Some(_) => 0,
            None => store.waiting(provider, 0).await?.saturating_sub(waiting),
        };
        Ok(Begun {
            inbox: totals.inbox,
            last: totals.last,
            after,
            waiting,
            before,
        })
    }

    /// Tells where the inbox is now: what comes from now on is behind that.
    ///
    /// # Errors
    /// [`InboxError::Unavailable`] if it cannot be read.
    pub(crate) async fn last(&self) -> Result<Point, InboxError> {
        let Totals { inbox, last, .. } = self.totals().await?;
        Ok(Point {
            inbox,
            sequence: last,
        })
    }

    /// Reads the totals. Another instance may have come further than was heard of here.
    async fn totals(&self) -> Result<Totals, InboxError> {
        let totals = self.shared.store.ledger().await?.totals;
        self.shared.changed_to(totals.last);
        Ok(totals)
    }

    async fn start_at(
        &self,
        owner: &FollowerKey,
        provider: &str,
        sequence: u64,
    ) -> Result<(), InboxError> {
        let it = Move {
            owner: Arc::new(owner.clone()),
            provider: provider.to_owned(),
            sequence,
            way: Way::Anywhere,
        };
        self.done(|reply| Job::Move { it, reply }).await
    }

    /// Notes that a delivery is on its way to a follower. Written when nothing is heard of it for a
    /// moment.
    pub(crate) fn offered(&self, owner: &FollowerKey, delivery: &Delivery) {
        let Delivery {
            provider, sequence, ..
        } = delivery;
        self.shared.lazy().offer(owner, provider, *sequence);
        self.shared.lazily.notify_one();
    }

    /// Tells how often a delivery was offered to a follower, or tried by it, that it has not settled.
    ///
    /// # Errors
    /// [`InboxError::Unavailable`] if that cannot be read.
    pub(crate) async fn attempts(
        &self,
        owner: &FollowerKey,
        delivery: &Delivery,
    ) -> Result<u32, InboxError> {
        let Delivery {
            provider, sequence, ..
        } = delivery;
        let (times, earlier) = self.shared.lazy().offers(owner, provider, *sequence);
        if earlier == Earlier::None {
            return Ok(times);
        }
        let stored = self
            .shared
            .store
            .attempts(owner, provider, *sequence)
            .await?;
        Ok(stored.saturating_add(times))
    }

    /// Keeps the receipt of a try, behind which there will be another; or of a delivery that was sent
    /// again by hand. It is on the disk when this returns. One that is there already is not kept twice.
    ///
    /// # Errors
    /// [`InboxError`] if it is not kept.
    pub(crate) async fn tried(
        &self,
        owner: &FollowerKey,
        receipt: Receipt,
    ) -> Result<(), InboxError> {
        self.receive(owner, receipt, Turn::Again).await
    }

    /// Keeps the receipt of the last try, and moves the follower's cursor behind the delivery. Both are
    /// on the disk when this returns.
    ///
    /// # Errors
    /// [`InboxError`] if it is not kept.
    pub(crate) async fn settle(
        &self,
        owner: &FollowerKey,
        receipt: Receipt,
    ) -> Result<(), InboxError> {
        self.receive(owner, receipt, Turn::Last).await
    }

    async fn receive(
        &self,
        owner: &FollowerKey,
        receipt: Receipt,
        turn: Turn,
    ) -> Result<(), InboxError> {
        let owner = Arc::new(owner.clone());
        self.shared.lazy().heard(&owner, receipt.sequence);
        let tried = Tried {
            owner,
            receipt,
            turn,
        };
        self.done(|reply| Job::Receive { tried, reply }).await
    }

    /// Moves a follower's cursor over what it does not want, or has heard is missing. Written within a
    /// moment.
    pub(crate) fn pass(&self, owner: &FollowerKey, provider: &str, sequence: u64) {
        self.shared.lazy().pass(owner, provider, sequence);
        self.shared.lazily.notify_one();
    }

    /// Returns a page of deliveries, the newest first.
    ///
    /// # Errors
    /// [`InboxError::Unavailable`] if it cannot be read.
    pub(crate) async fn list(&self, query: &List) -> Result<Listed, InboxError> {
        self.shared.store.list(query.clone()).await
    }

    /// Returns a delivery with the tries of all followers; `None` if it is not there, or no more.
    ///
    /// # Errors
    /// [`InboxError::Unavailable`] if it cannot be read.
    pub(crate) async fn show(
        &self,
        id: DeliveryId,
    ) -> Result<Option<(Arc<Delivery>, Vec<wire::Tried>)>, InboxError> {
        self.shared.store.show(id).await
    }

    /// Tells how the inbox stands.
    #[cfg(test)]
    async fn standing(&self) -> Result<types::Standing, InboxError> {
        self.shared.store.standing().await
    }

    async fn done(&self, job: impl FnOnce(Reply<()>) -> Job) -> Result<(), InboxError> {
        let (reply, done) = oneshot::channel();
        let sent = self.queue.send(job(reply)).await;
        sent.map_err(|_| closed())?;
        done.await.map_err(|_| closed())?
    }
}

/// Returns the providers whose names are no stranger's inventions.
fn named(config: &WebhooksConfig) -> BTreeSet<String> {
    let built_in = providers::built_in().map(str::to_owned);
    let configured = config.paths.values().chain(config.providers.keys());
    built_in.chain(configured.cloned()).collect()
}

fn closed() -> InboxError {
    InboxError::Unavailable("it is closed".to_owned())
}

/// How many may wait to be written: a second of them. Who comes then is told to come again.
const QUEUE: usize = 4096;

/// How much may wait, in KiB: two bodies of the longest, and what is small beside them.
const ROOM: usize = 64 * 1024;

/// Slower than any disk that is well, and as fast as the least patient of providers expects.
const TAKE_WITHIN: Duration = Duration::from_secs(5);
