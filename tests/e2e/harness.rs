//! A server and a client for a test, and a shop in a database.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use client::sync::client::{Summary, SyncRequest, Theirs};
use client::sync::target::{Destination, Mode};
use client::sync::wire::{Open, Sanitising, Selection};
use client::{ClientBuilder, Reconnect, TunnelClient, TunnelError};
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
