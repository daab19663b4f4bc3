//! What is interrupted goes on where it stopped.

use std::sync::mpsc;
use std::time::Duration;

use client::sync::client::{Progress, SyncError};
use client::{BackoffPolicy, Reconnect, TunnelError};
use rusqlite::Connection;
use server::TunnelServer;
use testkit::postgres;
use tokio::sync::{Notify, oneshot};
use transport::tasks::Tasks;

use crate::harness::{again, laptop, production, sqlite, sync};

/// About 30 chunks.
const EVENTS: &str = "CREATE TABLE events (id integer PRIMARY KEY, words text NOT NULL);
    INSERT INTO events SELECT n, repeat(md5(n::text), 30) FROM generate_series(1, 30000) AS n";

/// Stops a server in the middle of a sync, which waits meanwhile: a server that leaves lets
/// everything go on for some seconds, in which a fast machine would be done.
struct Stopping {
    begin: Option<oneshot::Sender<()>>,
    stopped: mpsc::Receiver<()>,
}

impl Stopping {
    /// Returns it, and what stops the server when it is to begin.
    fn new(server: TunnelServer) -> (Self, impl Future<Output = ()> + Send) {
        let (begin, begun) = oneshot::channel();
        let (stop, stopped) = mpsc::channel();
        let stopping = async move {
            begun.await.expect("somebody begins");
            server.stop().await;
            stop.send(()).expect("somebody waits");
        };
        let begin = Some(begin);
        (Self { begin, stopped }, stopping)
    }

    /// Waits until the server is gone; the second time, it is.
    fn begin_and_wait(&mut self) {
        if let Some(begin) = self.begin.take() {
            begin.send(()).expect("it is waited for");
            let waited = tokio::task::block_in_place(|| self.stopped.recv());
            waited.expect("the server stops");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_survives_the_end_of_its_server_and_goes_on_with_the_next() {
    let (from, to) = (postgres::database().await, postgres::database().await);
    from.run(EVENTS).await;
    let server = production(from.url()).start().await.unwrap();
    let address = server.quic_address().unwrap();
    let quick = BackoffPolicy {
        first: Duration::from_millis(50),
        longest: Duration::from_secs(1),
        attempts: None,
    };
    let client = laptop(&server)
        .reconnect(Reconnect::On(quick))
        .connect()
        .await
        .unwrap();

    let url = from.url().to_owned();
    let (mut stopping, stopped) = Stopping::new(server);
    let restarted = Tasks::new().spawn("restart", async move {
        stopped.await;
        again(&url, address).await
    });
    let request = sync(&["events"], to.url());
    let (mut rows, mut lost) = (0, 0);
    let synced = client.sync_data(&request, |step| match step {
        Progress::Chunk { rows: chunk, .. } => {
            rows += chunk;
            if rows > 10_000 {
                stopping.begin_and_wait();
            }
        }
        Progress::Lost => lost += 1,
        _ => {}
    });
    let summary = synced.await.unwrap();
    let server = restarted.await.unwrap();
    assert_eq!(summary.tables[0].rows, 30_000);
    assert_eq!(summary.losses, lost);
    assert!(lost >= 1, "the server ended before the sync did");
    // No chunk came twice: what was committed was not sent again.
    assert_eq!(rows, 30_000);
    let mut target = to.connect().await;
    let count: i64 = sqlx::query_scalar("SELECT count(DISTINCT words) FROM events")
        .fetch_one(&mut target)
        .await
        .unwrap();
    assert_eq!(count, 30_000);
    client.disconnect().await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_was_killed_goes_on_from_its_last_chunk() {
    let from = postgres::database().await;
    from.run(EVENTS).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("local.db");
    let server = production(from.url()).start().await.unwrap();
    let client = laptop(&server).connect().await.unwrap();
    let request = sync(&["events"], &sqlite(&path));

    let mut committed = 0;
    let killed = Notify::new();
    tokio::select! {
        _ = client.sync_data(&request, |step| if let Progress::Chunk { rows, .. } = step {
            committed += rows;
            if committed > 5_000 { killed.notify_one(); }
        }) => panic!("the sync ended before it was dropped"),
        () = killed.notified() => {}
    }

    let mut resumed = 0;
    let summary = client
        .sync_data(&request, |step| {
            if let Progress::Started { resumed: rows, .. } = step {
                resumed = rows;
            }
        })
        .await
        .unwrap();
    assert!((5_000..30_000).contains(&resumed), "{resumed}");
    assert!(summary.spans_snapshots && !summary.mixed_pseudonyms);
    let local = Connection::open(&path).unwrap();
    let sums: (i64, i64) = local
        .query_one("SELECT count(*), sum(id) FROM events", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .unwrap();
    assert_eq!(sums, (30_000, 30_000 * 30_001 / 2));
    client.disconnect().await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_whose_server_is_gone_for_good_says_so_and_keeps_what_it_has() {
    let (from, to) = (postgres::database().await, postgres::database().await);
    from.run(EVENTS).await;
    let server = production(from.url()).start().await.unwrap();
    let client = laptop(&server).connect().await.unwrap();
    let (mut stopping, stopped) = Stopping::new(server);
    Tasks::new().spawn("stop", stopped);
    let request = sync(&["events"], to.url());
    let synced = client.sync_data(&request, |step| {
        if matches!(step, Progress::Chunk { .. }) {
            stopping.begin_and_wait();
        }
    });
    let synced = synced.await;
    assert!(
        matches!(synced, Err(TunnelError::Sync(SyncError::GaveUp(_)))),
        "{synced:?}"
    );
    let mut target = to.connect().await;
    let count: i64 = sqlx::query_scalar("SELECT count(*) FROM events")
        .fetch_one(&mut target)
        .await
        .unwrap();
    assert!(count > 0 && count < 30_000, "{count}");
}

#[tokio::test]
async fn another_pseudonym_key_in_between_is_said() {
    let (from, to) = (postgres::database().await, postgres::database().await);
    from.run(EVENTS).await;
    let request = sync(&["events"], to.url());
    for (key, mixed) in [
        ("one pseudonym key, long enough for tests", false),
        ("another pseudonym key, as long as the first", true),
    ] {
        let server = production(from.url())
            .pseudonym_key(Some(key.into()))
            .start()
            .await
            .unwrap();
        let client = laptop(&server).connect().await.unwrap();
        let killed = Notify::new();
        tokio::select! {
            summary = client.sync_data(&request, |step| if matches!(step, Progress::Chunk { .. }) && !mixed {
                killed.notify_one();
            }) => assert_eq!(summary.unwrap().mixed_pseudonyms, mixed),
            () = killed.notified() => {}
        }
        client.disconnect().await;
        server.stop().await;
    }
}
