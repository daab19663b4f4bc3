//! A disk that is full, and what is beside the file.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use transport::tasks::Tasks;

use super::{Place, Sqlite};
use crate::webhooks::inbox::ledger::Bounds;
use crate::webhooks::inbox::store::Store;
use crate::webhooks::inbox::tests::{ALL, new};
use crate::webhooks::inbox::{Inbox, InboxError, Taken};

/// Gives the file so many pages more than it has, and no other.
async fn room(inbox: &Inbox, pages: i64) {
    let Store::Sqlite(store) = &inbox.shared.store else {
        panic!("it is no file");
    };
    let set = store.writer.ask(move |connection| {
        let count = "PRAGMA page_count";
        let count: i64 = connection.query_row(count, [], |row| row.get(0)).unwrap();
        let most = format!("PRAGMA max_page_count = {}", count + pages);
        connection.query_row(&most, [], |_| Ok(())).unwrap();
        Ok(())
    });
    set.await.unwrap();
}

/// An inbox in a folder, without bounds, that takes.
fn started(folder: &Path) -> (Arc<Inbox>, Tasks) {
    let place = Place::File(folder.join("inbox.db"));
    let (store, last) = Sqlite::open(&place).unwrap();
    let bounds = Bounds {
        bytes: u64::MAX,
        retention: u64::MAX,
        named: Arc::default(),
    };
    let (inbox, helper) = Inbox::new(Store::Sqlite(store), Some(last), bounds);
    let tasks = Tasks::new();
    helper.start(&tasks);
    (inbox, tasks)
}

#[tokio::test]
async fn a_full_disk_keeps_what_it_has_said_to_keep_and_recovers() {
    let folder = TempDir::new().unwrap();
    let (inbox, tasks) = started(folder.path());
    room(&inbox, 50).await;
    let mut kept = 0;
    let refused = loop {
        match inbox.take(new("stripe", vec![1; 3000])).await {
            Ok(_) => kept += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(refused, InboxError::Full);
    assert!(kept > 10);
    inbox.count_gap("stripe");
    let refused = inbox.take(new("stripe", vec![1; 300_000])).await;
    assert_eq!(refused, Err(InboxError::Full));
    let count = inbox.after("stripe", 0, ALL).await.unwrap().len();
    assert_eq!(count, kept);
    room(&inbox, 5000).await;
    let taken = inbox.take(new("stripe", vec![1; 3000])).await.unwrap();
    // What was refused has no place; what production's app had has.
    let sequence = kept as u64 + 2;
    assert!(matches!(taken, Taken::New(it) if it.sequence == sequence));
    assert!(tasks.shutdown(Duration::from_secs(10)).await.is_empty());
}

#[tokio::test]
async fn what_is_beside_the_file_stays_short_however_much_is_taken() {
    let folder = TempDir::new().unwrap();
    let (inbox, tasks) = started(folder.path());
    // 96 MiB, in commits of 1 MiB.
    for _ in 0..96 {
        inbox
            .take(new("stripe", vec![1; 1024 * 1024]))
            .await
            .unwrap();
    }
    let beside = folder.path().join("inbox.db-wal");
    let length = std::fs::metadata(beside).unwrap().len();
    assert!(length < 68 * 1024 * 1024, "{length} bytes");
    assert!(tasks.shutdown(Duration::from_secs(10)).await.is_empty());
}
