//! An authenticated session between them, on a virtual network.
//!
//! ```text
//! client ── dial ──▶ where sessions are routed ──▶ Instance    another one after a deploy
//! ```

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use transport::carrier::Carrier;
use transport::endpoint::{Arrival, DialError, Dialer, Listener, Reception};
use transport::first_call::FirstCall;
use transport::keeper::Dial;
use transport::router::Router;
use transport::session::Session;
use transport::tasks::Tasks;
use transport::trust::{
    ClientName, Key, KeyRing, Scopes, Secret, ServerName, ServerTrust, WallClock, system_clock,
};
use wire::WelcomeBody;

use crate::net::{Link, Network};

/// A server on a virtual network, and what clients need to reach it.
#[derive(Debug)]
pub struct Pair {
    /// The network, to be cut and slowed.
    pub network: Network,
    /// The instance that new sessions go to.
    pub server: Instance,
    /// Where it is, as a load balancer in front of the instances knows it.
    route: Route,
    starts: u16,
}

/// One start of a server.
#[derive(Debug)]
pub struct Instance {
    network: Network,
    address: SocketAddr,
    sessions: Tasks,
    doors: Tasks,
}

type Route = Arc<Mutex<SocketAddr>>;

impl Instance {
    /// Tells the server to stop, and returns at once.
    pub fn stop(&self) {
        self.sessions.stop();
    }

    /// Stops as a server does, and returns the names of the tasks that were late.
    pub async fn shutdown(&self, grace: Duration) -> Vec<&'static str> {
        let late = self.sessions.shutdown(grace).await;
        self.doors.shutdown(grace).await;
        late
    }

    /// Ends without a word, as a process does that is killed.
    pub async fn kill(&self) {
        self.network.silence(self.address);
        self.sessions.shutdown(Duration::ZERO).await;
        self.doors.shutdown(STOPPING).await;
        self.network.unsilence(self.address);
    }
}

impl Pair {
    /// Starts a server that serves `router` to holders of [`SECRET`] with these scopes.
    #[must_use]
    pub fn serve(router: impl Into<Arc<Router>>, scopes: Scopes, link: Link) -> Self {
        let network = Network::new(link, 7);
        let server = start(&network, SERVER, 1, (router.into(), scopes));
        Self {
            network,
            server,
            route: Arc::new(Mutex::new(SERVER)),
            starts: 1,
        }
    }

    /// Ends the server, as a restart does, and starts another at the same address.
    pub async fn restart(&mut self, router: Router, scopes: Scopes) {
        self.server.shutdown(STOPPING).await;
        self.start_again(router, scopes);
    }

    /// Kills the server, and starts another at the same address.
    pub async fn kill_and_start(&mut self, router: Router, scopes: Scopes) {
        self.server.kill().await;
        self.start_again(router, scopes);
    }

    fn start_again(&mut self, router: Router, scopes: Scopes) {
        self.starts += 1;
        let address = self.server.address;
        // QUIC may still wait for the last words of somebody who cannot hear it.
        self.network.unplug(address);
        let service = (Arc::new(router), scopes);
        self.server = start(&self.network, address, self.starts, service);
    }

    /// Starts another instance at an address of its own, lets new sessions go to it, and returns
    /// the one before it, which runs on.
    pub fn deploy(&mut self, router: Router, scopes: Scopes) -> Instance {
        self.starts += 1;
        let address = SocketAddr::from((SERVER.ip(), SERVER.port() + self.starts));
        let service = (Arc::new(router), scopes);
        let next = start(&self.network, address, self.starts, service);
        *self.route.lock().unwrap_or_else(PoisonError::into_inner) = address;
        std::mem::replace(&mut self.server, next)
    }

    /// Opens a session from a client of its own at the virtual address `192.0.2.host`.
    ///
    /// # Panics
    /// If there is no session.
    pub async fn connect(&self, host: u8) -> Session {
        self.dial(host, SECRET, system_clock())
            .await
            .expect("a session")
    }

    /// Returns what opens sessions from a client at the virtual address `192.0.2.host`, each from
    /// a port of its own.
    #[must_use]
    pub fn dial_from(&self, host: u8) -> Arc<MemoryDial> {
        Arc::new(self.dial_with(host, dialer(SECRET, system_clock())))
    }

    /// Does what [`Pair::dial_from`] does, with a clock of the caller's.
    #[must_use]
    pub fn dial_at(&self, host: u8, clock: WallClock) -> Arc<MemoryDial> {
        Arc::new(self.dial_with(host, dialer(SECRET, clock)))
    }

    /// Does what [`Pair::dial_from`] does, and lets each session begin with a question.
    #[must_use]
    pub fn dial_asking(&self, host: u8, call: Option<FirstCall>) -> Arc<MemoryDial> {
        let dialer = dialer(SECRET, system_clock()).first_call(call);
        Arc::new(self.dial_with(host, dialer))
    }

