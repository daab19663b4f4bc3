//! A mirror, from a server's book over a virtual network.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use testkit::net::Link;
use testkit::pair::Pair;
use tokio::sync::watch;
use transport::keeper::{Keeper, Reconnect};
use transport::router::Router;
use transport::trust::Scopes;

use super::set::{book, book_of, found};
use crate::flags::client::{Freshness, KeptFlags, Mirror, Mirrored, fetch};
use crate::flags::server::Flags;
use crate::flags::set::{Book, SourceName};
use crate::flags::{MOST_FLAGS, PROTOCOL};

fn router(book: &Arc<Book>) -> Router {
    let mut router = Router::default();
    router.add(PROTOCOL, Arc::new(Flags::of(book)));
    router
}

fn far() -> Link {
    Link {
        delay: Duration::from_millis(50),
        ..Link::default()
    }
}

async fn keeper(pair: &Pair) -> Keeper {
    let reconnect = Reconnect::On(transport::backoff::BackoffPolicy {
        first: Duration::from_millis(100),
        longest: Duration::from_secs(1),
        attempts: None,
    });
    Keeper::start(pair.dial_from(2), reconnect).await.unwrap()
}

/// Waits until the mirror is as it is wanted.
async fn until(
    watch: &mut watch::Receiver<Arc<Mirrored>>,
    wanted: impl Fn(&Mirrored) -> bool,
) -> Arc<Mirrored> {
    Arc::clone(&*watch.wait_for(|it| wanted(it)).await.unwrap())
}

fn value(mirrored: &Mirrored, key: &str) -> Option<Value> {
    let entry = mirrored.flags.get(key)?;
    let name = entry.definition.default_variant.as_deref()?;
    entry.definition.variant(name).cloned()
}

#[tokio::test(start_paused = true)]
async fn a_change_is_there_half_a_round_trip_later() {
    let book = Arc::new(book());
    book.take(
        SourceName::File,
        Ok(vec![found("A", json!(1.5)), found("B", json!(true))]),
    );
    let pair = Pair::serve(router(&book), Scopes::default(), far());
    let keeper = keeper(&pair).await;
    let mirror = Mirror::showing(Mirrored::empty());
    let mut watch = mirror.watch();
    let play = async {
        let first = until(&mut watch, |it| it.freshness == Freshness::Live).await;
        assert_eq!(
            (first.flags.len(), value(&first, "A")),
            (2, Some(json!(1.5)))
        );
        let changed = tokio::time::Instant::now();
        book.take(SourceName::File, Ok(vec![found("A", json!(2.5))]));
        let second = until(&mut watch, |it| it.version != first.version).await;
        assert!(
            changed.elapsed() < Duration::from_millis(70),
            "{:?}",
            changed.elapsed()
        );
        assert_eq!(
            (second.flags.len(), value(&second, "A")),
            (1, Some(json!(2.5)))
        );
        book.take(SourceName::File, Err("line 3".to_owned()));
        let third = until(&mut watch, |it| it.sources[1].trouble.is_some()).await;
        assert_eq!(value(&third, "A"), Some(json!(2.5)));
    };
    tokio::select! {
        error = mirror.follow(&keeper) => panic!("{error}"),
        () = play => {}
    }
    assert!(matches!(mirror.newest().freshness, Freshness::Since(_)));
}

#[tokio::test(start_paused = true)]
async fn a_mirror_outlives_a_server_and_finds_what_the_next_one_has() {
    let book = Arc::new(book());
    book.take(
        SourceName::File,
        Ok(vec![found("A", json!(1)), found("B", json!(1))]),
    );
    let mut pair = Pair::serve(router(&book), Scopes::default(), far());
    let keeper = keeper(&pair).await;
    let mirror = Mirror::showing(Mirrored::empty());
    let mut watch = mirror.watch();
    let play = async {
        until(&mut watch, |it| it.freshness == Freshness::Live).await;
        let other = Arc::new(book_of([9; 8]));
        other.take(SourceName::File, Ok(vec![found("A", json!(2))]));
        pair.kill_and_start(router(&other), Scopes::default()).await;
        let away = until(&mut watch, |it| matches!(it.freshness, Freshness::Since(_))).await;
        assert_eq!(away.flags.len(), 2, "offline it shows what it had");
        until(&mut watch, |it| it.freshness == Freshness::Live).await
    };
    tokio::select! {
        error = mirror.follow(&keeper) => panic!("{error}"),
        back = play => assert_eq!((back.flags.len(), value(&back, "A")), (1, Some(json!(2)))),
    }
}

