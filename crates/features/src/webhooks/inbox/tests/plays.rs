//! What both stores must do, and the list of it.

use std::time::Duration;

use futures_util::future::join_all;

use super::super::super::wire::{InboxId, List, Missing, Point, Start};
use super::{ALL, Ground, big, edges, event, model, new, owner, receipt, shares};
use crate::webhooks::inbox::{FollowerKey, InboxError, Item, Most, Taken, draw};
use crate::webhooks::{State, Verification};
use transport::trust::KeyId;

/// Plays each of these with each store.
macro_rules! everywhere {
    ($($play:path as $name:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test] async fn $name() {
                use super::*;
                $play(Ground::sqlite()).await;
            })*
        }
        mod postgres {
            $(#[tokio::test] async fn $name() {
                use super::*;
                $play(Ground::postgres().await).await;
            })*
        }
    };
}

everywhere! {
    start as what_was_taken_is_there_after_another_start,
    order as order_is_that_of_commits_and_has_no_holes,
    repeats as an_event_that_comes_again_is_counted_and_not_kept_twice,
    shadow as an_unverified_event_does_not_keep_the_true_one_out,
    cursors as each_follower_of_each_key_has_a_cursor_of_its_own,
    starts as a_follower_begins_where_it_wants_to,
    behind as a_follower_begins_behind_a_point_of_this_inbox_or_before_all_of_another,
    identity as an_inbox_is_the_same_after_another_start_and_no_other_is,
    unnamed as an_inbox_without_an_identity_is_given_one,
    moment as whoever_wants_all_misses_none_of_one_moment,
    receipts as a_receipt_that_comes_twice_is_kept_once,
    forged as a_receipt_of_no_delivery_changes_nothing,
    attempts as what_was_offered_is_known_to_have_been,
    gaps as a_gap_is_told_where_it_happened_and_once,
    size as the_oldest_leave_when_it_is_too_much,
    shares::flood as a_flood_of_strangers_pushes_out_nothing_that_is_verified,
    shares::rotate as what_is_not_verified_makes_room_for_its_like,
    shares::alone as without_anything_verified_the_whole_inbox_is_everybody_s,
    age as what_is_too_old_leaves,
    lists as a_list_has_filters_and_pages,
    reads as a_reader_takes_no_more_than_it_wants_but_one,
    names as a_name_that_is_none_is_refused,
    edges::stop as what_was_brought_before_the_end_is_kept,
    edges::back as a_cursor_that_was_set_back_stays_there,
    edges::clocks as what_came_later_and_is_before_it_is_not_left_out,
    edges::strangers as names_that_strangers_invent_keep_no_provider_out,
    big::bodies as bodies_of_any_length_come_back_as_they_were,
    model::random as random_deeds_do_what_a_simple_model_does,
}

async fn start(ground: Ground) {
    let running = ground.open();
    let delivery = running.take(new("stripe", "one")).await;
    let other = running.take(new("github", [0, 0xff, b'\n'].to_vec())).await;
    assert_eq!((delivery.sequence, other.sequence), (1, 2));
    let running = running.again(&ground).await;
    let shown = running.inbox.show(other.id).await.unwrap().unwrap();
    assert_eq!((&shown.0, shown.1.len()), (&other, 0));
    assert_eq!(running.next("stripe", 0).await, [Ok(1)]);
    assert_eq!(running.take(new("stripe", "three")).await.sequence, 3);
    assert_eq!(running.next("stripe", 0).await, [Ok(1), Ok(3)]);
    assert_eq!(running.next("stripe", 1).await, [Ok(3)]);
    let read = running.inbox.after("stripe", 0, ALL).await.unwrap();
    assert_eq!(read.first(), Some(&Item::Delivery(delivery)));
    running.end().await;
}

