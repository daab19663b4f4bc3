//! A running server: who comes in, and the order in which it ends.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use features::logs::Ring;
use features::parts::ServerParts;
use tracing::warn;
use transport::carrier::websocket::Door;
use transport::endpoint::Listener;
use transport::router::{DRAIN, MOVE, Router};
use transport::tasks::Tasks;

use crate::builder::ServerBuilder;
use crate::front::websocket::Upgrades;
use crate::front::{Front, own_routes};
use crate::guests::Guests;

/// A running server. Dropping it without [`TunnelServer::stop`] cuts its sessions.
#[derive(Debug)]
pub struct TunnelServer {
    listener: Arc<Listener>,
    http_address: Option<SocketAddr>,
    /// The tunnel's own paths.
    routes: axum::Router,
    ring: Arc<Ring>,
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

    pub(crate) fn new(
        listener: Listener,
        door: Door,
        router: Arc<Router>,
        features: axum::Router,
        parts: &ServerParts,
    ) -> Self {
        let (doors, sessions) = (Tasks::new(), Tasks::new());
        let guests = Guests::new(router, parts.sessions.clone(), sessions.clone());
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
            routes: own_routes(upgrades, features),
            ring: Arc::clone(&parts.ring),
            doors,
            sessions,
            helpers: Tasks::new(),
        }
    }

    pub(crate) fn serve(&mut self, front: Front, upstream: Option<u16>) {
        self.http_address = front.local_addr().ok();
        let serving = front.run(self.routes.clone(), upstream, self.doors.clone());
        self.doors.spawn("http front", serving);
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

    /// Stops, in order, and returns the names of the tasks that were late.
    ///
    /// Without sessions it is a matter of a moment; with sessions that do not move to another
    /// instance it takes some ten seconds at most, well inside the thirty that Render gives.
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
