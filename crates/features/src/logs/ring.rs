//! The ring: the log lines of late, in memory, for any number of readers at their own pace.
//!
//! ```text
//! append ──▶ store ──▶ [ first … next ) ──▶ read(place), page by page
//!            if any      │ over the bounds: gone, and counted for whoever had not read it
//! ```
//! A page is a bounded number of references: neither appending nor reading ever holds the lock for
//! longer, however long the ring and whatever the filter. What is on the way to the disk is under
//! another lock, which readers do not take.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ring::rand::{SecureRandom, SystemRandom};
use tokio::sync::Notify;
use transport::tasks::heavy;

use super::clock::Clock;
use super::config::LogsConfig;
use super::entry::{Entry, Line, Origin, Record};
use super::filter::Sieve;
use super::kept::{Kept, Slot};
use super::lineage::{Begun, Lineage};
use super::mark::{Before, Event, Mark};
use super::mask::Masks;
use super::store::{Appended, News, Store, StoreError};
use super::vitals::Noted;
use super::wire::{Cause, Cursor, Epoch, Missed};
use crate::wall_clock;

/// The log lines of late.
#[derive(Debug)]
pub struct Ring {
    epoch: Epoch,
    lineage: Lineage,
    config: LogsConfig,
    clock: Clock,
    masks: Masks,
    // Taken before `kept`, so that entries are kept in the order in which they are written. Never
    // held across an await.
    store: Option<Mutex<Store>>,
    // Never held across an await.
    kept: Mutex<Kept>,
    /// ring --there is more--> readers that wait
    more: Notify,
}

/// Bounds what one read takes.
#[derive(Clone, Copy, Debug)]
pub struct Most {
    /// How many entries are looked at, whether they pass the filter or not.
    pub entries: u64,
    /// How many bytes the entries take; a single one may take more.
    pub bytes: usize,
}

/// How much is in a ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// How many entries there are.
    pub entries: u64,
    /// How many bytes of memory they take, about.
    pub bytes: u64,
}

/// What one read took.
#[derive(Clone, Debug)]
pub struct Batch {
    /// What is missing before the entries.
    pub missed: Option<Missed>,
    /// Those that pass the filter.
    pub entries: Vec<Arc<Entry>>,
    /// Where the reading began, after what is missing.
    pub from: u64,
    /// Where to read on. Where it was, if there was nothing to look at.
    pub next: u64,
}

impl Ring {
    /// Makes an empty ring, of an epoch of its own, in memory.
    #[must_use]
    pub fn new(config: LogsConfig) -> Self {
        let epoch = random_epoch();
        let begun = Begun {
            epoch,
            first: 0,
            before: Before::Unknown,
        };
        Self {
            epoch,
            lineage: Lineage::new(begun),
            masks: Masks::new(&config),
            config,
            clock: Clock::start(),
            store: None,
            kept: Mutex::default(),
            more: Notify::new(),
        }
    }

    /// Opens the ring of a server that starts: with what the one before it has left on the disk, if
    /// the configuration names a folder there. Its first new entry is a mark that says so.
    ///
    /// # Errors
    /// [`StoreError`] if the folder cannot be had.
    pub fn open(
        config: LogsConfig,
        origin: &Origin,
        commit: Option<String>,
    ) -> Result<Self, StoreError> {
        Self::open_at(Clock::start(), config, origin, commit)
    }

    pub(super) fn open_at(
        clock: Clock,
        config: LogsConfig,
        origin: &Origin,
        commit: Option<String>,
    ) -> Result<Self, StoreError> {
        let mut ring = Self::new(config);
        ring.clock = clock;
        let (mut before, mut lost) = (Before::Unknown, None);
        if let Some(path) = ring.config.path.clone() {
            let start = (ring.epoch, clock.now());
            let opened = Store::open(path, &ring.config, origin.clone(), start)?;
            (before, lost) = (opened.before, opened.lost);
            ring.lineage = opened.lineage;
            ring.kept = Mutex::new(opened.restored.kept);
            ring.store = Some(Mutex::new(opened.store));
        }
        let started = Event::ServerStarted { commit, before };
        for event in [started].into_iter().chain(lost) {
            ring.mark(Mark {
                time: clock.now(),
                origin: origin.clone(),
                event,
            });
        }
        Ok(ring)
    }

