//! Flows that lose their session, or their server.

use transport::keeper::GiveUp;

use super::super::client::LogsError;
use super::super::wire::{Cause, Missed};
use super::*;

/// Longer than a session outlives its link.
const LONG: Duration = Duration::from_secs(15);

fn is_reconnected(item: &LogItem) -> bool {
    matches!(item, LogItem::Reconnected { .. })
}

#[tokio::test(start_paused = true)]
async fn a_flow_goes_on_after_a_cut_without_gap_or_duplicate() {
    let play = Play::begin(ring_of(1000)).await;
    let mut stream = play.follow().await;
    play.append(0..10);
    assert_eq!(numbers(&mut stream, 5).await, [0, 1, 2, 3, 4]);
    play.pair.network.cut();
    play.append(10..20);
    tokio::time::sleep(LONG).await;
    play.append(20..30);
    play.pair.network.mend();
    // What had come before the cut comes first.
    assert_eq!(numbers(&mut stream, 5).await, [5, 6, 7, 8, 9]);
    let LogItem::Reconnected { away } = next(&mut stream).await else {
        panic!("a session was lost")
    };
    assert!(away < Duration::from_secs(10), "{away:?}");
    assert_eq!(numbers(&mut stream, 20).await, (10..30).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn what_left_the_ring_during_a_cut_is_counted_exactly() {
    let play = Play::begin(ring_of(10)).await;
    let mut stream = play.follow().await;
    play.append(0..5);
    assert_eq!(numbers(&mut stream, 5).await, [0, 1, 2, 3, 4]);
    play.pair.network.cut();
    play.append(5..1000);
    let first = everything(&play.ring)[0].sequence;
    tokio::time::sleep(LONG).await;
    play.pair.network.mend();
    assert!(is_reconnected(&next(&mut stream).await));
    let missed = LogItem::Missed(Missed {
        since: Some(1),
        until: Some(1),
        ..Missed::new(Some(first - 5), Cause::Overrun)
    });
    assert_eq!(next(&mut stream).await, missed);
    assert_eq!(
        numbers(&mut stream, 1000 - first as usize).await,
        (first..1000).collect::<Vec<_>>()
    );
}

#[tokio::test(start_paused = true)]
async fn a_server_that_starts_anew_gives_all_it_has_and_says_that_some_may_be_missing() {
    let mut play = Play::begin(ring_of(100)).await;
    let mut stream = play.follow().await;
    play.append(0..5);
    assert_eq!(numbers(&mut stream, 5).await, [0, 1, 2, 3, 4]);
    let ring = ring_of(100);
    append(&ring, 100..103);
    play.restart(ring).await;
    assert!(is_reconnected(&next(&mut stream).await));
    let missed = LogItem::Missed(Missed {
        since: Some(1),
        until: Some(1),
        ..Missed::ANEW
    });
    assert_eq!(next(&mut stream).await, missed);
    assert_eq!(numbers(&mut stream, 3).await, [100, 101, 102]);
    play.append(103..105);
    assert_eq!(numbers(&mut stream, 2).await, [103, 104]);
}

#[tokio::test(start_paused = true)]
async fn a_cursor_moves_on_though_nothing_is_wanted() {
    let play = Play::begin(ring_of(20)).await;
    let mut stream = play.open(Start::Oldest, Follow::On, errors()).await;
    let quiet = async {
        for number in 0..200 {
            play.append([number]);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        // Long enough for the last to be told.
        tokio::time::sleep(Duration::from_secs(6)).await;
        play.pair.network.cut();
        tokio::time::sleep(LONG).await;
        play.pair.network.mend();
        play.ring.append(Line {
            level: Level::ERROR,
            ..line("7")
        });
    };
    let reading = async {
        assert!(is_reconnected(&next(&mut stream).await));
        // Nothing was missed, though the ring has long lost most.
        assert_eq!(numbers(&mut stream, 1).await, [7]);
    };
    tokio::join!(quiet, reading);
}

#[tokio::test(start_paused = true)]
async fn a_tail_that_is_cut_in_the_middle_is_not_begun_anew() {
    let play = Play::begin(ring_of(50_000)).await;
    play.append(0..20_000);
    let start = Start::Tail(20_000);
    let mut stream = play.open(start, Follow::Off, Filter::default()).await;
    let mut seen = numbers(&mut stream, 1).await;
    play.pair.network.cut();
    tokio::time::sleep(LONG).await;
    play.pair.network.mend();
    let mut losses = 0;
    while let Some(item) = stream.next().await.unwrap() {
        match item {
            LogItem::Entry(entry) => seen.push(entry.sequence),
            item => {
                assert!(is_reconnected(&item), "{item:?}");
                losses += 1;
            }
        }
    }
    assert_eq!((losses, seen), (1, (0..20_000).collect::<Vec<_>>()));
}

#[tokio::test(start_paused = true)]
async fn a_keeper_that_gives_up_ends_the_stream_with_its_reason() {
    let play = Play::begin(ring_of(10)).await;
    let mut stream = play.follow().await;
    play.keeper.close().await;
    let error = stream.next().await.unwrap_err();
    assert!(
        matches!(error, LogsError::GaveUp(GiveUp::Closed)),
        "{error:?}"
    );
}