#[tokio::test(start_paused = true)]
async fn a_mirror_has_none_of_the_flags_that_went_in_greater_number_than_is_remembered() {
    let book = Arc::new(book());
    let all = (0..MOST_FLAGS).map(|number| found(&format!("F{number:05}"), json!(true)));
    book.take(SourceName::File, Ok(all.collect()));
    let pair = Pair::serve(router(&book), Scopes::default(), far());
    let keeper = keeper(&pair).await;
    let mirror = Mirror::showing(Mirrored::empty());
    let mut watch = mirror.watch();
    let play = async {
        let first = until(&mut watch, |it| it.freshness == Freshness::Live).await;
        assert_eq!(first.flags.len(), MOST_FLAGS);
        // The watch sees the last of these alone.
        book.take(SourceName::File, Ok(vec![]));
        book.take(SourceName::File, Ok(vec![found("A", json!(1.5))]));
        book.take(SourceName::File, Ok(vec![found("B", json!(1.5))]));
        let whole = |it: &Mirrored| it.flags.contains_key("B") && it.freshness == Freshness::Live;
        until(&mut watch, whole).await
    };
    tokio::select! {
        error = mirror.follow(&keeper) => panic!("{error}"),
        last = play => assert_eq!(last.flags.keys().collect::<Vec<_>>(), ["B"]),
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_twice_to_a_mirror_that_was_kept() {
    let book = Arc::new(book());
    let long = |number: u32| found(&format!("F{number:04}"), json!("x".repeat(1000)));
    let mut all: Vec<_> = (0..200).map(long).collect();
    book.take(SourceName::File, Ok(all.clone()));
    let pair = Pair::serve(router(&book), Scopes::default(), far());
    let session = pair.connect(2).await;
    let first = fetch(&session).await.unwrap();
    assert_eq!(first.flags.len(), 200);

    let folder = tempfile::tempdir().unwrap();
    let kept = KeptFlags::at(folder.path().join("flags.json"));
    kept.save(&first).unwrap();
    let loaded = kept.load().unwrap();
    assert_eq!(loaded.flags, first.flags);

    all[7] = found("F0007", json!("new"));
    book.take(SourceName::File, Ok(all));
    let keeper = keeper(&pair).await;
    let mirror = Mirror::showing(loaded);
    let mut watch = mirror.watch();
    let session = keeper.session().await.unwrap();
    let received = || session.received_bytes();
    let before = received();
    tokio::select! {
        error = mirror.follow(&keeper) => panic!("{error}"),
        now = until(&mut watch, |it| it.freshness == Freshness::Live) => {
            assert_eq!(value(&now, "F0007"), Some(json!("new")));
            assert_eq!(now.flags.len(), 200);
        }
    }
    let took = received() - before;
    assert!(took < 10_000, "{took} bytes for one flag");
}

#[tokio::test(start_paused = true)]
async fn a_file_that_was_kept_and_broke_is_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("flags.json");
    let kept = KeptFlags::at(path.clone());
    assert_eq!(kept.load(), None);
    for broken in [
        "",
        "{}",
        "[1]",
        "{\"heard\": 1, \"version\": null, \"flags\": [3], \"sources\": []}",
    ] {
        std::fs::write(&path, broken).unwrap();
        assert_eq!(kept.load(), None, "{broken}");
    }
}
