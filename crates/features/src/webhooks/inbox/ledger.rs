//! The ledger of an inbox: which sequence is next, what is kept, and what has left. Read and written in
//! the transaction that it is for, by pure functions between.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::super::delivery::Delivery;
use super::error::InboxError;
use super::types::{Item, Standing, Taken};
use super::work::{EventKey, NewRow};
use crate::webhooks::wire::{InboxId, Missing, Point};

/// What is true of an inbox as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Ledger {
    pub(super) totals: Totals,
    pub(super) providers: BTreeMap<String, Provider>,
}

/// Its one row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Totals {
    /// Which inbox it is.
    pub(super) inbox: InboxId,
    /// The sequence of the last delivery or gap.
    pub(super) last: u64,
    /// What is at this sequence or before has left: of deliveries, their rows alone are there.
    pub(super) floor: u64,
    /// What is at this sequence or before has no row either.
    pub(super) forgotten: u64,
    /// How many bytes the rest counts for.
    pub(super) bytes: u64,
}

/// A provider's row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Provider {
    /// How many it has sent, kept or not: the number of its last one. Deliveries have numbers by
    /// provider so that those which are missing can be counted when their rows are gone.
    pub(super) count: u64,
    /// The number of the last one that has left.
    pub(super) gone: u64,
    /// How many are kept.
    pub(super) kept: u64,
    /// The sequence of the last one.
    pub(super) last: u64,
}

/// What is to be written of deliveries and gaps, in the order of their sequences.
#[derive(Debug, Default)]
pub(super) struct Placed {
    pub(super) rows: Vec<Row>,
    /// What became of each that was brought, in its order.
    pub(super) takes: Vec<Result<Taken, InboxError>>,
    /// How often these have come again.
    pub(super) repeats: BTreeMap<u64, u32>,
}

/// A row that is new.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) number: u64,
    pub(super) provider: String,
    pub(super) item: Item,
    /// The rest of a delivery's.
    pub(super) kept: Option<KeptRow>,
}

/// What a delivery's row has beside the delivery.
#[derive(Debug)]
pub(super) struct KeptRow {
    pub(super) key: Option<EventKey>,
    pub(super) head: Vec<u8>,
    pub(super) size: u64,
}

/// One of the oldest rows.
#[derive(Clone, Debug)]
pub(super) struct Oldest {
    pub(super) sequence: u64,
    pub(super) received: u64,
    pub(super) provider: String,
    pub(super) number: u64,
    pub(super) size: u64,
    pub(super) is_gap: bool,
}

/// How much is kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) bytes: u64,
    /// Milliseconds.
    pub(super) retention: u64,
}

impl Totals {
    /// Returns the sequence behind which all is that came behind a point.
    pub(super) fn behind(&self, point: Point) -> u64 {
        match point.inbox == self.inbox {
            true => point.sequence.min(self.last),
            // It was lost, and this one was made after it.
            false => 0,
        }
    }
}

impl Ledger {
    /// Gives each delivery its place, or finds that it has one. `found` are those in the store whose
    /// event keys are the same.
    pub(super) fn place(
        &mut self,
        gaps: &BTreeMap<String, u64>,
        takes: Vec<NewRow>,
        mut found: HashMap<EventKey, Arc<Delivery>>,
    ) -> Placed {
        let mut placed = Placed::default();
        for (provider, &count) in gaps {
            placed.rows.extend(self.place_gap(provider, count));
        }
        for take in takes {
            let taken = match take.key.and_then(|key| found.get_mut(&key)) {
                Some(before) => Ok(repeat(before, &mut placed.repeats)),
                None => self.place_new(take, &mut found, &mut placed.rows),
            };
            placed.takes.push(taken);
        }
        placed
    }

    fn place_new(
        &mut self,
        take: NewRow,
        found: &mut HashMap<EventKey, Arc<Delivery>>,
        rows: &mut Vec<Row>,
    ) -> Result<Taken, InboxError> {
        let provider = take.new.provider.clone();
        let (sequence, number) = self.next(&provider, 1)?;
        let delivery = Arc::new(take.new.at(take.id, sequence));
        if let Some(key) = take.key {
            found.insert(key, Arc::clone(&delivery));
        }
        self.totals.bytes += take.size;
        if let Some(provider) = self.providers.get_mut(&provider) {
            provider.kept += 1;
        }
        rows.push(Row {
            number,
            provider,
            item: Item::Delivery(Arc::clone(&delivery)),
            kept: Some(KeptRow {
                key: take.key,
                head: take.head,
                size: take.size,
            }),
        });
        Ok(Taken::New(delivery))
    }

