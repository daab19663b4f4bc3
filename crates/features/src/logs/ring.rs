//! The ring: the log lines of late, in memory, for any number of readers at their own pace.
//!
//! ```text
//! append ──▶ [ first … next ) ──▶ read(cursor), page by page
//!              │ over the bounds: gone, and counted for whoever had not read it
//! ```
//! A page is a bounded number of references: neither appending nor reading ever holds the lock for
//! longer, however long the ring and whatever the filter.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use ring::rand::{SecureRandom, SystemRandom};
use tokio::sync::watch;
use tokio::time::Instant;

use super::config::LogsConfig;
use super::entry::{Entry, Line, Record};
use super::filter::Sieve;
use super::kept::{Kept, Slot};
use super::mark::Mark;
use super::mask::Masks;
use super::wire::{Cursor, Epoch, Missed, Start};

/// The log lines of late.
#[derive(Debug)]
pub struct Ring {
    epoch: Epoch,
    config: LogsConfig,
    masks: Masks,
    // Never held across an await.
    kept: Mutex<Kept>,
    /// ring --sequence of the next entry--> readers that wait
    next: watch::Sender<u64>,
}

/// Bounds what one read takes.
#[derive(Clone, Copy, Debug)]
pub struct Most {
    /// How many entries are looked at, whether they pass the filter or not.
    pub entries: u64,
    /// How many bytes the entries take; a single one may take more.
    pub bytes: usize,
}

/// What one read took.
#[derive(Clone, Debug)]
pub struct Batch {
    /// What is missing before the entries.
    pub missed: Option<Missed>,
    /// Those that pass the filter.
    pub entries: Vec<Arc<Entry>>,
    /// Where the reading began, after what is missing.
    pub from: Cursor,
    /// Where to read on. Where it was, if there was nothing to look at.
    pub next: Cursor,
}

impl Ring {
    /// Makes an empty ring, of an epoch of its own.
    #[must_use]
    pub fn new(config: LogsConfig) -> Self {
        Self {
            epoch: random_epoch(),
            masks: Masks::new(&config),
            config,
            kept: Mutex::default(),
            next: watch::Sender::new(0),
        }
    }

    /// Keeps a secret out of what is appended from now on.
    #[must_use]
    pub fn hiding(mut self, secret: &str) -> Self {
        self.masks.hide(secret);
        self
    }

    /// Appends a line that somebody made and returns its sequence: bounded, and masked. Takes the
    /// same time however long the ring is.
    pub fn append(&self, mut line: Line) -> u64 {
        self.masks.cover_line(&mut line);
        line.bound();
        self.push(Record::Line(line))
    }

    /// Appends what a feed has made: its lines are bounded and masked.
    pub(super) fn append_fed(&self, records: Vec<Record>) {
        for record in records {
            self.push(record);
        }
    }

    /// Appends a mark and returns its sequence.
    pub fn mark(&self, mark: Mark) -> u64 {
        self.push(Record::Mark(mark))
    }

    fn push(&self, record: Record) -> u64 {
        let (sequence, gone) =
            self.look(|kept| (kept.push(Instant::now(), record), self.evict(kept)));
        drop(gone);
        // Another append may have overtaken this one since.
        self.next.send_if_modified(|next| {
            let later = *next <= sequence;
            *next = (*next).max(sequence + 1);
            later
        });
        sequence
    }

    /// Returns the cursor at which a flow begins.
    #[must_use]
    pub fn begin(&self, start: Start, sieve: &Sieve) -> Cursor {
        match start {
            Start::Oldest => self.cursor(self.look(|kept| kept.first)),
            Start::Tail(entries) => self.tail(entries, sieve),
            Start::At(cursor) => cursor,
        }
    }

    /// Returns the cursor after the last entry.
    #[must_use]
    pub fn end(&self) -> Cursor {
        self.cursor(self.look(|kept| kept.next()))
    }

    /// Reads on from a cursor. One of another epoch is taken for that of the oldest entry.
    #[must_use]
    pub fn read(&self, cursor: Cursor, sieve: &Sieve, most: Most) -> Batch {
        let ours = cursor.epoch == self.epoch;
        let (missed, from, page, until) = self.look(|kept| {
            let wanted = if ours { cursor.sequence } else { kept.first };
            let wanted = wanted.min(kept.next());
            let from = wanted.max(kept.first);
            let until = wanted.saturating_add(most.entries.min(PAGE));
            let until = until.clamp(from, kept.next());
            (from - wanted, from, kept.page(from, until), until)
        });
        let (entries, next) = select(page, sieve, most.bytes);
        let missed = match (ours, missed) {
            (false, _) => Some(Missed::RESTART),
            (true, 0) => None,
            (true, entries) => Some(Missed::overrun(entries)),
        };
        Batch {
            missed,
            entries,
            from: self.cursor(from),
            next: self.cursor(next.unwrap_or(until)),
        }
    }

    /// Waits until there is something to read at a cursor. Cancel-safe.
    pub async fn wait(&self, cursor: Cursor) {
        if cursor.epoch == self.epoch {
            let mut next = self.next.subscribe();
            // Fails only when the ring is gone, which it is not while it is borrowed.
            next.wait_for(|&next| next > cursor.sequence).await.ok();
        }
    }

    pub(super) const fn masks(&self) -> &Masks {
        &self.masks
    }

    /// Returns the cursor from which exactly the last so many entries follow that pass the filter
    /// (all, if there are fewer), and then whatever is appended from now on.
    fn tail(&self, entries: u32, sieve: &Sieve) -> Cursor {
        let mut left = entries as usize;
        let mut at = self.end().sequence;
        while left > 0 {
            let (from, page) = self.look(|kept| {
                let from = at.saturating_sub(PAGE).max(kept.first);
                (from, kept.page(from, at))
            });
            let passing: Vec<_> = page
                .iter()
                .rev()
                .filter(|entry| sieve.wants(&entry.record))
                .collect();
            if let Some(first) = passing.get(left - 1) {
                return self.cursor(first.sequence);
            }
            left -= passing.len();
            at = from;
            if page.is_empty() {
                break;
            }
        }
        self.cursor(at)
    }

    /// Looks at what is kept, after what is over the bounds has gone.
    fn look<T>(&self, look: impl FnOnce(&mut Kept) -> T) -> T {
        // A panic elsewhere leaves at worst a count of bytes that is one line too high.
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let gone = self.evict(&mut kept);
        let seen = look(&mut kept);
        // Memory is given back when nobody waits for the lock.
        drop(kept);
        drop(gone);
        seen
    }

    fn evict(&self, kept: &mut Kept) -> Vec<Slot> {
        kept.evict(Instant::now(), &self.config)
    }

    const fn cursor(&self, sequence: u64) -> Cursor {
        Cursor {
            epoch: self.epoch,
            sequence,
        }
    }
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
    Epoch(now())
}

/// Returns the time in nanoseconds since 1970; 0 if the clock stands before.
pub(super) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
    })
}

/// How many entries are looked at under the lock: a few microseconds' worth.
const PAGE: u64 = 256;
