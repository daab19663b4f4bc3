//! Two ends with an authenticated session between them, on a virtual network.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use transport::carrier::Carrier;
use transport::endpoint::{DialError, Dialer, Listener, Reception};
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
    /// Owns the server's tasks.
    pub server: Tasks,
}

impl Pair {
    /// Starts a server that serves `router` to holders of [`SECRET`] with these scopes.
    #[must_use]
    pub fn serve(router: Router, scopes: Scopes, link: Link) -> Self {
        let network = Network::new(link, 7);
        let pair = Self {
            network,
            server: Tasks::new(),
        };
        pair.listen(Arc::new(router), scopes);
        pair
    }

    /// Ends the server, as a restart does, and starts another at the same address.
    pub async fn restart(&mut self, router: Router, scopes: Scopes) {
        self.server.shutdown(Duration::from_secs(10)).await;
        self.server = Tasks::new();
        self.listen(Arc::new(router), scopes);
    }

    fn listen(&self, router: Arc<Router>, scopes: Scopes) {
        let name = ServerName {
            server_id: "test-server".into(),
            instance: [1; 16],
            environment: "production".into(),
            program: "test".into(),
            features: router.features(),
            udp_port: None,
        };
        let keys = Arc::new(KeyRing::new([key(SECRET, scopes)]).expect("one key"));
        let trust = ServerTrust {
            keys,
            name,
            clock: system_clock(),
        };
        let listener = Listener::on_socket(
            self.network.host(SERVER),
            Carrier::Memory,
            Arc::new(Reception::new(trust)),
        )
        .expect("a memory socket has no faults");
        let tasks = self.server.clone();
        self.server.spawn("listener", async move {
            let accept = async {
                while let Some(arrival) = listener.accept().await {
                    let (router, tasks) = (Arc::clone(&router), tasks.clone());
                    tasks.clone().spawn("session", async move {
                        // Whoever is refused hears it; this end has nothing to add.
                        if let Ok((session, guest)) = arrival.establish().await {
                            router.serve(session, guest, &tasks).await;
                        }
                    });
                }
            };
            tokio::select! {
                () = accept => {}
                () = tasks.stopping() => {}
            }
            listener.close().await;
        });
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
        let dialer = dialer(SECRET, system_clock());
        Arc::new(MemoryDial {
            dialer,
            network: self.network.clone(),
            host,
            port: AtomicU16::new(2000),
        })
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

/// Dials the server of a [`Pair`].
#[derive(Debug)]
pub struct MemoryDial {
    dialer: Dialer,
    network: Network,
    host: u8,
    port: AtomicU16,
}

impl Dial for MemoryDial {
    fn dial(&self) -> BoxFuture<'_, Result<(Session, WelcomeBody), DialError>> {
        let port = self.port.fetch_add(1, Ordering::Relaxed);
        let address = SocketAddr::from(([192, 0, 2, self.host], port));
        let socket = self.network.host(address);
        Box::pin(self.dialer.dial_on(socket, Carrier::Memory, SERVER))
    }
}

fn dialer(secret: &str, clock: WallClock) -> Dialer {
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
