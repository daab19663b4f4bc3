//! The ledger of an inbox: which sequence is next, what is kept, and what has left. Read and written in
//! the transaction that it is for, by pure functions between.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::super::delivery::{Delivery, Verification};
use super::error::InboxError;
use super::types::{Item, Repeated, Standing, Taken};
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
    /// How many of them are not verified, refused ones too.
    pub(super) unverified: u64,
    /// How many are refused.
    pub(super) refused: u64,
}

/// Of whose share of the bytes a delivery is. Anybody can fill any but the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Share {
    Verified,
    Unverified,
    Refused,
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
    pub(super) share: Share,
}

/// How much is kept.
#[derive(Clone, Debug)]
pub(super) struct Bounds {
    pub(super) bytes: u64,
    /// Milliseconds.
    pub(super) retention: u64,
    /// The providers that are built in or configured: there is always a place for them.
    pub(super) named: Arc<BTreeSet<String>>,
}

/// What a new delivery has to find room in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits<'a> {
    pub(super) bounds: &'a Bounds,
    /// The oldest row that is kept: the next to leave.
    pub(super) front: Option<&'a Oldest>,
}

impl Share {
    pub(super) const fn of(verification: Verification) -> Self {
        match verification {
            Verification::Verified => Self::Verified,
            Verification::NoSecret => Self::Unverified,
            Verification::Refused(_) => Self::Refused,
        }
    }

    /// Whether this may go for the sake of that.
    fn yields_to(self, other: Self) -> bool {
        match other {
            Self::Verified => true,
            Self::Unverified => self != Self::Verified,
            Self::Refused => self == Self::Refused,
        }
    }
}

impl Totals {
    /// Counts bytes that are kept of a delivery.
    pub(super) fn add(&mut self, share: Share, size: u64) {
        self.bytes += size;
        if share != Share::Verified {
            self.unverified += size;
        }
        if share == Share::Refused {
            self.refused += size;
        }
    }

    fn subtract(&mut self, share: Share, size: u64) {
        self.bytes = self.bytes.saturating_sub(size);
        if share != Share::Verified {
            self.unverified = self.unverified.saturating_sub(size);
        }
        if share == Share::Refused {
            self.refused = self.refused.saturating_sub(size);
        }
    }

    /// Whose share is full when so many bytes come to one; with nothing verified there is nobody to
    /// keep room for.
    fn full(&self, share: Share, size: u64, bytes: u64) -> Option<Share> {
        let is_verified_kept = self.bytes > self.unverified;
        let quarter = self.refused.saturating_add(size) > bytes / REFUSED;
        let half = self.unverified.saturating_add(size) > bytes / UNVERIFIED;
        match share {
            Share::Verified => None,
            Share::Refused if quarter => Some(Share::Refused),
            _ if half && is_verified_kept => Some(Share::Unverified),
            _ => None,
        }
    }

    /// Whether a row at the front leaves because its share is too full.
    fn is_over(&self, row: &Oldest, bytes: u64) -> bool {
        [Share::Refused, Share::Unverified]
            .into_iter()
            .filter_map(|share| self.full(share, 0, bytes))
            .any(|full| row.is_gap || row.share.yields_to(full))
    }
}

