//! Sessions over a virtual network, under a paused clock.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use quinn::udp::Transmit;
use testkit::net::Link;
use testkit::pair::{Pair, SECRET, SERVER};
use tokio::time::Instant;
use transport::channel::{Channel, ChannelError, Priority};
use transport::endpoint::DialError;
use transport::flow::{Drain, Pour};
use transport::router::{Handler, Router, ServeError, Visit};
use transport::session::{Protocol, Session, close_code};
use transport::tasks::Tasks;
use transport::trust::{Allow, HandshakeError, Scopes, WallClock, system_clock};
use wire::{CloseCode, Fault, Status};

/// Answers a number with its double; refuses 13.
#[derive(Debug)]
struct Double;

/// Pours as many numbers as it is asked for, each with 1,000 bytes beside it.
#[derive(Debug)]
struct Count;

/// Answers with what the server binds to the session.
#[derive(Debug)]
struct Bind;

const DOUBLE: Protocol = protocol("double", Priority::Call);
const COUNT: Protocol = protocol("count", Priority::Bulk);
const BIND: Protocol = protocol("bind", Priority::Call);

const fn protocol(feature: &'static str, priority: Priority) -> Protocol {
    Protocol {
        feature,
        version: 1,
        priority,
        longest_request: 1024,
        longest_reply: 4096,
    }
}

impl Handler for Double {
    fn serve<'a>(
        &'a self,
        channel: &'a mut Channel,
        _visit: &'a Visit,
    ) -> BoxFuture<'a, Result<(), ServeError>> {
        Box::pin(async move {
            let number: u64 = channel
                .receive()
                .await?
                .ok_or(ChannelError::Missing("a number"))?;
            if number == 13 {
                return Err(Fault::new(Status::CONFLICT, "not today").into());
            }
            channel.send(&(number * 2)).await?;
            Ok(channel.finish().await?)
        })
    }
}

impl Handler for Count {
    fn serve<'a>(
        &'a self,
        channel: &'a mut Channel,
        _visit: &'a Visit,
    ) -> BoxFuture<'a, Result<(), ServeError>> {
        Box::pin(async move {
            let until: u64 = channel
                .receive()
                .await?
                .ok_or(ChannelError::Missing("a number"))?;
            let mut pour = Pour::<u64>::new(channel);
            for number in 0..until {
                pour.send(&(number, vec![0_u8; 1000])).await?;
            }
            assert_eq!(pour.finish().await?, until.checked_sub(1));
            Ok(())
        })
    }
}

impl Handler for Bind {
    fn serve<'a>(
        &'a self,
        channel: &'a mut Channel,
        visit: &'a Visit,
    ) -> BoxFuture<'a, Result<(), ServeError>> {
        Box::pin(async move {
            channel.send(&visit.session.binding()).await?;
            Ok(channel.finish().await?)
        })
    }
}

fn router() -> Router {
    let mut router = Router::default();
    router.add(BIND, Arc::new(Bind));
    router.add(DOUBLE, Arc::new(Double));
    router.add(COUNT, Arc::new(Count));
    router
}

fn pair(link: Link) -> Pair {
    Pair::serve(router(), Scopes::default(), link)
}

async fn double(session: &Session, number: u64) -> Result<u64, ChannelError> {
    session.call(&DOUBLE, &number).await
}

/// Drains a flow of `until` numbers, acking each.
async fn count(session: &Session, until: u64) -> Result<(), ChannelError> {
    let mut drain = Drain::<(u64, Vec<u8>)>::new(session.open(&COUNT, &until).await?);
    let mut expected = 0;
    while let Some((number, _)) = drain.next().await? {
        assert_eq!(number, expected);
        drain.ack(&number).await?;
        expected += 1;
    }
    assert_eq!(expected, until);
    drain.finish().await
}

