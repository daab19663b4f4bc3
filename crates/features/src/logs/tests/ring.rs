//! What a ring keeps, and what its readers see.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use tokio::time::advance;

use super::super::clock::nanos;
use super::super::kept::Kept;
use super::super::ring::{PAGE, Usage};
use super::super::wire::{Cause, Epoch, Missed};
use super::*;

fn sequences(ring: &Ring) -> Vec<u64> {
    everything(ring)
        .iter()
        .map(|entry| entry.sequence)
        .collect()
}

#[test]
fn a_ring_keeps_at_most_its_bytes_and_drops_the_oldest() {
    let ring = ring_of(10);
    append(&ring, 0..100);
    let kept = sequences(&ring);
    assert_eq!(kept, (100 - kept.len() as u64..100).collect::<Vec<_>>());
    // Short messages cost a little less than the longest.
    assert!((10..=12).contains(&kept.len()), "{}", kept.len());
}

#[tokio::test(start_paused = true)]
async fn entries_leave_after_the_retention_without_another_append() {
    let ring = Ring::new(LogsConfig {
        retention: Duration::from_secs(60),
        ..LogsConfig::default()
    });
    append(&ring, 0..2);
    advance(Duration::from_secs(40)).await;
    append(&ring, 2..4);
    assert_eq!(sequences(&ring), [0, 1, 2, 3]);
    advance(Duration::from_secs(21)).await;
    assert_eq!(sequences(&ring), [2, 3]);
    advance(Duration::from_secs(60)).await;
    assert_eq!(sequences(&ring), [0; 0]);
    append(&ring, 4..5);
    assert_eq!(sequences(&ring), [4]);
}

#[tokio::test]
async fn concurrent_appends_leave_no_hole_and_no_reader_asleep() {
    let ring = Arc::new(ring_of(100_000));
    let writers: Vec<_> = (0..4)
        .map(|_| Arc::clone(&ring))
        .map(|ring| std::thread::spawn(move || append(&ring, 0..5000)))
        .collect();
    let mut at = ring.begin(&Start::Oldest, &all()).at;
    let mut seen = Vec::new();
    while seen.len() < 20_000 {
        ring.wait(at).await;
        let batch = ring.read(at, &all(), MOST);
        seen.extend(batch.entries.iter().map(|entry| entry.sequence));
        at = batch.next;
    }
    assert_eq!(seen, (0..20_000).collect::<Vec<_>>());
    for writer in writers {
        writer.join().unwrap();
    }
}

#[test]
fn a_reader_that_waits_is_woken_by_the_next_append_alone() {
    let ring = ring_of(10);
    append(&ring, 0..3);
    let end = ring.end();
    let mut waiting = pin!(ring.wait(end));
    let mut cx = Context::from_waker(Waker::noop());
    assert_eq!(waiting.as_mut().poll(&mut cx), Poll::Pending);
    append(&ring, 3..4);
    assert_eq!(waiting.as_mut().poll(&mut cx), Poll::Ready(()));
}

#[test]
fn a_reader_that_was_overtaken_hears_how_many_it_missed() {
    let ring = ring_of(10);
    let at = ring.end();
    append(&ring, 0..100);
    let first = sequences(&ring)[0];
    let batch = ring.read(at, &all(), MOST);
    let missed = Missed {
        until: Some(1),
        ..Missed::new(Some(first), Cause::Overrun)
    };
    assert_eq!(batch.missed, Some(missed));
    assert_eq!(batch.from, first);
    assert_eq!(batch.entries[0].sequence, first);
    assert_eq!(ring.read(batch.next, &all(), MOST).missed, None);
}

#[test]
fn a_cursor_of_another_epoch_reads_all_that_there_is() {
    let (old, new) = (ring_of(10), ring_of(10));
    append(&old, 0..7);
    append(&new, 0..3);
    assert_ne!(old.epoch(), new.epoch());
    let elsewhere = old.cursor(7);
    let begun = new.begin(&Start::At(vec![elsewhere]), &all());
    let missed = Missed {
        until: Some(1),
        ..Missed::ANEW
    };
    assert_eq!((begun.at, begun.missed), (0, Some(missed)));
    // Until it has heard that, the reader is where it was.
    assert_eq!(begun.reader, elsewhere);
}

