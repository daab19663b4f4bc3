//! Sessions over WebSocket, on virtual connections and under a paused clock.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use testkit::stream::Path;
use testkit::web::Web;
use tokio::sync::mpsc;
use tokio::time::Instant;
use transport::backoff::BackoffPolicy;
use transport::carrier::Carrier;
use transport::channel::{Channel, ChannelError, Priority};
use transport::flow::{Drain, Pour};
use transport::keeper::{Dial, Event, Keeper, Reconnect};
use transport::router::{Handler, Router, ServeError, Visit};
use transport::session::{Protocol, Session};
use transport::trust::Scopes;

/// Pours numbers without end, each with so many bytes beside it.
#[derive(Debug)]
struct Count;

const COUNT: Protocol = Protocol {
    feature: "count",
    version: 1,
    priority: Priority::Bulk,
    longest_request: 1024,
    longest_reply: 16 * 1024,
};

impl Handler for Count {
    fn serve<'a>(
        &'a self,
        channel: &'a mut Channel,
        _visit: &'a Visit,
    ) -> BoxFuture<'a, Result<(), ServeError>> {
        Box::pin(async move {
            let bytes: u32 = channel
                .receive()
                .await?
                .ok_or(ChannelError::Missing("a size"))?;
            let mut pour = Pour::<u64>::new(channel);
            for number in 0_u64.. {
                pour.send(&(number, vec![0_u8; bytes as usize])).await?;
            }
            Ok(())
        })
    }
}

fn router() -> Router {
    let mut router = Router::default();
    router.add(COUNT, Arc::new(Count));
    router
}

fn web(path: Path) -> Web {
    Web::serve(router(), Scopes::default(), path, 7)
}

async fn session(web: &Web) -> Session {
    web.dial().dial().await.expect("a session").0
}

/// Takes numbers, which must come in their order, until `enough`.
async fn take(drain: &mut Drain<(u64, Vec<u8>)>, next: &mut u64, enough: impl Fn(u64) -> bool) {
    while !enough(*next) {
        let (number, _) = drain.next().await.expect("a whole flow").expect("no end");
        assert_eq!(number, *next, "a number is missing or came twice");
        *next += 1;
    }
}

async fn flow(session: &Session, bytes: u32) -> Drain<(u64, Vec<u8>)> {
    Drain::new(session.open(&COUNT, &bytes).await.expect("a channel"))
}

const ROUND_TRIP: Duration = Duration::from_millis(40);

fn home() -> Path {
    Path {
        rate: Some(12_500_000),
        delay: ROUND_TRIP / 2,
        ..Path::default()
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_begins_within_its_round_trips_and_carries_a_flow() {
    let web = web(home());
    let began = Instant::now();
    let session = session(&web).await;
    // TCP, the upgrade, QUIC, the hello. TLS would be one more.
    assert!(
        began.elapsed() <= ROUND_TRIP.mul_f64(4.2),
        "{:?}",
        began.elapsed()
    );
    assert_eq!(session.carrier(), Carrier::WebSocket);
    let (mut drain, mut next) = (flow(&session, 1000).await, 0);
    take(&mut drain, &mut next, |next| next == 1500).await;
}

#[tokio::test(start_paused = true)]
async fn a_cut_websocket_is_replaced_beneath_its_session_within_five_round_trips() {
    let web = web(home());
    let session = session(&web).await;
    let (mut drain, mut next) = (flow(&session, 1000).await, 0);
    take(&mut drain, &mut next, |next| next == 500).await;

    web.road.close();
    web.road.cut();
    // What had arrived before is read; then nothing comes.
    let rest = take(&mut drain, &mut next, |_| false);
    assert!(
        tokio::time::timeout(Duration::from_millis(1500), rest)
            .await
            .is_err()
    );
    web.road.reopen();
    let (back, before) = (Instant::now(), next);
    take(&mut drain, &mut next, |next| next > before).await;
    // Two of them are TCP and the upgrade.
    assert!(back.elapsed() <= ROUND_TRIP * 7, "{:?}", back.elapsed());
    take(&mut drain, &mut next, |next| next == before + 1000).await;
    assert!(session.close_reason().is_none());
}

#[tokio::test(start_paused = true)]
async fn an_idle_session_survives_its_websocket_too() {
    let web = web(home());
    let session = session(&web).await;
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_secs(60)).await;
        web.road.cut();
        let (mut drain, mut next) = (flow(&session, 1000).await, 0);
        take(&mut drain, &mut next, |next| next == 10).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_websocket_that_dies_without_a_word_is_replaced_within_twelve_seconds() {
    let web = web(home());
    let session = session(&web).await;
    let (mut drain, mut next) = (flow(&session, 1000).await, 0);
    take(&mut drain, &mut next, |next| next == 100).await;
    web.road.fall_silent();
    let rest = take(&mut drain, &mut next, |_| false);
    assert!(
        tokio::time::timeout(Duration::from_secs(1), rest)
            .await
            .is_err()
    );
    let (silent, before) = (Instant::now(), next);
    take(&mut drain, &mut next, |next| next == before + 100).await;
    assert!(
        silent.elapsed() < Duration::from_secs(12),
        "{:?}",
        silent.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn a_session_whose_server_is_another_now_ends_at_once_and_the_keeper_opens_the_next() {
    let mut web = web(home());
    let policy = BackoffPolicy {
        first: Duration::from_millis(100),
        ..BackoffPolicy::default()
    };
    let keeper = Keeper::start(web.dial(), Reconnect::On(policy))
        .await
        .unwrap();
    let first = keeper.session().await.unwrap();
    web.kill_and_start(router(), Scopes::default()).await;
    let killed = Instant::now();
    first.closed().await;
    let (mut drain, mut next) = (flow(&keeper.session().await.unwrap(), 1000).await, 0);
    take(&mut drain, &mut next, |next| next == 10).await;
    assert!(
        killed.elapsed() < Duration::from_secs(2),
        "{:?}",
        killed.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn a_keeper_tells_of_a_websocket_that_was_replaced_and_of_no_other_session() {
    let web = web(home());
    let (told, mut heard) = mpsc::unbounded_channel();
    let listener = Box::new(move |event| {
        told.send(event).ok();
    });
    let reconnect = Reconnect::On(BackoffPolicy::default());
    let keeper = Keeper::start_heard(web.dial(), reconnect, listener).await;
    let _keeper = keeper.unwrap();
    for _ in 0..2 {
        web.road.cut();
        let lost = heard.recv().await.unwrap();
        assert!(matches!(lost, Event::CarrierLost), "{lost:?}");
        let back = heard.recv().await.unwrap();
        assert!(matches!(back, Event::CarrierBack), "{back:?}");
    }
    assert!(heard.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_session_without_a_carrier_ends_after_its_idle_timeout() {
    let web = web(home());
    let session = session(&web).await;
    web.road.close();
    web.road.cut();
    let cut = Instant::now();
    session.closed().await;
    let lasted = cut.elapsed().as_secs();
    assert!((25..=31).contains(&lasted), "{lasted} s");
}

#[tokio::test(start_paused = true)]
async fn a_proxy_that_buffers_a_megabyte_loses_nothing() {
    let web = web(Path {
        proxy: 1024 * 1024,
        ..home()
    });
    let session = session(&web).await;
    let (mut drain, mut next) = (flow(&session, 1000).await, 0);
    take(&mut drain, &mut next, |next| next == 2000).await;
}
