//! Who stays in a full house, and who makes room.

use axum::routing::get;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::Semaphore as Turnstile;

use super::*;

/// A house in which `/slow` is answered when the test lets it.
struct Stage {
    address: SocketAddr,
    begun: Arc<Turnstile>,
    go_on: Arc<Turnstile>,
    tasks: Tasks,
}

impl Stage {
    async fn of(places: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (begun, go_on) = (Arc::new(Turnstile::new(0)), Arc::new(Turnstile::new(0)));
        let (say, wait) = (Arc::clone(&begun), Arc::clone(&go_on));
        let slow = move || {
            let (say, wait) = (Arc::clone(&say), Arc::clone(&wait));
            async move {
                say.add_permits(1);
                wait.acquire().await.unwrap().forget();
                "slow"
            }
        };
        let routes = Router::new()
            .route("/quick", get(async || "quick"))
            .route("/slow", get(slow));
        let tasks = Tasks::new();
        let house = House::new(places);
        tasks.spawn("house", house.open(listener, routes, tasks.clone()));
        Self {
            address,
            begun,
            go_on,
            tasks,
        }
    }

    async fn asks(&self, path: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        ask(&mut stream, path).await;
        stream
    }

    async fn has_begun(&self) {
        self.begun.acquire().await.unwrap().forget();
    }
}

async fn ask(stream: &mut TcpStream, path: &str) {
    let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
}

async fn hears(stream: &mut TcpStream, wanted: &str) {
    let mut seen = Vec::new();
    while !seen.ends_with(wanted.as_bytes()) {
        let count = stream.read_buf(&mut seen).await.unwrap();
        assert!(count > 0, "{:?}", String::from_utf8_lossy(&seen));
    }
}

async fn is_closed(stream: &mut TcpStream) {
    assert!(matches!(stream.read(&mut [0]).await, Ok(0) | Err(_)));
}

#[tokio::test]
async fn whoever_has_nothing_under_way_makes_room_the_oldest_first() {
    let stage = Stage::of(3).await;
    let mut busy = stage.asks("/slow").await;
    stage.has_begun().await;
    let mut half = TcpStream::connect(stage.address).await.unwrap();
    half.write_all(b"GET /quick HTTP/1.1\r\nHo").await.unwrap();
    let mut idle = stage.asks("/quick").await;
    hears(&mut idle, "quick").await;
    let mut third = stage.asks("/quick").await;
    hears(&mut third, "quick").await;
    is_closed(&mut half).await;
    let mut fourth = stage.asks("/quick").await;
    hears(&mut fourth, "quick").await;
    is_closed(&mut idle).await;
    stage.go_on.add_permits(1);
    hears(&mut busy, "slow").await;
}

#[tokio::test(start_paused = true)]
async fn where_everybody_is_busy_the_next_waits_for_the_first_who_is_not() {
    let stage = Stage::of(1).await;
    let mut busy = stage.asks("/slow").await;
    stage.has_begun().await;
    let mut next = stage.asks("/quick").await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    stage.go_on.add_permits(1);
    hears(&mut busy, "slow").await;
    hears(&mut next, "quick").await;
    is_closed(&mut busy).await;
}

#[tokio::test(start_paused = true)]
async fn a_connection_is_kept_for_a_proxy_s_next_request() {
    let stage = Stage::of(2).await;
    let mut stream = stage.asks("/quick").await;
    for _ in 0..3 {
        hears(&mut stream, "quick").await;
        // As long as Cloudflare keeps one.
        tokio::time::sleep(Duration::from_secs(400)).await;
        ask(&mut stream, "/quick").await;
    }
}

#[tokio::test]
async fn told_to_stop_it_finishes_what_is_under_way_and_closes_the_rest() {
    let stage = Stage::of(3).await;
    let mut busy = stage.asks("/slow").await;
    stage.has_begun().await;
    let mut idle = stage.asks("/quick").await;
    hears(&mut idle, "quick").await;
    stage.tasks.stop();
    is_closed(&mut idle).await;
    stage.go_on.add_permits(1);
    hears(&mut busy, "slow").await;
    let late = stage.tasks.shutdown(Duration::from_secs(5)).await;
    assert!(late.is_empty(), "{late:?}");
}

#[tokio::test]
async fn a_head_of_100_kb_is_too_long() {
    let stage = Stage::of(3).await;
    let mut stream = TcpStream::connect(stage.address).await.unwrap();
    let head = format!(
        "GET /quick HTTP/1.1\r\nX-A: {}\r\n\r\n",
        "a".repeat(100_000)
    );
    // The front answers before it has all of it, and may close before it has read the rest.
    let _cut = stream.write_all(head.as_bytes()).await;
    let mut answer = vec![0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(answer, b"HTTP/1.1 431");
}
