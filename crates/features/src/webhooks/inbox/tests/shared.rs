//! What a database must do that instances share.

use futures_util::future::join_all;

use super::{Ground, event, new, owner, receipt};
use crate::parts::Variables;
use crate::webhooks::inbox::{Inbox, InboxError, Taken};
use crate::webhooks::wire::Start;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_instances_draw_one_order_and_know_each_others_events() {
    let ground = Ground::postgres().await;
    let (one, other) = (ground.open(), ground.open());
    let takes = (0..60).map(|number| {
        let running = [&one, &other][number % 2];
        running.take(new("stripe", number.to_string()))
    });
    let mut sequences: Vec<_> = join_all(takes).await.iter().map(|it| it.sequence).collect();
    sequences.sort_unstable();
    assert_eq!(sequences, (1..=60).collect::<Vec<_>>());
    one.take(event("stripe", "evt_1")).await;
    let again = other.inbox.take(event("stripe", "evt_1")).await.unwrap();
    assert!(matches!(again, Taken::Repeated(_)));
    let expected: Vec<_> = (1..=61).map(Ok).collect();
    assert_eq!(other.next("stripe", 0).await, expected);
    assert_eq!(one.next("stripe", 0).await, expected);
    one.end().await;
    other.end().await;
}

#[tokio::test]
async fn a_flow_hears_of_what_another_instance_has_taken() {
    let ground = Ground::postgres().await;
    let (one, other) = (ground.open(), ground.open());
    let ann = owner("ann");
    let begun = other.inbox.begin(&ann, "stripe", Start::Resume).await;
    let mut changes = other.inbox.changes();
    let mut after = begun.unwrap().after;
    for number in 1..=5 {
        let taken = one.take(new("stripe", "one")).await;
        changes.wait_for(|last| *last >= number).await.unwrap();
        assert_eq!(other.next("stripe", after).await, [Ok(number)]);
        other
            .inbox
            .settle(&ann, receipt(&taken, 1, 200))
            .await
            .unwrap();
        after = number;
    }
    let begun = one.inbox.begin(&ann, "stripe", Start::Resume).await;
    assert_eq!(begun.unwrap().after, 5);
    one.end().await;
    other.end().await;
}

#[tokio::test]
async fn a_server_starts_while_its_database_does_not_and_takes_when_it_does() {
    let database = testkit::postgres::database().await;
    let ground = Ground::postgres().await;
    // The schema is there, and the right to it is not yet.
    let user = database.user().await;
    let (url, config) = (user.url.clone(), ground.config.clone());
    let variables = Variables::new(move |_| Some(url.clone()));
    let (inbox, helper) = Inbox::open(&config, &variables).unwrap();
    let tasks = transport::tasks::Tasks::new();
    helper.start(&tasks);
    let refused = inbox.take(new("stripe", "one")).await.unwrap_err();
    assert!(matches!(refused, InboxError::Unavailable(_)), "{refused}");
    inbox.count_gap("stripe");
    let database_name = database.url().rsplit('/').next().unwrap();
    let grant = format!("GRANT CREATE ON DATABASE {database_name} TO {}", user.name);
    database.run(grant).await;
    let taken = inbox.take(new("stripe", "one")).await.unwrap();
    // The gap was before it.
    assert!(matches!(taken, Taken::New(it) if it.sequence == 2));
    assert!(
        tasks
            .shutdown(std::time::Duration::from_secs(10))
            .await
            .is_empty()
    );
}

#[tokio::test]
async fn a_database_that_is_not_there_is_told_in_time() {
    let ground = Ground::postgres().await;
    let variables = Variables::new(|_| Some("postgres://u:secret@127.0.0.1:1/d".to_owned()));
    let (inbox, helper) = Inbox::open(&ground.config, &variables).unwrap();
    let tasks = transport::tasks::Tasks::new();
    helper.start(&tasks);
    let refused = inbox.take(new("stripe", "one")).await.unwrap_err();
    assert!(matches!(refused, InboxError::Unavailable(_)));
    assert!(!format!("{refused} {inbox:?}").contains("secret"));
    assert!(inbox.after("stripe", 1, super::ALL).await.is_err());
    assert!(
        tasks
            .shutdown(std::time::Duration::from_secs(10))
            .await
            .is_empty()
    );
}