async fn order(ground: Ground) {
    let running = ground.open();
    let mut changes = running.inbox.changes();
    let takes = (0..200).map(|number| {
        let provider = ["stripe", "github", "slack"][number % 3];
        running.take(new(provider, number.to_string()))
    });
    let mut sequences: Vec<_> = join_all(takes).await.iter().map(|it| it.sequence).collect();
    // Those of one task come in the order in which it brought them.
    assert!(sequences.is_sorted());
    sequences.sort_unstable();
    assert_eq!(sequences, (1..=200).collect::<Vec<_>>());
    assert_eq!(*changes.borrow_and_update(), 200);
    let running = running.again(&ground).await;
    let next = running.next("github", 0).await;
    assert_eq!(next, (0..67).map(|it| Ok(2 + 3 * it)).collect::<Vec<_>>());
    let providers = running.inbox.providers().await.unwrap();
    let kept: Vec<_> = providers.iter().map(|it| (&*it.name, it.kept)).collect();
    assert_eq!(kept, [("github", 67), ("slack", 66), ("stripe", 67)]);
    running.end().await;
}

async fn repeats(ground: Ground) {
    let running = ground.open();
    let delivery = running.take(event("stripe", "evt_1")).await;
    for repeats in 1..=3 {
        let taken = running.inbox.take(event("stripe", "evt_1")).await.unwrap();
        let Taken::Repeated(again) = taken else {
            panic!("{taken:?}");
        };
        assert_eq!((again.id, again.repeats), (delivery.id, repeats));
    }
    // At once, too.
    let both = [event("stripe", "evt_2"), event("stripe", "evt_2")];
    let both = join_all(both.map(|it| running.inbox.take(it))).await;
    let new = both.iter().filter(|it| matches!(it, Ok(Taken::New(_))));
    assert_eq!(new.count(), 1);
    // Another's is another.
    assert_eq!(running.take(event("github", "evt_1")).await.sequence, 3);
    let running = running.again(&ground).await;
    let shown = running.inbox.show(delivery.id).await.unwrap().unwrap();
    assert_eq!(shown.0.repeats, 3);
    let again = running.inbox.take(event("stripe", "evt_1")).await.unwrap();
    assert!(matches!(again, Taken::Repeated(_)));
    assert_eq!(running.next("stripe", 0).await, [Ok(1), Ok(2)]);
    running.end().await;
}

async fn shadow(ground: Ground) {
    let running = ground.open();
    let mut forged = event("stripe", "evt_1");
    forged.verification = Verification::NoSecret;
    running.take(forged.clone()).await;
    forged.random = draw();
    let delivery = running.take(event("stripe", "evt_1")).await;
    assert_eq!(delivery.verification, Verification::Verified);
    for again in [forged, event("stripe", "evt_1")] {
        let again = running.inbox.take(again).await.unwrap();
        assert!(matches!(again, Taken::Repeated(_)));
    }
    running.end().await;
}

async fn cursors(ground: Ground) {
    let running = ground.open();
    let (ann, bob) = (owner("ann"), owner("bob"));
    let other = FollowerKey {
        key: KeyId([2; 8]),
        follower: "ann".to_owned(),
    };
    for owner in [&ann, &bob, &other] {
        let begun = running.inbox.begin(owner, "stripe", Start::Resume).await;
        assert_eq!(begun.unwrap().after, 0);
    }
    let one = running.take(new("stripe", "one")).await;
    let two = running.take(new("stripe", "two")).await;
    let inbox = &running.inbox;
    inbox.settle(&ann, receipt(&one, 1, 200)).await.unwrap();
    inbox.settle(&ann, receipt(&two, 1, 404)).await.unwrap();
    inbox.settle(&other, receipt(&one, 1, 200)).await.unwrap();
    // A cursor never goes back by a receipt.
    inbox.settle(&ann, receipt(&one, 2, 200)).await.unwrap();
    let running = running.again(&ground).await;
    for (owner, after, waiting) in [(&ann, 2, 0), (&bob, 0, 2), (&other, 1, 1)] {
        let begun = running.inbox.begin(owner, "stripe", Start::Resume).await;
        let begun = begun.unwrap();
        assert_eq!(
            (begun.after, begun.waiting, begun.before),
            (after, waiting, 0)
        );
    }
    let tries = running.inbox.show(one.id).await.unwrap().unwrap().1;
    assert_eq!(tries.len(), 3);
    running.inbox.pass(&bob, "stripe", 1);
    let running = running.again(&ground).await;
    let begun = running.inbox.begin(&bob, "stripe", Start::Resume).await;
    assert_eq!(begun.unwrap().after, 1);
    running.end().await;
}

