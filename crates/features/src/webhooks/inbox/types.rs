//! What goes into an inbox, and what comes out of it.

use std::fmt;
use std::sync::Arc;

use ring::rand::{SecureRandom as _, SystemRandom};
use transport::trust::KeyId;

use super::super::delivery::{Delivery, DeliveryId, Request, Verification};
use super::super::wire::{InboxId, Missing};

/// A delivery that the inbox has not numbered yet.
#[derive(Clone, Debug)]
pub(crate) struct NewDelivery {
    /// When it came, in milliseconds since 1970.
    pub(crate) received: u64,
    /// The other part of its id, from [`draw`]: whoever brings it may wait for its answer before it is
    /// kept.
    pub(crate) random: u128,
    /// Who sent it.
    pub(crate) provider: String,
    /// What happened, in the provider's words.
    pub(crate) event: Option<String>,
    /// The provider's own name for it.
    pub(crate) event_id: Option<String>,
    /// Whether it is the provider's.
    pub(crate) verification: Verification,
    /// What production's app answered, where it was asked first.
    pub(crate) answered: Option<u16>,
    /// The request.
    pub(crate) request: Request,
}

impl NewDelivery {
    /// Returns the name that it gets, if it is not there already. Its time is when it came: stores find
    /// what came since a time by that.
    pub(crate) fn id(&self) -> DeliveryId {
        DeliveryId::new(self.received, self.random)
    }

    /// Makes it the delivery that it is at this place.
    pub(super) fn at(self, sequence: u64) -> Delivery {
        Delivery {
            id: self.id(),
            sequence,
            received: self.received,
            provider: self.provider,
            event: self.event,
            event_id: self.event_id,
            verification: self.verification,
            answered: self.answered,
            repeats: 0,
            request: self.request,
        }
    }
}

/// Draws the random part of an id.
pub(crate) fn draw() -> u128 {
    let mut random = [0; 16];
    // It never fails on a system that runs; a store would refuse the same id twice.
    SystemRandom::new().fill(&mut random).ok();
    u128::from_be_bytes(random)
}

/// What became of a delivery that was brought to the inbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// It is kept.
    New(Arc<Delivery>),
    /// It was there already, as this one, which has counted it.
    Repeated(Repeated),
}

impl Taken {
    /// Returns the name that the inbox has for it.
    pub(crate) fn id(&self) -> DeliveryId {
        match self {
            Self::New(delivery) => delivery.id,
            Self::Repeated(before) => before.id,
        }
    }
}

/// A delivery that has come again: its line alone, because many may, and each may be long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Repeated {
    /// The inbox's name for it.
    pub(crate) id: DeliveryId,
    /// Its place.
    pub(crate) sequence: u64,
    /// Who sent it.
    pub(crate) provider: String,
    /// How often it has come again.
    pub(crate) repeats: u32,
}

/// Whose cursors these are: a follower's name means nothing beyond its key.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct FollowerKey {
    /// The key that its session was opened with.
    pub(crate) key: KeyId,
    /// The name that it has given itself.
    pub(crate) follower: String,
}

impl FollowerKey {
    /// Returns the bytes that stand for it in a store.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        [&self.key.0, self.follower.as_bytes()].concat()
    }
}

impl fmt::Debug for FollowerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.follower, self.key)
    }
}

/// Where a follower begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Begun {
    /// Which inbox it is.
    pub(crate) inbox: InboxId,
    /// The last sequence in it.
    pub(crate) last: u64,
    /// Its cursor: it goes on behind this sequence.
    pub(crate) after: u64,
    /// How many deliveries of the provider are behind it.
    pub(crate) waiting: u64,
    /// How many are before it; 0 for a follower that was known.
    pub(crate) before: u64,
}

/// How much is read at once. One delivery is, however long it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Most {
    /// How many deliveries.
    pub(crate) count: usize,
    /// How many bytes, about.
    pub(crate) bytes: usize,
}

/// What comes next for a follower, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Item {
    /// A delivery.
    Delivery(Arc<Delivery>),
    /// Deliveries are missing here.
    Missed {
        /// How many.
        count: u64,
        /// Why.
        why: Missing,
        /// What follows is behind this sequence. The cursor has to pass it, or this is said again.
        sequence: u64,
    },
}

impl Item {
    /// Returns the sequence that a follower is at behind it.
    pub(crate) fn sequence(&self) -> u64 {
        match self {
            Self::Delivery(delivery) => delivery.sequence,
            Self::Missed { sequence, .. } => *sequence,
        }
    }
}

/// A provider that something has come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KnownProvider {
    /// Its name.
    pub(crate) name: String,
    /// How many of its deliveries are in the inbox.
    pub(crate) kept: u64,
}

/// How an inbox stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Standing {
    /// How many deliveries are in it.
    pub(crate) kept: u64,
    /// How many bytes they count for.
    pub(crate) bytes: u64,
    /// When the oldest of them came, in milliseconds since 1970.
    pub(crate) oldest: Option<u64>,
}

/// How much memory a delivery takes, about.
pub(super) fn weight(request: &Request) -> usize {
    let headers = request.headers.iter();
    let headers = headers.map(|header| header.name.len() + header.value.len() + HEADER);
    request.body.len() + request.target.len() + headers.sum::<usize>() + DELIVERY
}

/// What a header costs beside its bytes: two pointers with their lengths and capacities.
const HEADER: usize = 48;

/// What a delivery costs beside what it holds, rounded up; in a store it is its rows in two tables and
/// three indexes.
const DELIVERY: usize = 512;
