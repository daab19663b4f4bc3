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
mod store;
#[cfg(test)]
mod tests;
mod types;
mod work;
mod writer;

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ring::rand::{SecureRandom, SystemRandom};
use tokio::sync::{Notify, Semaphore, mpsc, oneshot, watch};
use tracing::info;
use transport::tasks::Tasks;

use self::cache::Cache;
use self::lazy::{Earlier, Lazy};
use self::ledger::{Bounds, Totals};
use self::store::Store;
use self::types::weight;
use self::work::{Move, NewRow, Tried, Turn, Way};
use self::writer::{InboxState, Job, Reply, Writer};
use super::clock::{millis, wall_clock};
use super::config::WebhooksConfig;
use super::delivery::{Delivery, DeliveryId, Receipt};
use super::wire::{self, List, Listed, Point, Start};
use crate::parts::{SectionError, Variables};

pub(crate) use self::error::InboxError;
pub use self::store::is_inbox_in_use;
pub(crate) use self::types::{
    Begun, FollowerKey, Item, KnownProvider, Most, NewDelivery, Standing, Taken,
};

/// Keeps deliveries. Every method may be called by many tasks at once.
#[derive(Debug)]
pub(crate) struct Inbox {
    shared: Arc<Shared>,
    queue: mpsc::Sender<Job>,
    /// The bytes that may wait to be written, in KiB.
    room: Arc<Semaphore>,
}

/// What has to run for an inbox.
#[derive(Debug)]
#[must_use = "without its tasks an inbox takes nothing"]
pub(crate) struct InboxTasks(Writer);

