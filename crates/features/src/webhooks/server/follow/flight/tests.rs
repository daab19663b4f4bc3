//! What may be in flight, and how far the cursor goes.

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
    assert_eq!(flight.weigh(&receipt(1), Try::Last), Ok(Worth::Keep));
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
    for (receipt, of, expected) in [
        (receipt(4), Try::Last, Ok(Worth::Known)),
        (receipt(7), Try::Last, Err(NotOffered)),
        (receipt(6), Try::Last, Err(NotOffered)),
        (receipt(5), Try::Failed, Ok(Worth::Keep)),
        (receipt(5), Try::Last, Ok(Worth::Keep)),
        (receipt(5), Try::Last, Ok(Worth::Known)),
        (receipt(7), Try::Last, Ok(Worth::Keep)),
        (receipt(11), Try::Last, Err(NotOffered)),
    ] {
        assert_eq!(flight.weigh(&receipt, of), expected, "{receipt:?}");
    }
    let forged = Receipt {
        delivery: DeliveryId::new(1, 1),
        ..receipt(9)
    };
    assert_eq!(flight.weigh(&forged, Try::Last), Err(NotOffered));
}

#[test]
fn a_delivery_is_not_tried_without_end() {
    let flight = Flight::behind(0);
    (1..=2).for_each(|sequence| offer(&flight, sequence, 1));
    for _ in 0..16 {
        assert_eq!(flight.weigh(&receipt(1), Try::Failed), Ok(Worth::Keep));
    }
    assert_eq!(flight.weigh(&receipt(1), Try::Failed), Err(NotOffered));
    // Its last try may always be said, and the next delivery has tries of its own.
    for (sequence, of) in [(1, Try::Last), (2, Try::Failed)] {
        assert_eq!(flight.weigh(&receipt(sequence), of), Ok(Worth::Keep));
    }
}

#[test]
fn a_receipt_that_comes_twice_is_not_kept_before_it_is() {
    let flight = Flight::behind(0);
    offer(&flight, 1, 1);
    for expected in [Worth::Keep, Worth::Known] {
        assert_eq!(flight.weigh(&receipt(1), Try::Last), Ok(expected));
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
    flight.pass(3);
    offer(&flight, 4, 1);
    flight.look(9);
    assert_eq!(flight.passed(), None);
    flight.weigh(&receipt(4), Try::Last).unwrap();
    flight.settle(4);
    assert_eq!(flight.passed(), Some(9));
    flight.pass(9);
    assert_eq!(flight.passed(), None);
}

#[test]
fn the_cursor_stops_before_a_gap_of_which_nobody_has_heard() {
    let flight = Flight::behind(0);
    offer(&flight, 1, 1);
    [2, 4].iter().for_each(|&gap| flight.tell(gap));
    flight.look(5);
    assert_eq!(
        (flight.hear(3), flight.hear(5)),
        (Err(NotTold), Err(NotTold))
    );
    // It may be heard of before the receipts of what is before it.
    assert_eq!((flight.hear(2), flight.passed()), (Ok(()), None));
    flight.settle(1);
    assert_eq!(flight.passed(), Some(3));
    flight.pass(3);
    assert_eq!(flight.passed(), None);
    offer(&flight, 6, 1);
    assert_eq!((flight.hear(4), flight.hear(2)), (Ok(()), Ok(())));
    assert_eq!(flight.passed(), Some(5));
}

#[test]
fn a_last_receipt_says_that_gaps_before_it_were_heard_of() {
    let flight = Flight::behind(0);
    flight.tell(1);
    offer(&flight, 2, 1);
    flight.tell(3);
    flight.settle(2);
    assert_eq!((flight.passed(), flight.hear(1)), (None, Ok(())));
    assert_eq!((flight.hear(3), flight.passed()), (Ok(()), Some(3)));
}

#[test]
fn gaps_are_not_told_without_end() {
    let flight = Flight::behind(0);
    (1..=64).for_each(|gap| flight.tell(gap));
    assert!(flight.room().is_none());
    flight.hear(64).unwrap();
    assert_eq!(flight.room().unwrap().count, 64);
}

#[test]
fn what_has_left_the_inbox_is_in_no_receipt_s_way() {
    let flight = Flight::behind(0);
    [1, 2, 5].iter().for_each(|&it| offer(&flight, it, 1));
    flight.pass(2);
    assert_eq!(flight.weigh(&receipt(1), Try::Last), Ok(Worth::Known));
    assert_eq!(flight.weigh(&receipt(5), Try::Last), Ok(Worth::Keep));
}