async fn starts(ground: Ground) {
    let running = ground.open();
    for (received, provider) in [(1000, "stripe"), (2000, "github"), (3000, "stripe")] {
        let mut old = new(provider, "old");
        old.received = crate::wall_clock::millis() - 100_000 + received;
        running.take(old).await;
    }
    let since = crate::wall_clock::millis() - 100_000 + 1500;
    let ann = owner("ann");
    let begin = async |start| {
        let begun = running.inbox.begin(&ann, "stripe", start).await.unwrap();
        (begun.after, begun.waiting, begun.before)
    };
    assert_eq!(begin(Start::Resume).await, (3, 0, 2));
    assert_eq!(begin(Start::Since(since)).await, (2, 1, 0));
    assert_eq!(begin(Start::Resume).await, (2, 1, 0));
    assert_eq!(begin(Start::Since(0)).await, (0, 2, 0));
    assert_eq!(begin(Start::Now).await, (3, 0, 0));
    assert_eq!(begin(Start::Since(u64::MAX >> 17)).await, (3, 0, 0));
    running.end().await;
}

async fn behind(ground: Ground) {
    let running = ground.open();
    for _ in 0..3 {
        running.take(new("stripe", "one")).await;
    }
    let last = running.inbox.last().await.unwrap();
    assert_eq!(last.sequence, 3);
    let at = |sequence| Point { sequence, ..last };
    let elsewhere = |sequence| Point {
        inbox: InboxId::default(),
        sequence,
    };
    let begin = async |name: &str, start| {
        let begun = running.inbox.begin(&owner(name), "stripe", start).await;
        let begun = begun.unwrap();
        assert_eq!((begun.inbox, begun.last), (last.inbox, 3));
        (begun.after, begun.waiting, begun.before)
    };
    use Start::{Behind, Resume, ResumeBehind};
    assert_eq!(begin("ann", ResumeBehind(at(1))).await, (1, 2, 1));
    // Now it is known.
    for start in [ResumeBehind(at(2)), ResumeBehind(elsewhere(2)), Resume] {
        assert_eq!(begin("ann", start).await, (1, 2, 0));
    }
    assert_eq!(begin("ann", Behind(at(2))).await, (2, 1, 0));
    assert_eq!(begin("ann", Behind(at(u64::MAX))).await, (3, 0, 0));
    assert_eq!(begin("ann", Behind(elsewhere(2))).await, (0, 3, 0));
    assert_eq!(begin("bob", ResumeBehind(elsewhere(2))).await, (0, 3, 0));
    assert_eq!(begin("eve", ResumeBehind(at(7))).await, (3, 0, 3));
    running.end().await;
}

async fn identity(ground: Ground) {
    let running = ground.open();
    let inbox = running.inbox.last().await.unwrap().inbox;
    running.take(new("stripe", "one")).await;
    let running = running.again(&ground).await;
    let last = running.inbox.last().await.unwrap();
    assert_eq!((last.inbox, last.sequence), (inbox, 1));
    let elsewhere = Ground::sqlite();
    let other = elsewhere.open();
    assert_ne!(other.inbox.last().await.unwrap().inbox, inbox);
    other.end().await;
    running.end().await;
}

async fn unnamed(ground: Ground) {
    let running = ground.open();
    running.take(new("stripe", "one")).await;
    running.end().await;
    ground.run("ALTER TABLE totals DROP COLUMN inbox").await;
    let running = ground.open();
    let given = running.inbox.last().await.unwrap();
    assert_ne!(given.inbox, InboxId::default());
    assert_eq!(running.next("stripe", 0).await, [Ok(1)]);
    let running = running.again(&ground).await;
    assert_eq!(running.inbox.last().await.unwrap(), given);
    running.end().await;
}

