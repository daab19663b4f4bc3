//! What lasts: streams, large bodies, slow readers, upgrades, and many who wait.

use std::time::Duration;

use axum::Router;
use axum::routing::get;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;
use tokio::time::timeout;

use crate::stage::{ANY, Side, Stage, front};

#[tokio::test]
async fn each_event_passes_at_once() {
    let stage = Stage::new().await;
    let (mut client, mut app, _) = stage.passes("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    app.write(
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n",
    )
    .await;
    client.until("\r\n\r\n").await;
    for number in 10..20 {
        app.write(&format!("a\r\ndata: {number}\n\n\r\n")).await;
        client.until(&format!("data: {number}\n\n")).await;
    }
    drop(client);
    // The app hears that nobody listens any more.
    assert_eq!(app.rest().await, "");
}

#[tokio::test]
async fn what_a_client_says_passes_while_the_app_answers() {
    let stage = Stage::new().await;
    let request = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    let (mut client, mut app, _) = stage.passes(request).await;
    app.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        .await;
    client.until("\r\n\r\n").await;
    for word in ["one", "two", "six"] {
        let chunk = format!("3\r\n{word}\r\n");
        client.write(&chunk).await;
        app.until(&chunk).await;
        app.write(&chunk).await;
        client.until(&chunk).await;
    }
}

#[tokio::test]
async fn a_large_body_passes_in_little_memory() {
    let stage = Stage::new().await;
    let (mut client, mut app, _) = stage.passes("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    let before = most_memory();
    let serving = async {
        app.write(&format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {LARGE}\r\n\r\n"
        ))
        .await;
        let block = vec![b'x'; 64 * 1024];
        for _ in 0..LARGE / block.len() {
            app.stream.write_all(&block).await.unwrap();
        }
    };
    let reading = async {
        client.until("\r\n\r\n").await;
        client.skip(LARGE).await;
    };
    tokio::join!(serving, reading);
    let grown = most_memory() - before;
    assert!(grown < 8 * 1024, "grew by {grown} KiB");
}

#[tokio::test]
async fn a_large_upload_passes_whole() {
    let stage = Stage::new().await;
    let size = LARGE / 4;
    let request = format!("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: {size}\r\n\r\n");
    let (mut client, mut app, _) = stage.passes(&request).await;
    let sending = async {
        let block = vec![b'x'; 64 * 1024];
        for _ in 0..size / block.len() {
            client.stream.write_all(&block).await.unwrap();
        }
    };
    tokio::join!(sending, app.skip(size));
}

#[tokio::test]
async fn who_does_not_read_stops_the_app() {
    let stage = Stage::new().await;
    let (_client, mut app, _) = stage.passes("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    app.write(&format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {LARGE}\r\n\r\n"
    ))
    .await;
    let block = vec![b'x'; 64 * 1024];
    let mut written = 0;
    // Whatever the sockets' buffers hold, it is taken in much less time than this.
    while let Ok(count) = timeout(Duration::from_millis(500), app.stream.write(&block)).await {
        written += count.unwrap();
        assert!(written < LARGE / 4, "nothing stops the app");
    }
}

#[tokio::test]
async fn an_upgraded_connection_is_the_app_s_in_every_byte() {
    let stage = Stage::new().await;
    let request =
        "GET /chat HTTP/1.1\r\nHost: a\r\nUpgrade: my-own/1\r\nConnection: Upgrade\r\n\r\n";
    let mut client = stage.client().await;
    // What follows comes before the answer, in the same packet.
    client.write(&format!("{request}early ")).await;
    let mut app = stage.app().await;
    let seen = crate::stage::without_introduction(&app.until("\r\n\r\n").await);
    assert_eq!(seen, request);
    let switching =
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: my-own/1\r\nConnection: Upgrade\r\n\r\n";
    app.write(&format!("{switching}first ")).await;
    let answer = client.until("first ").await;
    assert_eq!(
        crate::stage::without_date(&answer),
        format!("{switching}first ")
    );
    app.until("early ").await;
    // Each side ends for itself.
    client.write("last").await;
    client.stream.shutdown().await.unwrap();
    assert_eq!(app.rest().await, "last");
    app.write("and one more").await;
    drop(app);
    assert_eq!(client.rest().await, "and one more");
}

#[tokio::test]
async fn an_upgrade_that_the_app_does_not_take_is_an_answer_like_any_other() {
    let stage = Stage::new().await;
    let request = "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    let (mut client, mut app, _) = stage.passes(request).await;
    app.write("HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnone")
        .await;
    client.until("none").await;
    client.write(request).await;
    app.until("\r\n\r\n").await;
}

#[tokio::test]
async fn a_thousand_may_wait_and_each_is_answered() {
    let app = TcpListener::bind(ANY).await.unwrap();
    let server = front(app.local_addr().unwrap().port()).await;
    let routes = Router::new().route("/", get(async || "fine"));
    let serving = axum::serve(app, routes).into_future();
    let asking = async {
        let mut clients = Vec::new();
        for _ in 0..1000 {
            clients.push(Side::to(server.http_address().unwrap()).await);
        }
        for _ in 0..2 {
            for client in &mut clients {
                client.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
            }
            for client in &mut clients {
                client.until("fine").await;
            }
        }
    };
    tokio::select! {
        served = serving => panic!("{served:?}"),
        () = asking => {}
    }
}

#[tokio::test]
async fn told_to_stop_it_finishes_what_is_under_way_and_lets_nobody_in() {
    let stage = Stage::new().await;
    let (mut client, mut app, _) = stage.passes("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    let mut idle = stage.client().await;
    idle.write("GET /_tunnel/health HTTP/1.1\r\nHost: a\r\n\r\n")
        .await;
    idle.until("pass\"}").await;
    let address = stage.server.http_address().unwrap();
    let finishing = async {
        // Who asks for nothing is told first.
        assert_eq!(idle.rest().await, "");
        app.write("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine")
            .await;
        let answer = client.rest().await;
        assert!(
            answer.contains("\r\nConnection: close\r\n") && answer.ends_with("fine"),
            "{answer}"
        );
        assert!(tokio::net::TcpStream::connect(address).await.is_err());
    };
    let (late, ()) = tokio::join!(stage.server.stop(), finishing);
    assert!(late.is_empty(), "{late:?}");
}

/// Returns the most memory that this process has had, in KiB.
fn most_memory() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    line.unwrap()
        .split_whitespace()
        .nth(1)
        .unwrap()
        .parse()
        .unwrap()
}

const LARGE: usize = 256 * 1024 * 1024;
