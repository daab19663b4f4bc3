//! What holds at the edges: at the end, where a cursor goes back, between clocks, and among strangers.

use futures_util::future::join_all;

use super::super::super::wire::Start;
use super::{Ground, Running, new, owner};
use crate::webhooks::WebhooksConfig;
use crate::webhooks::inbox::InboxError;

/// More than a transaction takes, and more than two.
pub(super) async fn stop(ground: Ground) {
    let running = ground.open();
    let takes = (0..3000).map(|number| running.inbox.take(new("stripe", number.to_string())));
    let stop = async { running.tasks.stop() };
    let (taken, ()) = tokio::join!(join_all(takes), stop);
    assert_eq!(taken.iter().filter(|it| it.is_err()).count(), 0);
    let running = running.again(&ground).await;
    assert_eq!(running.next("stripe", 0).await.len(), 3000);
    running.end().await;
}

pub(super) async fn back(ground: Ground) {
    let running = ground.open();
    for body in ["one", "two", "three"] {
        running.take(new("stripe", body)).await;
    }
    let ann = owner("ann");
    let begin = async |running: &Running, start| {
        let begun = running.inbox.begin(&ann, "stripe", start).await;
        begun.unwrap().after
    };
    assert_eq!(begin(&running, Start::Since(0)).await, 0);
    // What its former flow has noted is not written yet.
    running.inbox.pass(&ann, "stripe", 2);
    running.inbox.pass(&ann, "github", 2);
    assert_eq!(begin(&running, Start::Since(0)).await, 0);
    let running = running.again(&ground).await;
    assert_eq!(begin(&running, Start::Resume).await, 0);
    let other = running.inbox.begin(&ann, "github", Start::Resume).await;
    assert_eq!(other.unwrap().after, 2);
    running.end().await;
}

/// One instance is quicker than another, or its clock is behind.
pub(super) async fn clocks(ground: Ground) {
    let running = ground.open();
    let before = crate::wall_clock::millis() - 100_000;
    for received in [before, before + 2000, before + 1000, before + 3000] {
        let mut old = new("stripe", "old");
        old.received = received;
        running.take(old).await;
    }
    let ann = owner("ann");
    for (since, after) in [(500, 1), (1500, 1), (2500, 3), (3500, 4)] {
        let start = Start::Since(before + since);
        let begun = running.inbox.begin(&ann, "stripe", start).await.unwrap();
        assert_eq!(begun.after, after, "{since}");
    }
    running.end().await;
}

pub(super) async fn strangers(mut ground: Ground) {
    let named = toml::from_str("[providers.billing]\n[paths]\n\"/hooks\" = \"acme\"");
    let named: WebhooksConfig = named.unwrap();
    ground.config.providers = named.providers;
    ground.config.paths = named.paths;
    let running = ground.open();
    let invented = (0..300).map(|number| running.inbox.take(new(&format!("x{number}"), "")));
    let invented = join_all(invented).await;
    let refused = invented.iter().filter(|it| it.is_err()).count();
    assert_eq!(refused, 300 - 256);
    for provider in ["stripe", "billing", "acme"] {
        running.take(new(provider, "one")).await;
    }
    running.inbox.count_gap("github");
    let running = running.again(&ground).await;
    assert_eq!(running.next("github", 0).await, [Err(1)]);
    let another = running.inbox.take(new("another", "")).await;
    assert_eq!(another, Err(InboxError::NoSuchProvider));
    running.end().await;
}
