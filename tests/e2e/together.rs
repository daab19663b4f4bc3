//! Logs and sync at once, in one session.

use client::logs::client::LogItem;
use client::logs::wire::{Follow, Open, Start};
use client::logs::{Feed, Filter, Origin};
use testkit::postgres;

use crate::harness::{laptop, production, sync};

#[tokio::test(flavor = "multi_thread")]
async fn log_lines_arrive_while_a_sync_runs_in_the_same_session() {
    let (from, to) = (postgres::database().await, postgres::database().await);
    from.run(
        "CREATE TABLE events (id integer PRIMARY KEY, words text);
         INSERT INTO events SELECT n, repeat(md5(n::text), 30) FROM generate_series(1, 20000) AS n",
    )
    .await;
    let server = production(from.url()).start().await.unwrap();
    let client = laptop(&server).connect().await.unwrap();
    let open = Open {
        start: Start::Oldest,
        follow: Follow::On,
        filter: Filter::default(),
    };
    let mut logs = client.stream_logs(open).await.unwrap();

    assert!(matches!(logs.next().await, Ok(Some(LogItem::Opened(_)))));
    let mut feed = Feed::new(server.ring().clone(), Origin::service("app"));
    let request = sync(&["events"], to.url());
    let synced = client.sync_data(&request, |_| feed.push(b"a chunk was committed\n"));
    let mut seen = 0;
    let mut synced = std::pin::pin!(synced);
    let summary = loop {
        tokio::select! {
            item = logs.next() => {
                assert!(matches!(item.unwrap(), Some(LogItem::Entry(_))));
                seen += 1;
            }
            summary = &mut synced => break summary.unwrap(),
        }
    };
    assert_eq!(summary.tables[0].rows, 20_000);
    assert!(seen >= 10, "only {seen} lines came while the sync ran");
    client.disconnect().await;
    server.stop().await;
}