async fn moment(ground: Ground) {
    let running = ground.open();
    let received = crate::wall_clock::millis();
    // As many as make it sure enough that the least id is not that of the first.
    let takes = (0..64).map(|number| {
        let mut one = new("stripe", number.to_string());
        one.received = received;
        running.take(one)
    });
    join_all(takes).await;
    for start in [Start::Since(0), Start::Since(received)] {
        let begun = running.inbox.begin(&owner("ann"), "stripe", start).await;
        let begun = begun.unwrap();
        assert_eq!((begun.after, begun.waiting), (0, 64));
    }
    running.end().await;
}

async fn receipts(ground: Ground) {
    let running = ground.open();
    let ann = owner("ann");
    let one = running.take(new("stripe", "one")).await;
    let inbox = &running.inbox;
    inbox.tried(&ann, receipt(&one, 1, 503)).await.unwrap();
    inbox.tried(&ann, receipt(&one, 1, 503)).await.unwrap();
    let line = async || {
        let listed = inbox.list(&page(10)).await.unwrap();
        let line = &listed.deliveries[0];
        (line.state, line.attempts, line.status)
    };
    assert_eq!(line().await, (State::Offered, 1, Some(503)));
    inbox.settle(&ann, receipt(&one, 2, 404)).await.unwrap();
    assert_eq!(line().await, (State::Failed, 2, Some(404)));
    let both = [receipt(&one, 3, 200), receipt(&one, 3, 200)];
    let both = join_all(both.map(|it| inbox.settle(&ann, it))).await;
    assert_eq!(both, [Ok(()), Ok(())]);
    assert_eq!(line().await, (State::Delivered, 3, Some(200)));
    let tries = inbox.show(one.id).await.unwrap().unwrap().1;
    assert_eq!(tries[2].receipt, receipt(&one, 3, 200));
    assert!(tries.iter().all(|it| it.follower == "ann"));
    running.end().await;
}

async fn forged(ground: Ground) {
    let running = ground.open();
    let ann = owner("ann");
    let one = running.take(new("stripe", "one")).await;
    let before = running.inbox.begin(&ann, "stripe", Start::Since(0)).await;
    let mut forged = receipt(&one, 1, 200);
    forged.sequence = 7;
    running.inbox.settle(&ann, forged.clone()).await.unwrap();
    forged.sequence = one.sequence;
    forged.delivery = crate::webhooks::DeliveryId::new(1, 1);
    running.inbox.settle(&ann, forged).await.unwrap();
    let after = running.inbox.begin(&ann, "stripe", Start::Resume).await;
    assert_eq!(before.unwrap().after, after.unwrap().after);
    assert!(
        running
            .inbox
            .show(one.id)
            .await
            .unwrap()
            .unwrap()
            .1
            .is_empty()
    );
    running.end().await;
}

async fn attempts(ground: Ground) {
    let running = ground.open();
    let (ann, bob) = (owner("ann"), owner("bob"));
    running
        .inbox
        .begin(&ann, "stripe", Start::Resume)
        .await
        .unwrap();
    let one = running.take(new("stripe", "one")).await;
    let two = running.take(new("stripe", "two")).await;
    assert_eq!(running.inbox.attempts(&ann, &one).await, Ok(0));
    running.inbox.offered(&ann, &one);
    assert_eq!(running.inbox.attempts(&ann, &one).await, Ok(1));
    let running = running.again(&ground).await;
    running
        .inbox
        .begin(&ann, "stripe", Start::Resume)
        .await
        .unwrap();
    assert_eq!(running.inbox.attempts(&ann, &one).await, Ok(1));
    assert_eq!(running.inbox.attempts(&ann, &two).await, Ok(0));
    assert_eq!(running.inbox.attempts(&bob, &one).await, Ok(0));
    running.inbox.offered(&ann, &one);
    running
        .inbox
        .tried(&ann, receipt(&one, 2, 500))
        .await
        .unwrap();
    assert_eq!(running.inbox.attempts(&ann, &one).await, Ok(2));
    running
        .inbox
        .settle(&ann, receipt(&one, 3, 200))
        .await
        .unwrap();
    let running = running.again(&ground).await;
    assert_eq!(running.inbox.attempts(&ann, &one).await, Ok(0));
    running.end().await;
}

