//! Servers that are told to stop, and what their clients do about it.

use std::sync::Arc;
use std::time::Duration;

use testkit::net::Link;
use testkit::pair::Pair;
use tokio::sync::mpsc::{self, UnboundedReceiver};
use tokio::time::Instant;
use transport::backoff::BackoffPolicy;
use transport::endpoint::DialError;
use transport::keeper::{Dial, Event, Keeper, Reconnect};
use transport::router::{MOVE, Router};
use transport::session::{Session, close_code};
use transport::trust::{HandshakeError, Scopes};
use wire::CloseCode;

const RECONNECT: Reconnect = Reconnect::On(BackoffPolicy {
    first: Duration::from_secs(1),
    longest: Duration::from_secs(4),
    attempts: None,
});

/// A client that listens, and a server.
struct Play {
    pair: Pair,
    keeper: Keeper,
    events: UnboundedReceiver<Event>,
}

impl Play {
    async fn begin() -> Self {
        let pair = Pair::serve(Router::default(), Scopes::default(), Link::default());
        let (heard, events) = mpsc::unbounded_channel();
        let listener = Box::new(move |event| {
            // Not every play listens.
            heard.send(event).ok();
        });
        let keeper = Keeper::start_heard(pair.dial_from(2), RECONNECT, listener)
            .await
            .expect("a first session");
        Self {
            pair,
            keeper,
            events,
        }
    }

    async fn session(&self) -> Session {
        self.keeper.session().await.expect("a session")
    }

    /// Returns the next events, in a word each.
    async fn told<const N: usize>(&mut self) -> [&'static str; N] {
        let mut told = [""; N];
        for word in &mut told {
            *word = match self.events.recv().await {
                Some(Event::Authenticated { .. }) => "authenticated",
                Some(Event::CarrierLost) => "carrier lost",
                Some(Event::CarrierBack) => "carrier back",
                Some(Event::Leaving) => "leaving",
                Some(Event::Disconnected(_)) => "disconnected",
                Some(Event::Reconnecting(_)) => "reconnecting",
                Some(Event::Failed(_)) => "failed",
                Some(Event::GaveUp(_)) => "gave up",
                None => "nothing",
            };
        }
        told
    }
}

#[tokio::test(start_paused = true)]
async fn the_next_session_is_open_before_the_last_one_ends() {
    let mut play = Play::begin().await;
    let first = play.session().await;
    let old = play.pair.deploy(Router::default(), Scopes::default());
    old.stop();
    first.superseded().await;
    assert!(first.close_reason().is_none(), "there was a gap");
    let second = play.session().await;
    assert_eq!(play.told().await, ["leaving", "authenticated"]);
    // Nothing was open on the first: the client closes it, and the old server can go.
    let stopping = Instant::now();
    assert_eq!(old.shutdown(Duration::from_secs(10)).await, [""; 0]);
    assert!(stopping.elapsed() < Duration::from_millis(500));
    assert!(second.close_reason().is_none());
    assert!(play.events.try_recv().is_err(), "nothing else happened");
    let record = play.keeper.record();
    assert_eq!((record.moves, record.reconnects), (1, 0));
    assert_eq!(record.last_gap, None);
}

