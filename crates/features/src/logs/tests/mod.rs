//! Logs: the ring and what feeds it, the bytes, and flows over a virtual network.

mod feed;
mod file;
mod flow;
mod golden;
mod loss;
mod moving;
mod restarts;
mod ring;
mod speed;
mod store;
mod storm;
mod survey;
#[cfg(unix)]
mod work;

use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use testkit::net::Link;
use testkit::pair::{Instance, Pair};
use transport::backoff::BackoffPolicy;
use transport::keeper::{Keeper, Reconnect};
use transport::router::Router;
use transport::tasks::Tasks;
use transport::trust::Scopes;

use super::client::{LogItem, LogStream};
use super::clock::Clock;
use super::server::Logs;
use super::wire::{Cursor, Follow, Open, Start};
use super::{
    Before, Entry, Event, Fields, Filter, Level, Levels, Line, LogsConfig, Most, Origin, PROTOCOL,
    Record, Ring, Sieve,
};

/// A client with a keeper, and a server with a ring, on a virtual network.
struct Play {
    ring: Arc<Ring>,
    pair: Pair,
    keeper: Keeper,
}

impl Play {
    async fn begin(ring: Ring) -> Self {
        let ring = Arc::new(ring);
        let pair = Pair::serve(router(&ring), Scopes::default(), Link::default());
        let keeper = Keeper::start(pair.dial_from(2), PATIENT)
            .await
            .expect("a session");
        Self { ring, pair, keeper }
    }

    /// Ends the server and starts another with a ring of its own.
    async fn restart(&mut self, ring: Ring) {
        self.ring = Arc::new(ring);
        self.pair
            .restart(router(&self.ring), Scopes::default())
            .await;
    }

    /// Starts another instance with a ring of its own, and returns the one before it, which runs on.
    fn deploy(&mut self, ring: Arc<Ring>) -> Instance {
        self.ring = ring;
        let router = router(&self.ring);
        self.pair.deploy(router, Scopes::default())
    }

    async fn open(&self, start: Start, follow: Follow, filter: Filter) -> LogStream {
        let open = Open {
            start,
            follow,
            filter,
        };
        let mut stream = LogStream::open(&self.keeper, open).await.expect("a flow");
        let opened = next(&mut stream).await;
        assert!(matches!(opened, LogItem::Opened(_)), "{opened:?}");
        stream
    }

    /// Follows everything from the oldest entry.
    async fn follow(&self) -> LogStream {
        self.open(Start::Oldest, Follow::On, Filter::default())
            .await
    }

    fn append(&self, messages: impl IntoIterator<Item = u64>) {
        append(&self.ring, messages);
    }
}

fn router(ring: &Arc<Ring>) -> Router {
    let mut router = Router::default();
    router.add(PROTOCOL, Arc::new(Logs::new(Arc::clone(ring))));
    router
}

fn append(ring: &Ring, messages: impl IntoIterator<Item = u64>) {
    for message in messages {
        ring.append(line(&message.to_string()));
    }
}

fn line(message: &str) -> Line {
    Line {
        time: 1,
        level: Level::INFO,
        origin: Origin::service("api"),
        message: message.into(),
        fields: Fields::default(),
        raw: None,
    }
}

/// A ring that holds this many lines of [`line`] with messages of up to 63 bytes.
fn ring_of(lines: usize) -> Ring {
    let longest = line(&"x".repeat(63));
    Ring::new(LogsConfig {
        max_bytes: longest.cost() * lines,
        ..LogsConfig::default()
    })
}

/// A ring of so many lines that is also on a disk.
fn disk_of(lines: usize, folder: &TempDir) -> LogsConfig {
    LogsConfig {
        path: Some(folder.path().join("logs")),
        ..ring_of(lines).config().clone()
    }
}

/// Opens the ring of a start of the server.
fn start(config: &LogsConfig) -> Ring {
    Ring::open(config.clone(), &Origin::service("server"), None).expect("a folder")
}

/// Ends a server as a kill does: what it has not written is not written.
fn kill(ring: Ring) {
    drop(ring);
}

fn folder() -> TempDir {
    TempDir::new().expect("a folder")
}

fn errors() -> Filter {
    Filter {
        levels: Levels::AtLeast(Level::ERROR),
        ..Filter::default()
    }
}

/// Reads what is there, from a cursor on.
fn read_all(ring: &Ring, mut at: u64, sieve: &Sieve) -> Vec<Entry> {
    let mut all = Vec::new();
    loop {
        let batch = ring.read(at, sieve, MOST);
        all.extend(batch.entries.iter().map(|entry| (**entry).clone()));
        if batch.next == at {
            return all;
        }
        at = batch.next;
    }
}

fn everything(ring: &Ring) -> Vec<Entry> {
    let sieve = all();
    read_all(ring, ring.begin(&Start::Oldest, &sieve).at, &sieve)
}

fn messages(ring: &Ring) -> Vec<String> {
    let entries = everything(ring).into_iter();
    entries.map(message).collect()
}

/// Returns what a line says, or in a word what has happened.
fn message(entry: Entry) -> String {
    match entry.record {
        Record::Line(line) => line.message,
        Record::Mark(mark) => match mark.event {
            Event::ServerStarted { before, .. } => match before {
                Before::Unknown => "first".to_owned(),
                Before::Ended => "started".to_owned(),
                Before::CutOff => "cut off".to_owned(),
            },
            Event::DiskLost { .. } => "disk lost".to_owned(),
            Event::DiskBack => "disk back".to_owned(),
            Event::SourceAway { .. } => "away".to_owned(),
            other => panic!("{other:?}"),
        },
    }
}

/// Lets everything through.
fn all() -> Sieve {
    Filter::default().compile().expect("no expressions")
}

async fn next(stream: &mut LogStream) -> LogItem {
    stream.next().await.expect("an item").expect("more items")
}

/// Takes so many items, which must be entries, and returns their messages.
async fn numbers(stream: &mut LogStream, count: usize) -> Vec<u64> {
    let mut numbers = Vec::new();
    while numbers.len() < count {
        match next(stream).await {
            LogItem::Entry(entry) => {
                numbers.push(entry.line().unwrap().message.parse().expect("a number"));
            }
            other => panic!("{other:?} after {numbers:?}"),
        }
    }
    numbers
}

/// Bounds that no test meets.
const MOST: Most = Most {
    entries: u64::MAX,
    bytes: usize::MAX,
};

const PATIENT: Reconnect = Reconnect::On(BackoffPolicy {
    first: Duration::from_secs(1),
    longest: Duration::from_secs(4),
    attempts: None,
});
