//! What a connection may take of those that all share, over streams in memory.

use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use transport::tasks::Tasks;

use super::routes::Routes;
use super::stall::STALL;
use super::{MOST_STREAMS, serve};
use crate::flags::client::Mirrored;
use crate::flags::{Overrides, View};

/// A server without flags.
struct Stage {
    routes: Arc<Routes>,
    tasks: Tasks,
    _views: watch::Sender<Arc<View>>,
}

impl Stage {
    fn new() -> Self {
        let view = View::of(&Mirrored::empty(), &Overrides::default());
        let (sender, views) = watch::channel(Arc::new(view));
        Self {
            routes: Arc::new(Routes::new(8016, views)),
            tasks: Tasks::new(),
            _views: sender,
        }
    }

    /// Connects over a road that holds so many bytes each way.
    fn connect(&self, room: usize) -> (DuplexStream, JoinHandle<()>) {
        let (ours, theirs) = duplex(room);
        let serving = serve(theirs, Arc::clone(&self.routes), self.tasks.clone());
        (ours, self.tasks.spawn("a connection", serving))
    }

    /// Connects, asks, and returns the beginning of the answer.
    async fn ask(&self, line: &str, rest: &str) -> (DuplexStream, JoinHandle<()>, String) {
        let (mut ours, served) = self.connect(16 * 1024);
        let request = format!("{line} HTTP/1.1\r\nHost: localhost:8016\r\n{rest}");
        ours.write_all(request.as_bytes()).await.unwrap();
        let mut said = vec![0; 4096];
        let length = ours.read(&mut said).await.unwrap();
        said.truncate(length);
        (ours, served, String::from_utf8(said).unwrap())
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_come_is_given_up() {
    let stage = Stage::new();
    let began = Instant::now();
    let unfinished = "Content-Length: 100\r\n\r\n{";
    let line = "POST /ofrep/v1/evaluate/flags";
    let (_ours, served, said) = stage.ask(line, unfinished).await;
    assert!(said.starts_with("HTTP/1.1 408 "), "{said}");
    assert!(said.contains("connection: close\r\n"), "{said}");
    served.await.unwrap();
    assert_eq!(began.elapsed().as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn who_takes_no_answer_gives_its_place_to_others() {
    let stage = Stage::new();
    let (mut ours, served) = stage.connect(64);
    let began = Instant::now();
    let request = b"GET /flags HTTP/1.1\r\nHost: localhost:8016\r\n\r\n";
    ours.write_all(request).await.unwrap();
    served.await.unwrap();
    assert_eq!(began.elapsed(), STALL);
}

#[tokio::test(start_paused = true)]
async fn who_takes_an_answer_slowly_gets_all_of_it() {
    let stage = Stage::new();
    let (mut ours, _served) = stage.connect(64);
    let request = b"GET /flags HTTP/1.1\r\nHost: localhost:8016\r\nConnection: close\r\n\r\n";
    ours.write_all(request).await.unwrap();
    let mut said = Vec::new();
    let mut piece = [0; 64];
    loop {
        sleep(STALL / 2).await;
        match ours.read(&mut piece).await.unwrap() {
            0 => break,
            length => said.extend_from_slice(&piece[..length]),
        }
    }
    assert!(
        said.ends_with(b"\"flags\":[]}"),
        "{}",
        String::from_utf8_lossy(&said)
    );
}

#[tokio::test(start_paused = true)]
async fn streams_leave_places_to_others() {
    let stage = Stage::new();
    let stream = || stage.ask("GET /ofrep/v1/events", "\r\n");
    let mut open = Vec::new();
    for _ in 0..MOST_STREAMS {
        let (ours, served, said) = stream().await;
        assert!(said.starts_with("HTTP/1.1 200 "), "{said}");
        open.push((ours, served));
    }
    let (.., said) = stream().await;
    assert!(said.starts_with("HTTP/1.1 503 "), "{said}");
    let (.., said) = stage.ask("GET /flags", "\r\n").await;
    assert!(said.starts_with("HTTP/1.1 200 "), "{said}");
    // Who leaves makes room.
    let (ours, served) = open.remove(0);
    drop(ours);
    served.await.unwrap();
    let (.., said) = stream().await;
    assert!(said.starts_with("HTTP/1.1 200 "), "{said}");
}

#[tokio::test(start_paused = true)]
async fn browsers_keep_every_answer_from_other_sites() {
    let stage = Stage::new();
    for (rest, status) in [("\r\n", 200), ("Sec-Fetch-Site: cross-site\r\n\r\n", 403)] {
        let (.., said) = stage.ask("GET /flags", rest).await;
        assert!(said.starts_with(&format!("HTTP/1.1 {status} ")), "{said}");
        let nosniff = "x-content-type-options: nosniff\r\n";
        let policy = "cross-origin-resource-policy: same-site\r\n";
        assert!(said.contains(nosniff) && said.contains(policy), "{said}");
    }
}