impl Limits<'_> {
    /// Whether a delivery is taken. One whose share is full takes the place of the oldest if that is no
    /// better, and only a little ahead of its leaving: what is verified never goes for its sake.
    fn admits(&self, totals: &Totals, share: Share, size: u64) -> bool {
        let bytes = self.bounds.bytes;
        let Some(full) = totals.full(share, size, bytes) else {
            return true;
        };
        let (held, most) = match full {
            Share::Refused => (totals.refused, bytes / REFUSED),
            _ => (totals.unverified, bytes / UNVERIFIED),
        };
        let yields = |row: &Oldest| row.is_gap || row.share.yields_to(full);
        self.front.is_none_or(yields) && held.saturating_add(size) <= most + most / AHEAD
    }
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
        mut found: HashMap<EventKey, Repeated>,
        limits: Limits<'_>,
    ) -> Placed {
        let mut placed = Placed::default();
        for (provider, &count) in gaps {
            placed
                .rows
                .extend(self.place_gap(provider, count, limits.bounds));
        }
        for take in takes {
            let taken = match take.key.and_then(|key| found.get_mut(&key)) {
                Some(before) => Ok(repeat(before, &mut placed.repeats)),
                None => self.place_new(take, limits).map(|(row, delivery)| {
                    found.extend(row.key().map(|key| (key, Repeated::of(&delivery))));
                    placed.rows.push(row);
                    Taken::New(delivery)
                }),
            };
            placed.takes.push(taken);
        }
        placed
    }

    fn place_new(
        &mut self,
        take: NewRow,
        limits: Limits<'_>,
    ) -> Result<(Row, Arc<Delivery>), InboxError> {
        let share = Share::of(take.new.verification);
        if !limits.admits(&self.totals, share, take.size) {
            return Err(InboxError::Crowded);
        }
        let provider = take.new.provider.clone();
        let (sequence, number) = self.next(&provider, 1, limits.bounds)?;
        let delivery = Arc::new(take.new.at(sequence));
        self.totals.add(share, take.size);
        if let Some(provider) = self.providers.get_mut(&provider) {
            provider.kept += 1;
        }
        let row = Row {
            number,
            provider,
            item: Item::Delivery(Arc::clone(&delivery)),
            kept: Some(KeptRow {
                key: take.key,
                head: take.head,
                size: take.size,
            }),
        };
        Ok((row, delivery))
    }

    /// A gap has a place like a delivery, so that a follower whose cursor is behind it has heard of it.
    fn place_gap(&mut self, provider: &str, count: u64, bounds: &Bounds) -> Option<Row> {
        let (sequence, number) = self.next(provider, count, bounds).ok()?;
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

    fn next(
        &mut self,
        provider: &str,
        count: u64,
        bounds: &Bounds,
    ) -> Result<(u64, u64), InboxError> {
        if !self.providers.contains_key(provider) {
            let is_invented = |name: &str| !bounds.named.contains(name);
            let invented = self.providers.keys().filter(|name| is_invented(name));
            if is_invented(provider) && invented.count() >= MOST_INVENTED {
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

    /// Says which of the oldest leave: those that are too old, and as many as are too much, together or
    /// of their share, but not the last delivery of all. Returns how many of the slice.
    pub(super) fn leave(&mut self, oldest: &[Oldest], now: u64, bounds: &Bounds) -> usize {
        let horizon = now.saturating_sub(bounds.retention);
        let mut left = 0;
        for row in oldest {
            let is_full =
                self.totals.bytes > bounds.bytes || self.totals.is_over(row, bounds.bytes);
            let too_much = is_full && row.sequence < self.totals.last;
            if row.received >= horizon && !too_much {
                break;
            }
            self.totals.floor = row.sequence;
            self.totals.subtract(row.share, row.size);
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

impl Row {
    fn key(&self) -> Option<EventKey> {
        self.kept.as_ref()?.key
    }
}

impl Repeated {
    fn of(delivery: &Delivery) -> Self {
        Self {
            id: delivery.id,
            sequence: delivery.sequence,
            provider: delivery.provider.clone(),
            repeats: delivery.repeats,
        }
    }
}

fn repeat(before: &mut Repeated, repeats: &mut BTreeMap<u64, u32>) -> Taken {
    before.repeats = before.repeats.saturating_add(1);
    repeats.insert(before.sequence, before.repeats);
    Taken::Repeated(before.clone())
}

/// More than anybody is a customer of beside those that are built in or configured: these names may be
/// a stranger's inventions.
const MOST_INVENTED: usize = 256;

/// What is not verified takes at most one part of so many of all bytes while anything verified is kept:
/// half, so that neither a flood of strangers nor a provider without a secret pushes out the others.
const UNVERIFIED: u64 = 2;

/// What is refused takes at most one part of so many: half of the half, since nobody's webhooks need it.
const REFUSED: u64 = 4;

/// A share runs ahead of what leaves for it by at most one part of so many: rows leave by number, and
/// small ones make room for large ones only after some transactions.
const AHEAD: u64 = 8;

/// How many rows outlive what they stood for, so that a list can show what is gone: some 2 MB.
const REMEMBERED: u64 = 10_000;
