//! What need not be on the disk at once: it waits a moment for something that must be.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::types::FollowerKey;
use super::work::{Move, Offer, Way, Work};

/// What waits to be written, and what is being written.
#[derive(Debug, Default)]
pub(super) struct Lazy {
    gaps: BTreeMap<String, u64>,
    waiting: Marks,
    writing: Marks,
    /// How far deliveries were offered, as the store says or will say.
    offered: HashMap<(FollowerKey, String), u64>,
    due: Option<Instant>,
}

/// Marks of followers.
#[derive(Clone, Debug, Default)]
struct Marks {
    offers: HashMap<(Arc<FollowerKey>, u64), (String, u32)>,
    moves: HashMap<(Arc<FollowerKey>, String), u64>,
}

impl Lazy {
    /// When the oldest of it has waited long enough.
    pub(super) const fn due(&self) -> Option<Instant> {
        self.due
    }

    pub(super) fn gap(&mut self, provider: &str) {
        if self.gaps.len() >= MOST && !self.gaps.contains_key(provider) {
            return;
        }
        *self.gaps.entry(provider.to_owned()).or_default() += 1;
        self.wait();
    }

    pub(super) fn offer(&mut self, owner: &FollowerKey, provider: &str, sequence: u64) {
        let offered = self
            .offered
            .entry((owner.clone(), provider.to_owned()))
            .or_default();
        *offered = sequence.max(*offered);
        if self.waiting.offers.len() >= MOST {
            return;
        }
        let key = (Arc::new(owner.clone()), sequence);
        let offers = self.waiting.offers.entry(key);
        offers.or_insert_with(|| (provider.to_owned(), 0)).1 += 1;
        self.wait();
    }

    /// Its receipt says that a delivery was offered, and which time it was.
    pub(super) fn heard(&mut self, owner: &Arc<FollowerKey>, sequence: u64) {
        self.waiting.offers.remove(&(Arc::clone(owner), sequence));
    }

    pub(super) fn pass(&mut self, owner: &FollowerKey, provider: &str, sequence: u64) {
        if self.waiting.moves.len() >= MOST {
            return;
        }
        let key = (Arc::new(owner.clone()), provider.to_owned());
        let passed = self.waiting.moves.entry(key).or_default();
        *passed = sequence.max(*passed);
        self.wait();
    }

    /// Notes what the store knows of a follower that begins.
    pub(super) fn begin(&mut self, owner: &FollowerKey, provider: &str, offered: u64) {
        if self.offered.len() >= MOST {
            // Whoever is still there asks the store.
            self.offered.clear();
        }
        let key = (owner.clone(), provider.to_owned());
        let known = self.offered.entry(key).or_default();
        *known = offered.max(*known);
    }

    /// Forgets what a follower has passed that begins somewhere else now.
    pub(super) fn begin_anew(&mut self, owner: &FollowerKey, provider: &str) {
        let key = (Arc::new(owner.clone()), provider.to_owned());
        // What is being written is behind the cursor that is written next, unless it fails and waits
        // again.
        for marks in [&mut self.waiting, &mut self.writing] {
            marks.moves.remove(&key);
        }
    }

    /// Returns how often a delivery was offered that the store may not know of, and whether it may know
    /// of other times.
    pub(super) fn offers(
        &self,
        owner: &FollowerKey,
        provider: &str,
        sequence: u64,
    ) -> (u32, Earlier) {
        let key = (Arc::new(owner.clone()), sequence);
        let marks = [&self.waiting, &self.writing];
        let offers = marks.iter().filter_map(|marks| marks.offers.get(&key));
        let times = offers.map(|(_, times)| times).sum();
        let offered = self.offered.get(&(owner.clone(), provider.to_owned()));
        match offered {
            Some(&offered) if offered < sequence => (times, Earlier::None),
            _ => (times, Earlier::Perhaps),
        }
    }

    /// Hands over what belongs before the deliveries of this transaction, and the rest if it is due.
    pub(super) fn fill(&mut self, work: &mut Work, now: Instant) {
        let due = self.due.is_some_and(|due| due <= now);
        if !due && work.takes.is_empty() {
            return;
        }
        work.gaps = std::mem::take(&mut self.gaps);
        if !due {
            return;
        }
        self.due = None;
        self.writing = std::mem::take(&mut self.waiting);
        let offers = self.writing.offers.iter();
        work.offers
            .extend(offers.map(|((owner, sequence), (provider, times))| Offer {
                owner: Arc::clone(owner),
                provider: provider.clone(),
                sequence: *sequence,
                times: *times,
            }));
        let moves = self.writing.moves.iter();
        work.moves
            .extend(moves.map(|((owner, provider), sequence)| Move {
                owner: Arc::clone(owner),
                provider: provider.clone(),
                sequence: *sequence,
                way: Way::Forwards,
            }));
    }

    /// Lets nothing wait any longer.
    pub(super) fn hurry(&mut self) {
        self.due = Some(Instant::now());
    }

    /// What was handed over is kept.
    pub(super) fn written(&mut self) {
        self.writing = Marks::default();
    }

    /// What was handed over is not kept, and waits again.
    pub(super) fn failed(&mut self, gaps: BTreeMap<String, u64>, now: Instant) {
        for (provider, count) in gaps {
            *self.gaps.entry(provider).or_default() += count;
        }
        let Marks { offers, moves } = std::mem::take(&mut self.writing);
        for (key, (provider, times)) in offers {
            let waiting = self.waiting.offers.entry(key).or_insert((provider, 0));
            waiting.1 += times;
        }
        for (key, sequence) in moves {
            let waiting = self.waiting.moves.entry(key).or_default();
            *waiting = sequence.max(*waiting);
        }
        if !self.is_empty() {
            self.due = Some(now + AGAIN);
        }
    }

    fn wait(&mut self) {
        self.due.get_or_insert_with(|| Instant::now() + MOMENT);
    }

    fn is_empty(&self) -> bool {
        self.gaps.is_empty() && self.waiting.offers.is_empty() && self.waiting.moves.is_empty()
    }
}

/// Whether a delivery may have been offered before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Earlier {
    /// It was not.
    None,
    /// The store knows.
    Perhaps,
}

/// A local app that is well answers before this, and the mark is never written. It is what a kill of both
/// ends may lose of them.
const MOMENT: Duration = Duration::from_millis(50);

/// How long a store that has failed is left alone by what nobody waits for.
const AGAIN: Duration = Duration::from_secs(1);

/// More than 64 in hand for each of a thousand flows; it bounds what waits while the disk is full.
const MOST: usize = 65_536;
