//! The front: the HTTP surface of the server.
//!
//! ```text
//!                     no app behind it
//! TCP ─▶ accept ─┬──▶ house.rs ──────────────────────▶ own: /health, /_tunnel/…, /render-tunnel
//!                │                               └───▶ entries.rs: what features take, such as webhooks
//!                └──▶ hall.rs ─▶ passage.rs ─┬───────▶ own, but for /health
//!                                            └───────▶ upstream/ ─▶ the app ─ ─ copy.rs ─ ─▶ a feature
//! ```

mod copy;
pub(crate) mod descriptors;
pub(crate) mod entries;
mod forwarded;
mod hall;
pub(crate) mod health;
mod house;
pub(crate) mod manners;
pub(crate) mod metrics;
mod passage;
mod presence;
mod upstream;
pub(crate) mod websocket;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::{TcpListener, TcpStream};
use tracing::warn;
use transport::tasks::Tasks;

use self::entries::Entries;
use self::health::Probed;
use self::metrics::SharedMetrics;
use self::passage::Surface;
use self::upstream::Upstream;
use self::websocket::Upgrades;
use crate::error::ServerError;

/// Listens for HTTP.
#[derive(Debug)]
pub(crate) struct Front {
    listener: TcpListener,
}

/// What a front serves beside its own paths.
#[derive(Debug)]
pub(crate) struct Behind {
    /// The port of the app, if one is behind it.
    pub(crate) upstream: Option<u16>,
    /// What features take of the app's requests; their routes are among the own paths.
    pub(crate) entries: Entries,
    pub(crate) metrics: SharedMetrics,
    /// What probes are told.
    pub(crate) probed: Probed,
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

    /// Serves the tunnel's own paths, and passes the rest to the app if there is one, until `tasks` are
    /// told to stop.
    pub(crate) async fn run(self, own: Router, behind: Behind, tasks: Tasks) {
        let Behind {
            upstream,
            entries,
            metrics,
            probed,
        } = behind;
        match upstream {
            None => {
                let own = own.merge(health::routes("/health", probed));
                house::run(self.listener, own, tasks).await;
            }
            Some(port) => {
                let upstream = Arc::new(Upstream::new(port));
                let tidying = Arc::clone(&upstream).tidy(tasks.clone());
                tasks.spawn("connections to the app", tidying);
                let surface = Surface {
                    own,
                    entries,
                    upstream,
                    metrics,
                };
                hall::run(self.listener, surface, tasks).await;
            }
        }
    }
}

/// Returns the tunnel's own paths, and what its features serve.
pub(crate) fn own_routes(upgrades: Upgrades, probed: Probed, features: Router) -> Router {
    health::routes("/_tunnel/health", probed)
        .merge(websocket::routes(upgrades))
        .merge(features)
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

/// A connection that ends meanwhile gives its descriptor back; to ask at once would only burn time.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The head of a message to the app or from it: what Cloudflare lets through, and more than any app
/// takes by default.
const MOST_APP_HEADERS: usize = 128 * 1024;

/// How many headers it has at most. hyper's own 100 are too few for an app that sets a cookie for
/// each of many things, and a list of any other length lies on the heap: hyper puts that at a
/// twentieth of its time. It knows no way to pay only for the heads that need it.
const MOST_APP_HEADER_LINES: usize = 256;
