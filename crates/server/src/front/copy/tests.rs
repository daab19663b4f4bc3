//! Requests that pass to an app while a feature gets a copy, between real sockets.

use std::time::Duration;

use axum::Router;
use axum::extract::Extension;
use axum::routing::any;
use features::Claim;
use hyper::Method;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use transport::tasks::Tasks;

use super::*;
use crate::front::entries::Entries;
use crate::front::hall;
use crate::front::passage::Surface;
use crate::front::upstream::Upstream;

/// Wants a copy of what is posted to `/copied`, and answers `/mine` itself.
#[derive(Debug)]
struct Recorder(mpsc::UnboundedSender<Copied>);

impl Entry for Recorder {
    fn routes(self: Arc<Self>) -> Router {
        let mine = |Extension(client): Extension<Client>| async move { format!("{client:?}") };
        Router::new().route("/mine", any(mine))
    }

    fn claim(&self, method: &Method, path: &str) -> Claim {
        match path {
            "/copied" if method == Method::POST => Claim::Copy,
            "/mine" => Claim::Feature,
            _ => Claim::App,
        }
    }

    fn most_copied(&self) -> usize {
        MOST
    }

    fn copied(&self, copied: Copied) {
        self.0.send(copied).unwrap();
    }
}

/// A front with an app that the test plays, and the copies that are made there.
struct Stage {
    front: std::net::SocketAddr,
    app: TcpListener,
    copies: mpsc::UnboundedReceiver<Copied>,
    room: Arc<Room>,
    tasks: Tasks,
}

impl Stage {
    async fn with_room(bytes: usize) -> Self {
        let (said, copies) = mpsc::unbounded_channel();
        let room = Arc::new(Room(AtomicUsize::new(bytes)));
        let recorder: Arc<dyn Entry> = Arc::new(Recorder(said));
        let entries = Entries::of(vec![recorder], Arc::clone(&room));
        Self::serving(entries, copies, room).await
    }

    async fn new() -> Self {
        Self::with_room(MOST_HELD).await
    }

    /// The same without anybody who wants a copy.
    async fn alone() -> Self {
        let room = Arc::new(Room(AtomicUsize::new(0)));
        let entries = Entries::of(Vec::new(), Arc::clone(&room));
        Self::serving(entries, mpsc::unbounded_channel().1, room).await
    }

    async fn serving(
        entries: Entries,
        copies: mpsc::UnboundedReceiver<Copied>,
        room: Arc<Room>,
    ) -> Self {
        let (app, listener) = (listener().await, listener().await);
        let front = listener.local_addr().unwrap();
        let surface = Surface {
            own: entries.routes(),
            entries,
            upstream: Arc::new(Upstream::new(app.local_addr().unwrap().port())),
            metrics: crate::front::metrics::tests::metrics(),
        };
        let tasks = Tasks::new();
        tasks.spawn("front", hall::run(listener, surface, tasks.clone()));
        Self {
            front,
            app,
            copies,
            room,
            tasks,
        }
    }

    async fn client(&self, bytes: &[u8]) -> TcpStream {
        let mut client = TcpStream::connect(self.front).await.unwrap();
        client.write_all(bytes).await.unwrap();
        client
    }

    /// The front comes to the app, with a head and so much of a body.
    async fn app(&self, end: &[u8]) -> (TcpStream, Vec<u8>) {
        let (mut app, _) = self.app.accept().await.unwrap();
        let seen = until(&mut app, end).await;
        (app, seen)
    }

    async fn copy(&mut self) -> Copied {
        let copied = self.copies.recv().await.unwrap();
        assert!(self.copies.try_recv().is_err(), "each is handed over once");
        copied
    }
}

async fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

/// Reads up to the end of a text, or the end of all.
async fn until(stream: &mut TcpStream, end: &[u8]) -> Vec<u8> {
    let mut seen = Vec::new();
    while !seen.windows(end.len()).any(|it| it == end) {
        if stream.read_buf(&mut seen).await.unwrap_or(0) == 0 {
            break;
        }
    }
    seen
}

fn whole(copied: &Copied) -> Vec<u8> {
    match &copied.body {
        CopiedBody::Whole(pieces) => pieces.concat(),
        other => panic!("{other:?}"),
    }
}

fn posts(body: &str) -> Vec<u8> {
    let length = body.len();
    format!("POST /copied HTTP/1.1\r\nHost: a\r\nX-A: 1\r\nX-B: 2\r\nx-a: 3\r\nContent-Length: {length}\r\n\r\n{body}")
        .into_bytes()
}

