//! Crowds at the door: whoever holds the key still gets in.

use std::net::SocketAddr;
use std::time::Duration;

use client::sync::client::Progress;
use client::{CarrierChoice, ClientBuilder};
use server::TunnelServer;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::timeout;
use transport::tasks::Tasks;

use crate::harness::{ANY, laptop, numbers, production, sqlite, sync};
use crate::support::relay::{Back, Relay};

async fn server(database: &str) -> (TunnelServer, SocketAddr) {
    let server = production(database)
        .http_address(Some(ANY))
        .start()
        .await
        .expect("a server");
    let address = server.http_address().expect("a front");
    (server, address)
}

fn over_websocket(server: &TunnelServer, address: SocketAddr) -> ClientBuilder {
    laptop(server)
        .server(format!("http://{address}").parse().expect("an address"))
        .carrier(CarrierChoice::WebSocket)
}

#[tokio::test(start_paused = true)]
async fn hundreds_of_half_sent_requests_keep_nobody_out() {
    let (server, address) = server("sqlite:///nowhere.db").await;
    let mut half_open = Vec::new();
    for _ in 0..600 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let half = stream.write_all(b"GET /render-tunnel HTTP/1.1\r\nHost: x\r\nConn");
        half.await.unwrap();
        half_open.push(stream);
    }
    let connected = over_websocket(&server, address).connect();
    let client = timeout(SOON, connected).await.expect("soon").unwrap();
    // The oldest of them has made room.
    let cut = timeout(SOON, half_open[0].read(&mut [0]))
        .await
        .expect("soon");
    assert!(matches!(cut, Ok(0) | Err(_)), "{cut:?}");
    client.disconnect().await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_upgrades_without_a_packet_keep_nobody_else_out() {
    let (server, address) = server("sqlite:///nowhere.db").await;
    let relay = Relay::before(address).await;
    relay.says_from("198.51.100.7");
    relay.back(Back::Standing);
    let crowd = Tasks::new();
    for _ in 0..100 {
        let stuck = over_websocket(&server, relay.address).connect();
        crowd.spawn("stuck", async move { stuck.await.map(drop) });
    }
    relay.requests(100).await;
    let connected = over_websocket(&server, address).connect();
    let client = timeout(SOON, connected).await.expect("soon").unwrap();
    assert_eq!(client.health_check().await.unwrap().report.sessions, 1);
    crowd.shutdown(Duration::ZERO).await;
    client.disconnect().await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_stops_reading_holds_up_nobody_and_goes_on_later() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name| folder.path().join(name);
    numbers(&path("from.db"), ROWS);
    let (server, address) = server(&sqlite(&path("from.db"))).await;
    let relay = Relay::before(address).await;
    let slow = over_websocket(&server, relay.address)
        .connect()
        .await
        .unwrap();
    let quick = over_websocket(&server, address).connect().await.unwrap();

    let (begun, to) = (Notify::new(), sqlite(&path("slow.db")));
    let (request, mut chunks) = (sync(&["numbers"], &to), 0);
    let held_up = slow.sync_data(&request, |step| {
        if matches!(step, Progress::Chunk { .. }) {
            chunks += 1;
            if chunks == 1 {
                relay.back(Back::Standing);
                begun.notify_one();
            }
        }
    });
    let meanwhile = async {
        begun.notified().await;
        let request = sync(&["numbers"], &sqlite(&path("quick.db")));
        let summary = quick.sync_data(&request, |_| {}).await.unwrap();
        assert_eq!(summary.tables[0].rows, ROWS);
        relay.back(Back::Flowing);
    };
    let (summary, ()) = tokio::join!(held_up, meanwhile);
    assert_eq!(summary.unwrap().tables[0].rows, ROWS);
    slow.disconnect().await;
    quick.disconnect().await;
    server.stop().await;
}

/// Some megabytes: more than a session has room for while its client does not read.
const ROWS: u64 = 5_000;

/// Sooner than half a request (a minute) and an upgrade without a packet (10 s) are given up.
const SOON: Duration = Duration::from_secs(2);