    /// A gap has a place like a delivery, so that a follower whose cursor is behind it has heard of it.
    fn place_gap(&mut self, provider: &str, count: u64) -> Option<Row> {
        let (sequence, number) = self.next(provider, count).ok()?;
        Some(Row {
            number,
            provider: provider.to_owned(),
            item: Item::Missed {
                count,
                why: Missing::NotKept,
                sequence,
            },
            kept: None,
        })
    }

    fn next(&mut self, provider: &str, count: u64) -> Result<(u64, u64), InboxError> {
        if !self.providers.contains_key(provider) {
            if self.providers.len() >= MOST_PROVIDERS {
                return Err(InboxError::NoSuchProvider);
            }
            self.providers
                .insert(provider.to_owned(), Provider::default());
        }
        let row = self.providers.entry(provider.to_owned()).or_default();
        self.totals.last += 1;
        row.count = row.count.saturating_add(count);
        row.last = self.totals.last;
        Ok((self.totals.last, row.count))
    }

    /// Says which of the oldest leave: those that are too old, and as many as are too much, but not the
    /// last delivery of all. Returns how many of the slice.
    pub(super) fn leave(&mut self, oldest: &[Oldest], now: u64, bounds: Bounds) -> usize {
        let horizon = now.saturating_sub(bounds.retention);
        let mut left = 0;
        for row in oldest {
            let too_much = self.totals.bytes > bounds.bytes && row.sequence < self.totals.last;
            if row.received >= horizon && !too_much {
                break;
            }
            self.totals.floor = row.sequence;
            self.totals.bytes = self.totals.bytes.saturating_sub(row.size);
            if let Some(provider) = self.providers.get_mut(&row.provider) {
                provider.gone = row.number;
                provider.kept = provider.kept.saturating_sub(u64::from(!row.is_gap));
            }
            left += 1;
        }
        let forgotten = self.totals.floor.saturating_sub(REMEMBERED);
        self.totals.forgotten = self.totals.forgotten.max(forgotten);
        left
    }

    /// Forgets providers of which nothing is left, and that nobody follows.
    pub(super) fn forget(&mut self, followed: &BTreeSet<String>) {
        let forgotten = self.totals.forgotten;
        self.providers
            .retain(|name, row| row.last > forgotten || followed.contains(name));
    }

    /// Returns the providers that are not as they were.
    pub(super) fn changed<'a>(
        &'a self,
        before: &'a Self,
    ) -> impl Iterator<Item = (&'a String, &'a Provider)> {
        let rows = self.providers.iter();
        rows.filter(|(name, row)| before.providers.get(*name) != Some(*row))
    }

    /// Returns the names of those that were.
    pub(super) fn removed<'a>(&'a self, before: &'a Self) -> impl Iterator<Item = &'a String> {
        let names = before.providers.keys();
        names.filter(|name| !self.providers.contains_key(*name))
    }

    /// Says how the inbox stands.
    pub(super) fn standing(&self, oldest: Option<u64>) -> Standing {
        Standing {
            kept: self.providers.values().map(|row| row.kept).sum(),
            bytes: self.totals.bytes,
            oldest,
        }
    }
}

fn repeat(before: &mut Arc<Delivery>, repeats: &mut BTreeMap<u64, u32>) -> Taken {
    let again = Delivery {
        repeats: before.repeats.saturating_add(1),
        ..Delivery::clone(before)
    };
    *before = Arc::new(again);
    repeats.insert(before.sequence, before.repeats);
    Taken::Repeated(Arc::clone(before))
}

/// More than anybody is a customer of. It bounds what names a stranger can invent.
const MOST_PROVIDERS: usize = 256;

/// How many rows outlive what they stood for, so that a list can show what is gone: some 2 MB.
const REMEMBERED: u64 = 10_000;
