//! The connections of a front that has no app behind it: few, and short.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::Extension;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tracing::debug;
use transport::tasks::Tasks;

use super::accept;
use super::forwarded::Peer;

/// Serves until `tasks` are told to stop; requests under way are finished by then or cut.
pub(super) async fn run(listener: TcpListener, routes: Router, tasks: Tasks) {
    let mut house = House::default();
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener) => accepted,
            () = tasks.stopping() => return,
        };
        let Some((stream, peer)) = accepted else {
            continue;
        };
        let (routes, connection) = (routes.clone(), tasks.clone());
        house.take_in(tasks.spawn("http connection", async move {
            tokio::select! {
                () = serve(stream, peer, routes) => {}
                () = connection.stopping() => {}
            }
        }));
    }
}

/// The connections that are open, the oldest first.
#[derive(Debug, Default)]
struct House(VecDeque<JoinHandle<()>>);

impl House {
    /// Takes a connection in. If the house is full, the oldest makes room: every question here is
    /// answered at once, so whoever has stayed longest has sent half a request, has guessed a key, or
    /// holds a connection that it does not use. An upgraded one has left the house.
    fn take_in(&mut self, connection: JoinHandle<()>) {
        if self.0.len() >= MOST_CONNECTIONS {
            self.0.retain(|connection| !connection.is_finished());
        }
        if self.0.len() >= MOST_CONNECTIONS
            && let Some(oldest) = self.0.pop_front()
        {
            oldest.abort();
        }
        self.0.push_back(connection);
    }
}

/// Serves requests until the connection ends, or is upgraded: then it is a session's.
async fn serve(stream: TcpStream, peer: SocketAddr, routes: Router) {
    transport::reach::tune(&stream);
    let routes = routes.layer(Extension(Peer(peer)));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIME)
        .max_buf_size(MOST_HEADERS)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(routes))
        .with_upgrades();
    match tokio::time::timeout(CONNECTION_TIME, connection).await {
        Ok(Ok(())) | Err(_) => {}
        Ok(Err(error)) => debug!("an HTTP connection ended early: {error}"),
    }
}

/// Probes, a few people, and clients whose upgrade is under way. Each takes some 20 KiB.
const MOST_CONNECTIONS: usize = 256;

/// A probe sends its few lines at once.
const HEADER_TIME: Duration = Duration::from_secs(3);

/// A connection is kept for further probes, but not for ever.
const CONNECTION_TIME: Duration = Duration::from_secs(120);

/// hyper's smallest buffer; what is asked here takes a tenth of it.
const MOST_HEADERS: usize = 8 * 1024;
