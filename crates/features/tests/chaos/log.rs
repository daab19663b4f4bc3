//! Production's log and its reader: every line is written once, and the reader accounts for each.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use features::logs::client::{LogItem, LogStream};
use features::logs::wire::{Cause, Missed};
use features::logs::{Entry, Level, Line, LogsConfig, Ring};
use testkit::luck::Luck;

/// Production's log. A line's message is its number, which counts through all starts of the server.
#[derive(Debug)]
pub(crate) struct Log(Mutex<Written>);

#[derive(Debug)]
struct Written {
    ring: Arc<Ring>,
    lines: u64,
    /// The number of the first line of each start.
    starts: Vec<u64>,
}

/// What the reader knows of all lines before `next`.
#[derive(Debug, Default)]
pub(crate) struct Account {
    /// The first line of which nothing is known yet.
    pub(crate) next: u64,
    pub(crate) received: u64,
    /// How many the server has counted as missing.
    pub(crate) counted: u64,
    /// How many went with a start of the server that had them; it said that some might be.
    pub(crate) gone: u64,
    /// How often the session was lost.
    pub(crate) losses: u64,
    /// How many lines were counted since the server was heard to have started anew, unless it has
    /// given a line since.
    anew: Option<u64>,
}

impl Log {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Written {
            ring: Arc::new(ring()),
            lines: 0,
            starts: vec![0],
        }))
    }

    /// Returns the ring of the server that runs.
    pub(crate) fn ring(&self) -> Arc<Ring> {
        Arc::clone(&self.lock().ring)
    }

    /// Returns how many lines were written.
    pub(crate) fn lines(&self) -> u64 {
        self.lock().lines
    }

    /// Begins the log of a new start of the server, which knows nothing of the lines before.
    pub(crate) fn begin_anew(&self, ring: Arc<Ring>) {
        let mut written = self.lock();
        let first = written.lines;
        written.starts.push(first);
        written.ring = ring;
    }

    /// Writes so many lines.
    pub(crate) fn write(&self, count: u64) {
        let mut written = self.lock();
        for _ in 0..count {
            written.ring.append(line(written.lines));
            written.lines += 1;
        }
    }

    /// Writes lines, some at once and then none for a while, without end.
    pub(crate) async fn keep_writing(&self, mut luck: Luck) -> ! {
        loop {
            self.write(luck.below(20));
            luck.pause(Duration::ZERO, Duration::from_secs(3)).await;
        }
    }

    /// Returns the first line of the start in which a line was written.
    fn start_of(&self, line: u64) -> u64 {
        let starts = &self.lock().starts;
        let later = starts.partition_point(|&first| first <= line);
        starts[later - 1]
    }

    fn lock(&self) -> MutexGuard<'_, Written> {
        self.0.lock().expect("nobody panics here")
    }
}

impl Account {
    /// Takes what comes until the account reaches `end`, and looks away now and then.
    pub(crate) async fn keep(
        &mut self,
        log: &Log,
        stream: &mut LogStream,
        luck: &mut Luck,
        end: impl Fn() -> Option<u64>,
    ) {
        while end().is_none_or(|end| self.next < end) {
            let item = stream.next().await.expect("the stream never gives up");
            self.take(log, item.expect("the stream has no end"));
            if luck.chance(1) {
                luck.pause(Duration::ZERO, Duration::from_secs(60)).await;
            }
        }
    }

    fn take(&mut self, log: &Log, item: LogItem) {
        match item {
            LogItem::Reconnected { .. } => self.losses += 1,
            LogItem::Missed(missed) => self.miss(missed),
            LogItem::Entry(entry) => self.enter(log, &entry),
        }
    }

    fn miss(&mut self, missed: Missed) {
        match (missed.cause, missed.entries, &mut self.anew) {
            (Cause::Restart, None, anew) => *anew = Some(0),
            (Cause::Overrun, Some(entries), Some(anew)) => *anew += entries,
            (Cause::Overrun, Some(entries), None) => {
                self.counted += entries;
                self.next += entries;
            }
            _ => panic!("{missed:?}"),
        }
    }

    fn enter(&mut self, log: &Log, entry: &Entry) {
        let number: u64 = entry.line.message.parse().expect("a number");
        assert_eq!(entry.sequence, number - log.start_of(number), "{self:?}");
        if let Some(counted) = self.anew.take() {
            let gap = number.checked_sub(self.next + counted);
            self.gone += gap.unwrap_or_else(|| panic!("{number} comes again: {self:?}"));
            self.counted += counted;
            assert!(log.start_of(number) > 0, "there was a start anew");
        } else {
            assert_eq!(number, self.next, "{self:?}");
        }
        self.next = number + 1;
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

fn line(number: u64) -> Line {
    Line {
        time: number,
        level: Level::INFO,
        service: "api".to_owned(),
        message: number.to_string(),
        fields: BTreeMap::new(),
        raw: None,
    }
}
