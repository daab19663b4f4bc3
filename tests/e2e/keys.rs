//! Keys that change while sessions of them are open.

use std::time::Duration;

use client::logs::client::LogItem;
use client::logs::{Feed, Origin};
use client::{BackoffPolicy, CarrierChoice, ErrorKind, Reconnect, TunnelClient, TunnelError};
use server::{Allow, Keys, Scopes, TunnelServer};
use tokio::time::timeout;

use crate::harness::{ANY, SECRET, Story, from_the_oldest, production};

const NEXT: &str = "6f2b8e0c9a714d36b1e7f08c2d9a6b43";
const OTHER: &str = "7f2b8e0c9a714d36b1e7f08c2d9a6b43";

const WITHOUT_END: Reconnect = Reconnect::On(BackoffPolicy {
    first: Duration::from_millis(50),
    longest: Duration::from_millis(500),
    attempts: None,
});

fn features(names: &[&str]) -> Scopes {
    Scopes {
        features: Allow::Only(names.iter().map(ToString::to_string).collect()),
        ..Scopes::default()
    }
}

/// The keys of a server, from name, secret and scopes.
fn keys(keys: &[(&str, &str, Scopes)]) -> Keys {
    keys.iter()
        .fold(Keys::default(), |all, (name, secret, scopes)| {
            all.with(*name, *secret, scopes.clone())
        })
}

async fn server(first: Keys) -> TunnelServer {
    let server = production("sqlite:///nowhere.db").http_address(Some(ANY));
    // The key named `default` of every test gives way to these.
    let server = server.start().await.expect("a server");
    server.keys().replace(&first).expect("good keys");
    server
}

async fn try_laptop(
    server: &TunnelServer,
    secret: &str,
    carrier: CarrierChoice,
) -> Result<TunnelClient, TunnelError> {
    let address = server.http_address().expect("a front");
    let address = match carrier {
        CarrierChoice::WebSocket => format!("http://{address}"),
        _ => format!("quic://{}", server.quic_address().expect("a bound socket")),
    };
    TunnelClient::builder()
        .server(address.parse().expect("an address"))
        .secret(secret.parse().expect("a good secret"))
        .carrier(carrier)
        .reconnect(WITHOUT_END)
        .connect()
        .await
}

async fn laptop(server: &TunnelServer, secret: &str, carrier: CarrierChoice) -> TunnelClient {
    let dialled = try_laptop(server, secret, carrier).await;
    dialled.expect("a session")
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_of_a_revoked_key_end_at_once_and_others_do_not_notice() {
    let other = ("other", OTHER, Scopes::default());
    let first = keys(&[("default", SECRET, Scopes::default()), other.clone()]);
    for carrier in [CarrierChoice::Udp, CarrierChoice::WebSocket] {
        let server = server(first.clone()).await;
        let revoked = laptop(&server, SECRET, carrier).await;
        let kept = laptop(&server, OTHER, carrier).await;
        let mut logs = revoked.stream_logs(from_the_oldest()).await.unwrap();
        let mut story = Story::begin(&server, &kept).await;
        story.tell(3);
        story.heard().await;

        let changes = server.keys().replace(&keys(std::slice::from_ref(&other)));
        let changes = changes.unwrap();
        assert!(changes.len() == 1 && changes[0].to_string().ends_with("revoked"));
        let ended = async {
            loop {
                if let Err(error) = logs.next().await {
                    return error;
                }
            }
        };
        // Without end it would try again, but for what it is told.
        let error = timeout(Duration::from_secs(1), ended)
            .await
            .expect("it ends");
        assert!(error.is_revoked(), "{error:?}");
        assert_eq!(error.kind(), ErrorKind::Authentication);
        let again = try_laptop(&server, SECRET, carrier).await.unwrap_err();
        assert_eq!(again.kind(), ErrorKind::Authentication);

        story.tell(3);
        story.heard().await;
        let record = kept.connection().expect("a session").record;
        assert_eq!((record.reconnects, record.moves), (0, 0));
        kept.disconnect().await;
        server.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_allows_less_is_held_to_it_after_a_reconnect() {
    let server = server(keys(&[("ci", SECRET, features(&["logs", "health"]))])).await;
    let client = laptop(&server, SECRET, CarrierChoice::Udp).await;
    client.health_check().await.expect("it may");
    let less = keys(&[("ci", SECRET, features(&["logs"]))]);
    server.keys().replace(&less).unwrap();
    // Either the channel is of the session that ends, and is asked for again, or of the next.
    let refused = async {
        loop {
            match client.health_check().await {
                Err(error) if error.fault().is_some() => return error,
                _ => tokio::task::yield_now().await,
            }
        }
    };
    let error = timeout(Duration::from_secs(5), refused)
        .await
        .expect("an answer");
    assert_eq!(error.kind(), ErrorKind::Refused);
    let reason = error.to_string();
    assert!(
        reason.contains("\"ci\"") && reason.contains("\"health\""),
        "{reason}"
    );
    client.disconnect().await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_a_secret_is_rotated_both_are_good() {
    let all = Scopes::default;
    let server = server(keys(&[("ci", SECRET, all())])).await;
    let old = laptop(&server, SECRET, CarrierChoice::Udp).await;
    let both = keys(&[("ci", SECRET, all()), ("ci", NEXT, all())]);
    server.keys().replace(&both).unwrap();
    // The log hides a secret from the moment on that it is good.
    let mut logs = old.stream_logs(from_the_oldest()).await.unwrap();
    let mut feed = Feed::new(server.ring().clone(), Origin::service("app"));
    feed.push(format!("secret {NEXT}\n").as_bytes());
    let line = loop {
        if let Some(LogItem::Entry(entry)) = logs.next().await.unwrap()
            && let Some(line) = entry.line()
        {
            break line.message.clone();
        }
    };
    assert!(line.starts_with("secret <"), "{line}");
    let new = laptop(&server, NEXT, CarrierChoice::Udp).await;
    for client in [&old, &new] {
        client.health_check().await.expect("both are good");
        assert_eq!(client.connection().unwrap().record.reconnects, 0);
    }
    server
        .keys()
        .replace(&keys(&[("ci", NEXT, all())]))
        .unwrap();
    new.health_check().await.expect("it is the one that stays");
    assert_eq!(new.connection().unwrap().record.reconnects, 0);
    let revoked = timeout(Duration::from_secs(1), async {
        while old.health_check().await.is_ok() {}
    });
    revoked.await.expect("the old one ends");
    new.disconnect().await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_cannot_be_used_change_nothing() {
    let server = server(keys(&[("ci", SECRET, Scopes::default())])).await;
    let client = laptop(&server, SECRET, CarrierChoice::Udp).await;
    for wrong in [
        Keys::default(),
        keys(&[("ci", "weak", Scopes::default())]),
        keys(&[
            ("ci", SECRET, features(&[])),
            ("ci", NEXT, features(&["logs"])),
        ]),
        keys(&[("a", NEXT, features(&[])), ("b", NEXT, features(&[]))]),
    ] {
        server.keys().replace(&wrong).unwrap_err();
        client.health_check().await.expect("all is as it was");
    }
    assert_eq!(client.connection().unwrap().record.reconnects, 0);
    client.disconnect().await;
    server.stop().await;
}
