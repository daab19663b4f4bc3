//! What a provider's worker has in hand: deliveries that wait for their turn, and receipts of which the
//! server has not said that they are kept. It outlives flows.
//!
//! ```text
//! flow ── Parcel ──▶ queue ──▶ poster
//!   ▲                            │
//!   └── acks ◀── until kept ◀────┘
//! ```

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::webhooks::config::HmacConfig;
use crate::webhooks::wire::{Ack, Head, Point};

/// A delivery as it came over the channel.
#[derive(Clone, Debug)]
pub(super) struct Parcel {
    pub(super) head: Arc<Head>,
    pub(super) body: Bytes,
    /// When its provider hears what the local app says, if it waits for that.
    pub(super) until: Option<Instant>,
    /// How its provider signs, if it is not built in.
    pub(super) hmac: Option<Arc<HmacConfig>>,
    /// Of which inbox it came.
    pub(super) epoch: Epoch,
}

/// Counts the inboxes that a hand has known of its server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Epoch(u32);

/// What is in hand of one provider.
#[derive(Debug, Default)]
pub(super) struct Hand {
    // Never held across an await.
    inside: Mutex<Inside>,
    /// flow --a parcel--> poster
    parcels: Notify,
    /// poster --there is room for a parcel--> flow
    room: Notify,
    /// poster --an ack--> flow
    acks: Notify,
    /// flow --acks are kept--> poster
    kept: Notify,
}

#[derive(Debug, Default)]
struct Inside {
    queue: VecDeque<Parcel>,
    bytes: usize,
    /// How far deliveries were taken, or passed over; `None` before a flow has stood.
    taken: Option<Point>,
    epoch: Epoch,
    /// Those of this epoch of which nobody has said that they are kept, the oldest first.
    acks: VecDeque<Ack>,
    /// How many of them this flow has sent.
    sent: usize,
    /// The last gap that was heard of over this flow, if that is not sent.
    heard: Option<u64>,
}

impl Inside {
    /// Whether another delivery may be taken: while there are few, or while the poster waits for the
    /// server, whose word comes the same way.
    fn has_room(&self) -> bool {
        let few = self.queue.len() < MOST && self.bytes < MOST_BYTES;
        self.queue.is_empty() || few || self.acks.len() >= MOST_ACKS
    }

    /// Whether a flow that goes on at a point leaves what was taken: it is in another inbox, or this one
    /// was set back.
    fn is_left(&self, point: Point) -> bool {
        let goes_on = |taken: Point| taken.inbox == point.inbox && taken.sequence <= point.sequence;
        self.taken.is_some_and(|taken| !goes_on(taken))
    }

    fn advance(&mut self, sequence: u64) {
        if let Some(taken) = &mut self.taken {
            taken.sequence = sequence;
        }
    }
}

impl Hand {
    /// How far deliveries were taken.
    pub(super) fn taken(&self) -> Option<Point> {
        self.inside().taken
    }

    /// The inbox that it is on.
    pub(super) fn epoch(&self) -> Epoch {
        self.inside().epoch
    }

    /// Whether a flow that goes on at a point leaves the inbox that it was on.
    pub(super) fn is_left(&self, point: Point) -> bool {
        self.inside().is_left(point)
    }

    /// Goes on at a point. In another inbox nobody wants acks of the former one; its deliveries that are
    /// here are posted all the same.
    pub(super) fn enter(&self, point: Point) {
        let mut inside = self.inside();
        if inside.is_left(point) {
            inside.epoch.0 = inside.epoch.0.wrapping_add(1);
            inside.acks.clear();
            inside.sent = 0;
            inside.heard = None;
        }
        inside.taken = Some(point);
        drop(inside);
        self.kept.notify_one();
    }

    /// Notes that what is before this sequence is no concern any more.
    pub(super) fn pass(&self, sequence: u64) {
        self.inside().advance(sequence);
    }