    fn dial_with(&self, host: u8, dialer: Dialer) -> MemoryDial {
        MemoryDial {
            dialer,
            network: self.network.clone(),
            route: Arc::clone(&self.route),
            host,
            port: AtomicU16::new(2000),
        }
    }

    /// Tries to open a session with this secret and this clock.
    ///
    /// # Errors
    /// Whatever the dialer says.
    pub async fn dial(
        &self,
        host: u8,
        secret: &str,
        clock: WallClock,
    ) -> Result<Session, DialError> {
        let address = SocketAddr::from(([192, 0, 2, host], 1000));
        let dialer = dialer(secret, clock);
        let dialled = dialer
            .dial_on(self.network.host(address), Carrier::Memory, SERVER)
            .await;
        dialled.map(|(session, _)| session)
    }
}

/// Starts an instance. What it serves is shared with nobody.
fn start(
    network: &Network,
    address: SocketAddr,
    number: u16,
    (router, scopes): (Arc<Router>, Scopes),
) -> Instance {
    let trust = trust(&router, scopes, number);
    let listener = Listener::on_socket(
        network.host(address),
        Carrier::Memory,
        Arc::new(Reception::new(trust)),
    )
    .expect("a memory socket has no faults");
    let instance = Instance {
        network: network.clone(),
        address,
        sessions: Tasks::new(),
        doors: Tasks::new(),
    };
    let (sessions, doors) = (instance.sessions.clone(), instance.doors.clone());
    instance.doors.spawn("listener", async move {
        tokio::select! {
            () = accept(&listener, &router, &sessions) => {}
            () = doors.stopping() => {}
        }
        listener.close().await;
    });
    instance
}

/// Takes in sessions, and turns them away when the server is told to stop.
async fn accept(listener: &Listener, router: &Arc<Router>, tasks: &Tasks) {
    let accept = async {
        while let Some(arrival) = listener.accept().await {
            let (router, tasks) = (Arc::clone(router), tasks.clone());
            tasks.clone().spawn("session", async move {
                receive(arrival, router, &tasks).await;
            });
        }
    };
    let leave = async {
        tasks.stopping().await;
        listener.leave();
        std::future::pending::<()>().await;
    };
    tokio::join!(accept, leave);
}

/// Takes a stranger's proof and serves the session to its end.
pub(crate) async fn receive(arrival: Arrival, router: Arc<Router>, tasks: &Tasks) {
    // Whoever is refused hears it; this end has nothing to add.
    if let Ok((session, guest)) = arrival.establish().await {
        router.serve(session, guest, tasks).await;
    }
}

/// Returns what one start of a server says of itself, and that it trusts the holders of [`SECRET`].
pub(crate) fn trust(router: &Router, scopes: Scopes, number: u16) -> ServerTrust {
    ServerTrust {
        keys: Arc::new(KeyRing::new([key(SECRET, scopes)]).expect("one key")),
        name: ServerName {
            server_id: "test-server".into(),
            instance: u128::from(number).to_be_bytes(),
            environment: "production".into(),
            program: "test".into(),
            features: router.features(),
            udp_port: None,
        },
        clock: system_clock(),
    }
}

/// Dials the server of a [`Pair`].
#[derive(Debug)]
pub struct MemoryDial {
    dialer: Dialer,
    network: Network,
    route: Route,
    host: u8,
    port: AtomicU16,
}

impl Dial for MemoryDial {
    fn dial(&self) -> BoxFuture<'_, Result<(Session, WelcomeBody), DialError>> {
        let port = self.port.fetch_add(1, Ordering::Relaxed);
        let address = SocketAddr::from(([192, 0, 2, self.host], port));
        let socket = self.network.host(address);
        let server = *self.route.lock().unwrap_or_else(PoisonError::into_inner);
        Box::pin(self.dialer.dial_on(socket, Carrier::Memory, server))
    }
}

pub(crate) fn dialer(secret: &str, clock: WallClock) -> Dialer {
    let name = ClientName {
        environment: "development".into(),
        program: "test".into(),
        features: Vec::new(),
    };
    Dialer::new(Arc::new(key(secret, Scopes::default())), name, clock)
}

fn key(secret: &str, scopes: Scopes) -> Key {
    let secret: Secret = secret.parse().expect("a good secret");
    Key::derive("test", &secret, scopes).expect("a key")
}

/// What the server of a [`Pair`] listens on.
pub const SERVER: SocketAddr = SocketAddr::new(
    std::net::IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1)),
    443,
);

/// The secret of a [`Pair`]'s only key.
pub const SECRET: &str = "5f2b8e0c9a714d36b1e7f08c2d9a6b43";

/// Longer than any stop takes.
pub(crate) const STOPPING: Duration = Duration::from_secs(30);
