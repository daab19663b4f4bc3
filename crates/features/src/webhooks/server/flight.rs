//! What is in flight of a flow: deliveries that were offered, and are not settled. Two sides of one
//! task share it: one sends, the other hears acks.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::webhooks::delivery::{DeliveryId, Receipt};
use crate::webhooks::inbox::Most;
use crate::webhooks::wire::Ack;

/// What is in flight.
#[derive(Debug, Default)]
pub(super) struct Flight {
    // Never held across an await.
    inside: Mutex<Inside>,
    /// hears acks --there is something to send, or room for it--> sends
    changed: Notify,
}

#[derive(Debug, Default)]
struct Inside {
    /// In order, the oldest first.
    offered: VecDeque<Offered>,
    bytes: usize,
    /// Of how many of them the last receipt has come, and is not kept yet.
    receipts: usize,
    /// How many tries have come of the next one.
    tries: u32,
    /// The last one that is settled.
    settled: u64,
    /// How far all was looked at.
    looked: u64,
    /// What the follower has not been told of what is kept.
    news: Option<u64>,
}

#[derive(Clone, Copy, Debug)]
struct Offered {
    delivery: DeliveryId,
    sequence: u64,
    bytes: usize,
}

/// What an ack is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Worth {
    /// It is to be kept.
    Keep,
    /// It was heard before, or its delivery is gone.
    Known,
}

/// An ack that makes no sense. The follower is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NotOffered;

impl Flight {
    /// Begins behind a cursor.
    pub(super) fn behind(cursor: u64) -> Self {
        let inside = Inside {
            settled: cursor,
            looked: cursor,
            ..Inside::default()
        };
        Self {
            inside: Mutex::new(inside),
            changed: Notify::new(),
        }
    }

    /// Returns how much may be offered now; `None` if nothing may.
    pub(super) fn room(&self) -> Option<Most> {
        let inside = self.inside();
        let room = Most {
            count: WINDOW.saturating_sub(inside.offered.len()),
            bytes: WINDOW_BYTES.saturating_sub(inside.bytes),
        };
        (room.count > 0 && room.bytes > 0).then_some(room)
    }

    /// Notes that a delivery is on its way, or in the follower's hand.
    pub(super) fn offer(&self, delivery: DeliveryId, sequence: u64, bytes: usize) {
        let mut inside = self.inside();
        inside.bytes += bytes;
        inside.looked = sequence;
        inside.offered.push_back(Offered {
            delivery,
            sequence,
            bytes,
        });
    }

    /// Whether more is in flight than a follower can have in hand.
    pub(super) fn is_beyond(&self) -> bool {
        self.inside().offered.len() > WINDOW
    }

    /// Notes that all through this sequence was offered, or is not wanted.
    pub(super) fn look(&self, sequence: u64) {
        let mut inside = self.inside();
        inside.looked = inside.looked.max(sequence);
    }

    /// How far all was looked at.
    pub(super) fn looked(&self) -> u64 {
        self.inside().looked
    }

    /// Returns how far the cursor may go over what is not wanted, if nothing is before that.
    pub(super) fn passed(&self) -> Option<u64> {
        let inside = self.inside();
        let free = inside.offered.is_empty() && inside.looked > inside.settled;
        free.then_some(inside.looked)
    }

    /// Notes that the cursor has gone there.
    pub(super) fn pass(&self, sequence: u64) {
        let mut inside = self.inside();
        inside.settled = inside.settled.max(sequence);
    }

    /// Holds an ack against what was offered, and notes that it has come.
    pub(super) fn weigh(&self, ack: &Ack) -> Result<Worth, NotOffered> {
        let mut inside = self.inside();
        let (Ack::Tried(receipt) | Ack::Done(receipt)) = ack;
        if receipt.sequence <= inside.settled {
            return Ok(Worth::Known);
        }
        let before = inside.offered.iter().take(inside.receipts);
        if before.into_iter().any(|it| is_of(it, receipt)) {
            return Ok(Worth::Known);
        }
        match inside.offered.get(inside.receipts) {
            Some(next) if is_of(next, receipt) => match ack {
                Ack::Tried(_) if inside.tries >= MOST_TRIES => Err(NotOffered),
                Ack::Tried(_) => {
                    inside.tries += 1;
                    Ok(Worth::Keep)
                }
                Ack::Done(_) => {
                    inside.receipts += 1;
                    inside.tries = 0;
                    Ok(Worth::Keep)
                }
            },
            _ => Err(NotOffered),
        }
    }

    /// Notes that a delivery is settled: its last receipt is kept.
    pub(super) fn settle(&self, sequence: u64) {
        let mut inside = self.inside();
        while let Some(first) = inside.offered.front().copied()
            && first.sequence <= sequence
        {
            inside.offered.pop_front();
            inside.bytes -= first.bytes;
            inside.receipts = inside.receipts.saturating_sub(1);
        }
        inside.settled = inside.settled.max(sequence);
        drop(inside);
        self.tell(sequence);
    }

    /// Tells the follower again that all receipts through this sequence are kept, if they are: one
    /// that is on its way to the disk is told of when it is there.
    pub(super) fn tell_again(&self, sequence: u64) {
        if sequence <= self.inside().settled {
            self.tell(sequence);
        }
    }