    /// Notes that a gap was heard of. The server is told at once, or by how far this hand has taken what
    /// came: a gap waits for no receipt.
    pub(super) fn hear(&self, sequence: u64) {
        let mut inside = self.inside();
        inside.advance(sequence);
        inside.heard = Some(sequence);
        drop(inside);
        self.acks.notify_one();
    }

    /// Takes a delivery.
    pub(super) fn take(&self, parcel: Parcel) {
        let mut inside = self.inside();
        inside.advance(parcel.head.sequence);
        inside.bytes += parcel.body.len();
        inside.queue.push_back(parcel);
        drop(inside);
        self.parcels.notify_one();
    }

    /// Waits until another delivery may be taken. Cancel-safe.
    pub(super) async fn room(&self) {
        while !self.inside().has_room() {
            self.room.notified().await;
        }
    }

    /// Waits for the next delivery to post. Cancel-safe.
    pub(super) async fn next(&self) -> Parcel {
        loop {
            if let Some(parcel) = self.pop() {
                self.room.notify_one();
                return parcel;
            }
            self.parcels.notified().await;
        }
    }

    fn pop(&self) -> Option<Parcel> {
        let mut inside = self.inside();
        let parcel = inside.queue.pop_front()?;
        inside.bytes -= parcel.body.len();
        Some(parcel)
    }

    /// Adds an ack, which is sent at once and again over each flow until it is kept. Waits while too
    /// many are not. One of a former epoch nobody wants. Cancel-safe: nothing is added then.
    pub(super) async fn ack(&self, epoch: Epoch, ack: Ack) {
        while self.inside().acks.len() >= MOST_ACKS {
            self.room.notify_one();
            self.kept.notified().await;
        }
        let mut inside = self.inside();
        if inside.epoch == epoch {
            inside.acks.push_back(ack);
            self.acks.notify_one();
        }
    }

    /// Notes that another flow stands, which has sent no acks yet. Of gaps it has said how far it heard.
    pub(super) fn send_again(&self) {
        let mut inside = self.inside();
        inside.sent = 0;
        inside.heard = None;
        drop(inside);
        self.acks.notify_one();
    }

    /// Waits for the next ack to send. Not cancel-safe: it counts as sent.
    pub(super) async fn next_ack(&self) -> Ack {
        loop {
            if let Some(ack) = self.unsent() {
                return ack;
            }
            self.acks.notified().await;
        }
    }

    fn unsent(&self) -> Option<Ack> {
        let mut inside = self.inside();
        if let Some(sequence) = inside.heard.take() {
            return Some(Ack::Heard { sequence });
        }
        let ack = inside.acks.get(inside.sent).cloned()?;
        inside.sent += 1;
        Some(ack)
    }

    /// Forgets the acks through this sequence: they are kept.
    pub(super) fn forget(&self, sequence: u64) {
        let mut inside = self.inside();
        while inside
            .acks
            .front()
            .is_some_and(|ack| sequence_of(ack) <= sequence)
        {
            inside.acks.pop_front();
            inside.sent = inside.sent.saturating_sub(1);
        }
        drop(inside);
        self.kept.notify_one();
    }

