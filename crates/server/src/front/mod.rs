//! The front: the HTTP surface of the server.
//!
//! ```text
//! TCP ─▶ accept loop (bounded, timed) ─▶ axum: /health, /_tunnel/health, /render-tunnel, features'
//! ```

mod forwarded;
pub(crate) mod manners;
pub(crate) mod metrics;
pub(crate) mod websocket;

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::Extension;
use axum::http::header;
use axum::routing::get;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tracing::{debug, warn};
use transport::tasks::Tasks;

use self::forwarded::Peer;
use self::websocket::Upgrades;
use crate::error::ServerError;

/// Listens for HTTP.
#[derive(Debug)]
pub(crate) struct Front {
    listener: TcpListener,
    /// What the features serve.
    features: Router,
}

impl Front {
    pub(crate) async fn bind(address: SocketAddr, features: Router) -> Result<Self, ServerError> {
        let failed = |source| ServerError::Http { address, source };
        Ok(Self {
            listener: TcpListener::bind(address).await.map_err(failed)?,
            features,
        })
    }

    pub(crate) fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `tasks` are told to stop; requests under way are finished by then or cut.
    pub(crate) async fn run(self, upgrades: Upgrades, tasks: Tasks) {
        let routes = routes()
            .merge(websocket::routes(upgrades))
            .merge(self.features);
        let mut house = House::default();
        loop {
            let accepted = tokio::select! {
                accepted = accept(&self.listener) => accepted,
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

async fn accept(listener: &TcpListener) -> Option<(TcpStream, SocketAddr)> {
    match listener.accept().await {
        Ok(accepted) => Some(accepted),
        Err(error) => {
            // No descriptor left, or a connection that was gone again: others may fare better.
            warn!("accept an HTTP connection: {error}");
            tokio::time::sleep(ACCEPT_PAUSE).await;
            None
        }
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

fn routes() -> Router {
    // What Render's probe asks (2xx within 5 s). Who has no key learns nothing but this.
    let health = || async {
        (
            [(header::CONTENT_TYPE, "application/health+json")],
            r#"{"status":"pass"}"#,
        )
    };
    Router::new()
        .route("/health", get(health))
        .route("/_tunnel/health", get(health))
}

/// Probes, a few people, and clients whose upgrade is under way. Each takes some 20 KiB.
const MOST_CONNECTIONS: usize = 256;

/// A probe sends its few lines at once.
const HEADER_TIME: Duration = Duration::from_secs(3);

/// A connection is kept for further probes, but not for ever.
const CONNECTION_TIME: Duration = Duration::from_secs(120);

/// hyper's smallest buffer; what is asked here takes a tenth of it.
const MOST_HEADERS: usize = 8 * 1024;

/// A connection that ends meanwhile gives its descriptor back; to ask at once would only burn time.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
