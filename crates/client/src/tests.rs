//! A client over a virtual network, under a paused clock: what it hears, and how that ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use features::logs::Filter;
use features::logs::wire::{Follow, Open as LogsRequest, Start};
use features::sync::client::SyncRequest;
use features::sync::wire::{Open as SyncOpen, Sanitising, Selection};
use futures_util::future::BoxFuture;
use testkit::net::Link;
use testkit::pair::Pair;
use transport::backoff::BackoffPolicy;
use transport::channel::Channel;
use transport::keeper::{Dial as _, Reconnect};
use transport::router::{Handler, Router, ServeError, Visit};
use transport::session::Protocol;
use transport::trust::{HandshakeError, MOST_SESSIONS, Scopes};
use wire::{CloseCode, Fault, Status};

use crate::{Carrier, ErrorKind, Events, TunnelClient, TunnelError, TunnelEvent};

fn pair() -> Pair {
    serving(Router::default())
}

fn serving(router: Router) -> Pair {
    Pair::serve(router, Scopes::default(), Link::default())
}

async fn connect(pair: &Pair) -> TunnelClient {
    connect_from(pair, 2).await
}

async fn connect_from(pair: &Pair, host: u8) -> TunnelClient {
    let reconnect = Reconnect::On(BackoffPolicy {
        first: Duration::from_secs(1),
        longest: Duration::from_secs(4),
        attempts: Some(3),
    });
    TunnelClient::connect(pair.dial_from(host), reconnect)
        .await
        .expect("a session")
}

/// Takes all events up to the end.
async fn all(mut events: Events) -> Vec<TunnelEvent> {
    let mut all = Vec::new();
    while let Some(event) = events.next().await {
        all.push(event);
    }
    all
}

