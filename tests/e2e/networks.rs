//! Bad networks: UDP that is dropped, connections that are cut, proxies that hoard or lose patience.

use std::net::SocketAddr;
use std::time::Duration;

use client::sync::client::Progress;
use client::{BackoffPolicy, Carrier, CarrierChoice, Reconnect, TunnelClient};
use server::TunnelServer;
use tokio::net::UdpSocket;
use tokio::time::Instant;
use transport::tasks::Tasks;

use crate::harness::{ANY, Story, laptop, numbers, production, sqlite, sync};
use crate::support::relay::{Back, Relay};

/// Reconnects soon and for as long as it takes.
const QUICKLY: Reconnect = Reconnect::On(BackoffPolicy {
    first: Duration::from_millis(50),
    longest: Duration::from_secs(1),
    attempts: None,
});

/// A server whose front has a UDP port of the same number beside it, which is the test's.
async fn server_beside_udp(database: &str) -> (TunnelServer, UdpSocket) {
    loop {
        let udp = UdpSocket::bind(ANY).await.expect("a port");
        let address = udp.local_addr().expect("a bound socket");
        let server = production(database).http_address(Some(address)).start();
        // Else somebody has the TCP port.
        if let Ok(server) = server.await {
            return (server, udp);
        }
    }
}

async fn over_websocket(server: &TunnelServer, relay: &Relay) -> TunnelClient {
    let address = format!("http://{}", relay.address);
    let client = laptop(server)
        .server(address.parse().expect("an address"))
        .carrier(CarrierChoice::WebSocket);
    client.connect().await.expect("a session")
}

#[tokio::test]
async fn where_udp_is_dropped_silently_websocket_comes_after_its_head_start() {
    let (server, silent) = server_beside_udp("sqlite:///nowhere.db").await;
    let address = format!("http://{}", silent.local_addr().unwrap());
    let began = Instant::now();
    let client = laptop(&server)
        .server(address.parse().unwrap())
        .connect()
        .await
        .unwrap();
    assert_eq!(client.connection().unwrap().carrier, Carrier::WebSocket);
    assert!(began.elapsed() >= Duration::from_millis(500));
    client.disconnect().await;
    server.stop().await;
}

/// Passes packets both ways between a socket that a client knows and a server.
async fn pass_packets(outside: UdpSocket, server: SocketAddr) {
    let inside = UdpSocket::bind(ANY).await.expect("a port");
    let (mut there, mut back) = (vec![0; 65_536], vec![0; 65_536]);
    let mut client = None;
    loop {
        tokio::select! {
            Ok((length, from)) = outside.recv_from(&mut there) => {
                // One byte is a dialer's question whether anybody is here, from another port.
                if length > 1 {
                    client = Some(from);
                    inside.send_to(&there[..length], server).await.ok();
                }
            }
            Ok((length, _)) = inside.recv_from(&mut back) => if let Some(client) = client {
                outside.send_to(&back[..length], client).await.ok();
            },
        }
    }
}

#[tokio::test(start_paused = true)]
async fn when_udp_is_dropped_in_mid_session_the_next_is_websocket_and_no_line_is_lost() {
    let (server, outside) = server_beside_udp("sqlite:///nowhere.db").await;
    let address = format!("http://{}", outside.local_addr().unwrap());
    let network = Tasks::new();
    let passing = pass_packets(outside, server.quic_address().unwrap());
    let passing = network.spawn("packets", passing);
    let client = laptop(&server)
        .server(address.parse().unwrap())
        .reconnect(QUICKLY)
        .connect()
        .await
        .unwrap();
    assert_eq!(client.connection().unwrap().carrier, Carrier::Udp);
    let mut story = Story::begin(&server, &client).await;
    story.tell(10);
    story.heard().await;

    passing.abort();
    story.tell(10);
    story.heard().await;
    assert!(story.missed.is_empty(), "{:?}", story.missed);
    let now = client.connection().unwrap();
    assert_eq!(
        (now.carrier, now.record.reconnects),
        (Carrier::WebSocket, 1)
    );
    client.disconnect().await;
    server.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_proxy_that_cuts_idle_connections_after_thirty_seconds_never_finds_one() {
    let server = production("sqlite:///nowhere.db");
    let server = server.http_address(Some(ANY)).start().await.unwrap();
    let relay = Relay::before(server.http_address().unwrap()).await;
    relay.back(Back::Idle(Duration::from_secs(30)));
    let client = over_websocket(&server, &relay).await;
    tokio::time::sleep(Duration::from_secs(600)).await;
    client.health_check().await.unwrap();
    assert_eq!(relay.count(), 1, "one WebSocket has held for ten minutes");
    // So it is with one that has less patience than most.
    relay.back(Back::Idle(Duration::from_secs(10)));
    tokio::time::sleep(Duration::from_secs(600)).await;
    client.health_check().await.unwrap();
    assert_eq!(relay.count(), 1);
    client.disconnect().await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_websocket_is_replaced_under_a_session_as_often_as_it_is_cut() {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("a.db"), folder.path().join("b.db"));
    numbers(&from, 6_000);
    let server = production(&sqlite(&from)).http_address(Some(ANY));
    let server = server.start().await.unwrap();
    let relay = Relay::before(server.http_address().unwrap()).await;
    let client = over_websocket(&server, &relay).await;
    let mut story = Story::begin(&server, &client).await;

    let request = sync(&["numbers"], &sqlite(&to));
    let mut chunks = 0;
    let synced = client.sync_data(&request, |step| {
        if matches!(step, Progress::Chunk { .. }) {
            chunks += 1;
            if chunks % 2 == 1 {
                relay.cut();
            }
        }
    });
    let summary = synced.await.unwrap();
    assert_eq!((summary.tables[0].rows, summary.losses), (6_000, 0));
    // And when nothing runs but a log that nobody writes.
    for _ in 0..3 {
        let before = relay.count();
        relay.cut();
        relay.requests(before + 1).await;
        story.tell(1);
        story.heard().await;
    }
    assert!(story.missed.is_empty());
    let health = client.health_check().await.unwrap();
    assert_eq!(
        (health.report.sessions, health.connection.record.reconnects),
        (1, 0)
    );
    client.disconnect().await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_hoards_a_megabyte_delays_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("a.db"), folder.path().join("b.db"));
    numbers(&from, 5_000);
    let server = production(&sqlite(&from)).http_address(Some(ANY));
    let server = server.start().await.unwrap();
    let relay = Relay::before(server.http_address().unwrap()).await;
    relay.back(Back::Heaps(1024 * 1024));
    let client = over_websocket(&server, &relay).await;
    let mut story = Story::begin(&server, &client).await;
    let request = sync(&["numbers"], &sqlite(&to));
    let told = async {
        for _ in 0..10 {
            story.tell(10);
            story.heard().await;
        }
    };
    let (summary, ()) = tokio::join!(client.sync_data(&request, |_| {}), told);
    assert_eq!(summary.unwrap().tables[0].rows, 5_000);
    assert!(story.missed.is_empty());
    assert_eq!(relay.count(), 1);
    client.disconnect().await;
    server.stop().await;
}
