//! The keeper over a virtual network, under a paused clock.

use std::sync::Arc;
use std::time::Duration;

use testkit::net::Link;
use testkit::pair::Pair;
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
    let dial: Arc<_> = pair.dial_from(2);
    Keeper::start(dial, reconnect)
        .await
        .expect("a first session")
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_lost_is_replaced() {
    let mut pair = pair();
    let keeper = keep(&pair, QUICK).await;
    let first = keeper.session().await.unwrap();
    let mut events = keeper.events();
    pair.restart(Router::default(), Scopes::default()).await;
    first.closed().await;
    let second = keeper.session().await.unwrap();
    assert!(second.close_reason().is_none());
    assert!(matches!(events.recv().await, Ok(Event::Disconnected(_))));
    assert!(matches!(events.recv().await, Ok(Event::Reconnecting(attempt)) if attempt.number == 1));
    assert!(matches!(events.recv().await, Ok(Event::Authenticated(_))));
}

#[tokio::test(start_paused = true)]
async fn tries_are_bounded_and_the_last_failure_is_told() {
    let pair = pair();
    let keeper = keep(&pair, QUICK).await;
    let mut events = keeper.events();
    pair.network.cut();
    keeper.session().await.unwrap().closed().await;
    assert!(matches!(keeper.session().await, Err(GiveUp::Dial(_))));
    assert!(matches!(keeper.gone().await, GiveUp::Dial(_)));
    let mut tries = 0;
    while let Ok(event) = events.recv().await {
        match event {
            Event::Reconnecting(_) => tries += 1,
            Event::GaveUp => break,
            _ => {}
        }
    }
    assert_eq!(tries, 3);
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
