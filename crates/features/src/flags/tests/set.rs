//! The book of the server: precedence, versions, bounds.

use std::sync::Arc;

use serde_json::json;

use crate::flags::set::{Book, Found, Set, SourceName};
use crate::flags::wire::{Beginning, Version};
use crate::flags::{Definition, LONGEST_DEFINITION, MOST_FLAGS};

pub(super) fn found(key: &str, value: serde_json::Value) -> Found {
    Found {
        key: key.to_owned(),
        definition: Definition::constant(value),
        updated: None,
    }
}

pub(super) fn book() -> Book {
    book_of([7; 8])
}

pub(super) fn book_of(set: [u8; 8]) -> Book {
    let sources = [SourceName::Environment, SourceName::File];
    Book::new(set, &sources, Arc::new(|| 1000))
}

fn newest(book: &Book) -> Arc<Set> {
    Arc::clone(&book.watch().borrow())
}

#[test]
fn the_first_source_counts_and_the_next_takes_its_place() {
    let book = book();
    book.take(
        SourceName::File,
        Ok(vec![found("A", json!("file")), found("B", json!("file"))]),
    );
    book.take(
        SourceName::Environment,
        Ok(vec![found("A", json!("variable"))]),
    );
    let sources = |set: &Set| {
        let sources = set.flags.values().map(|it| it.flag.source.clone());
        sources.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(sources(&newest(&book)), "environment file");
    book.take(SourceName::Environment, Ok(vec![]));
    assert_eq!(sources(&newest(&book)), "file file");
}

#[test]
fn a_source_that_fails_keeps_what_it_said_and_says_what_is_wrong() {
    let book = book();
    book.take(SourceName::File, Ok(vec![found("A", json!(1.5))]));
    let before = newest(&book).version;
    book.take(SourceName::File, Err("line 3".to_owned()));
    let set = newest(&book);
    assert_eq!(set.flags.len(), 1);
    assert_eq!(set.sources[1].trouble.as_deref(), Some("line 3"));
    assert!(set.version.number > before.number);
    // The same trouble again is no news.
    book.take(SourceName::File, Err("line 3".to_owned()));
    assert_eq!(newest(&book).version, set.version);
    book.take(SourceName::File, Ok(vec![found("A", json!(1.5))]));
    assert_eq!(newest(&book).sources[1].trouble, None);
}

#[test]
fn whoever_knows_a_version_hears_what_came_behind_it_alone() {
    let book = book();
    let all = |values: &[(&str, i32)]| {
        Ok(values
            .iter()
            .map(|(key, value)| found(key, json!(value)))
            .collect())
    };
    book.take(SourceName::File, all(&[("A", 1), ("B", 1), ("C", 1)]));
    let known = newest(&book).version;
    book.take(SourceName::File, all(&[("A", 1), ("B", 2)]));
    let news = newest(&book).news(Some(known));
    assert_eq!(news.beginning, Beginning::Behind);
    let keys: Vec<_> = news.flags.iter().map(|flag| flag.key.as_str()).collect();
    assert_eq!((keys, news.gone), (vec!["B"], vec!["C".to_owned()]));
    assert_eq!(news.sources, None);
    let nothing = newest(&book).news(Some(newest(&book).version));
    assert!(nothing.flags.is_empty() && nothing.gone.is_empty());
    // A set of another start, and a version that is not there yet.
    let number = known.number;
    for unknown in [
        None,
        Some(Version {
            set: [8; 8],
            number,
        }),
        Some(Version {
            number: 99,
            ..known
        }),
    ] {
        let news = newest(&book).news(unknown);
        assert_eq!((news.beginning, news.flags.len()), (Beginning::Afresh, 2));
    }
}

#[test]
fn what_is_too_much_is_left_out() {
    let book = book();
    let long = "x".repeat(LONGEST_DEFINITION);
    let odd = [
        found("LONG", json!(long)),
        found("", json!(1)),
        found("a\nb", json!(1)),
        found(&"k".repeat(257), json!(1)),
        found("GOOD", json!(true)),
    ];
    book.take(SourceName::File, Ok(odd.to_vec()));
    let keys: Vec<_> = newest(&book).flags.keys().cloned().collect();
    assert_eq!(keys, ["GOOD"]);
    let many = (0..MOST_FLAGS + 5).map(|number| found(&format!("F{number:05}"), json!(number)));
    book.take(SourceName::File, Ok(many.collect()));
    assert_eq!(newest(&book).flags.len(), MOST_FLAGS);
    // Removing more than is remembered makes whoever was there begin afresh.
    let known = newest(&book).version;
    book.take(SourceName::File, Ok(vec![]));
    assert_eq!(newest(&book).news(Some(known)).beginning, Beginning::Afresh);
}

#[test]
fn a_flag_that_stays_as_it_is_keeps_its_time() {
    use std::sync::atomic::{AtomicU64, Ordering};
    let now = Arc::new(AtomicU64::new(10));
    let clock = Arc::clone(&now);
    let book = Book::new(
        [7; 8],
        &[SourceName::File],
        Arc::new(move || clock.load(Ordering::Relaxed)),
    );
    let updated = |key: &str| newest(&book).flags[key].flag.updated;
    book.take(
        SourceName::File,
        Ok(vec![found("A", json!(1)), found("B", json!(1))]),
    );
    now.store(20, Ordering::Relaxed);
    book.take(
        SourceName::File,
        Ok(vec![found("A", json!(1)), found("B", json!(2))]),
    );
    assert_eq!((updated("A"), updated("B")), (10, 20));
}
