//! What a ring keeps, under its lock: entries in sequence, the oldest of which go first.

use std::collections::VecDeque;
use std::sync::Arc;

use super::clock::nanos;
use super::config::LogsConfig;
use super::entry::{Entry, Record};
use super::ring::Usage;
use super::vitals::Noted;

/// What a ring keeps.
#[derive(Debug, Default)]
pub(super) struct Kept {
    slots: VecDeque<Slot>,
    /// The sequence of the next entry.
    next: u64,
    bytes: usize,
    noted: Noted,
}

/// An entry and when it came. Its line's time is what the line says, which proves nothing.
#[derive(Debug)]
pub(super) struct Slot {
    arrived: u64,
    cost: usize,
    entry: Arc<Entry>,
}

/// What is found at a place.
#[derive(Debug)]
pub(super) struct Page {
    /// The sequence of the first entry: later than the place, if entries are missing there.
    pub(super) from: u64,
    /// Entries without a hole between them.
    pub(super) entries: Vec<Arc<Entry>>,
    /// The sequence after the last one.
    pub(super) until: u64,
}

impl Kept {
    /// Keeps nothing yet; entries are counted from here.
    pub(super) fn from(next: u64) -> Self {
        Self {
            next,
            ..Self::default()
        }
    }

    /// Counts on from here, if it is later. Those before it that are not there count as missing.
    pub(super) fn skip_to(&mut self, next: u64) {
        self.next = self.next.max(next);
    }

    /// Returns the sequence of the next entry.
    pub(super) const fn next(&self) -> u64 {
        self.next
    }

    /// Returns the sequence of the oldest entry, or of the next one if there is none.
    pub(super) fn first(&self) -> u64 {
        let first = self.slots.front();
        first.map_or(self.next, |slot| slot.entry.sequence)
    }

    /// Returns how many entries there are, and when the oldest of them came.
    pub(super) fn stock(&self) -> (u64, Option<u64>) {
        let oldest = self.slots.front().map(|slot| slot.arrived);
        (self.slots.len() as u64, oldest)
    }

    /// Returns how much there is.
    pub(super) fn usage(&self) -> Usage {
        Usage {
            entries: self.slots.len() as u64,
            bytes: self.bytes as u64,
        }
    }

    /// Returns what its marks have told since the server started.
    pub(super) const fn noted(&self) -> Noted {
        self.noted
    }

    /// Appends a record.
    pub(super) fn push(&mut self, now: u64, record: Record) {
        let sequence = self.next;
        self.push_entry(now, Arc::new(Entry { sequence, record }));
    }

    /// Appends an entry that has its sequence already. Those before it that are not there count as
    /// missing.
    pub(super) fn push_entry(&mut self, now: u64, entry: Arc<Entry>) {
        if let Record::Mark(mark) = &entry.record {
            self.noted.note(now, &mark.event);
        }
        let cost = entry.record.cost();
        self.bytes += cost;
        self.next = entry.sequence + 1;
        self.slots.push_back(Slot {
            arrived: now,
            cost,
            entry,
        });
    }

    /// Takes out what is over the bounds, but no more entries than `most`.
    pub(super) fn evict(&mut self, now: u64, config: &LogsConfig, most: usize) -> Vec<Slot> {
        let (retention, max_bytes) = (nanos(config.retention), config.max_bytes);
        let mut bytes = self.bytes;
        let over = self.slots.iter().take_while(|slot| {
            let goes = bytes > max_bytes || now.saturating_sub(slot.arrived) > retention;
            if goes {
                bytes -= slot.cost;
            }
            goes
        });
        let count = over.take(most).count();
        self.bytes = bytes;
        self.slots.drain(..count).collect()
    }

    /// Returns at most so many entries from a place on: up to the next one that is missing.
    pub(super) fn page(&self, from: u64, most: usize) -> Page {
        let place = self.place(from);
        let first = self.slots.get(place);
        let from = first.map_or(self.next, |slot| slot.entry.sequence);
        let entries: Vec<_> = (from..)
            .zip(self.slots.range(place..))
            .take(most)
            .take_while(|(sequence, slot)| slot.entry.sequence == *sequence)
            .map(|(_, slot)| Arc::clone(&slot.entry))
            .collect();
        Page {
            from,
            until: from + entries.len() as u64,
            entries,
        }
    }

    /// Returns at most so many entries before a place, the oldest first.
    pub(super) fn page_before(&self, until: u64, most: usize) -> Vec<Arc<Entry>> {
        let until = self.place(until);
        let slots = self.slots.range(until.saturating_sub(most)..until);
        slots.map(|slot| Arc::clone(&slot.entry)).collect()
    }

    /// Returns the place of the first entry that is not before a sequence.
    fn place(&self, sequence: u64) -> usize {
        let first = self.first();
        if self.next - first == self.slots.len() as u64 {
            let place = usize::try_from(sequence.saturating_sub(first));
            return place.unwrap_or(usize::MAX).min(self.slots.len());
        }
        self.slots
            .partition_point(|slot| slot.entry.sequence < sequence)
    }
}