#[tokio::test(start_paused = true)]
async fn two_restarts_in_a_row_leave_no_moment_without_a_session() {
    let mut play = Play::begin().await;
    let first = play.session().await;
    let one = play.pair.deploy(Router::default(), Scopes::default());
    one.stop();
    first.superseded().await;
    let second = play.session().await;
    let two = play.pair.deploy(Router::default(), Scopes::default());
    two.stop();
    second.superseded().await;
    assert!(second.close_reason().is_none(), "there was a gap");
    let third = play.session().await;
    for old in [&one, &two] {
        assert_eq!(old.shutdown(Duration::from_secs(10)).await, [""; 0]);
    }
    assert!(third.close_reason().is_none());
    assert_eq!(
        play.told().await,
        ["leaving", "authenticated", "leaving", "authenticated"]
    );
    assert_eq!(play.keeper.record().moves, 2);
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_comes_late_but_in_time_is_found() {
    let mut play = Play::begin().await;
    let first = play.session().await;
    play.pair.server.stop();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let _old = play.pair.deploy(Router::default(), Scopes::default());
    first.superseded().await;
    assert!(first.close_reason().is_none(), "there was a gap");
    assert_eq!(play.told().await, ["leaving", "authenticated"]);
}

#[tokio::test(start_paused = true)]
async fn with_nowhere_to_go_the_session_ends_within_seconds_and_comes_back_with_the_server() {
    let mut play = Play::begin().await;
    let first = play.session().await;
    let stopping = Instant::now();
    play.pair
        .restart(Router::default(), Scopes::default())
        .await;
    let took = stopping.elapsed();
    assert!(
        took >= MOVE && took < MOVE + Duration::from_millis(500),
        "{took:?}"
    );
    assert_eq!(
        close_code(&first.closed().await),
        Some(CloseCode::RESTARTING)
    );
    let second = play.session().await;
    assert!(second.close_reason().is_none());
    let told = ["leaving", "disconnected", "reconnecting", "authenticated"];
    assert_eq!(play.told().await, told);
    let record = play.keeper.record();
    assert_eq!((record.moves, record.reconnects), (0, 1));
    let gap = record.last_gap.expect("there was one");
    assert!(gap.lasted < Duration::from_secs(2), "{gap:?}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_leaves_serves_on_until_it_stops() {
    let router = Arc::new(Router::default());
    let pair = Pair::serve(Arc::clone(&router), Scopes::default(), Link::default());
    let session = pair.connect(2).await;
    router.leave(MOVE);
    session.leaving().await;
    tokio::time::sleep(10 * MOVE).await;
    assert!(session.close_reason().is_none(), "it went too early");
    // It has had its time to move.
    let stopping = Instant::now();
    assert_eq!(pair.server.shutdown(Duration::from_secs(10)).await, [""; 0]);
    let took = stopping.elapsed();
    assert!(took < Duration::from_millis(500), "{took:?}");
    assert_eq!(
        close_code(&session.closed().await),
        Some(CloseCode::RESTARTING)
    );
}

#[tokio::test(start_paused = true)]
async fn a_client_that_comes_while_the_server_stops_is_turned_away_at_once() {
    let play = Play::begin().await;
    let dial = play.pair.dial_from(3);
    play.pair.server.stop();
    let start = Instant::now();
    let error = dial.dial().await.expect_err("it is stopping");
    assert!(
        matches!(error, DialError::Handshake(HandshakeError::TurnedAway)),
        "{error:?}"
    );
    // A round trip: it was ten seconds.
    assert!(
        start.elapsed() < Duration::from_millis(30),
        "{:?}",
        start.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn a_client_that_is_half_way_in_when_the_server_stops_hears_it_at_once() {
    let play = Play::begin().await;
    let dial = play.pair.dial_from(3);
    let stop = async {
        // The first packet has arrived, the hello has not.
        tokio::time::sleep(Duration::from_millis(25)).await;
        play.pair.server.stop();
        Instant::now()
    };
    let (dialled, stopped) = tokio::join!(dial.dial(), stop);
    dialled.expect_err("it is stopping");
    assert!(
        stopped.elapsed() < Duration::from_millis(30),
        "{:?}",
        stopped.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn a_stop_without_sessions_takes_no_time() {
    let pair = Pair::serve(Router::default(), Scopes::default(), Link::default());
    let start = Instant::now();
    assert_eq!(pair.server.shutdown(Duration::from_secs(10)).await, [""; 0]);
    assert!(
        start.elapsed() < Duration::from_millis(10),
        "{:?}",
        start.elapsed()
    );
}