fn status(error: &ChannelError) -> Option<Status> {
    match error {
        ChannelError::Fault(fault) => Some(fault.status),
        _ => None,
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_is_answered_in_three_round_trips_from_nothing() {
    let pair = pair(Link::default());
    let start = Instant::now();
    let session = pair.connect(2).await;
    assert_eq!(double(&session, 21).await.unwrap(), 42);
    // Handshake, hello, call: 20 ms each, and a little for acks.
    assert!(
        start.elapsed() < Duration::from_millis(65),
        "{:?}",
        start.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn a_fault_arrives_with_its_status_and_the_session_lives_on() {
    let pair = pair(Link::default());
    let session = pair.connect(2).await;
    let error = double(&session, 13).await.unwrap_err();
    assert_eq!(
        (status(&error), error.to_string()),
        (Some(Status::CONFLICT), "not today".into())
    );
    assert_eq!(double(&session, 1).await.unwrap(), 2);
}

#[tokio::test(start_paused = true)]
async fn both_ends_are_bound_to_the_same_and_no_other_session_is() {
    let pair = pair(Link::default());
    let (one, other) = (pair.connect(2).await, pair.connect(3).await);
    let theirs: [u8; 32] = one.call(&BIND, &()).await.unwrap();
    assert_eq!(theirs, one.binding());
    assert_ne!(one.binding(), other.binding());
    assert!(!format!("{one:?}").contains(&format!("{:?}", one.binding())));
}

#[tokio::test(start_paused = true)]
async fn unknown_features_and_versions_are_refused_by_channel() {
    let pair = pair(Link::default());
    let session = pair.connect(2).await;
    let unknown = Protocol {
        feature: "unknown",
        ..DOUBLE
    };
    let error = session.call::<_, u64>(&unknown, &1_u64).await.unwrap_err();
    assert_eq!(status(&error), Some(Status::NOT_FOUND));
    let newer = Protocol {
        version: 2,
        ..DOUBLE
    };
    let error = session.call::<_, u64>(&newer, &1_u64).await.unwrap_err();
    assert_eq!(status(&error), Some(Status::BAD_REQUEST));
    assert!(error.to_string().contains("version 2 of double"), "{error}");
    assert_eq!(double(&session, 1).await.unwrap(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_key_reaches_the_features_of_its_scope_and_no_other() {
    let features = Allow::Only(["count".to_owned()].into());
    let scopes = Scopes {
        features,
        ..Scopes::default()
    };
    let pair = Pair::serve(router(), scopes, Link::default());
    let session = pair.connect(2).await;
    let error = double(&session, 1).await.unwrap_err();
    assert_eq!(status(&error), Some(Status::FORBIDDEN));
    count(&session, 3).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_request_over_the_bound_is_refused() {
    let pair = pair(Link::default());
    let session = pair.connect(2).await;
    let mut channel = session.open(&DOUBLE, &()).await.unwrap();
    channel.send(&vec![0_u8; 2000]).await.unwrap();
    let error = channel.receive::<u64>().await.unwrap_err();
    assert_eq!(status(&error), Some(Status::BAD_REQUEST));
}

#[tokio::test(start_paused = true)]
async fn another_secret_meets_no_server_that_it_believes() {
    let pair = pair(Link::default());
    let other = "6f2b8e0c9a714d36b1e7f08c2d9a6b43";
    let error = pair.dial(2, other, system_clock()).await.unwrap_err();
    assert!(
        matches!(error, DialError::Handshake(HandshakeError::Imposter)),
        "{error:?}"
    );
}

fn clock_off_by(seconds: i64) -> WallClock {
    let clock = system_clock();
    Arc::new(move || clock().saturating_add_signed(seconds))
}

#[tokio::test(start_paused = true)]
async fn a_clock_six_minutes_off_is_named_as_the_cause() {
    let pair = pair(Link::default());
    for (host, seconds) in [(2, -360), (3, 360)] {
        let error = pair
            .dial(host, SECRET, clock_off_by(seconds))
            .await
            .unwrap_err();
        let DialError::Handshake(HandshakeError::Refused(refusal)) = error else {
            panic!("{error:?}")
        };
        assert!(refusal.is_clock());
        assert!(
            (refusal.clock_ahead - seconds).abs() <= 1,
            "{}",
            refusal.clock_ahead
        );
    }
    pair.dial(4, SECRET, clock_off_by(240)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_flow_arrives_whole_and_in_order_over_a_bad_link() {
    let link = Link {
        rate: Some(2_000_000),
        loss: 50,
        reorder: 50,
        ..Link::default()
    };
    let pair = pair(link);
    let session = pair.connect(2).await;
    count(&session, 2_000).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_call_overtakes_a_flow_that_fills_the_link() {
    // 10 Mbit/s, 20 ms, and a queue that holds 50 ms.
    let link = Link {
        rate: Some(1_250_000),
        queue: 64 * 1024,
        ..Link::default()
    };
    let pair = pair(link);
    let session = pair.connect(2).await;
    let bulk = session.clone();
    let flow = Tasks::new().spawn("client's flow", async move { count(&bulk, 5_000).await });
    for number in 0..20 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let start = Instant::now();
        double(&session, 100 + number).await.unwrap();
        // The round trip, and the queue twice: what lies on the path cannot be overtaken.
        assert!(
            start.elapsed() < Duration::from_millis(125),
            "{:?}",
            start.elapsed()
        );
    }
    assert!(
        !flow.is_finished(),
        "the flow must have filled the link all the time"
    );
    flow.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_sink_that_stands_still_stops_its_source_and_no_other() {
    let pair = pair(Link::default());
    let session = pair.connect(2).await;
    let idle = session.open(&COUNT, &1_000_000_u64).await.unwrap();
    count(&session, 3_000).await.unwrap();
    // The idle flow may have sent a stream's window and what encryption adds, no more.
    let other = 3_000 * 1_003;
    let most = other + 2_500_000;
    assert!(
        pair.network.bytes_sent() < most * 11 / 10,
        "{} bytes",
        pair.network.bytes_sent()
    );
    drop(idle);
}

#[tokio::test(start_paused = true)]
async fn a_dead_link_is_known_within_eleven_seconds() {
    let pair = pair(Link::default());
    let session = pair.connect(2).await;
    pair.network.cut();
    let start = Instant::now();
    assert!(double(&session, 1).await.unwrap_err().is_lost());
    assert!(
        start.elapsed() < Duration::from_secs(11),
        "{:?}",
        start.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn a_link_that_is_away_for_five_seconds_costs_no_session() {
    let pair = pair(Link::default());
    let session = pair.connect(2).await;
    pair.network.cut();
    tokio::time::sleep(Duration::from_secs(5)).await;
    pair.network.mend();
    assert_eq!(double(&session, 4).await.unwrap(), 8);
}

#[tokio::test(start_paused = true)]
async fn an_idle_session_stays() {
    let pair = pair(Link {
        loss: 100,
        ..Link::default()
    });
    let session = pair.connect(2).await;
    tokio::time::sleep(Duration::from_secs(3600)).await;
    assert_eq!(double(&session, 4).await.unwrap(), 8);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_stops_says_so() {
    let pair = pair(Link::default());
    let session = pair.connect(2).await;
    assert_eq!(double(&session, 4).await.unwrap(), 8);
    assert_eq!(pair.server.shutdown(Duration::from_secs(10)).await, [""; 0]);
    assert_eq!(
        close_code(&session.closed().await),
        Some(CloseCode::RESTARTING)
    );
}

#[tokio::test(start_paused = true)]
async fn garbage_on_the_port_disturbs_nobody() {
    let pair = pair(Link::default());
    let session = pair.connect(2).await;
    let stranger = pair.network.host(SocketAddr::from(([192, 0, 2, 66], 6666)));
    for length in 0..1500_usize {
        let contents: Vec<u8> = (0..length).map(|at| (at * 31 + length * 7) as u8).collect();
        let garbage = Transmit {
            destination: SERVER,
            ecn: None,
            contents: &contents,
            segment_size: None,
            src_ip: None,
        };
        stranger.try_send(&garbage).unwrap();
    }
    assert_eq!(double(&session, 4).await.unwrap(), 8);
    assert_eq!(double(&pair.connect(3).await, 5).await.unwrap(), 10);
}
