//! A running server: who comes in, and the order in which it ends.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use features::logs::Ring;
use features::parts::ServerParts;
use tracing::warn;
use transport::carrier::websocket::Door;
use transport::endpoint::Listener;
use transport::router::{DRAIN, MOVE, Router};
use transport::tasks::Tasks;

use crate::audit::Writer;
use crate::builder::ServerBuilder;
use crate::error::ServerError;
use crate::front::manners::{Origins, shared};
use crate::front::metrics::{OwnPort, SharedMetrics};
use crate::front::websocket::Upgrades;
use crate::front::{Front, own_routes};
use crate::guests::Guests;
use crate::keys::ServerKeys;
use crate::oversight::Manners;

/// A running server. Dropping it without [`TunnelServer::stop`] cuts its sessions.
#[derive(Debug)]
pub struct TunnelServer {
    listener: Arc<Listener>,
    http_address: Option<SocketAddr>,
    /// The tunnel's own paths.
    routes: axum::Router,
    ring: Arc<Ring>,
    keys: ServerKeys,
    manners: Manners,
    metrics_address: Option<SocketAddr>,
    router: Arc<Router>,
    doors: Tasks,
    sessions: Tasks,
    helpers: Tasks,
}

/// What a server is made of, when it has its UDP port.
pub(crate) struct Made {
    pub(crate) listener: Listener,
    pub(crate) door: Door,
    pub(crate) router: Arc<Router>,
    /// What is served beside the tunnel's own paths.
    pub(crate) routes: axum::Router,
    pub(crate) origins: Origins,
    pub(crate) keys: ServerKeys,
    pub(crate) manners: Manners,
}

impl TunnelServer {
    /// Begins to collect what a server needs.
    #[must_use]
    pub fn builder() -> ServerBuilder {
        ServerBuilder::default()
    }

    pub(crate) fn run(made: Made, parts: &ServerParts) -> Self {
        let Made {
            listener,
            door,
            router,
            routes,
            origins,
            keys,
            manners,
        } = made;
        let (doors, sessions) = (Tasks::new(), Tasks::new());
        let guests = Guests::new(
            Arc::clone(&router),
            Arc::clone(keys.ring()),
            manners.clone(),
            parts.sessions.clone(),
            sessions.clone(),
        );
        let upgrades = Upgrades {
            door: Arc::new(door),
            guests: guests.clone(),
        };
        let listener = Arc::new(listener);
        let letting_in = let_in(Arc::clone(&listener), guests);
        let stopping = doors.clone();
        doors.spawn("quic door", async move {
            tokio::select! {
                () = letting_in => {}
                () = stopping.stopping() => {}
            }
        });
        Self {
            listener,
            http_address: None,
            metrics_address: None,
            routes: shared(own_routes(upgrades, routes), &origins),
            ring: Arc::clone(&parts.ring),
            keys,
            manners,
            router,
            doors,
            sessions,
            helpers: Tasks::new(),
        }
    }

    /// Serves HTTP as well.
    pub(crate) fn open(&mut self, front: BoundFront) {
        self.http_address = front.address();
        front.run(self.routes.clone(), &self.doors);
    }

    /// Returns a front that serves when it is opened.
    pub(crate) fn closed(&self, plan: FrontPlan) -> ClosedFront {
        ClosedFront {
            plan,
            routes: self.routes.clone(),
            doors: self.doors.clone(),
        }
    }

    /// Returns the UDP address that it listens on.
    ///
    /// # Errors
    /// Whatever the system answers.
    pub fn quic_address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Returns the TCP address of the front, if there is one.
    #[must_use]
    pub const fn http_address(&self) -> Option<SocketAddr> {
        self.http_address
    }

    /// Returns the ring that log lines go into.
    #[must_use]
    pub const fn ring(&self) -> &Arc<Ring> {
        &self.ring
    }

