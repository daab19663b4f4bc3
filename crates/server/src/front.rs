//! The front: the HTTP surface of the server.
//!
//! ```text
//! TCP ─▶ accept loop (bounded, timed) ─▶ axum: /health, /_tunnel/health, /render-tunnel
//! ```

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Extension;
use axum::http::header;
use axum::routing::get;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tracing::{debug, warn};
use transport::tasks::Tasks;

use crate::error::ServerError;
use crate::forwarded::Peer;
use crate::websocket::{self, Upgrades};

/// Listens for HTTP.
#[derive(Debug)]
pub(crate) struct Front {
    listener: TcpListener,
}

impl Front {
    pub(crate) async fn bind(address: SocketAddr) -> Result<Self, ServerError> {
        let failed = |source| ServerError::Http { address, source };
        Ok(Self {
            listener: TcpListener::bind(address).await.map_err(failed)?,
        })
    }

    pub(crate) fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `tasks` are told to stop; requests under way are finished by then or cut.
    pub(crate) async fn run(self, upgrades: Upgrades, tasks: Tasks) {
        let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
        let routes = routes().merge(websocket::routes(upgrades));
        loop {
            let accepted = tokio::select! {
                accepted = accept(&self.listener, &places) => accepted,
                () = tasks.stopping() => return,
            };
            let Some((stream, peer, place)) = accepted else {
                continue;
            };
            let (routes, connection) = (routes.clone(), tasks.clone());
            tasks.spawn("http connection", async move {
                let _place = place;
                tokio::select! {
                    () = serve(stream, peer, routes) => {}
                    () = connection.stopping() => {}
                }
            });
        }
    }
}

/// Waits for a place first: what is not accepted waits in the system's queue, which is bounded.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    // Never closed.
    let place = Arc::clone(places).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, peer)) => Some((stream, peer, place)),
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

/// A probe sends its few lines at once. Below the 5 s that Render gives it, so that a full house of
/// half-sent requests does not fail one.
const HEADER_TIME: Duration = Duration::from_secs(3);

/// A connection is kept for further probes, but not for ever.
const CONNECTION_TIME: Duration = Duration::from_secs(120);

/// hyper's smallest buffer; what is asked here takes a tenth of it.
const MOST_HEADERS: usize = 8 * 1024;

const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
