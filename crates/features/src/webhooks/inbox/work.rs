//! What a store does in one transaction, and what came of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use ring::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};

use super::super::delivery::{Header, Origin, Receipt, State, Verification};
use super::error::InboxError;
use super::ledger::Placed;
use super::types::{FollowerKey, Item, NewDelivery, Taken, weight};

/// What is written in one transaction.
#[derive(Debug, Default)]
pub(super) struct Work {
    /// Milliseconds since 1970.
    pub(super) now: u64,
    /// How many copies of each provider's were not kept before these.
    pub(super) gaps: BTreeMap<String, u64>,
    pub(super) takes: Vec<NewRow>,
    pub(super) receipts: Vec<Tried>,
    pub(super) offers: Vec<Offer>,
    pub(super) moves: Vec<Move>,
    pub(super) chores: Chores,
}

/// Whether what is done now and then is due.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Chores {
    #[default]
    Later,
    Due,
}

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Done {
    /// What became of each delivery, in its order.
    pub(super) takes: Vec<Result<Taken, InboxError>>,
    /// What is new, with its provider, by sequence.
    pub(super) new: Vec<(String, Item)>,
    /// The last sequence.
    pub(super) last: u64,
    /// Whether more should leave than may in one transaction.
    pub(super) rest: Rest,
}

impl Done {
    pub(super) fn new(placed: Placed, last: u64, rest: Rest) -> Self {
        let rows = placed.rows.into_iter();
        Self {
            takes: placed.takes,
            new: rows.map(|row| (row.provider, row.item)).collect(),
            last,
            rest,
        }
    }
}

/// Whether there is more of the same to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Rest {
    #[default]
    Nothing,
    More,
}

/// A delivery, and what its rows have beside it: worked out before the writer's turn.
#[derive(Debug)]
pub(super) struct NewRow {
    pub(super) new: NewDelivery,
    pub(super) key: Option<EventKey>,
    pub(super) head: Vec<u8>,
    pub(super) size: u64,
}

/// Says which deliveries are the same event: the beginning of a hash, long enough that nobody finds two
/// of the same.
pub(super) type EventKey = [u8; 16];

impl NewRow {
    pub(super) fn new(new: NewDelivery) -> Self {
        let head = HeadRef {
            event_id: new.event_id.as_deref(),
            method: &new.request.method,
            target: &new.request.target,
            headers: &new.request.headers,
            origin: &new.request.origin,
        };
        let mut bytes = Vec::new();
        wire::encode(&head, &mut bytes);
        Self {
            key: event_key(&new),
            head: bytes,
            size: weight(&new.request) as u64,
            new,
        }
    }
}

/// An unverified one is never the same as a verified one: whoever guesses an event's id could else keep
/// the true one out.
fn event_key(new: &NewDelivery) -> Option<EventKey> {
    let event_id = new.event_id.as_deref()?;
    let verified = new.verification == Verification::Verified;
    let mut context = Context::new(&SHA256);
    context.update(&[u8::from(verified)]);
    context.update(&(new.provider.len() as u64).to_be_bytes());
    context.update(new.provider.as_bytes());
    context.update(event_id.as_bytes());
    let mut key = EventKey::default();
    key.copy_from_slice(&context.finish().as_ref()[..16]);
    Some(key)
}

/// The part of a delivery that no question is asked about, as it is written.
#[derive(Serialize)]
struct HeadRef<'a> {
    event_id: Option<&'a str>,
    method: &'a str,
    target: &'a str,
    headers: &'a [Header],
    origin: &'a Origin,
}

/// The same, as it is read.
#[derive(Deserialize)]
pub(super) struct StoredHead {
    pub(super) event_id: Option<String>,
    pub(super) method: String,
    pub(super) target: String,
    pub(super) headers: Vec<Header>,
    pub(super) origin: Origin,
}

/// A try of a follower's.
#[derive(Clone, Debug)]
pub(super) struct Tried {
    pub(super) owner: Arc<FollowerKey>,
    pub(super) receipt: Receipt,
    pub(super) turn: Turn,
}

/// Whether there will be another try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// There will.
    Again,
    /// The cursor moves behind the delivery.
    Last,
}

impl Tried {
    /// How far the delivery has come by this.
    pub(super) fn state(&self) -> State {
        match (self.receipt.outcome.is_delivered(), self.turn) {
            (true, _) => State::Delivered,
            (false, Turn::Last) => State::Failed,
            (false, Turn::Again) => State::Offered,
        }
    }

    pub(super) fn status(&self) -> Option<u16> {
        match &self.receipt.outcome {
            super::super::delivery::Outcome::Answered(answer) => Some(answer.status),
            super::super::delivery::Outcome::NotDelivered(_) => None,
        }
    }
}

/// A delivery was sent to a follower, which has not said yet what became of it.
#[derive(Clone, Debug)]
pub(super) struct Offer {
    pub(super) owner: Arc<FollowerKey>,
    pub(super) provider: String,
    pub(super) sequence: u64,
    /// How often it was since that was last written.
    pub(super) times: u32,
}

/// A cursor that moves.
#[derive(Clone, Debug)]
pub(super) struct Move {
    pub(super) owner: Arc<FollowerKey>,
    pub(super) provider: String,
    pub(super) sequence: u64,
    pub(super) way: Way,
}

/// Which way a cursor may move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Forwards alone.
    Forwards,
    /// To where its follower wants to begin.
    Anywhere,
}

/// A cursor, as it is stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Cursor {
    pub(super) sequence: u64,
    /// The last sequence that was offered.
    pub(super) offered: u64,
}

/// Returns the state of a number, as it is stored.
pub(super) const fn state_of(number: i64) -> State {
    match number {
        0 => State::Received,
        1 => State::Offered,
        2 => State::Failed,
        3 => State::Delivered,
        _ => State::Gone,
    }
}
