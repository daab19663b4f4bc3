//! The plays.

use super::super::super::wire::Start;
use super::{Ground, event, new, owner, receipt};
use crate::webhooks::inbox::Taken;

#[tokio::test]
async fn what_was_taken_is_there_after_another_start() {
    let ground = Ground::sqlite();
    let running = ground.open();
    let delivery = running.take(new("stripe", "one")).await;
    let other = running.take(new("github", "two")).await;
    assert_eq!((delivery.sequence, other.sequence), (1, 2));
    let running = running.again(&ground).await;
    let shown = running.inbox.show(delivery.id).await.unwrap().unwrap();
    assert_eq!((&shown.0, shown.1.len()), (&delivery, 0));
    assert_eq!(running.next("stripe", 0).await, [Ok(1)]);
    assert_eq!(running.take(new("stripe", "three")).await.sequence, 3);
    assert_eq!(running.next("stripe", 0).await, [Ok(1), Ok(3)]);
    running.end().await;
}

#[tokio::test]
async fn a_repeated_event_is_counted_and_not_kept_twice() {
    let ground = Ground::sqlite();
    let running = ground.open();
    let delivery = running.take(event("stripe", "evt_1")).await;
    let again = running.inbox.take(event("stripe", "evt_1")).await.unwrap();
    let Taken::Repeated(again) = again else {
        panic!("it is new");
    };
    assert_eq!((again.id, again.repeats), (delivery.id, 1));
    running.end().await;
}

#[tokio::test]
async fn a_settled_delivery_is_not_poured_again() {
    let ground = Ground::sqlite();
    let running = ground.open();
    let ann = owner("ann");
    let begun = running.inbox.begin(&ann, "stripe", Start::Resume).await;
    assert_eq!(begun.unwrap().after, 0);
    let delivery = running.take(new("stripe", "one")).await;
    let settled = running.inbox.settle(&ann, receipt(&delivery, 1, 200)).await;
    settled.unwrap();
    let running = running.again(&ground).await;
    let begun = running.inbox.begin(&ann, "stripe", Start::Resume).await;
    let begun = begun.unwrap();
    assert_eq!((begun.after, begun.waiting, begun.before), (1, 0, 0));
    running.end().await;
}
