//! Real proxies between the ends: nginx and `HAProxy` in front of the server, as hosts have them, and
//! tinyproxy in front of the client, as companies have it.

use client::Carrier;
use client::sync::client::Progress;
use tokio::sync::Notify;
use transport::reach::ProxySettings;

use crate::harness::{ANY, Story, laptop, numbers, production, sqlite, sync};
use crate::support::edge::Edge;
use crate::support::relay::Relay;
use crate::support::tinyproxy::Tinyproxy;

#[tokio::test(flavor = "multi_thread")]
async fn through_nginx_a_session_carries_every_feature_and_survives_a_reload() {
    carries_everything(Edge::nginx).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn through_haproxy_a_session_carries_every_feature_and_survives_a_reload() {
    carries_everything(Edge::haproxy).await;
}

/// Health, logs and a sync at once, while the proxy is reloaded and cuts the WebSocket.
async fn carries_everything(edge: fn(std::net::SocketAddr) -> Edge) {
    let folder = tempfile::tempdir().expect("a folder");
    let (from, to) = (folder.path().join("a.db"), folder.path().join("b.db"));
    numbers(&from, ROWS);
    let server = production(&sqlite(&from))
        .http_address(Some(ANY))
        .start()
        .await
        .expect("a server");
    // It counts the connections from the proxy, and does nothing else.
    let relay = Relay::before(server.http_address().expect("a front")).await;
    let edge = edge(relay.address);
    let client = edge.reached_by(laptop(&server)).connect().await;
    let client = client.expect("a session");
    let mut story = Story::begin(&server, &client).await;

    let begun = Notify::new();
    let request = sync(&["numbers"], &sqlite(&to));
    let synced = client.sync_data(&request, |step| {
        if matches!(step, Progress::Chunk { .. }) {
            begun.notify_one();
        }
    });
    let told = async {
        begun.notified().await;
        story.tell(100);
        edge.reload();
        // The next WebSocket of the same session.
        relay.requests(2).await;
        story.tell(100);
        story.heard().await;
        client.health_check().await.expect("health")
    };
    let (summary, health) = tokio::join!(synced, told);
    let summary = summary.expect("a sync");
    assert_eq!((summary.tables[0].rows, summary.losses), (ROWS, 0));
    assert_eq!(health.connection.carrier, Carrier::WebSocket);
    assert_eq!(health.connection.record.reconnects, 0, "one session");
    assert_eq!(health.report.sessions, 1);
    client.disconnect().await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn through_tinyproxy_and_nginx_a_session_is_had() {
    let server = production("sqlite:///nowhere.db");
    let server = server.http_address(Some(ANY)).start().await.unwrap();
    let edge = Edge::nginx(server.http_address().unwrap());
    let company = Tinyproxy::start();
    let proxy = |name: &str| (name == "HTTPS_PROXY").then(|| company.url.clone());
    // Loopback is never reached through a proxy. This is another name of this machine.
    let client = edge
        .reached_as(laptop(&server), &format!("0.0.0.0:{}", edge.address.port()))
        .proxies(ProxySettings::from_lookup(proxy))
        .connect()
        .await
        .unwrap();
    let mut story = Story::begin(&server, &client).await;
    story.tell(10);
    story.heard().await;
    assert!(company.was_asked_for(edge.address.port()));
    client.disconnect().await;
    server.stop().await;
}

/// Some megabytes, which take longer than a reload.
const ROWS: u64 = 10_000;
