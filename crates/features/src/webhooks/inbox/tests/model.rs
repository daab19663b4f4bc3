//! Random deeds, and what must come of them by a model that is a list.

use std::collections::BTreeMap;
use std::sync::Arc;

use testkit::luck::Luck;

use super::super::super::wire::Start;
use super::{Ground, Running, event, owner, receipt};
use crate::webhooks::Delivery;
use crate::webhooks::inbox::Taken;

#[derive(Default)]
struct Model {
    /// What was taken, in order, by provider.
    kept: BTreeMap<&'static str, Vec<Arc<Delivery>>>,
    cursors: BTreeMap<(&'static str, &'static str), u64>,
    last: u64,
}

pub(super) async fn random(mut ground: Ground) {
    ground.config.max_bytes = 30 * 1024;
    // A database takes ten times as long as a file.
    let seeds = if ground.config.inbox.is_some() { 3 } else { 1 };
    for seed in 0..seeds {
        let mut luck = Luck::new(seed);
        let mut model = Model::default();
        let first = ground.open();
        // Another seed goes on where the one before was.
        model.last = first.inbox.shared.store.ledger().await.unwrap().totals.last;
        let mut running = first;
        for step in 0..80 {
            running = deed(&ground, running, &mut model, &mut luck, (seed, step)).await;
        }
        for provider in PROVIDERS {
            agree(&running, &model, provider).await;
        }
        running.end().await;
    }
}

async fn deed(
    ground: &Ground,
    running: Running,
    model: &mut Model,
    luck: &mut Luck,
    (seed, step): (u64, u64),
) -> Running {
    let provider = luck.one_of(&PROVIDERS);
    let follower = luck.one_of(&["ann", "bob"]);
    match luck.below(20) {
        0..12 => {
            // Seeds have events of their own, of which some come again.
            let id = format!("{seed}-{}", luck.below(step + 2));
            take(&running, model, provider, &id).await;
        }
        12..16 => settle(&running, model, provider, follower).await,
        16..18 => agree(&running, model, provider).await,
        18 => {
            let last = model.last;
            model.cursors.insert((provider, follower), last);
            let whom = owner(follower);
            let begun = running.inbox.begin(&whom, provider, Start::Now);
            assert_eq!(begun.await.unwrap().after, last);
        }
        _ => return running.again(ground).await,
    }
    running
}

async fn take(running: &Running, model: &mut Model, provider: &'static str, id: &str) {
    let taken = running.inbox.take(event(provider, id)).await.unwrap();
    let kept = model.kept.entry(provider).or_default();
    let before = kept
        .iter()
        .position(|it| it.event_id.as_deref() == Some(id));
    match taken {
        Taken::New(delivery) => {
            model.last += 1;
            assert_eq!(delivery.sequence, model.last);
            // If it was there, it has left.
            if let Some(before) = before {
                let gone = kept.remove(before);
                assert_eq!(running.inbox.show(gone.id).await.unwrap(), None);
            }
            kept.push(delivery);
        }
        Taken::Repeated(again) => {
            let before = before.expect("a repeated one was there");
            assert_eq!(again.id, kept[before].id);
            assert_eq!(again.repeats, kept[before].repeats + 1);
            Arc::make_mut(&mut kept[before]).repeats = again.repeats;
        }
    }
}

async fn settle(
    running: &Running,
    model: &mut Model,
    provider: &'static str,
    follower: &'static str,
) {
    let Some(&cursor) = model.cursors.get(&(provider, follower)) else {
        return;
    };
    let next = model.kept.get(provider).into_iter().flatten();
    let next = next
        .filter(|it| it.sequence > cursor)
        .min_by_key(|it| it.sequence);
    if let Some(delivery) = next {
        let whom = owner(follower);
        let settled = running.inbox.settle(&whom, receipt(delivery, 1, 200));
        settled.await.unwrap();
        model
            .cursors
            .insert((provider, follower), delivery.sequence);
        let begun = running.inbox.begin(&whom, provider, Start::Resume);
        assert_eq!(begun.await.unwrap().after, delivery.sequence);
    }
}

/// Of what was taken, the last are there, in order, as they were taken; the rest is counted.
async fn agree(running: &Running, model: &Model, provider: &'static str) {
    let first = model.kept.get(provider).and_then(|it| it.first());
    let Some(first) = first.map(|it| it.sequence) else {
        return;
    };
    let next = running.next(provider, first - 1).await;
    let there: Vec<u64> = next.iter().filter_map(|it| it.ok()).collect();
    let gone: u64 = next.iter().filter_map(|it| it.err()).sum();
    let taken = &model.kept[provider];
    let expected: Vec<u64> = taken.iter().map(|it| it.sequence).collect();
    assert!(expected.ends_with(&there), "{expected:?} {there:?}");
    // An event that came again after it had left was counted when it did.
    assert!(
        gone + there.len() as u64 >= expected.len() as u64,
        "{next:?} {expected:?}"
    );
    let standing = running.inbox.standing().await.unwrap();
    assert!(standing.bytes <= 30 * 1024 + 1024, "{standing:?}");
}

const PROVIDERS: [&str; 3] = ["stripe", "github", "slack"];
