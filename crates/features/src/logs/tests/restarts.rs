//! Servers whose ring outlives them, under the eyes of readers.

use std::fs::OpenOptions;

use testkit::luck::Luck;

use super::super::cursors::Cursors;
use super::super::wire::{Cause, Missed};
use super::*;

/// How a server ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    InOrder,
    Killed,
}

impl Play {
    /// Ends the server and starts it again, with what it has on the disk.
    async fn start_again(&mut self, config: &LogsConfig, end: End) {
        if end == End::InOrder {
            self.pair.server.shutdown(Duration::from_secs(10)).await;
            self.ring.finish();
        } else {
            self.pair.server.kill().await;
        }
        // The folder is free when nobody has the old ring any more.
        self.ring = Arc::new(ring_of(1));
        self.restart(start(config)).await;
    }
}

/// Takes items up to the last number, and returns in words what came.
async fn tell(stream: &mut LogStream, last: u64) -> Vec<String> {
    let mut told = Vec::new();
    while told.last() != Some(&last.to_string()) {
        told.push(match next(stream).await {
            LogItem::Entry(entry) => message((*entry).clone()),
            LogItem::Missed(Missed { cause, entries, .. }) => format!("{cause:?} {entries:?}"),
            LogItem::Reconnected { .. } => "reconnected".to_owned(),
            opened @ LogItem::Opened(_) => panic!("{opened:?}"),
        });
    }
    told
}

#[tokio::test(start_paused = true)]
async fn a_stream_goes_on_through_a_restart_without_a_gap() {
    let folder = folder();
    let config = disk_of(1000, &folder);
    let mut play = Play::begin(start(&config)).await;
    let mut stream = play.follow().await;
    play.append(0..3);
    assert_eq!(tell(&mut stream, 2).await, ["first", "0", "1", "2"]);
    play.start_again(&config, End::InOrder).await;
    play.append(3..5);
    let told = tell(&mut stream, 4).await;
    assert_eq!(told, ["reconnected", "started", "3", "4"]);
}