    /// Waits until all acks are kept. Cancel-safe.
    pub(super) async fn all_kept(&self) {
        while !self.inside().acks.is_empty() {
            self.kept.notified().await;
        }
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        // Whole after every statement: a panic elsewhere has not broken it.
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const fn sequence_of(ack: &Ack) -> u64 {
    match ack {
        Ack::Tried(receipt) | Ack::Done(receipt) => receipt.sequence,
        Ack::Heard { sequence } => *sequence,
    }
}

/// What waits for its turn: as much as the server sends ahead. What is left of an old flow counts too.
const MOST: usize = 64;
const MOST_BYTES: usize = 1024 * 1024;

/// Acks come faster than a disk keeps them, for a moment. Each may hold 80 KiB.
pub(super) const MOST_ACKS: usize = 128;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::FutureExt as _;

    use super::*;
    use crate::webhooks::delivery::{DeliveryId, NotDelivered, Outcome, Receipt};
    use crate::webhooks::wire::InboxId;

    fn receipt(sequence: u64, attempt: u32) -> Receipt {
        Receipt {
            delivery: DeliveryId::new(sequence, 0),
            sequence,
            attempt,
            at: 0,
            took: Duration::ZERO,
            outcome: Outcome::NotDelivered(NotDelivered::Closed),
        }
    }

    fn add(hand: &Hand, ack: Ack) {
        hand.ack(hand.epoch(), ack).now_or_never().expect("room");
    }

    fn sent(hand: &Hand) -> Vec<(u64, u32)> {
        std::iter::from_fn(|| hand.next_ack().now_or_never())
            .map(|ack| match ack {
                Ack::Tried(it) | Ack::Done(it) => (it.sequence, it.attempt),
                Ack::Heard { sequence } => (sequence, 0),
            })
            .collect()
    }

    #[test]
    fn acks_are_sent_once_a_flow_until_they_are_kept() {
        let hand = Hand::default();
        add(&hand, Ack::Tried(receipt(1, 1)));
        add(&hand, Ack::Done(receipt(1, 2)));
        assert_eq!(sent(&hand), [(1, 1), (1, 2)]);
        add(&hand, Ack::Done(receipt(3, 1)));
        hand.send_again();
        assert_eq!(sent(&hand), [(1, 1), (1, 2), (3, 1)]);
        hand.forget(2);
        add(&hand, Ack::Done(receipt(4, 1)));
        assert_eq!(sent(&hand), [(4, 1)]);
        hand.send_again();
        assert_eq!(sent(&hand), [(3, 1), (4, 1)]);
        hand.forget(4);
        assert!(hand.all_kept().now_or_never().is_some());
    }

    #[test]
    fn a_gap_that_was_heard_of_waits_for_no_receipt_and_is_said_once_a_flow() {
        let hand = Hand::default();
        add(&hand, Ack::Done(receipt(1, 1)));
        [2, 4].iter().for_each(|&gap| hand.hear(gap));
        assert_eq!(sent(&hand), [(4, 0), (1, 1)]);
        hand.hear(5);
        hand.send_again();
        // `taken` has said the rest.
        assert_eq!(sent(&hand), [(1, 1)]);
    }

    #[test]
    fn acks_of_an_inbox_that_is_left_are_nobodys() {
        let at = |inbox, sequence| Point {
            inbox: InboxId([inbox; 8]),
            sequence,
        };
        for (left, goes_on) in [(at(2, 9), at(2, 9)), (at(1, 4), at(1, 4))] {
            let hand = Hand::default();
            hand.enter(at(1, 0));
            let former = hand.epoch();
            add(&hand, Ack::Done(receipt(5, 1)));
            hand.pass(5);
            hand.enter(at(1, 5));
            hand.enter(at(1, 7));
            assert_eq!((hand.epoch(), sent(&hand)), (former, vec![(5, 1)]));
            assert!(hand.is_left(left) && !hand.is_left(at(1, 7)));
            hand.enter(left);
            assert_eq!(hand.taken(), Some(goes_on));
            assert!(hand.all_kept().now_or_never().is_some());
            let late = hand.ack(former, Ack::Done(receipt(6, 1)));
            assert!(late.now_or_never().is_some());
            add(&hand, Ack::Done(receipt(5, 2)));
            hand.send_again();
            assert_eq!(sent(&hand), [(5, 2)]);
        }
    }

    #[test]
    fn nobody_piles_up_acks_that_are_not_kept() {
        let hand = Hand::default();
        (0..MOST_ACKS as u64).for_each(|sequence| add(&hand, Ack::Done(receipt(sequence, 1))));
        assert!(
            hand.ack(hand.epoch(), Ack::Done(receipt(999, 1)))
                .now_or_never()
                .is_none()
        );
        hand.forget(0);
        add(&hand, Ack::Done(receipt(999, 1)));
    }
}
