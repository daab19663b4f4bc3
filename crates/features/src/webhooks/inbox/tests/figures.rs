//! What it costs: run with `--run-ignored only --no-capture`, on a quiet machine. The first run makes an
//! inbox of a million deliveries in the folder for temporary files, which stays for the next.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use futures_util::stream;
use rusqlite::Connection;

use super::{Ground, Item, Most, Running, event, owner, receipt};
use crate::webhooks::wire::Start;

#[ignore = "measures"]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn figures_of_a_file() {
    for rows in [1_000, 1_000_000] {
        let mut ground = Ground::sqlite();
        ground.config.inbox = Some(filled(rows));
        ground.config.max_bytes = u64::MAX;
        ground.config.retention = Duration::from_secs(365 * 86400);
        let running = ground.open();
        println!("with {rows} rows in a file:");
        measure(&running, 20_000).await;
        running.end().await;
    }
}

#[ignore = "measures"]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn figures_of_a_database() {
    let mut ground = Ground::postgres().await;
    ground.config.max_bytes = u64::MAX;
    let running = ground.open();
    println!("in a database:");
    measure(&running, 20_000).await;
    running.end().await;
}

#[ignore = "measures"]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn figures_of_a_full_inbox() {
    let mut ground = Ground::sqlite();
    ground.config.max_bytes = 8 * 1024 * 1024;
    let running = ground.open();
    println!("in a file that is full, where as many leave as come:");
    measure(&running, 20_000).await;
    let standing = running.inbox.standing().await.unwrap();
    assert!(standing.bytes <= 8 * 1024 * 1024, "{standing:?}");
    running.end().await;
}

async fn measure(running: &Running, count: usize) {
    let start = crate::wall_clock::millis();
    let ann = owner("ann");
    let before = running
        .inbox
        .begin(&ann, "p0", Start::Resume)
        .await
        .unwrap();
    running.inbox.begin(&ann, "p0", Start::Now).await.unwrap();

    let mut took = Vec::new();
    for number in 0..500 {
        let began = Instant::now();
        running.take(delivery(start, number)).await;
        took.push(began.elapsed());
    }
    took.sort();
    println!("  one take: p50 {:?}, p99 {:?}", took[250], took[495]);

    let began = Instant::now();
    let takes = stream::iter(500..500 + count);
    let takes = takes.map(|number| running.take(delivery(start, number)));
    let kept: Vec<_> = takes.buffered(256).collect().await;
    say("takes, 256 at once", count, began);

    let began = Instant::now();
    let settles = stream::iter(&kept).map(async |it| {
        running
            .inbox
            .settle(&ann, receipt(it, 1, 200))
            .await
            .unwrap();
    });
    settles.buffered(256).collect::<Vec<_>>().await;
    say("receipts, 256 at once", count, began);

    let began = Instant::now();
    let both = stream::iter(0..count).map(async |number| {
        let it = running.take(delivery(start + 1, number)).await;
        running.inbox.offered(&ann, &it);
        running
            .inbox
            .settle(&ann, receipt(&it, 1, 200))
            .await
            .unwrap();
    });
    both.buffered(256).collect::<Vec<_>>().await;
    say("takes with receipts, 256 at once", count, began);

    drain(running, before.after.saturating_sub(1_000_000)).await;
}

async fn drain(running: &Running, mut after: u64) {
    let began = Instant::now();
    let mut read = 0;
    while read < 100_000 {
        let most = Most {
            count: 64,
            bytes: 1024 * 1024,
        };
        let items = running.inbox.after("p0", after, most).await.unwrap();
        let Some(last) = items.last() else { break };
        after = last.sequence();
        read += items
            .iter()
            .filter(|it| matches!(it, Item::Delivery(_)))
            .count();
    }
    say("deliveries of one provider read by 64", read, began);
    let began = Instant::now();
    running.inbox.list(&super::plays::page(100)).await.unwrap();
    println!("  a page of a list: {:?}", began.elapsed());
}

fn delivery(seed: u64, number: usize) -> super::NewDelivery {
    let mut it = event(
        &format!("p{}", number % 10),
        &format!("evt_{seed}_{number}"),
    );
    it.request.body = vec![b'x'; 1024].into();
    it
}

fn say(what: &str, count: usize, began: Instant) {
    let took = began.elapsed();
    let each = took / u32::try_from(count.max(1)).unwrap();
    println!("  {count} {what}: {took:?}, {each:?} each");
}

/// Makes an inbox with so many deliveries of ten providers, if it is not there.
fn filled(rows: u32) -> PathBuf {
    let folder = std::env::temp_dir().join("render-tunnel-inbox-figures");
    let path = folder.join(format!("{rows}.db"));
    if path.exists() {
        return path;
    }
    let mut ground = Ground::sqlite();
    ground.config.inbox = Some(path.clone());
    drop(super::Inbox::open(&ground.config, &crate::parts::Variables::default()).unwrap());
    let file = Connection::open(&path).unwrap();
    let head = super::super::work::NewRow::new(event("p0", "evt")).head;
    file.execute("CREATE TEMP TABLE one AS SELECT ?1 AS head", [head])
        .unwrap();
    file.execute_batch(&format!(
        "BEGIN; CREATE TEMP TABLE n AS WITH RECURSIVE n(i) AS \
         (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows}) SELECT i FROM n; \
         INSERT INTO deliveries (sequence, provider, number, received, id, event, key, verification, \
         length, size, repeats, state, attempts) SELECT i, 'p' || (i % 10), (i + 9) / 10, \
         1795000000000 + i, randomblob(16), CAST('charge.succeeded' AS BLOB), randomblob(16), x'00', \
         1024, 1800, 0, 0, 0 FROM n; \
         INSERT INTO contents SELECT i, (SELECT head FROM one), randomblob(1024) FROM n; \
         INSERT INTO providers SELECT 'p' || (i % 10), count(*), 0, count(*), max(i) FROM n GROUP BY 1; \
         UPDATE totals SET last = {rows}, bytes = {rows} * 1800; COMMIT"
    ))
    .unwrap();
    path
}