#[tokio::test(start_paused = true)]
async fn what_a_reader_had_not_seen_of_a_killed_server_comes_from_the_next() {
    let folder = folder();
    let config = disk_of(1000, &folder);
    let mut play = Play::begin(start(&config)).await;
    let mut stream = play.follow().await;
    play.append(0..3);
    assert_eq!(tell(&mut stream, 2).await, ["first", "0", "1", "2"]);
    play.pair.network.cut();
    play.append(3..50);
    tokio::time::sleep(Duration::from_secs(1)).await;
    play.start_again(&config, End::Killed).await;
    play.pair.network.mend();
    play.append(50..51);
    let told = tell(&mut stream, 50).await;
    let mut expected = vec!["reconnected".to_owned()];
    expected.extend((3..50).map(|number: u64| number.to_string()));
    expected.extend(["cut off".to_owned(), "50".to_owned()]);
    assert_eq!(told, expected);
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_visits_another_instance_comes_back_to_its_place() {
    let folder = folder();
    let config = disk_of(1000, &folder);
    let mut play = Play::begin(start(&config)).await;
    let mut stream = play.follow().await;
    play.append(0..3);
    assert_eq!(tell(&mut stream, 2).await, ["first", "0", "1", "2"]);
    let first = Arc::clone(&play.ring);
    play.pair.server.kill().await;
    let other = ring_of(10);
    append(&other, 100..102);
    play.restart(other).await;
    let told = tell(&mut stream, 101).await;
    assert_eq!(told, ["reconnected", "Restart None", "100", "101"]);
    play.pair.server.kill().await;
    append(&first, 3..5);
    play.ring = first;
    play.pair
        .restart(router(&play.ring), Scopes::default())
        .await;
    let told = tell(&mut stream, 4).await;
    assert_eq!(told, ["reconnected", "Restart None", "3", "4"]);
}

/// A reader that keeps its cursors and looks whether it is told the truth.
#[derive(Debug, Default)]
struct Reader {
    cursors: Cursors,
    /// Where it reads in the ring of the start that runs.
    at: Option<u64>,
    /// The last number that it has read.
    last: Option<u64>,
    /// Whether nobody can know what it has missed.
    away: bool,
    read: u64,
    missed: u64,
    restarts: u64,
}

impl Reader {
    /// Takes up where it was, as a flow does that is opened.
    fn resume(&mut self, ring: &Ring) {
        let begun = match self.cursors.last() {
            Some(_) => ring.begin(&Start::At(self.cursors.to_vec()), &all()),
            None => ring.begin(&Start::Oldest, &all()),
        };
        if let Some(missed) = begun.missed {
            assert_eq!((missed.entries, missed.cause), (None, Cause::Restart));
            assert!(self.away, "nothing was lost: {self:?}");
            self.restarts += 1;
        } else if let (Some(cursor), false) = (self.cursors.last(), self.away) {
            assert_eq!(begun.at, cursor.sequence, "{self:?}");
        }
        self.away = false;
        self.at = Some(begun.at);
    }

    fn read(&mut self, ring: &Ring, most: u64) {
        if self.at.is_none() {
            self.resume(ring);
        }
        let at = self.at.unwrap();
        let most = Most {
            entries: most,
            ..MOST
        };
        let batch = ring.read(at, &all(), most);
        let gap = batch.missed.map_or(0, |missed| missed.entries.unwrap());
        assert_eq!(at + gap, batch.from, "{self:?}");
        self.missed += gap;
        for (sequence, entry) in (batch.from..).zip(&batch.entries) {
            assert_eq!(entry.sequence, sequence);
            if let Some(line) = entry.line() {
                let number = line.message.parse().unwrap();
                assert!(self.last < Some(number), "{number} again: {self:?}");
                self.last = Some(number);
                self.read += 1;
            }
        }
        assert_eq!(batch.from + batch.entries.len() as u64, batch.next);
        self.at = Some(batch.next);
        self.cursors.advance(ring.cursor(batch.next));
    }
}

/// Takes from the last segment some of what a machine that crashes had not written yet; what a
/// start waits for is there.
fn crash(folder: &TempDir, luck: &mut Luck) {
    let (file, head) = store::last_segment(folder);
    let length = std::fs::metadata(&file).unwrap().len();
    let file = OpenOptions::new().write(true).open(file).unwrap();
    file.set_len(head + luck.below(length - head + 1)).unwrap();
}

/// A while of random appends, restarts, and readers that look away.
fn years(seed: u64) -> Vec<Reader> {
    let (mut luck, folder) = (Luck::new(seed), folder());
    let config = disk_of(60, &folder);
    let elsewhere = ring_of(1);
    let mut ring = start(&config);
    let mut readers: Vec<Reader> = (0..3).map(|_| Reader::default()).collect();
    let mut number = 0;
    for _ in 0..400 {
        let lines = number..number + luck.below(30);
        number = lines.end;
        if luck.chance(500) {
            append(&ring, lines);
        } else {
            ring.append_all(lines.map(|number| Record::Line(line(&number.to_string()))));
        }
        for reader in &mut readers {
            match luck.below(10) {
                0 => reader.at = None,
                1 => {
                    reader.cursors.advance(elsewhere.cursor(0));
                    (reader.at, reader.away) = (None, true);
                }
                2..6 => reader.read(&ring, 1 + luck.below(60)),
                _ => {}
            }
        }
        if luck.chance(100) {
            let end = luck.below(3);
            if end == 0 {
                ring.finish();
            }
            drop(ring);
            if end == 1 {
                crash(&folder, &mut luck);
            }
            ring = start(&config);
            for reader in &mut readers {
                reader.at = None;
                reader.away |= end == 1;
            }
        }
    }
    append(&ring, [number]);
    for reader in &mut readers {
        while reader.at != Some(ring.end()) {
            reader.read(&ring, 100);
        }
        assert_eq!(reader.last, Some(number));
    }
    readers
}

#[test]
fn every_line_comes_once_or_one_gap_accounts_for_it() {
    let mut all = Reader::default();
    for seed in 0..10 {
        for reader in years(seed) {
            all.read += reader.read;
            all.missed += reader.missed;
            all.restarts += reader.restarts;
        }
    }
    // It was not always the same.
    assert!(
        all.read > 10_000 && all.missed > 1_000 && all.restarts > 30,
        "{all:?}"
    );
}