    /// Returns the TCP address where metrics are shown without a key, if there is one.
    #[must_use]
    pub const fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics_address
    }

    /// Lets the audit log be written until the end, after everybody who notes something.
    pub(crate) fn audit(&self, writer: Option<Writer>) {
        if let Some(writer) = writer {
            let writing = writer.run(self.helpers.clone());
            self.helpers.spawn("audit log", writing);
        }
    }

    /// Shows metrics on a port of their own.
    pub(crate) fn show_metrics(&mut self, port: Option<OwnPort>) {
        if let Some(port) = port {
            self.metrics_address = port.local_addr();
            let metrics = Arc::clone(&self.manners.metrics);
            let showing = port.run(metrics, self.helpers.clone());
            self.helpers.spawn("metrics", showing);
        }
    }

    /// Returns the keys, which may be replaced while it runs.
    #[must_use]
    pub const fn keys(&self) -> &ServerKeys {
        &self.keys
    }

    /// Returns the owner of what feeds the server, such as readers of logs: told to stop last.
    #[must_use]
    pub const fn helpers(&self) -> &Tasks {
        &self.helpers
    }

    /// Serves until `stop` is ready, for example [`asked_to_stop`](crate::asked_to_stop), then
    /// stops as [`TunnelServer::stop`] does.
    pub async fn serve_until(self, stop: impl Future<Output = ()>) -> Vec<&'static str> {
        stop.await;
        self.stop().await
    }

    /// Turns away whoever comes, and tells every client that this instance is leaving, so that it
    /// moves to another, while all that is open goes on until [`TunnelServer::stop`], and for
    /// `stay` at least: [`MOVE`] where there is another instance to move to.
    pub fn leave(&self, stay: Duration) {
        self.listener.leave();
        self.router.leave(stay);
    }

    /// Stops, in order, and returns the names of the tasks that were late.
    ///
    /// Without sessions it is a matter of a moment; with sessions that do not move to another
    /// instance it takes some ten seconds at most, well inside the thirty that Render gives. What
    /// has gone by since [`TunnelServer::leave`] counts.
    pub async fn stop(self) -> Vec<&'static str> {
        // 1. Whoever comes is turned away at once, and not left to wait for an answer.
        self.listener.leave();
        // 2. Each session hears of it, has time to move, tells its features, lets calls end, and
        //    closes with "restarting".
        let sessions = MOVE + DRAIN + SESSION_CLOSE;
        let mut late = self.sessions.shutdown(sessions).await;
        // 3. Nobody answers any more.
        late.extend(self.doors.shutdown(DOORS).await);
        // 4. The last packets leave.
        self.listener.close().await;
        // 5. What fed the server has nobody left to feed.
        late.extend(self.helpers.shutdown(HELPERS).await);
        if !late.is_empty() {
            warn!("these tasks were late and were cut: {late:?}");
        }
        late
    }
}

/// What a front is made of, before it has its port.
#[derive(Debug)]
pub(crate) struct FrontPlan {
    pub(crate) address: SocketAddr,
    /// The port of the app behind it.
    pub(crate) upstream: Option<u16>,
    pub(crate) metrics: SharedMetrics,
}

/// A front that has its port, and does not answer yet.
#[derive(Debug)]
pub(crate) struct BoundFront {
    front: Front,
    upstream: Option<u16>,
    metrics: SharedMetrics,
}

/// The front of a running server, before it is opened: nobody reaches its port.
#[derive(Debug)]
#[must_use = "until it is opened, nobody comes over HTTP"]
pub struct ClosedFront {
    plan: FrontPlan,
    routes: axum::Router,
    doors: Tasks,
}

impl FrontPlan {
    pub(crate) async fn bind(self) -> Result<BoundFront, ServerError> {
        let front = bind(self.address, Front::bind).await?;
        Ok(BoundFront {
            front,
            upstream: self.upstream,
            metrics: self.metrics,
        })
    }
}

impl BoundFront {
    fn address(&self) -> Option<SocketAddr> {
        self.front.local_addr().ok()
    }

    fn run(self, routes: axum::Router, doors: &Tasks) {
        let serving = self
            .front
            .run(routes, self.upstream, self.metrics, doors.clone());
        doors.spawn("http front", serving);
    }
}

impl ClosedFront {
    /// Takes the port, serves, and returns the address.
    ///
    /// # Errors
    /// [`ServerError::Http`] if the port cannot be had.
    pub async fn open(self) -> Result<Option<SocketAddr>, ServerError> {
        let front = self.plan.bind().await?;
        let address = front.address();
        front.run(self.routes, &self.doors);
        Ok(address)
    }
}

/// Binds an address; `[::]`, which takes IPv4 as well, gives way to `0.0.0.0` on a machine that
/// has no IPv6.
pub(crate) async fn bind<T, E, F>(
    address: SocketAddr,
    bind: impl Fn(SocketAddr) -> F,
) -> Result<T, E>
where
    F: Future<Output = Result<T, E>>,
{
    match bind(address).await {
        Err(_) if address.ip() == Ipv6Addr::UNSPECIFIED => {
            bind(SocketAddr::from((Ipv4Addr::UNSPECIFIED, address.port()))).await
        }
        bound => bound,
    }
}

async fn let_in(listener: Arc<Listener>, guests: Guests) {
    while let Some(arrival) = listener.accept().await {
        let receiving = guests.clone();
        guests
            .tasks()
            .spawn("session", async move { receiving.receive(arrival).await });
    }
}

/// Closing a door takes no time.
const DOORS: Duration = Duration::from_secs(1);

/// After its channels have ended, a session has a packet to send.
const SESSION_CLOSE: Duration = Duration::from_secs(1);

/// A reader of a pipe or a file stops between two lines.
const HELPERS: Duration = Duration::from_secs(2);
