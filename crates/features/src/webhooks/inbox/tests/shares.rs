//! What is not verified has a share of the bytes, and no more.

use super::{Ground, Running, new, owner, receipt};
use crate::webhooks::inbox::{InboxError, NewDelivery};
use crate::webhooks::wire::Start;
use crate::webhooks::{Refusal, Verification};

const BYTES: u64 = 400 * 1024;

fn of(verification: Verification, body: usize) -> NewDelivery {
    NewDelivery {
        verification,
        ..new("stripe", vec![b'x'; body])
    }
}

const NONE: Verification = Verification::NoSecret;
const REFUSED: Verification = Verification::Refused(Refusal::Wrong);

/// Brings so many, and returns how many of them were refused for their share.
async fn bring(running: &Running, verification: Verification, count: usize) -> usize {
    let mut refused = 0;
    for _ in 0..count {
        match running.inbox.take(of(verification, 8 * 1024)).await {
            Ok(_) => {}
            Err(InboxError::Crowded) => refused += 1,
            Err(error) => panic!("{error}"),
        }
    }
    refused
}

pub(super) async fn flood(mut ground: Ground) {
    ground.config.max_bytes = BYTES;
    let running = ground.open();
    let verified = running.take(of(Verification::Verified, 1024)).await;
    assert!(bring(&running, REFUSED, 100).await > 80);
    assert!(bring(&running, NONE, 100).await > 80);
    let running = running.again(&ground).await;
    assert!(running.inbox.show(verified.id).await.unwrap().is_some());
    // What is verified has room, and in the end takes that of the others.
    for _ in 0..20 {
        running.take(of(Verification::Verified, 8 * 1024)).await;
    }
    assert!(running.inbox.show(verified.id).await.unwrap().is_some());
    assert_eq!(bring(&running, Verification::Verified, 100).await, 0);
    assert_eq!(
        bring(&running, NONE, 5).await,
        0,
        "their share is free again"
    );
    running.end().await;
}

pub(super) async fn rotate(mut ground: Ground) {
    ground.config.max_bytes = BYTES;
    let running = ground.open();
    let whom = owner("ann");
    let begun = running.inbox.begin(&whom, "stripe", Start::Resume);
    begun.await.unwrap();
    for _ in 0..10 {
        let delivery = running.take(of(NONE, 8 * 1024)).await;
        let settled = running.inbox.settle(&whom, receipt(&delivery, 1, 200));
        settled.await.unwrap();
    }
    let verified = running.take(of(Verification::Verified, 1024)).await;
    // As many as were there before it leave for these, and the share is full of young ones then.
    let refused = bring(&running, NONE, 100).await;
    assert!((70..80).contains(&refused), "{refused}");
    assert!(running.inbox.show(verified.id).await.unwrap().is_some());
    // What has left may still be in memory.
    let running = running.again(&ground).await;
    let next = running.next("stripe", 0).await;
    assert_eq!(
        next[..2],
        [Err(verified.sequence - 1), Ok(verified.sequence)]
    );
    let totals = running.inbox.shared.store.ledger().await.unwrap().totals;
    let share = totals.unverified;
    assert!((BYTES / 3..BYTES * 9 / 16).contains(&share), "{totals:?}");
    running.end().await;
}

pub(super) async fn alone(mut ground: Ground) {
    ground.config.max_bytes = BYTES;
    let running = ground.open();
    assert_eq!(bring(&running, NONE, 100).await, 0);
    let standing = running.inbox.standing().await.unwrap();
    assert!(standing.bytes > BYTES * 3 / 4, "{standing:?}");
    running.end().await;
}
