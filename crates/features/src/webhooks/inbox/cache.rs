//! The latest deliveries in memory, so that a live flow reads nothing.

use std::collections::VecDeque;
use std::sync::Arc;

use super::types::{Item, Most, Repeated, weight};

/// The latest items without a hole, bounded by their bytes.
#[derive(Debug)]
pub(super) struct Cache {
    /// The sequence of the first of `items`; if there is none, of the next that comes.
    first: u64,
    items: VecDeque<(String, Item, usize)>,
    bytes: usize,
    /// The last sequence that there is, as far as is known: another instance may have added it.
    last: Option<u64>,
}

impl Cache {
    /// Makes an empty one, behind the last sequence of an inbox if that is known.
    pub(super) fn new(last: Option<u64>) -> Self {
        Self {
            first: last.unwrap_or_default() + 1,
            items: VecDeque::new(),
            bytes: 0,
            last,
        }
    }

    /// Notes that there is this sequence.
    pub(super) fn learn(&mut self, last: u64) {
        self.last = Some(last).max(self.last);
    }

    /// Adds what a transaction has added, in order. What others have added between is not known here, so
    /// that the cache begins anew behind it.
    pub(super) fn add(&mut self, new: Vec<(String, Item)>) {
        for (provider, item) in new {
            let sequence = item.sequence();
            if sequence != self.first + self.items.len() as u64 {
                self.restart(sequence);
            }
            self.learn(sequence);
            let bytes = match &item {
                Item::Delivery(delivery) => weight(&delivery.request),
                Item::Missed { .. } => size_of::<Item>(),
            };
            self.bytes += bytes;
            self.items.push_back((provider, item, bytes));
        }
        while self.bytes > MOST_BYTES
            && let Some((_, _, bytes)) = self.items.pop_front()
        {
            self.first += 1;
            self.bytes -= bytes;
        }
    }

    fn restart(&mut self, first: u64) {
        let last = self.last;
        *self = Self::new(Some(first - 1));
        self.last = last;
    }

    /// Notes that a delivery has come again.
    pub(super) fn repeat(&mut self, again: &Repeated) {
        let place = again.sequence.checked_sub(self.first);
        let place = place.and_then(|place| usize::try_from(place).ok());
        if let Some((_, Item::Delivery(delivery), _)) =
            place.and_then(|place| self.items.get_mut(place))
        {
            // Whoever has it already goes on with what it was.
            Arc::make_mut(delivery).repeats = again.repeats;
        }
    }

    /// Returns what comes next of a provider's behind a sequence; `None` if the cache does not have all
    /// of it.
    pub(super) fn after(&self, provider: &str, sequence: u64, most: Most) -> Option<Vec<Item>> {
        if self.first + self.items.len() as u64 <= self.last? {
            return None;
        }
        let skipped = (sequence + 1).checked_sub(self.first)?;
        let skipped = usize::try_from(skipped).ok()?;
        let mut bytes = 0;
        let mut items = Vec::new();
        for (whose, item, weight) in self.items.iter().skip(skipped) {
            if whose != provider {
                continue;
            }
            items.push(item.clone());
            bytes += weight;
            if items.len() >= most.count || bytes >= most.bytes {
                break;
            }
        }
        Some(items)
    }
}

/// A second of 3,000 deliveries a second and more, of an ordinary size; one of the longest is not kept.
const MOST_BYTES: usize = 8 * 1024 * 1024;