#[test]
fn a_reader_that_was_elsewhere_goes_on_where_it_was_here_and_hears_that_it_was_away() {
    let (one, other) = (ring_of(10), ring_of(10));
    append(&one, 0..7);
    let cursors = vec![other.cursor(3), one.cursor(5)];
    let begun = one.begin(&Start::At(cursors.clone()), &all());
    assert_eq!((begun.at, begun.reader), (5, other.cursor(3)));
    assert!(begun.missed.is_some_and(|missed| missed.entries.is_none()));
    let begun = other.begin(&Start::At(cursors), &all());
    assert_eq!((begun.at, begun.missed), (0, None));
}

#[test]
fn a_cursor_from_the_future_reads_nothing_and_misses_nothing() {
    let ring = ring_of(10);
    append(&ring, 0..3);
    let begun = ring.begin(&Start::At(vec![ring.cursor(u64::MAX)]), &all());
    assert_eq!((begun.at, begun.missed), (3, None));
    let batch = ring.read(u64::MAX, &all(), MOST);
    assert_eq!(
        (batch.missed, batch.entries.len(), batch.next),
        (None, 0, 3)
    );
}

#[test]
fn a_tail_is_exactly_the_last_that_pass() {
    // More than a page, every tenth an error.
    let ring = ring_of(2000);
    for number in 0..1000 {
        let level = if number % 10 == 0 {
            Level::ERROR
        } else {
            Level::INFO
        };
        ring.append(Line {
            level,
            ..line(&number.to_string())
        });
    }
    for wanted in [0, 1, 5, 26, 99, 100] {
        let tail = ring
            .begin(&Start::Tail(wanted), &errors().compile().unwrap())
            .at;
        let entries = read_all(&ring, tail, &errors().compile().unwrap());
        assert_eq!(entries.len(), wanted as usize);
        assert!(entries.last().is_none_or(|last| last.sequence == 990));
    }
    let tail = ring
        .begin(&Start::Tail(u32::MAX), &errors().compile().unwrap())
        .at;
    assert_eq!(
        read_all(&ring, tail, &errors().compile().unwrap()).len(),
        100
    );
    let all = ring.begin(&Start::Tail(300), &all()).at;
    assert_eq!(all, 700);
}

#[test]
fn a_tail_of_an_empty_ring_is_its_end() {
    let ring = ring_of(10);
    assert_eq!(ring.begin(&Start::Tail(5), &all()).at, ring.end());
}

#[test]
fn a_batch_ends_before_its_bound_but_holds_at_least_one_entry() {
    let ring = ring_of(100);
    append(&ring, 10..20);
    let cost = line("10").cost();
    let read = |bytes| {
        let most = Most { bytes, ..MOST };
        let at = ring.begin(&Start::Oldest, &all()).at;
        let batch = ring.read(at, &all(), most);
        assert_eq!(batch.next, batch.entries.len() as u64);
        batch.entries.len()
    };
    assert_eq!(read(cost * 3), 3);
    assert_eq!(read(cost * 4 - 1), 3);
    assert_eq!(read(1), 1);
}

#[test]
fn an_epoch_is_drawn_for_every_ring() {
    let epochs: Vec<Epoch> = (0..10).map(|_| ring_of(1).epoch()).collect();
    for (at, epoch) in epochs.iter().enumerate() {
        assert!(!epochs[..at].contains(epoch));
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_too_old_goes_a_page_at_a_time_and_all_of_it() {
    let config = LogsConfig::default();
    let mut kept = Kept::default();
    let old = nanos(config.retention) + 1;
    (0..10).for_each(|_| kept.push(0, Record::Line(line("old"))));
    assert_eq!(kept.evict(old, &config, 4).len(), 4);
    assert_eq!(kept.usage().entries, 6);
    assert_eq!(kept.evict(old, &config, 8).len(), 6);
    assert_eq!(
        kept.usage(),
        Usage {
            entries: 0,
            bytes: 0
        }
    );

    let ring = Ring::new(config.clone());
    append(&ring, 0..4 * PAGE as u64);
    advance(config.retention + Duration::from_secs(1)).await;
    assert_eq!(ring.usage().entries, 0);
}

#[test]
fn a_long_line_takes_the_place_of_many_short_ones() {
    let ring = ring_of(8 * PAGE);
    append(&ring, 0..16 * PAGE as u64);
    let first = ring.begin(&Start::Oldest, &all()).at;
    let batch = ring.read(first + 2 * PAGE as u64, &all(), MOST);
    let old = Arc::downgrade(&batch.entries[0]);
    drop(batch);
    ring.append(line(&"x".repeat(ring.config().max_bytes / 2)));
    // Before anybody looks.
    assert!(old.upgrade().is_none());
}
