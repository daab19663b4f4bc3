//! The keeper over a virtual network, under a paused clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use testkit::net::Link;
use testkit::pair::Pair;
use tokio::sync::mpsc::{self, UnboundedReceiver};
use tokio::time::Instant;
use transport::backoff::BackoffPolicy;
use transport::carrier::Carrier;
use transport::endpoint::DialError;
use transport::keeper::{Event, GiveUp, Keeper, Reconnect};
use transport::router::Router;
use transport::trust::{HandshakeError, Scopes, system_clock};

const QUICK: Reconnect = Reconnect::On(BackoffPolicy {
    first: Duration::from_secs(1),
    longest: Duration::from_secs(4),
    attempts: Some(3),
});

const PATIENT: Reconnect = Reconnect::On(BackoffPolicy {
    first: Duration::from_secs(1),
    longest: Duration::from_secs(4),
    attempts: None,
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
async fn a_server_that_is_killed_and_starts_again_is_found_with_the_next_packet() {
    let mut pair = pair();
    let (keeper, mut events) = keep_heard(&pair, QUICK).await;
    let first = keeper.session().await.unwrap();
    let killed = Instant::now();
    pair.kill_and_start(Router::default(), Scopes::default())
        .await;
    first.closed().await;
    let second = keeper.session().await.unwrap();
    let missed = killed.elapsed();
    // A keep-alive, the reset that answers it, and the first try anew.
    assert!(missed < Duration::from_secs(5), "{missed:?}");
    assert!(second.close_reason().is_none());
    assert!(matches!(events.recv().await, Some(Event::Disconnected(_))));
    assert!(
        matches!(events.recv().await, Some(Event::Reconnecting(attempt)) if attempt.number == 1)
    );
    assert!(matches!(
        events.recv().await,
        Some(Event::Authenticated { .. })
    ));
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
async fn after_a_sleep_of_ten_minutes_there_is_a_session_again() {
    let pair = pair();
    let keeper = keep(&pair, PATIENT).await;
    keeper.session().await.unwrap();
    // Nothing reaches anybody while the laptop sleeps.
    pair.network.cut();
    tokio::time::sleep(Duration::from_secs(600)).await;
    pair.network.mend();
    let awake = Instant::now();
    let session = keeper.session().await.unwrap();
    // At the worst a try has just begun, and fails first.
    assert!(awake.elapsed() < Duration::from_secs(15));
    assert!(session.close_reason().is_none());
    let record = keeper.record();
    let gap = record.last_gap.expect("ten minutes");
    assert_eq!(record.reconnects, 1);
    assert!(
        gap.lasted > Duration::from_secs(580) && gap.lasted < Duration::from_secs(620),
        "{gap:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_jumps_ends_no_session_and_is_named_when_the_next_is_refused() {
    let mut pair = pair();
    let ahead = Arc::new(AtomicU64::new(0));
    let jumping = Arc::clone(&ahead);
    let system = system_clock();
    let clock = Arc::new(move || system() + jumping.load(Ordering::Relaxed));
    let keeper = Keeper::start(pair.dial_at(2, clock), QUICK).await.unwrap();
    let session = keeper.session().await.unwrap();

    ahead.store(3600, Ordering::Relaxed);
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert!(session.close_reason().is_none());

    pair.kill_and_start(Router::default(), Scopes::default())
        .await;
    let GiveUp::Dial(error) = keeper.gone().await else {
        panic!("the next hello is an hour off")
    };
    let DialError::Handshake(HandshakeError::Refused(refusal)) = &*error else {
        panic!("{error:?}")
    };
    assert!(refusal.is_clock());
    assert!(
        (refusal.clock_ahead - 3600).abs() <= 1,
        "{}",
        refusal.clock_ahead
    );
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_tells_of_the_session_and_of_those_before_it() {
    let mut pair = pair();
    let keeper = keep(&pair, QUICK).await;
    let first = keeper.session().await.unwrap();
    pair.kill_and_start(Router::default(), Scopes::default())
        .await;
    first.closed().await;
    keeper.session().await.unwrap();
    tokio::time::sleep(Duration::from_secs(60)).await;
    let snapshot = keeper.snapshot().expect("a session");
    assert_eq!(snapshot.carrier, Carrier::Memory);
    assert!(snapshot.connected >= Duration::from_secs(60));
    assert_eq!(snapshot.record.reconnects, 1);
    let gap = snapshot.record.last_gap.expect("there was one");
    assert!(gap.began.elapsed() > Duration::from_secs(60));
    let path = snapshot.path;
    assert_eq!(path.shortest, Duration::from_millis(20));
    assert!(path.queueing() < Duration::from_millis(5), "{path:?}");
    assert!(path.sent_packets > 10 && path.lost_packets == 0 && path.window > 0);
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