    /// Notes on the disk that all is there. For a server that stops, after whatever feeds the ring.
    pub fn finish(&self) {
        if let Some(store) = &self.store {
            with(store, Store::finish);
        }
    }

    /// Gives back what is over the bounds, in memory and on the disk. For when nobody appends.
    pub fn tidy(&self) {
        self.look(|_| ());
        if let Some(store) = &self.store {
            with(store, |store| store.tidy(self.clock.now()));
        }
    }

    /// Keeps a secret out of what is appended from now on.
    #[must_use]
    pub fn hiding(self, secret: &str) -> Self {
        self.hide(secret);
        self
    }

    /// Keeps another secret out of it, from now on.
    pub fn hide(&self, secret: &str) {
        self.masks.hide(secret);
    }

    /// Appends a line and returns its sequence: bounded, and masked. Takes the same time however
    /// long the ring is.
    pub fn append(&self, line: Line) -> u64 {
        self.push([self.ready(Record::Line(line))])
    }

    /// Appends a mark and returns its sequence.
    pub fn mark(&self, mark: Mark) -> u64 {
        self.push([Record::Mark(mark)])
    }

    /// Appends lines and marks as they come, many at a time: for whoever has many.
    pub fn append_all(&self, records: impl IntoIterator<Item = Record>) {
        self.append_fed(records.into_iter().map(|record| self.ready(record)));
    }

    /// Appends what a feed has made, whose lines are bounded and masked.
    pub(super) fn append_fed(&self, records: impl IntoIterator<Item = Record>) {
        let mut records = records.into_iter();
        loop {
            let mut cost = 0;
            let within = |record: &Record| {
                cost += record.cost();
                cost < CHUNK
            };
            let chunk = take_through(&mut records, within);
            if chunk.is_empty() {
                return;
            }
            self.push(chunk);
        }
    }

