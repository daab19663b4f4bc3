//! A running server: who comes in, and the order in which it ends.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use features::logs::Ring;
use features::vitals::Vitals;
use tokio::time::Instant;
use tracing::warn;
use transport::endpoint::{Listener, Reception};
use transport::router::{DRAIN, MOVE, Router};
use transport::tasks::Tasks;

use crate::audit::Writer;
use crate::builder::{Ready, ServerBuilder};
use crate::error::ServerError;
use crate::front::manners::shared;
use crate::front::metrics::OwnPort;
use crate::front::websocket::Upgrades;
use crate::front::{Behind, Front, descriptors, own_routes};
use crate::guests::Guests;
use crate::keys::ServerKeys;
use crate::oversight::Manners;

/// A running server. Dropping it without [`TunnelServer::stop`] cuts its sessions.
#[derive(Debug)]
pub struct TunnelServer {
    /// `None` where clients come through the caller's own HTTP alone.
    listener: Option<Arc<Listener>>,
    reception: Arc<Reception>,
    http_address: Option<SocketAddr>,
    /// The tunnel's own paths.
    routes: axum::Router,
    ring: Arc<Ring>,
    vitals: Vitals,
    keys: ServerKeys,
    manners: Manners,
    metrics_address: Option<SocketAddr>,
    router: Arc<Router>,
    /// Until when clients may move to another instance, once they have heard that they should.
    move_until: OnceLock<Instant>,
    doors: Tasks,
    sessions: Tasks,
    helpers: Tasks,
}

impl TunnelServer {
    /// Begins to collect what a server needs.
    #[must_use]
    pub fn builder() -> ServerBuilder {
        ServerBuilder::default()
    }

    pub(crate) fn run(listener: Option<Listener>, ready: Ready) -> Self {
        let (doors, sessions) = (Tasks::new(), Tasks::new());
        let guests = Guests::new(
            Arc::clone(&ready.router),
            Arc::clone(ready.keys.ring()),
            ready.manners.clone(),
            ready.parts.sessions.clone(),
            sessions.clone(),
        );
        let upgrades = Upgrades {
            door: Arc::new(ready.door),
            guests: guests.clone(),
        };
        let listener = listener.map(Arc::new);
        if let Some(listener) = &listener {
            let letting_in = let_in(Arc::clone(listener), guests);
            let stopping = doors.clone();
            doors.spawn("quic door", async move {
                tokio::select! {
                    () = letting_in => {}
                    () = stopping.stopping() => {}
                }
            });
        }
        Self {
            listener,
            reception: ready.reception,
            http_address: None,
            metrics_address: None,
            // What features take from others is not for web pages.
            routes: shared(
                own_routes(upgrades, ready.probed, ready.routes),
                &ready.origins,
            )
            .merge(ready.entries),
            ring: ready.parts.ring,
            vitals: ready.parts.vitals,
            keys: ready.keys,
            manners: ready.manners,
            router: ready.router,
            move_until: OnceLock::new(),
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
        // Now, because the app that it waits for has the same limit in its first run as in the next.
        descriptors::most_connections();
        ClosedFront {
            plan,
            routes: self.routes.clone(),
            doors: self.doors.clone(),
        }
    }

    /// Returns the UDP address that it listens on.
    ///
    /// # Errors
    /// Whatever the system answers; [`io::ErrorKind::NotConnected`] if it is embedded, and listens on
    /// none.
    pub fn quic_address(&self) -> io::Result<SocketAddr> {
        match &self.listener {
            Some(listener) => listener.local_addr(),
            None => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    /// Returns the TCP address of the front, if there is one.
    #[must_use]
    pub const fn http_address(&self) -> Option<SocketAddr> {
        self.http_address
    }

    /// Returns the tunnel's own paths, `/render-tunnel` and what is below `/_tunnel/`, and those that
    /// webhooks come to, to be merged into an app's router.
    ///
    /// Clients are told apart if the app is served with
    /// [`ConnectInfo<SocketAddr>`](axum::extract::ConnectInfo); else all of them share the delay that
    /// wrong guesses of one of them cost. When the app's own server has stopped, nobody new comes in;
    /// then is the time for [`TunnelServer::stop`].
    pub fn router(&self) -> axum::Router {
        self.routes.clone()
    }

    /// Returns the ring that log lines go into.
    #[must_use]
    pub const fn ring(&self) -> &Arc<Ring> {
        &self.ring
    }

    /// Returns the list of what there is to say about the server, to which its caller may add.
    #[must_use]
    pub const fn vitals(&self) -> &Vitals {
        &self.vitals
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
        self.reception.leave();
        self.router.leave(stay);
        self.move_until.get_or_init(|| Instant::now() + stay);
    }

    /// Returns how long clients have left to move to another instance.
    pub(crate) fn time_to_move(&self) -> Duration {
        let until = self.move_until.get();
        until.map_or(MOVE, |until| {
            until.saturating_duration_since(Instant::now())
        })
    }

    /// Stops, in order, and returns the names of the tasks that were late.
    ///
    /// Without sessions it is a matter of a moment; with sessions that do not move to another
    /// instance it takes nine seconds, and some twenty if everything else is late as well: inside the
    /// thirty that Render gives. What has gone by since [`TunnelServer::leave`] counts.
    pub async fn stop(self) -> Vec<&'static str> {
        // 1. Whoever comes is turned away at once, and not left to wait for an answer.
        self.reception.leave();
        // 2. Each session hears of it, has time to move, tells its features, lets calls end, and
        //    closes with "restarting".
        let sessions = self.time_to_move() + SESSIONS;
        let mut late = self.sessions.shutdown(sessions).await;
        // 3. Nobody answers any more.
        late.extend(self.doors.shutdown(DOORS).await);
        // 4. The last packets leave.
        if let Some(listener) = &self.listener {
            listener.close().await;
        }
        // 5. What fed the server has nobody left to feed.
        late.extend(self.helpers.shutdown(HELPERS).await);
        // 6. The next start hears that this one has ended in order.
        self.ring.finish();
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
    pub(crate) behind: Behind,
}

/// A front that has its port, and does not answer yet.
#[derive(Debug)]
pub(crate) struct BoundFront {
    front: Front,
    behind: Behind,
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
            behind: self.behind,
        })
    }
}

impl BoundFront {
    fn address(&self) -> Option<SocketAddr> {
        self.front.local_addr().ok()
    }

    fn run(self, routes: axum::Router, doors: &Tasks) {
        let serving = self.front.run(routes, self.behind, doors.clone());
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

/// What is asked of us is answered at once, and who asks nothing is let go at once; a request to an app
/// behind the front may be under way for longer.
const DOORS: Duration = Duration::from_secs(5);

/// How long sessions take at most when their time to move is over: their channels end, and then each
/// has a packet to send.
pub(crate) const SESSIONS: Duration = DRAIN.saturating_add(Duration::from_secs(1));

/// A reader of a pipe or a file stops between two lines.
const HELPERS: Duration = Duration::from_secs(2);