/// What an inbox and its writer share.
struct Shared {
    store: Store,
    bounds: Bounds,
    // None of these is held across an await.
    cache: Mutex<Cache>,
    lazy: Mutex<Lazy>,
    state: Mutex<InboxState>,
    lazily: Notify,
    changed: watch::Sender<u64>,
    random: SystemRandom,
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
            random: SystemRandom::new(),
        });
        let (queue, jobs) = mpsc::channel(QUEUE);
        let writer = Writer {
            shared: Arc::clone(&shared),
            queue: jobs,
            waiting: VecDeque::new(),
        };
        let room = Arc::new(Semaphore::new(ROOM));
        let inbox = Self {
            shared,
            queue,
            room,
        };
        (Arc::new(inbox), InboxTasks(writer))
    }

    /// Keeps a delivery: it is on the disk when this returns. If this is dropped before, nobody knows.
    ///
    /// # Errors
    /// [`InboxError`] if it is not kept, within some seconds.
    pub(crate) async fn take(&self, new: NewDelivery) -> Result<Taken, InboxError> {
        if !is_name(&new.provider) {
            return Err(InboxError::NoSuchProvider);
        }
        let kibibytes = weight(&new.request).div_ceil(1024).min(ROOM);
        let kibibytes = u32::try_from(kibibytes).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.room).try_acquire_many_owned(kibibytes);
        let room = room.map_err(|_| InboxError::Busy)?;
        let row = Box::new(NewRow::new(self.shared.id(new.received), new));
        let (reply, taken) = oneshot::channel();
        let job = Job::Take { row, reply, room };
        self.queue.try_send(job).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => InboxError::Busy,
            mpsc::error::TrySendError::Closed(_) => closed(),
        })?;
        let taken = tokio::time::timeout(TAKE_WITHIN, taken).await;
        let late = |_| InboxError::Unavailable("it does not answer in time".to_owned());
        taken.map_err(late)?.map_err(|_| closed())?
    }

    /// Counts a copy that could not be kept, or not be made. Never waits, and never fails: where the disk
    /// is full, it is noted when there is room.
    pub(crate) fn count_gap(&self, provider: &str) {
        if is_name(provider) {
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
        if known.is_none_or(|cursor| cursor.sequence != after) {
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
    async fn standing(&self) -> Result<Standing, InboxError> {
        self.shared.store.standing().await
    }

    async fn done(&self, job: impl FnOnce(Reply<()>) -> Job) -> Result<(), InboxError> {
        let (reply, done) = oneshot::channel();
        let sent = self.queue.send(job(reply)).await;
        sent.map_err(|_| closed())?;
        done.await.map_err(|_| closed())?
    }
}

impl InboxTasks {
    /// Starts them. When they are asked to stop, they keep what was brought before, and close the inbox.
    pub(crate) fn start(self, tasks: &Tasks) {
        let shared = Arc::clone(&self.0.shared);
        let listening = tasks.clone();
        if let Store::Postgres(_) = shared.store {
            tasks.spawn("inbox listener", async move {
                if let Store::Postgres(store) = &shared.store {
                    store::listen(store, &listening, |last| shared.changed_to(last)).await;
                }
            });
        }
        let (shared, stopping) = (Arc::clone(&self.0.shared), tasks.clone());
        tasks.spawn("inbox standing", async move {
            tokio::select! {
                () = shared.tell_standing() => {}
                () = stopping.stopping() => {}
            }
        });
        tasks.spawn("inbox writer", self.0.run(tasks.clone()));
    }
}

impl Shared {
    /// Says what a former run has left. What cannot be read is told where it is wanted.
    async fn tell_standing(&self) {
        let standing = self.store.standing().await.unwrap_or_default();
        let Some(oldest) = standing.oldest else {
            return;
        };
        let Standing { kept, bytes, .. } = standing;
        let age = millis(wall_clock()()).saturating_sub(oldest) / 1000;
        info!("the inbox holds {kept} webhooks, {bytes} bytes; the oldest is {age} s old");
    }

    /// Lets everybody see what is kept.
    fn publish(&self, new: Vec<(String, Item)>, last: u64, takes: &[Result<Taken, InboxError>]) {
        let mut cache = self.cache();
        cache.add(new);
        for taken in takes {
            if let Ok(Taken::Repeated(delivery)) = taken {
                cache.replace(Arc::clone(delivery));
            }
        }
        drop(cache);
        self.changed_to(last);
    }

    fn changed_to(&self, last: u64) {
        self.cache().learn(last);
        self.changed.send_if_modified(|known| {
            let later = last > *known;
            *known = last.max(*known);
            later
        });
    }

    fn id(&self, received: u64) -> DeliveryId {
        let mut random = [0; 16];
        // It never fails on a system that runs; the store would refuse the same id twice.
        self.random.fill(&mut random).ok();
        DeliveryId::new(received, u128::from_be_bytes(random))
    }

    // Each is whole after every statement: a panic elsewhere has not broken it.
    fn cache(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lazy(&self) -> MutexGuard<'_, Lazy> {
        self.lazy.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn state(&self) -> MutexGuard<'_, InboxState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { store, bounds, .. } = self;
        f.debug_struct("Shared")
            .field("store", store)
            .field("bounds", bounds)
            .finish_non_exhaustive()
    }
}

/// Whether a text can be a provider's name: what stands in a path, and in columns and lists.
fn is_name(text: &str) -> bool {
    (1..=LONGEST_NAME).contains(&text.len()) && !text.chars().any(char::is_control)
}

fn closed() -> InboxError {
    InboxError::Unavailable("it is closed".to_owned())
}

/// Milliseconds since 1970.
fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |now| u64::try_from(now.as_millis()).unwrap_or(u64::MAX))
}

/// How many may wait to be written: a second of them. Who comes then is told to come again.
const QUEUE: usize = 4096;

/// How much may wait, in KiB: two bodies of the longest, and what is small beside them.
const ROOM: usize = 64 * 1024;

/// Slower than any disk that is well, and as fast as the least patient of providers expects.
const TAKE_WITHIN: Duration = Duration::from_secs(5);

/// Longer than any provider's.
const LONGEST_NAME: usize = 64;