    /// Returns what names this start of the server.
    #[must_use]
    pub const fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Returns the sequence of the next entry.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.look(|kept| kept.next())
    }

    /// Returns how much is in it.
    #[must_use]
    pub fn usage(&self) -> Usage {
        self.look(|kept| kept.usage())
    }

    /// Returns what its marks have told since the server started, and when it is.
    pub(super) fn noted(&self) -> (Noted, u64) {
        (self.look(|kept| kept.noted()), self.clock.now())
    }

    /// Whether there is a disk beneath it.
    pub(super) const fn is_stored(&self) -> bool {
        self.store.is_some()
    }

    /// Reads on from a place.
    #[must_use]
    pub fn read(&self, at: u64, sieve: &Sieve, most: Most) -> Batch {
        let (first, at, page) = self.look(|kept| {
            let at = at.min(kept.next());
            let most = usize::try_from(most.entries).unwrap_or(PAGE).min(PAGE);
            (kept.first(), at, kept.page(at, most))
        });
        let missed = (page.from > at).then(|| Missed {
            until: page.entries.first().map(|entry| entry.record.time()),
            ..Missed::new(Some(page.from - at), self.cause(at, first))
        });
        let (entries, next) = select(page.entries, sieve, most.bytes);
        Batch {
            missed,
            entries,
            from: page.from,
            next: next.unwrap_or(page.until),
        }
    }

    /// Waits until there is something to read at a place. Cancel-safe.
    pub async fn wait(&self, at: u64) {
        loop {
            // Whoever appends after this is heard, even before it is waited for.
            let more = self.more.notified();
            if self.kept().next() > at {
                return;
            }
            more.await;
        }
    }

    /// Keeps whoever writes to the disk waiting.
    #[cfg(test)]
    pub(super) fn hold_store(&self) -> Option<MutexGuard<'_, Store>> {
        self.store.as_ref().map(lock)
    }

    pub(super) const fn config(&self) -> &LogsConfig {
        &self.config
    }

    pub(super) const fn masks(&self) -> &Masks {
        &self.masks
    }

    /// Bounds and masks what somebody made.
    fn ready(&self, mut record: Record) -> Record {
        if let Record::Line(line) = &mut record {
            self.masks.cover_line(line);
            line.bound();
        }
        record
    }

    pub(super) const fn lineage(&self) -> &Lineage {
        &self.lineage
    }

    pub(super) const fn cursor(&self, sequence: u64) -> Cursor {
        Cursor {
            epoch: self.epoch,
            sequence,
        }
    }

    /// Looks at what is kept, after what is over the bounds has gone: a page at a time, so that others
    /// have their turn.
    pub(super) fn look<T>(&self, look: impl FnOnce(&mut Kept) -> T) -> T {
        let now = self.clock.now();
        loop {
            let mut kept = self.kept();
            let gone = self.evict(&mut kept, now);
            if gone.len() < PAGE {
                let seen = look(&mut kept);
                // Memory is given back when nobody waits for the lock.
                drop(kept);
                drop(gone);
                return seen;
            }
            drop(kept);
        }
    }

    fn push(&self, records: impl IntoIterator<Item = Record>) -> u64 {
        let now = self.clock.now();
        let Some(store) = &self.store else {
            return self.keep(now, |kept| {
                let sequence = kept.next();
                records.into_iter().for_each(|it| kept.push(now, it));
                sequence
            });
        };
        with(store, |store| {
            let Appended { sequence, entries } = store.append(now, records);
            self.keep(now, |kept| {
                entries.into_iter().for_each(|it| kept.push_entry(now, it));
            });
            sequence
        })
    }

    fn keep<T>(&self, now: u64, push: impl FnOnce(&mut Kept) -> T) -> T {
        let mut kept = self.kept();
        let pushed = push(&mut kept);
        let gone = self.evict(&mut kept, now);
        drop(kept);
        self.more.notify_waiters();
        if gone.len() == PAGE {
            // A long line takes the place of many short ones.
            self.look(|_| ());
        }
        pushed
    }

    fn evict(&self, kept: &mut Kept, now: u64) -> Vec<Slot> {
        kept.evict(now, &self.config, PAGE)
    }

    /// Says why entries are missing from a place on; `first` is the oldest that is there.
    fn cause(&self, from: u64, first: u64) -> Cause {
        if from < first {
            self.lineage.cause(from..first)
        } else {
            Cause::Damaged
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        lock(&self.kept)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic elsewhere leaves at worst a count of bytes that is one line too high.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Does something with a store, and says what there is to say about it when the lock is free: whoever
/// listens may append to this very ring.
///
/// A disk may take its time: the other tasks of this thread go on meanwhile, whoever calls.
fn with<T>(store: &Mutex<Store>, work: impl FnOnce(&mut Store) -> T) -> T {
    let (done, news) = heavy(|| {
        let mut locked = lock(store);
        (work(&mut locked), locked.news())
    });
    news.into_iter().for_each(News::say);
    done
}

/// Takes from an iterator up to and with the first that is not within.
fn take_through<T>(
    from: &mut impl Iterator<Item = T>,
    mut within: impl FnMut(&T) -> bool,
) -> Vec<T> {
    let mut taken = Vec::new();
    for one in from {
        let goes_on = within(&one);
        taken.push(one);
        if !goes_on {
            break;
        }
    }
    taken
}

/// Takes the entries that pass, up to the bound, and returns where the bound was, if it was met.
fn select(page: Vec<Arc<Entry>>, sieve: &Sieve, most: usize) -> (Vec<Arc<Entry>>, Option<u64>) {
    let mut bytes = 0;
    let mut entries = Vec::new();
    for entry in page {
        if sieve.wants(&entry.record) {
            bytes += entry.record.cost();
            if bytes > most && !entries.is_empty() {
                return (entries, Some(entry.sequence));
            }
            entries.push(entry);
        }
    }
    (entries, None)
}

fn random_epoch() -> Epoch {
    let mut bytes = [0; 8];
    if SystemRandom::new().fill(&mut bytes).is_ok() {
        return Epoch(u64::from_le_bytes(bytes));
    }
    // Without randomness the clock will do: no other start has the same nanosecond.
    Epoch(wall_clock::nanos())
}

/// How many entries are looked at under the lock: a few microseconds' worth.
pub(super) const PAGE: usize = 256;

/// How many bytes are appended under one lock: as long as readers may wait.
const CHUNK: usize = 256 * 1024;