#[tokio::test(start_paused = true)]
async fn a_loss_that_is_survived_is_told_in_order() {
    let mut pair = pair();
    let client = connect(&pair).await;
    let mut events = client.events();
    pair.restart(Router::default(), Scopes::default()).await;
    let leaving = events.next().await;
    assert!(matches!(leaving, Some(TunnelEvent::Leaving)), "{leaving:?}");
    let lost = events.next().await;
    assert!(
        matches!(&lost, Some(TunnelEvent::Disconnected { reason }) if reason.contains("restarting")),
        "{lost:?}"
    );
    let again = events.next().await;
    assert!(
        matches!(again, Some(TunnelEvent::Reconnecting { attempt: 1, .. })),
        "{again:?}"
    );
    let back = events.next().await;
    let record = client.connection().expect("a session").record;
    assert_eq!((record.reconnects, record.moves), (1, 0));
    assert!(
        matches!(&back, Some(TunnelEvent::Authenticated { server_id, carrier: Carrier::Memory, .. })
            if server_id == "test-server"),
        "{back:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_loss_for_good_is_told_once_a_try_and_then_the_events_end() {
    let pair = pair();
    let client = connect(&pair).await;
    let events = client.events();
    pair.network.cut();
    let told: Vec<_> = all(events)
        .await
        .into_iter()
        .map(|event| match event {
            TunnelEvent::Disconnected { .. } => "lost".to_owned(),
            TunnelEvent::Reconnecting { attempt, .. } => format!("try {attempt}"),
            TunnelEvent::Error { reason } => reason,
            other => panic!("{other:?}"),
        })
        .collect();
    let failed = "no hello within 10 seconds";
    let last = format!("no further try will be made: {failed}");
    assert_eq!(
        told,
        ["lost", "try 1", failed, "try 2", failed, "try 3", &last]
    );
    assert_eq!(client.closed().await.kind(), ErrorKind::Connection);
    assert_eq!(all(client.events()).await.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn events_end_when_this_end_closes_or_forgets_the_connection() {
    let pair = pair();
    let client = connect(&pair).await;
    let events = client.events();
    client.disconnect().await;
    assert_eq!(all(events).await.len(), 0);

    let client = connect_from(&pair, 3).await;
    let events = client.events();
    drop(client);
    assert_eq!(all(events).await.len(), 0);
    let late = pair.server.shutdown(Duration::from_secs(1)).await;
    assert_eq!(late, [""; 0], "the server knows that both have left");
}

#[tokio::test(start_paused = true)]
async fn a_feature_of_another_version_is_named_as_that() {
    let mut router = Router::default();
    for feature in features::ALL {
        let Protocol { version, .. } = feature.protocol;
        let newer = Protocol {
            version: version + 1,
            ..feature.protocol
        };
        router.add(newer, Arc::new(Unreached));
    }
    let pair = serving(router);
    let client = connect(&pair).await;
    let logs = LogsRequest {
        start: Start::Oldest,
        follow: Follow::Off,
        filter: Filter::default(),
    };
    let sync = SyncOpen {
        tables: Selection::All,
        limit: None,
        sanitising: Sanitising::On,
    };
    for (error, name) in [
        (client.health_check().await.unwrap_err(), "health"),
        (client.stream_logs(logs).await.unwrap_err(), "logs"),
        (client.plan_sync(&sync).await.unwrap_err(), "sync"),
    ] {
        assert_eq!(error.kind(), ErrorKind::Connection);
        let TunnelError::OtherVersion {
            feature,
            ours,
            theirs,
        } = error
        else {
            panic!("{error:?}")
        };
        assert_eq!((feature, theirs), (name, ours + 1));
    }
}

#[tokio::test(start_paused = true)]
async fn a_feature_that_a_server_has_not_is_told_from_what_it_has_not_found() {
    let pair = pair();
    let client = connect(&pair).await;
    let error = client.flags().await.unwrap_err();
    assert!(
        matches!(error, TunnelError::NoFeature { feature: "flags" }),
        "{error:?}"
    );
    assert_eq!(error.kind(), ErrorKind::Failed);

    let mut router = Router::default();
    let health = features::health::FEATURE.protocol;
    router.add(health, Arc::new(FindsNothing));
    let pair = serving(router);
    let error = connect(&pair).await.health_check().await.unwrap_err();
    assert_eq!(
        error.fault().map(|fault| fault.status),
        Some(Status::NOT_FOUND)
    );
}

/// A half that has not what is asked for.
#[derive(Debug)]
struct FindsNothing;

impl Handler for FindsNothing {
    fn serve<'a>(
        &'a self,
        _: &'a mut Channel,
        _: &'a Visit,
    ) -> BoxFuture<'a, Result<(), ServeError>> {
        Box::pin(async { Err(Fault::new(Status::NOT_FOUND, "nothing is here").into()) })
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_full_says_so() {
    let pair = pair();
    let others = pair.dial_from(3);
    let mut sessions = Vec::new();
    for _ in 0..MOST_SESSIONS {
        sessions.push(others.dial().await.expect("a session"));
    }
    let dialled = TunnelClient::connect(pair.dial_from(2), Reconnect::Off).await;
    let error = TunnelError::Connect {
        server: "quic://a:1".to_owned(),
        source: dialled.unwrap_err(),
    };
    assert_eq!(error.code(), 503);
    let Some(HandshakeError::Refused(refusal)) = error.handshake() else {
        panic!("{error:?}")
    };
    assert_eq!(refusal.refused.status, Status::TOO_MANY);
}

#[tokio::test(start_paused = true)]
async fn what_is_asked_of_a_session_that_ends_is_asked_once_more_over_the_next() {
    for (endings, answered) in [(1, true), (2, false)] {
        let endings = Arc::new(AtomicUsize::new(endings));
        let mut router = Router::default();
        let ends = Ends(Arc::clone(&endings));
        router.add(features::health::FEATURE.protocol, Arc::new(ends));
        let pair = serving(router);
        let client = connect(&pair).await;
        let answer = client
            .ask(&features::health::FEATURE, |session| async move {
                session
                    .call::<_, u8>(&features::health::FEATURE.protocol, &0_u8)
                    .await
            })
            .await;
        assert_eq!(endings.load(Ordering::Relaxed), 0);
        match answer {
            Ok(number) => assert_eq!((number, answered), (7, true)),
            Err(error) => assert!(error.is_lost() && !answered, "{error:?}"),
        }
    }
}

/// Ends a session with whatever is asked over it so often, and answers 7 after that.
#[derive(Debug)]
struct Ends(Arc<AtomicUsize>);

impl Handler for Ends {
    fn serve<'a>(
        &'a self,
        channel: &'a mut Channel,
        visit: &'a Visit,
    ) -> BoxFuture<'a, Result<(), ServeError>> {
        Box::pin(async move {
            let left = self.0.load(Ordering::Relaxed);
            if left == 0 {
                return Ok(channel.send(&7_u8).await?);
            }
            self.0.store(left - 1, Ordering::Relaxed);
            visit.session.close(CloseCode::RESTARTING).await;
            Ok(())
        })
    }
}

/// A half that no channel gets to.
#[derive(Debug)]
struct Unreached;

impl Handler for Unreached {
    fn serve<'a>(
        &'a self,
        _: &'a mut Channel,
        _: &'a Visit,
    ) -> BoxFuture<'a, Result<(), ServeError>> {
        Box::pin(async { panic!("it speaks another version") })
    }
}

/// A user may run a sync on a task of its own.
#[test]
fn the_futures_of_a_client_can_be_sent_to_another_thread() {
    fn sendable<T: Send>(_: T) {}
    fn of(client: &TunnelClient, request: &SyncRequest) {
        sendable(client.sync_data(request, |_| {}));
        sendable(client.health_check());
        sendable(client.plan_sync(&request.open));
        sendable(client.flags());
        sendable(client.validate_env(Vec::new()));
    }
    let _checked_by_the_compiler: fn(&TunnelClient, &SyncRequest) = of;
}
