//! The keeper over a virtual network, under a paused clock.

use std::time::Duration;

use testkit::net::Link;
use testkit::pair::Pair;
use tokio::sync::mpsc::{self, UnboundedReceiver};
use transport::backoff::BackoffPolicy;
use transport::keeper::{Event, GiveUp, Keeper, Reconnect};
use transport::router::Router;
use transport::trust::Scopes;

const QUICK: Reconnect = Reconnect::On(BackoffPolicy {
    first: Duration::from_secs(1),
    longest: Duration::from_secs(4),
    attempts: Some(3),
});

fn pair() -> Pair {
    Pair::serve(Router::default(), Scopes::default(), Link::default())
}

async fn keep(pair: &Pair, reconnect: Reconnect) -> Keeper {
    keep_heard(pair, reconnect).await.0
}

async fn keep_heard(pair: &Pair, reconnect: Reconnect) -> (Keeper, UnboundedReceiver<Event>) {
    let (heard, events) = mpsc::unbounded_channel();
    let listener = Box::new(move |event| {
        // Not every play listens.
        heard.send(event).ok();
    });
    let keeper = Keeper::start_heard(pair.dial_from(2), reconnect, listener)
        .await
        .expect("a first session");
    (keeper, events)
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_lost_is_replaced() {
    let mut pair = pair();
    let (keeper, mut events) = keep_heard(&pair, QUICK).await;
    let first = keeper.session().await.unwrap();
    pair.restart(Router::default(), Scopes::default()).await;
    first.closed().await;
    let second = keeper.session().await.unwrap();
    assert!(second.close_reason().is_none());
    assert!(matches!(events.recv().await, Some(Event::Disconnected(_))));
    assert!(
        matches!(events.recv().await, Some(Event::Reconnecting(attempt)) if attempt.number == 1)
    );
    assert!(matches!(events.recv().await, Some(Event::Authenticated(_))));
}

#[tokio::test(start_paused = true)]
async fn tries_are_bounded_and_the_last_failure_is_told() {
    let pair = pair();
    let (keeper, mut events) = keep_heard(&pair, QUICK).await;
    pair.network.cut();
    keeper.session().await.unwrap().closed().await;
    assert!(matches!(keeper.session().await, Err(GiveUp::Dial(_))));
    assert!(matches!(keeper.gone().await, GiveUp::Dial(_)));
    let (mut tries, mut last) = (0, None);
    while let Some(event) = events.recv().await {
        tries += u32::from(matches!(event, Event::Reconnecting(_)));
        last = Some(event);
    }
    assert_eq!(tries, 3);
    assert!(
        matches!(last, Some(Event::GaveUp(GiveUp::Dial(_)))),
        "{last:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_session_ends_with_the_last_clone_of_its_keeper() {
    let pair = pair();
    let (keeper, mut events) = keep_heard(&pair, QUICK).await;
    let (session, clone) = (keeper.session().await.unwrap(), keeper.clone());
    drop(keeper);
    assert!(clone.session().await.is_ok());
    drop(clone);
    session.closed().await;
    assert!(events.recv().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn without_reconnect_a_loss_is_the_end() {
    let pair = pair();
    let keeper = keep(&pair, Reconnect::Off).await;
    pair.server.stop();
    keeper.session().await.unwrap().closed().await;
    assert!(matches!(keeper.session().await, Err(GiveUp::Lost(_))));
}

#[tokio::test(start_paused = true)]
async fn a_closed_keeper_has_no_session_and_the_server_knows() {
    let pair = pair();
    let keeper = keep(&pair, QUICK).await;
    let session = keeper.session().await.unwrap();
    keeper.close().await;
    assert!(session.close_reason().is_some());
    assert!(matches!(keeper.session().await, Err(GiveUp::Closed)));
    assert_eq!(pair.server.shutdown(Duration::from_secs(1)).await, [""; 0]);
}
