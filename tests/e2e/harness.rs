//! A server and a client for a test, and a shop in a database.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use client::logs::client::LogItem;
use client::logs::wire::{Follow, Missed, Open as LogsRequest, Start};
use client::logs::{Feed, Filter, Origin};
use client::sync::client::{Summary, SyncRequest, Theirs};
use client::sync::target::{Destination, Mode};
use client::sync::wire::{Open, Sanitising, Selection};
use client::{ClientBuilder, Logs, Reconnect, TunnelClient, TunnelError};
use rusqlite::Connection;
use server::{DatabaseUrl, ServerBuilder, TunnelServer};

/// The secret of every test.
pub(crate) const SECRET: &str = "5f2b8e0c9a714d36b1e7f08c2d9a6b43";

/// A port of loopback that the system chooses.
pub(crate) const ANY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// Begins a server on loopback that reads `database`.
pub(crate) fn production(database: &str) -> ServerBuilder {
    TunnelServer::builder()
        .quic_address(ANY)
        .http_address(None)
        .secret(SECRET)
        .pseudonym_key(Some("a pseudonym key, long enough for tests".to_owned()))
        .database(Some(url(database)))
}

/// Starts a server at the address of one that has just stopped, as soon as the system gives it.
pub(crate) async fn again(from: &str, address: SocketAddr) -> TunnelServer {
    let again = async {
        loop {
            match production(from).quic_address(address).start().await {
                Ok(server) => return server,
                Err(_) => tokio::task::yield_now().await,
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), again)
        .await
        .expect("the address comes free")
}

/// Begins a client of `server`.
pub(crate) fn laptop(server: &TunnelServer) -> ClientBuilder {
    let address = server.quic_address().expect("a bound socket");
    TunnelClient::builder()
        .server(format!("quic://{address}").parse().expect("an address"))
        .secret(SECRET.parse().expect("a good secret"))
        .reconnect(Reconnect::Off)
}

/// Returns a sync of these tables into a database.
pub(crate) fn sync(tables: &[&str], to: &str) -> SyncRequest {
    let tables = match tables {
        ["*"] => Selection::All,
        names => Selection::Named(names.iter().map(ToString::to_string).collect()),
    };
    SyncRequest {
        open: Open {
            tables,
            limit: None,
            sanitising: Sanitising::On,
        },
        destination: Destination::Database(url(to)),
        mode: Mode::Merge,
        theirs: Theirs::Ask,
    }
}

/// Starts a server for `from`, syncs once and ends both.
pub(crate) async fn sync_once(from: &str, sync: &SyncRequest) -> Result<Summary, TunnelError> {
    let server = production(from).start().await.expect("a server");
    let client = laptop(&server).connect().await.expect("a session");
    let summary = client.sync_data(sync, |_| {}).await;
    client.disconnect().await;
    server.stop().await;
    summary
}

pub(crate) fn url(text: &str) -> DatabaseUrl {
    text.parse().expect("a database's address")
}

pub(crate) fn sqlite(path: &Path) -> String {
    format!("sqlite://{}", path.display())
}

/// Makes a database with a table `numbers` of so many rows of about a kilobyte.
pub(crate) fn numbers(path: &Path, rows: u64) {
    let database = Connection::open(path).expect("a database");
    let statements = format!(
        "CREATE TABLE numbers (id integer PRIMARY KEY, words text NOT NULL);
         WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {rows})
         INSERT INTO numbers SELECT n, hex(randomblob(480)) FROM n"
    );
    database.execute_batch(&statements).expect("rows");
}

/// A log whose lines are numbered, told by a server and heard by a client.
pub(crate) struct Story {
    feed: Feed,
    logs: Logs,
    told: u64,
    heard: u64,
    /// What the stream has said stands in place of lines.
    pub(crate) missed: Vec<Missed>,
}

impl Story {
    pub(crate) async fn begin(server: &TunnelServer, client: &TunnelClient) -> Self {
        Self {
            feed: Feed::new(server.ring().clone(), Origin::service("app")),
            logs: client.stream_logs(from_the_oldest()).await.expect("logs"),
            told: 0,
            heard: 0,
            missed: Vec::new(),
        }
    }

    /// Goes on at another server.
    pub(crate) fn move_to(&mut self, server: &TunnelServer) {
        self.feed = Feed::new(server.ring().clone(), Origin::service("app"));
    }

    /// Tells so many more lines.
    pub(crate) fn tell(&mut self, lines: u64) {
        for _ in 0..lines {
            self.feed.push(format!("line {}\n", self.told).as_bytes());
            self.told += 1;
        }
    }

    /// Waits until every line that was told has come: each once, and in order.
    pub(crate) async fn heard(&mut self) {
        while self.heard < self.told {
            match self.logs.next().await.expect("the stream goes on") {
                Some(LogItem::Entry(entry)) => {
                    // A mark says that the server has started.
                    if let Some(line) = entry.line() {
                        assert_eq!(line.message, format!("line {}", self.heard));
                        self.heard += 1;
                    }
                }
                Some(LogItem::Missed(missed)) => self.missed.push(missed),
                Some(LogItem::Opened(_) | LogItem::Reconnected { .. }) => {}
                None => panic!("a log that is followed has no end"),
            }
        }
    }
}

pub(crate) const fn from_the_oldest() -> LogsRequest {
    LogsRequest {
        start: Start::Oldest,
        follow: Follow::On,
        filter: Filter::ALL,
    }
}