fn without_date(answer: &[u8]) -> String {
    let text = String::from_utf8(answer.to_vec()).unwrap();
    let lines = text.split_inclusive("\r\n");
    lines.filter(|line| !line.starts_with("Date: ")).collect()
}

#[tokio::test]
async fn the_app_and_its_client_see_the_same_with_a_copy_and_without() {
    let mut seen = Vec::new();
    for mut stage in [Stage::new().await, Stage::alone().await] {
        let mut client = stage.client(&posts("hello")).await;
        let (mut app, request) = stage.app(b"hello").await;
        app.write_all(CREATED).await.unwrap();
        seen.push((
            // The port of the app differs, and is nowhere in it.
            String::from_utf8(request).unwrap(),
            without_date(&until(&mut client, b"done").await),
        ));
        if let Ok(copied) = stage.copies.try_recv() {
            assert_eq!(whole(&copied), b"hello");
            assert_eq!(copied.answered, Some(StatusCode::CREATED));
            // As it came: nothing is added for the app.
            let lines = copied.head.headers.iter();
            let lines: Vec<_> = lines
                .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
                .collect();
            let came = ["host: a", "x-a: 1", "x-a: 3", "x-b: 2", "content-length: 5"];
            assert_eq!(lines, came);
            assert_eq!(stage.room.0.load(Ordering::Relaxed), MOST_HELD);
        }
    }
    assert_eq!(seen[0], seen[1]);
}

#[tokio::test]
async fn a_body_in_chunks_is_copied_whole_and_its_trailers_are_not() {
    let mut stage = Stage::new().await;
    let long = "x".repeat(SHARED * 3);
    let head = "POST /copied HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    let chunk = |text: &str| format!("{:x}\r\n{text}\r\n", text.len());
    let body = [chunk("a"), chunk("bc"), chunk(&long), chunk("d")].concat();
    let mut client = stage
        .client(format!("{head}{body}0\r\nX-T: 1\r\n\r\n").as_bytes())
        .await;
    let (mut app, _) = stage.app(b"0\r\n").await;
    app.write_all(CREATED).await.unwrap();
    until(&mut client, b"done").await;
    assert_eq!(whole(&stage.copy().await), format!("abc{long}d").as_bytes());
}

#[tokio::test]
async fn what_is_too_long_passes_and_is_not_copied() {
    let mut stage = Stage::new().await;
    let body = "x".repeat(MOST + 1);
    let chunked = format!(
        "POST /copied HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n",
        body.len()
    );
    for request in [posts(&body), chunked.into_bytes()] {
        let mut client = stage.client(&request).await;
        let (mut app, _) = stage.app(b"xx").await;
        let mut rest = vec![0; MOST - 8 * 1024];
        app.read_exact(&mut rest).await.unwrap();
        app.write_all(CREATED).await.unwrap();
        until(&mut client, b"done").await;
        drop((app, client));
        let copied = stage.copy().await;
        assert!(matches!(copied.body, CopiedBody::TooLong), "{copied:?}");
        assert_eq!(stage.room.0.load(Ordering::Relaxed), MOST_HELD);
    }
}

#[tokio::test]
async fn where_there_is_no_room_the_app_gets_it_all_the_same() {
    let mut stage = Stage::with_room(4).await;
    let mut client = stage.client(&posts("hello")).await;
    let (mut app, _) = stage.app(b"hello").await;
    app.write_all(CREATED).await.unwrap();
    until(&mut client, b"done").await;
    let copied = stage.copy().await;
    assert!(matches!(copied.body, CopiedBody::NoRoom), "{copied:?}");
    assert_eq!(copied.answered, Some(StatusCode::CREATED));
    assert_eq!(stage.room.0.load(Ordering::Relaxed), 4);
}

#[tokio::test]
async fn a_sender_that_leaves_in_the_middle_has_sent_nothing() {
    let mut stage = Stage::new().await;
    let mut half = posts("hello");
    half.truncate(half.len() - 2);
    let client = stage.client(&half).await;
    let (app, _) = stage.app(b"hel").await;
    drop(client);
    let copied = stage.copy().await;
    assert!(matches!(copied.body, CopiedBody::Cut), "{copied:?}");
    assert_eq!(stage.room.0.load(Ordering::Relaxed), MOST_HELD);
    drop(app);
}