async fn gaps(ground: Ground) {
    let running = ground.open();
    running.take(new("stripe", "one")).await;
    running.inbox.count_gap("stripe");
    running.inbox.count_gap("stripe");
    running.inbox.count_gap("github");
    running.take(new("stripe", "two")).await;
    let expected = [Ok(1), Err(2), Ok(4)];
    assert_eq!(running.next("stripe", 0).await, expected);
    // Without a delivery behind it, too.
    running.inbox.count_gap("stripe");
    let running = running.again(&ground).await;
    assert_eq!(running.next("stripe", 0).await[..3], expected);
    assert_eq!(running.next("stripe", 4).await, [Err(1)]);
    assert_eq!(running.next("stripe", 5).await, []);
    assert_eq!(running.next("github", 0).await, [Err(1)]);
    let listed = running.inbox.list(&page(10)).await.unwrap();
    assert_eq!(listed.deliveries.len(), 2);
    running.end().await;
}

async fn size(mut ground: Ground) {
    ground.config.max_bytes = 20 * 1024;
    let running = ground.open();
    let (ann, bob) = (owner("ann"), owner("bob"));
    running
        .inbox
        .begin(&ann, "stripe", Start::Resume)
        .await
        .unwrap();
    running
        .inbox
        .begin(&bob, "stripe", Start::Resume)
        .await
        .unwrap();
    let first = running.take(event("stripe", "evt_1")).await;
    running
        .inbox
        .settle(&ann, receipt(&first, 1, 200))
        .await
        .unwrap();
    for number in 0..40 {
        running.take(new("stripe", vec![b'a' + number; 1024])).await;
    }
    let standing = running.inbox.standing().await.unwrap();
    assert!(
        standing.bytes <= 20 * 1024 && standing.kept > 8,
        "{standing:?}"
    );
    let running = running.again(&ground).await;
    let items = running.inbox.after("stripe", 1, ALL).await.unwrap();
    let Item::Missed {
        count,
        why,
        sequence,
    } = items[0]
    else {
        panic!("{items:?}");
    };
    // What bob has not had is one more than what ann has not.
    let gone = 41 - standing.kept;
    assert_eq!((count, why, sequence), (gone - 1, Missing::Gone, gone));
    assert_eq!(running.next("stripe", 0).await[0], Err(gone));
    assert_eq!(
        running.next("stripe", sequence).await.len() as u64,
        standing.kept
    );
    assert_eq!(running.inbox.show(first.id).await.unwrap(), None);
    let left = List {
        state: Some(State::Gone),
        ..page(100)
    };
    let listed = running.inbox.list(&left);
    assert_eq!(listed.await.unwrap().deliveries.len() as u64, gone - 1);
    // It is not there to be repeated.
    running.take(event("stripe", "evt_1")).await;
    running.end().await;
}

async fn age(mut ground: Ground) {
    ground.config.retention = Duration::from_secs(3600);
    let running = ground.open();
    let mut old = new("stripe", "old");
    old.received -= 3_601_000;
    running.take(old.clone()).await;
    running.take(new("stripe", "young")).await;
    old.received += 2_000;
    running.take(old).await;
    running.take(new("stripe", "young")).await;
    assert_eq!(running.inbox.standing().await.unwrap().kept, 3);
    let running = running.again(&ground).await;
    assert_eq!(
        running.next("stripe", 0).await,
        [Err(1), Ok(2), Ok(3), Ok(4)]
    );
    running.end().await;
}

