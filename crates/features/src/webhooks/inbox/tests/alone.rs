//! What a file must do that is one server's alone.

use std::fs;
use std::path::Path;

use rusqlite::Connection;

use super::{ALL, Ground, Running, event, new};
use crate::webhooks::inbox::{Item, Taken};

#[tokio::test]
async fn a_second_server_is_told_that_the_file_is_in_use() {
    let ground = Ground::sqlite();
    let running = ground.open();
    assert!(ground.refused().contains("another server has the inbox"));
    running.end().await;
    ground.open().end().await;
}

#[test]
fn another_programs_write_is_told_apart() {
    let ground = Ground::sqlite();
    let other = Connection::open(ground.folder().join("inbox.db")).unwrap();
    other
        .execute_batch("BEGIN EXCLUSIVE; CREATE TABLE x (y)")
        .unwrap();
    assert!(
        ground.refused().contains("another program holds"),
        "{}",
        ground.refused()
    );
}

#[test]
fn what_is_no_inbox_is_left_as_it_is() {
    for bytes in [
        &b"x"[..],
        b"SQLite format 3\0 and then nothing of the kind",
        &[0; 8192],
    ] {
        let ground = Ground::sqlite();
        let path = ground.folder().join("inbox.db");
        fs::write(&path, bytes).unwrap();
        let refused = ground.refused();
        assert!(
            refused.contains("is not an inbox") && refused.contains("move it away"),
            "{refused}"
        );
        assert_eq!(fs::read(&path).unwrap(), bytes);
    }
    let ground = Ground::sqlite();
    let other = Connection::open(ground.folder().join("inbox.db")).unwrap();
    other.execute_batch("CREATE TABLE courses (id)").unwrap();
    assert!(ground.refused().contains("another program's database"));
}

#[tokio::test]
async fn what_a_newer_version_wrote_is_refused() {
    let ground = Ground::sqlite();
    ground.open().end().await;
    let file = Connection::open(ground.folder().join("inbox.db")).unwrap();
    file.execute_batch("PRAGMA user_version = 2").unwrap();
    drop(file);
    assert!(ground.refused().contains("newer version"));
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_may_read_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let mut ground = Ground::sqlite();
    let folder = ground.folder().join("deep").join("er");
    ground.config.inbox = Some(folder.join("inbox.db"));
    let running = ground.open();
    running.take(new("stripe", "one")).await;
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    for entry in fs::read_dir(&folder).unwrap() {
        assert_eq!(mode(&entry.unwrap().path()), 0o600);
    }
    running.end().await;
}

#[tokio::test]
async fn without_a_place_it_lasts_as_long_as_the_server() {
    let mut ground = Ground::sqlite();
    ground.config.inbox = None;
    let (one, other) = (ground.open(), ground.open());
    let taken = one.take(new("stripe", "one")).await;
    assert_eq!(other.take(new("stripe", "two")).await.sequence, 1);
    assert_eq!(one.inbox.show(taken.id).await.unwrap().unwrap().0, taken);
    one.end().await;
    other.end().await;
}

/// A copy of the files at any moment, torn where a disk may tear them, has everything that was said to be
/// kept before it was begun.
#[tokio::test]
async fn whatever_was_said_to_be_kept_is_in_a_copy_of_the_files() {
    let ground = Ground::sqlite();
    let running = ground.open();
    let mut kept = Vec::new();
    for round in 0..8 {
        for _ in 0..5 {
            kept.push(running.take(new("stripe", vec![round; 3000])).await);
        }
        let copy = Ground::sqlite();
        for name in ["inbox.db", "inbox.db-wal"] {
            let from = ground.folder().join(name);
            fs::copy(from, copy.folder().join(name)).unwrap();
        }
        // Something was about to be written behind it.
        let wal = copy.folder().join("inbox.db-wal");
        let mut torn = fs::read(&wal).unwrap();
        torn.extend_from_within(torn.len() - 2000..);
        torn.extend(vec![round; 777]);
        fs::write(&wal, torn).unwrap();
        let opened = copy.open();
        assert!(read(&opened).await == kept);
        let next = opened.take(new("stripe", "next")).await;
        assert_eq!(next.sequence, kept.len() as u64 + 1);
        opened.end().await;
    }
    running.end().await;
}

/// Bodies may be long, and many may come again at once.
#[tokio::test]
async fn an_event_that_comes_again_is_known_without_its_body() {
    let ground = Ground::sqlite();
    let running = ground.open();
    let delivery = running.take(event("stripe", "evt_1")).await;
    running.end().await;
    let file = Connection::open(ground.folder().join("inbox.db")).unwrap();
    file.execute_batch("DELETE FROM contents").unwrap();
    drop(file);
    let running = ground.open();
    let again = running.inbox.take(event("stripe", "evt_1")).await.unwrap();
    let Taken::Repeated(again) = again else {
        panic!("{again:?}");
    };
    assert_eq!((again.id, again.repeats), (delivery.id, 1));
    running.end().await;
}

async fn read(running: &Running) -> Vec<std::sync::Arc<crate::webhooks::Delivery>> {
    let items = running.inbox.after("stripe", 0, ALL).await.unwrap();
    let items = items.into_iter().map(|item| match item {
        Item::Delivery(delivery) => delivery,
        Item::Missed { .. } => panic!("something is missing"),
    });
    items.collect()
}