#[tokio::test]
async fn a_sender_that_does_not_wait_for_the_answer_has_sent_it() {
    let mut stage = Stage::new().await;
    let client = stage.client(&posts("hello")).await;
    let (app, _) = stage.app(b"hello").await;
    // With a reset: an orderly end would be passed to the app, which might answer.
    client.set_zero_linger().unwrap();
    drop(client);
    let copied = stage.copy().await;
    assert_eq!((whole(&copied), copied.answered), (b"hello".to_vec(), None));
    drop(app);
}

#[tokio::test]
async fn an_app_that_answers_early_gets_the_rest_and_so_does_the_copy() {
    let mut stage = Stage::new().await;
    let request = posts("hello");
    let (begin, end) = request.split_at(request.len() - 2);
    let mut client = stage.client(begin).await;
    let (mut app, _) = stage.app(b"hel").await;
    app.write_all(b"HTTP/1.1 202 Accepted\r\nContent-Length: 4\r\n\r\nyes")
        .await
        .unwrap();
    until(&mut client, b"yes").await;
    assert!(stage.copies.try_recv().is_err());
    client.write_all(end).await.unwrap();
    until(&mut app, b"lo").await;
    app.write_all(b"!").await.unwrap();
    let copied = stage.copy().await;
    assert_eq!(whole(&copied), b"hello");
    assert_eq!(copied.answered, Some(StatusCode::ACCEPTED));
}

#[tokio::test]
async fn an_app_that_takes_no_body_leaves_none_to_copy() {
    let mut stage = Stage::new().await;
    let mut half = posts("hello");
    half.truncate(half.len() - 2);
    let mut client = stage.client(&half).await;
    let (mut app, _) = stage.app(b"hel").await;
    app.write_all(CREATED).await.unwrap();
    drop(app);
    until(&mut client, b"done").await;
    drop(client);
    let copied = stage.copy().await;
    assert!(matches!(copied.body, CopiedBody::Cut), "{copied:?}");
    assert_eq!(copied.answered, Some(StatusCode::CREATED));
}

#[tokio::test]
async fn where_no_app_listens_the_status_is_the_front_s() {
    let mut stage = Stage::new().await;
    // The port that it had is closed.
    stage.app = listener().await;
    let mut client = stage.client(&posts("hello")).await;
    let answer = until(&mut client, b"\r\n\r\n").await;
    let copied = stage.copy().await;
    match copied.answered {
        Some(StatusCode::BAD_GATEWAY) => assert!(answer.starts_with(b"HTTP/1.1 502")),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_body_that_waits_to_be_asked_for_is_copied() {
    let mut stage = Stage::new().await;
    let head =
        b"POST /copied HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n";
    let mut client = stage.client(head).await;
    let (mut app, _) = stage.app(b"\r\n\r\n").await;
    app.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")
        .await
        .unwrap();
    until(&mut client, b"100 Continue\r\n\r\n").await;
    client.write_all(b"body").await.unwrap();
    until(&mut app, b"body").await;
    app.write_all(CREATED).await.unwrap();
    until(&mut client, b"done").await;
    assert_eq!(whole(&stage.copy().await), b"body");
}

#[tokio::test]
async fn a_feature_s_own_requests_reach_it_with_who_asks_and_others_are_the_app_s() {
    let mut stage = Stage::new().await;
    let lines = "Host: a\r\nX-Forwarded-For: 198.51.100.7\r\nX-Forwarded-Proto: https\r\n\
                 X-Forwarded-Host: app.example.com\r\nContent-Length: 0\r\n\r\n";
    let mut client = stage
        .client(format!("POST /mine HTTP/1.1\r\n{lines}").as_bytes())
        .await;
    let answer = String::from_utf8(until(&mut client, b"}").await).unwrap();
    for said in ["198.51.100.7", "\"https\"", "\"app.example.com\""] {
        assert!(answer.contains(said), "{answer}");
    }
    client
        .write_all(format!("GET /copied HTTP/1.1\r\n{lines}").as_bytes())
        .await
        .unwrap();
    let (mut app, _) = stage.app(b"\r\n\r\n").await;
    app.write_all(CREATED).await.unwrap();
    until(&mut client, b"done").await;
    assert!(stage.copies.try_recv().is_err());
    assert!(
        stage
            .tasks
            .shutdown(Duration::from_secs(5))
            .await
            .is_empty()
    );
}

const CREATED: &[u8] = b"HTTP/1.1 201 Created\r\nX-App: 1\r\nContent-Length: 4\r\n\r\ndone";

const MOST: usize = 64 * 1024;