async fn lists(ground: Ground) {
    let running = ground.open();
    let ann = owner("ann");
    let began = crate::wall_clock::millis() - 60_000;
    for number in 0..6_u64 {
        let provider = ["stripe", "github"][number as usize % 2];
        let mut it = new(provider, number.to_string());
        it.received = began + number;
        it.event = (number != 5).then(|| format!("charge.{number}"));
        let delivery = running.take(it).await;
        if number < 2 {
            let receipt = receipt(&delivery, 1, [200, 500][number as usize]);
            running.inbox.settle(&ann, receipt).await.unwrap();
        }
    }
    let list = async |query: List| {
        let listed = running.inbox.list(&query).await.unwrap();
        let sequences: Vec<_> = listed.deliveries.iter().map(|it| it.sequence).collect();
        (sequences, listed.more)
    };
    assert_eq!(list(page(4)).await, (vec![6, 5, 4, 3], true));
    let older = List {
        before: Some(3),
        ..page(4)
    };
    assert_eq!(list(older).await, (vec![2, 1], false));
    let stripe = List {
        provider: Some("stripe".into()),
        ..page(2)
    };
    assert_eq!(list(stripe).await, (vec![5, 3], true));
    let events = List {
        events: vec!["*.1".into(), "charge.4".into()],
        ..page(9)
    };
    assert_eq!(list(events).await, (vec![5, 2], false));
    list_states(&running).await;
    let line = running
        .inbox
        .list(&page(1))
        .await
        .unwrap()
        .deliveries
        .remove(0);
    assert_eq!((line.event, line.length), (None, 1));
    let since = List {
        since: Some(line.received - 1),
        ..page(9)
    };
    assert_eq!(list(since).await.0, [6, 5]);
    running.end().await;
}

async fn list_states(running: &super::Running) {
    for (state, expected) in [
        (State::Delivered, vec![1]),
        (State::Failed, vec![2]),
        (State::Received, vec![6, 5, 4, 3]),
        (State::Gone, vec![]),
    ] {
        let query = List {
            state: Some(state),
            ..page(9)
        };
        let listed = running.inbox.list(&query).await.unwrap();
        let sequences: Vec<_> = listed.deliveries.iter().map(|it| it.sequence).collect();
        assert_eq!(sequences, expected, "{state:?}");
    }
}

async fn reads(ground: Ground) {
    let running = ground.open();
    for _ in 0..5 {
        running.take(new("stripe", vec![0; 1000])).await;
    }
    let read = async |running: &super::Running, count, bytes| {
        let most = Most { count, bytes };
        running.inbox.after("stripe", 1, most).await.unwrap().len()
    };
    assert_eq!(
        (read(&running, 2, 9999).await, read(&running, 9, 1).await),
        (2, 1)
    );
    let running = running.again(&ground).await;
    assert_eq!(
        (read(&running, 2, 9999).await, read(&running, 9, 1).await),
        (2, 1)
    );
    assert_eq!(read(&running, 9, 2000).await, 2);
    running.end().await;
}

async fn names(ground: Ground) {
    let running = ground.open();
    for name in ["", "a\0b", "\n", &"x".repeat(65)] {
        let taken = running.inbox.take(new(name, "")).await;
        assert_eq!(taken, Err(InboxError::NoSuchProvider));
        running.inbox.count_gap(name);
    }
    // What no text of a database can hold is kept where it may be.
    let mut odd = event("stripe", "evt\0");
    odd.event = Some("a\0b".to_owned());
    let odd = running.take(odd).await;
    assert_eq!(running.inbox.show(odd.id).await.unwrap().unwrap().0, odd);
    let others = (0..256).map(|number| running.take(new(&format!("p{number}"), "")));
    join_all(others).await;
    let taken = running.inbox.take(new("one-more", "")).await;
    assert_eq!(taken, Err(InboxError::NoSuchProvider));
    running.take(new("stripe", "")).await;
    running.end().await;
}

pub(super) fn page(limit: u32) -> List {
    List {
        limit,
        ..List::default()
    }
}
