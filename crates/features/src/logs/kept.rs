//! What a ring keeps, under its lock: entries in sequence, the oldest of which go first.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::time::Instant;

use super::config::LogsConfig;
use super::entry::{Entry, Record};

/// What a ring keeps.
#[derive(Debug, Default)]
pub(super) struct Kept {
    /// The sequence of the oldest entry, or of the next one if there is none.
    pub(super) first: u64,
    slots: VecDeque<Slot>,
    bytes: usize,
}

/// An entry and when it came. Its line's time is what the line says, which proves nothing.
#[derive(Debug)]
pub(super) struct Slot {
    arrived: Instant,
    cost: usize,
    entry: Arc<Entry>,
}

impl Kept {
    /// Returns the sequence of the next entry.
    pub(super) fn next(&self) -> u64 {
        self.first + self.slots.len() as u64
    }

    /// Appends a record and returns its sequence.
    pub(super) fn push(&mut self, now: Instant, record: Record) -> u64 {
        let sequence = self.next();
        let cost = record.cost();
        self.bytes += cost;
        self.slots.push_back(Slot {
            arrived: now,
            cost,
            entry: Arc::new(Entry { sequence, record }),
        });
        sequence
    }

    /// Takes out what is over the bounds.
    pub(super) fn evict(&mut self, now: Instant, config: &LogsConfig) -> Vec<Slot> {
        let mut bytes = self.bytes;
        let over = self.slots.iter().take_while(|slot| {
            let goes = bytes > config.max_bytes
                || now.saturating_duration_since(slot.arrived) > config.retention;
            if goes {
                bytes -= slot.cost;
            }
            goes
        });
        let count = over.count();
        self.bytes = bytes;
        self.first += count as u64;
        self.slots.drain(..count).collect()
    }

    /// Returns the entries from one sequence up to another, as far as they are there.
    pub(super) fn page(&self, from: u64, until: u64) -> Vec<Arc<Entry>> {
        let slot = |sequence: u64| {
            let place = usize::try_from(sequence.saturating_sub(self.first));
            place.unwrap_or(usize::MAX).min(self.slots.len())
        };
        let (from, until) = (slot(from), slot(until));
        self.slots
            .range(from..until.max(from))
            .map(|slot| Arc::clone(&slot.entry))
            .collect()
    }
}
