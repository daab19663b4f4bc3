//! Production's log and its reader: every line is written once, and the reader accounts for each.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use features::logs::client::{LogItem, LogStream};
use features::logs::wire::{Cause, Missed};
use features::logs::{Entry, Fields, Level, Line, LogsConfig, Origin, Ring};
use testkit::luck::Luck;

/// Production's log: a ring for each start of the server, of which two may run at a time. A line's
/// message is the number of its start and its own number there.
#[derive(Debug)]
pub(crate) struct Log(Mutex<Vec<Written>>);

/// What one start has written.
#[derive(Debug)]
struct Written {
    ring: Arc<Ring>,
    lines: u64,
    running: bool,
}

/// What the reader knows.
#[derive(Debug, Default)]
pub(crate) struct Account {
    /// For each start of which a line was seen, the first line of which nothing is known yet.
    next: BTreeMap<usize, u64>,
    pub(crate) received: u64,
    /// How many lines the server has counted as missing.
    pub(crate) counted: u64,
    /// Those of them behind which a line has come since.
    found_missing: u64,
    /// How often the server was heard to have started anew.
    pub(crate) anew: usize,
    /// How often the session was lost.
    pub(crate) losses: u64,
}

impl Log {
    pub(crate) fn new() -> Self {
        let log = Self(Mutex::default());
        log.begin(Arc::new(ring()));
        log
    }

    /// Returns the ring of the newest start.
    pub(crate) fn newest(&self) -> Arc<Ring> {
        let starts = self.lock();
        Arc::clone(&starts.last().expect("there is one").ring)
    }

    /// Returns how many lines were written, by all starts and by the last one.
    pub(crate) fn lines(&self) -> (u64, u64) {
        let starts = self.lock();
        let all = starts.iter().map(|start| start.lines).sum();
        (all, starts.last().map_or(0, |last| last.lines))
    }

    /// Begins the log of a start, which knows nothing of those before.
    pub(crate) fn begin(&self, ring: Arc<Ring>) {
        self.lock().push(Written {
            ring,
            lines: 0,
            running: true,
        });
    }

    /// Ends the log of a start.
    pub(crate) fn end(&self, ring: &Arc<Ring>) {
        for start in self.lock().iter_mut() {
            start.running &= !Arc::ptr_eq(&start.ring, ring);
        }
    }

    /// Writes so many lines in each start that runs.
    pub(crate) fn write(&self, count: u64) {
        for (number, start) in self.lock().iter_mut().enumerate() {
            for _ in 0..if start.running { count } else { 0 } {
                start.ring.append(line(number, start.lines));
                start.lines += 1;
            }
        }
    }

    /// Writes lines, some at once and then none for a while, without end.
    pub(crate) async fn keep_writing(&self, mut luck: Luck) -> ! {
        loop {
            self.write(luck.below(20));
            luck.pause(Duration::ZERO, Duration::from_secs(3)).await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Written>> {
        self.0.lock().expect("nobody panics here")
    }
}

impl Account {
    /// Takes what comes until the last line has, and looks away now and then.
    pub(crate) async fn keep(
        &mut self,
        log: &Log,
        stream: &mut LogStream,
        luck: &mut Luck,
        is_last: impl Fn() -> bool,
    ) {
        while !(is_last() && self.has_last_of(log)) {
            let item = stream.next().await.expect("the stream never gives up");
            self.take(item.expect("the stream has no end"));
            if luck.chance(1) {
                luck.pause(Duration::ZERO, Duration::from_secs(60)).await;
            }
        }
    }

    /// Closes the account: every line was received, is counted as missing, or went with a start of
    /// the server after which the next one said that some may be missing. Returns how many did.
    pub(crate) fn close(&self, log: &Log) -> u64 {
        let seen: u64 = self.next.values().sum();
        let (all, _) = log.lines();
        let gone = all - self.received - self.found_missing;
        // What was counted and not found missing between two lines went with its start.
        assert!(self.counted - self.found_missing <= gone, "{self:?}");
        assert!(self.received + self.found_missing <= seen, "{self:?}");
        assert!(gone == 0 || self.anew > 0, "{gone} are gone: {self:?}");
        gone
    }

    fn has_last_of(&self, log: &Log) -> bool {
        let starts = log.lock();
        let last = starts.len() - 1;
        self.next.get(&last) == Some(&starts[last].lines)
    }

    fn take(&mut self, item: LogItem) {
        match item {
            LogItem::Opened(_) => {}
            LogItem::Reconnected { .. } => self.losses += 1,
            LogItem::Missed(Missed { cause, entries, .. }) => match (cause, entries) {
                (Cause::Restart, None) => self.anew += 1,
                (Cause::Overrun, Some(entries)) => self.counted += entries,
                missed => panic!("{missed:?}"),
            },
            LogItem::Entry(entry) => self.enter(&entry),
        }
    }

    /// Enters a line. Lines of one start come in their order and none twice, and between two of them
    /// no more are missing than the server has counted.
    fn enter(&mut self, entry: &Entry) {
        let message = entry
            .line()
            .unwrap()
            .message
            .split_once(' ')
            .expect("two numbers");
        let (start, number): (usize, u64) =
            (message.0.parse().unwrap(), message.1.parse().unwrap());
        assert_eq!(entry.sequence, number);
        match self.next.insert(start, number + 1) {
            Some(next) => {
                assert!(number >= next, "{message:?} comes again: {self:?}");
                self.found_missing += number - next;
                let counted = self.found_missing <= self.counted;
                assert!(counted, "before {message:?} lines are missing: {self:?}");
            }
            // What it had lost before the reader came, nobody counts.
            None => assert!(start == 0 || self.anew + 1 >= self.next.len(), "{self:?}"),
        }
        self.received += 1;
    }
}

/// Returns a ring that an outage of a minute or two overruns.
pub(crate) fn ring() -> Ring {
    Ring::new(LogsConfig {
        max_bytes: 128 * 1024,
        ..LogsConfig::default()
    })
}

fn line(start: usize, number: u64) -> Line {
    Line {
        time: number,
        level: Level::INFO,
        origin: Origin::service("api"),
        message: format!("{start} {number}"),
        fields: Fields::default(),
        raw: None,
    }
}
