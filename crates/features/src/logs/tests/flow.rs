//! Flows over a network without faults.

use futures_util::future::BoxFuture;
use tokio::sync::watch;
use tokio::time::Instant;
use transport::channel::Channel;
use transport::flow::Drain;
use transport::router::{Handler, MOVE, ServeError, Visit};
use wire::Status;

use super::super::client::LogsError;
use super::super::wire::{Item, Missed};
use super::super::{Compare, FieldTest};
use super::*;

#[tokio::test(start_paused = true)]
async fn a_line_arrives_after_one_way_over_the_network() {
    let play = Play::begin(ring_of(100)).await;
    let mut stream = play.follow().await;
    let start = Instant::now();
    play.append([1]);
    assert_eq!(numbers(&mut stream, 1).await, [1]);
    // The link takes 10 ms; nothing waits for a batch to fill.
    assert!(
        start.elapsed() < Duration::from_millis(15),
        "{:?}",
        start.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn a_tail_and_what_follows_have_no_seam() {
    let play = Play::begin(ring_of(10_000)).await;
    play.append(0..500);
    let appending = async {
        for number in 500..1500 {
            play.append([number]);
            tokio::time::sleep(Duration::from_micros(100)).await;
        }
    };
    let reading = async {
        let start = Start::Tail(300);
        let mut stream = play.open(start, Follow::On, Filter::default()).await;
        let first = numbers(&mut stream, 1).await[0];
        (first, numbers(&mut stream, 1499 - first as usize).await)
    };
    let ((first, rest), ()) = tokio::join!(reading, appending);
    // Some were appended while the request was on its way.
    assert!((200..800).contains(&first), "{first}");
    assert_eq!(rest, (first + 1..1500).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn without_following_a_flow_ends_where_the_ring_ended() {
    let play = Play::begin(ring_of(10_000)).await;
    play.append(0..1000);
    let start = Start::Tail(600);
    let mut stream = play.open(start, Follow::Off, Filter::default()).await;
    play.append(1000..1010);
    assert_eq!(
        numbers(&mut stream, 600).await,
        (400..1000).collect::<Vec<_>>()
    );
    assert_eq!(stream.next().await.unwrap(), None);
    assert_eq!(stream.next().await.unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn without_following_an_empty_ring_ends_at_once() {
    let play = Play::begin(ring_of(10)).await;
    let mut stream = play
        .open(Start::Oldest, Follow::Off, Filter::default())
        .await;
    assert_eq!(stream.next().await.unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_wanted_does_not_cross_the_network() {
    let play = Play::begin(ring_of(10_000)).await;
    let mut stream = play.open(Start::Oldest, Follow::On, errors()).await;
    // QUIC tries out how long a packet may be, and then is quiet.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let before = play.pair.network.bytes_sent();
    for _ in 0..100 {
        for _ in 0..10 {
            play.ring.append(line(&"x".repeat(1000)));
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    play.ring.append(Line {
        level: Level::FATAL,
        ..line("7")
    });
    assert_eq!(numbers(&mut stream, 1).await, [7]);
    let bytes = play.pair.network.bytes_sent() - before;
    assert!(bytes < 2_000, "{bytes} bytes of a megabyte");
}

#[tokio::test(start_paused = true)]
async fn several_services_are_chosen_by_name() {
    let play = Play::begin(ring_of(100)).await;
    let filter = Filter {
        services: vec!["api".into(), "worker".into()],
        ..Filter::default()
    };
    for (number, service) in ["web", "api", "worker", "web", "api"].iter().enumerate() {
        play.ring.append(Line {
            origin: Origin::service(service),
            ..line(&number.to_string())
        });
    }
    let mut stream = play.open(Start::Oldest, Follow::Off, filter).await;
    assert_eq!(numbers(&mut stream, 3).await, [1, 2, 4]);
    assert_eq!(stream.next().await.unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn the_longest_line_goes_through() {
    let play = Play::begin(Ring::new(LogsConfig::default())).await;
    let mut stream = play.follow().await;
    let longest = Line {
        raw: Some(vec![0xff; 2_000_000]),
        ..line(&"x".repeat(2_000_000))
    };
    play.ring.append(longest);
    let LogItem::Entry(entry) = next(&mut stream).await else {
        panic!("no entry")
    };
    assert_eq!(entry.line().unwrap().raw(), vec![0xff; 1024 * 1024]);
    assert_eq!(entry.line().unwrap().message.len(), 1024 * 1024);
    assert_eq!(
        entry.line().unwrap().fields.get("truncated"),
        Some("2000000")
    );
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_stands_still_holds_nobody_up_and_hears_what_it_missed() {
    let play = Play::begin(ring_of(1000)).await;
    let mut slow = play.follow().await;
    let mut quick = play.follow().await;
    let total = 20_000;
    for first in (0..total).step_by(100) {
        for _ in first..first + 100 {
            play.ring.append(line(&"x".repeat(500)));
        }
        for expected in first..first + 100 {
            let LogItem::Entry(entry) = next(&mut quick).await else {
                panic!("the quick one misses nothing")
            };
            assert_eq!(entry.sequence, expected);
        }
    }
    let (mut at, mut missing) = (0, 0);
    while at < total {
        match next(&mut slow).await {
            LogItem::Entry(entry) => {
                assert_eq!(entry.sequence, at);
                at += 1;
            }
            LogItem::Missed(Missed { entries, .. }) => {
                missing += entries.unwrap();
                at += entries.unwrap();
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(at, total);
    assert!(missing > 0, "QUIC's window must have been full");
}

#[tokio::test(start_paused = true)]
async fn every_item_says_where_its_reader_is() {
    let play = Play::begin(ring_of(10)).await;
    let begin = play.ring.cursor(play.ring.end());
    play.append(0..100);
    let (first, end) = (
        everything(&play.ring)[0].sequence,
        play.ring.cursor(play.ring.end()),
    );
    let open = Open {
        start: Start::At(vec![begin]),
        follow: Follow::Off,
        filter: Filter::default(),
    };
    let session = play.keeper.session().await.unwrap();
    let mut drain = Drain::<Item>::new(session.open(&PROTOCOL, &open).await.unwrap());
    let mut cursors = Vec::new();
    while let Some(item) = drain.next().await.unwrap() {
        cursors.push(item.cursor());
    }
    // Nothing yet, so many missing, the rest.
    let missed = Cursor {
        sequence: first,
        ..begin
    };
    assert_eq!(cursors, [begin, missed, end]);
}

#[tokio::test(start_paused = true)]
async fn a_filter_is_changed_on_the_way_and_no_line_is_lost_or_comes_twice() {
    let play = Play::begin(ring_of(10_000)).await;
    let mut stream = play.follow().await;
    let write = |numbers: std::ops::Range<u64>| {
        for number in numbers {
            let level = [Level::INFO, Level::ERROR][number as usize % 2];
            let line = line(&number.to_string());
            play.ring.append(Line { level, ..line });
        }
    };
    write(0..500);
    let seen = numbers(&mut stream, 101).await;
    assert_eq!(seen.last(), Some(&100));
    stream.set_filter(errors()).unwrap();
    write(500..1000);
    let (mut rest, mut opened) = (Vec::new(), None);
    while rest.last() != Some(&999) {
        match next(&mut stream).await {
            LogItem::Entry(entry) => rest.push(entry.sequence),
            LogItem::Opened(_) => opened = opened.or(Some(rest.len())),
            other => panic!("{other:?}"),
        }
    }
    // What had come already came first.
    let opened = opened.unwrap();
    let until = 101 + opened as u64;
    assert_eq!(rest[..opened], (101..until).collect::<Vec<_>>());
    let errors: Vec<_> = (until..1000).filter(|number| number % 2 == 1).collect();
    assert_eq!(rest[opened..], errors);
    // And back.
    stream.set_filter(Filter::default()).unwrap();
    write(1000..1100);
    let opened = next(&mut stream).await;
    assert!(matches!(opened, LogItem::Opened(_)), "{opened:?}");
    let all = (1000..1100).collect::<Vec<_>>();
    assert_eq!(numbers(&mut stream, 100).await, all);
}

#[tokio::test(start_paused = true)]
async fn a_filter_that_makes_no_sense_changes_nothing() {
    let play = Play::begin(ring_of(10)).await;
    let mut stream = play.follow().await;
    let filter = Filter {
        grep: vec!["a(b".into()],
        ..Filter::default()
    };
    stream.set_filter(filter).unwrap_err();
    play.append(0..3);
    assert_eq!(numbers(&mut stream, 3).await, [0, 1, 2]);
}

#[tokio::test(start_paused = true)]
async fn a_flow_that_is_opened_says_which_fields_nobody_has() {
    let play = Play::begin(ring_of(10)).await;
    let mut known = line("1");
    known.fields.set("status", "200");
    play.ring.append(known);
    let filter = Filter {
        fields: vec![FieldTest {
            name: "state".into(),
            compare: Compare::Is,
            value: "200".into(),
        }],
        ..Filter::default()
    };
    let open = Open { filter, ..FOLLOW };
    let mut stream = LogStream::open(&play.keeper, open).await.unwrap();
    let LogItem::Opened(stock) = next(&mut stream).await else {
        panic!("it says first what there is")
    };
    assert_eq!(stock.fields.unknown, ["state"]);
    assert_eq!(
        (stock.fields.known, stock.entries),
        (vec!["status".into()], 1)
    );
}

/// The server half, which tells when it has served a channel.
#[derive(Debug)]
struct Watched(Logs, watch::Sender<u32>);

impl Handler for Watched {
    fn serve<'a>(
        &'a self,
        channel: &'a mut Channel,
        visit: &'a Visit,
    ) -> BoxFuture<'a, Result<(), ServeError>> {
        Box::pin(async move {
            let served = self.0.serve(channel, visit).await;
            self.1.send_modify(|count| *count += 1);
            served
        })
    }
}

#[tokio::test(start_paused = true)]
async fn a_source_that_has_nothing_to_pour_notices_that_its_sink_is_gone() {
    let ring = Arc::new(ring_of(10));
    let (served, mut count) = watch::channel(0);
    let mut router = Router::default();
    router.add(PROTOCOL, Arc::new(Watched(Logs::new(ring), served)));
    let pair = Pair::serve(router, Scopes::default(), Link::default());
    let keeper = Keeper::start(pair.dial_from(2), PATIENT).await.unwrap();
    drop(LogStream::open(&keeper, FOLLOW).await.unwrap());
    let start = Instant::now();
    count.wait_for(|&count| count == 1).await.unwrap();
    assert!(
        start.elapsed() < Duration::from_secs(1),
        "{:?}",
        start.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn next_may_be_cancelled_at_any_moment() {
    let play = Play::begin(ring_of(10_000)).await;
    let mut stream = play.follow().await;
    play.append(0..1000);
    let mut seen = Vec::new();
    while seen.len() < 1000 {
        let patience = Duration::from_millis(1);
        if let Ok(item) = tokio::time::timeout(patience, next(&mut stream)).await {
            let LogItem::Entry(entry) = item else {
                panic!("{item:?}")
            };
            seen.push(entry.sequence);
        }
    }
    assert_eq!(seen, (0..1000).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn a_server_without_the_feature_refuses_when_the_stream_is_opened() {
    let pair = Pair::serve(Router::default(), Scopes::default(), Link::default());
    let keeper = Keeper::start(pair.dial_from(2), PATIENT).await.unwrap();
    match LogStream::open(&keeper, FOLLOW).await {
        Err(LogsError::Refused(fault)) => assert_eq!(fault.status, Status::NOT_FOUND),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_stops_is_held_up_by_those_who_follow_for_as_long_as_they_may_move() {
    let play = Play::begin(ring_of(10)).await;
    let _stream = play.follow().await;
    let start = Instant::now();
    let late = play.pair.server.shutdown(Duration::from_secs(10)).await;
    assert_eq!(late, [""; 0]);
    assert!(
        start.elapsed() < MOVE + Duration::from_millis(500),
        "{:?}",
        start.elapsed()
    );
}

const FOLLOW: Open = Open {
    start: Start::Oldest,
    follow: Follow::On,
    filter: Filter::ALL,
};