    fn tell(&self, sequence: u64) {
        let mut inside = self.inside();
        inside.news = inside.news.max(Some(sequence));
        drop(inside);
        self.changed.notify_one();
    }

    /// Returns what the follower is to be told of what is kept.
    pub(super) fn news(&self) -> Option<u64> {
        self.inside().news.take()
    }

    /// Waits until something has changed. Cancel-safe.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        // Whole after every statement: a panic elsewhere has not broken it.
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_of(offered: &Offered, receipt: &Receipt) -> bool {
    offered.sequence == receipt.sequence && offered.delivery == receipt.delivery
}

/// How far is sent ahead: what a local app takes in the time in which a receipt goes to the inbox's disk
/// and over a slow way, and little to send again when that is lost.
const WINDOW: usize = 64;
const WINDOW_BYTES: usize = 1024 * 1024;

/// How many tries of a delivery are heard before its last one, in one flow: a laptop makes five, and each
/// is kept.
const MOST_TRIES: u32 = 16;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::webhooks::delivery::{NotDelivered, Outcome};

    fn receipt(sequence: u64) -> Receipt {
        Receipt {
            delivery: DeliveryId::new(sequence, 0),
            sequence,
            attempt: 1,
            at: 0,
            took: Duration::ZERO,
            outcome: Outcome::NotDelivered(NotDelivered::Closed),
        }
    }

    fn offer(flight: &Flight, sequence: u64, bytes: usize) {
        flight.offer(DeliveryId::new(sequence, 0), sequence, bytes);
    }

    #[test]
    fn the_window_is_of_deliveries_and_bytes_and_opens_when_receipts_are_kept() {
        let flight = Flight::behind(0);
        (1..=64).for_each(|sequence| offer(&flight, sequence, 10));
        assert!(flight.room().is_none());
        assert_eq!(flight.weigh(&Ack::Done(receipt(1))), Ok(Worth::Keep));
        assert!(flight.room().is_none());
        flight.settle(1);
        assert_eq!((flight.room().unwrap().count, flight.news()), (1, Some(1)));
        offer(&flight, 65, 25 << 20);
        assert!(flight.room().is_none());
    }

    #[test]
    fn acks_come_in_order_and_of_what_was_offered() {
        let flight = Flight::behind(4);
        [5, 7, 9].iter().for_each(|&it| offer(&flight, it, 1));
        for (ack, expected) in [
            (Ack::Done(receipt(4)), Ok(Worth::Known)),
            (Ack::Done(receipt(7)), Err(NotOffered)),
            (Ack::Done(receipt(6)), Err(NotOffered)),
            (Ack::Tried(receipt(5)), Ok(Worth::Keep)),
            (Ack::Done(receipt(5)), Ok(Worth::Keep)),
            (Ack::Done(receipt(5)), Ok(Worth::Known)),
            (Ack::Done(receipt(7)), Ok(Worth::Keep)),
            (Ack::Done(receipt(11)), Err(NotOffered)),
        ] {
            assert_eq!(flight.weigh(&ack), expected, "{ack:?}");
        }
        let forged = Receipt {
            delivery: DeliveryId::new(1, 1),
            ..receipt(9)
        };
        assert_eq!(flight.weigh(&Ack::Done(forged)), Err(NotOffered));
    }

    #[test]
    fn a_delivery_is_not_tried_without_end() {
        let flight = Flight::behind(0);
        (1..=2).for_each(|sequence| offer(&flight, sequence, 1));
        for _ in 0..16 {
            assert_eq!(flight.weigh(&Ack::Tried(receipt(1))), Ok(Worth::Keep));
        }
        assert_eq!(flight.weigh(&Ack::Tried(receipt(1))), Err(NotOffered));
        // Its last try may always be said, and the next delivery has tries of its own.
        for ack in [Ack::Done(receipt(1)), Ack::Tried(receipt(2))] {
            assert_eq!(flight.weigh(&ack), Ok(Worth::Keep));
        }
    }

    #[test]
    fn a_receipt_that_comes_twice_is_not_kept_before_it_is() {
        let flight = Flight::behind(0);
        offer(&flight, 1, 1);
        for expected in [Worth::Keep, Worth::Known] {
            assert_eq!(flight.weigh(&Ack::Done(receipt(1))), Ok(expected));
        }
        flight.tell_again(1);
        assert_eq!(flight.news(), None);
        flight.settle(1);
        assert_eq!(flight.news(), Some(1));
        flight.tell_again(1);
        assert_eq!(flight.news(), Some(1));
    }

    #[test]
    fn the_cursor_goes_over_nothing_that_is_not_settled() {
        let flight = Flight::behind(0);
        flight.look(3);
        assert_eq!(flight.passed(), Some(3));
        offer(&flight, 4, 1);
        flight.look(9);
        assert_eq!(flight.passed(), None);
        flight.weigh(&Ack::Done(receipt(4))).unwrap();
        flight.settle(4);
        assert_eq!(flight.passed(), Some(9));
        flight.pass(9);
        assert_eq!(flight.passed(), None);
    }
}
