//! Where sessions begin: a [`Listener`] on the server, a [`Dialer`] on the client.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use quinn::{AsyncUdpSocket, Endpoint, EndpointConfig, Incoming, ServerConfig, TokioRuntime};
use thiserror::Error;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use wire::{CloseCode, WelcomeBody};

use crate::carrier::{self, Carrier, udp};
use crate::first_call::{Asked, FirstCall};
use crate::session::{Owned, Session, flush};
use crate::trust::{
    self, Admission, ClientName, Greeted, Guest, HANDSHAKE_TIME, HandshakeError, Key,
    MOST_SESSIONS, ServerTrust, Ticket, WallClock, Welcomed,
};

/// Takes in sessions on one socket.
#[derive(Debug)]
pub struct Listener {
    endpoint: Endpoint,
    carrier: Carrier,
    admission: Admission,
    places: Arc<Semaphore>,
    trust: Arc<ServerTrust>,
    leaving: CancellationToken,
}

/// A stranger at the door.
#[derive(Debug)]
pub struct Arrival {
    incoming: Incoming,
    carrier: Carrier,
    ticket: Ticket,
    places: Arc<Semaphore>,
    trust: Arc<ServerTrust>,
    leaving: CancellationToken,
}

impl Listener {
    /// Listens on a UDP address; port 0 lets the system choose.
    ///
    /// # Errors
    /// [`BindError`] if the address cannot be had.
    pub fn bind(address: SocketAddr, trust: ServerTrust) -> Result<Self, BindError> {
        let failed = |source| BindError::Socket { address, source };
        let socket = udp::bind(address).map_err(failed)?;
        let config = server_config(&trust)?;
        let endpoint = Endpoint::new(
            EndpointConfig::default(),
            Some(config),
            socket,
            Arc::new(TokioRuntime),
        )
        .map_err(failed)?;
        Ok(Self::on(endpoint, Carrier::Udp, trust))
    }

    /// Listens on a socket of the caller's.
    ///
    /// # Errors
    /// [`BindError`] if the socket is of no use.
    pub fn on_socket(
        socket: Arc<dyn AsyncUdpSocket>,
        carrier: Carrier,
        trust: ServerTrust,
    ) -> Result<Self, BindError> {
        let config = server_config(&trust)?;
        let endpoint = abstract_endpoint(socket, Some(config)).map_err(BindError::Abstract)?;
        Ok(Self::on(endpoint, carrier, trust))
    }

    fn on(endpoint: Endpoint, carrier: Carrier, trust: ServerTrust) -> Self {
        Self {
            endpoint,
            carrier,
            admission: Admission::default(),
            places: Arc::new(Semaphore::new(MOST_SESSIONS)),
            trust: Arc::new(trust),
            leaving: CancellationToken::new(),
        }
    }

    /// Returns the address that it listens on.
    ///
    /// # Errors
    /// Whatever the system answers.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.endpoint.local_addr()
    }

    /// Waits for the next stranger; `None` when the listener is closed. Cancel-safe.
    ///
    /// When many handshakes are under way, an address has to prove first that it is not forged;
    /// when too many are, or the listener is leaving, it is turned away.
    pub async fn accept(&self) -> Option<Arrival> {
        loop {
            let incoming = self.endpoint.accept().await?;
            if self.leaving.is_cancelled() {
                incoming.refuse();
                continue;
            }
            let address = incoming.remote_address().ip();
            if self.admission.is_busy(address) && incoming.may_retry() {
                // Fails only for an address that has proved itself, which was just asked.
                incoming.retry().ok();
                continue;
            }
            match self.admission.admit(address) {
                Some(ticket) => {
                    let (carrier, trust) = (self.carrier, Arc::clone(&self.trust));
                    let places = Arc::clone(&self.places);
                    return Some(Arrival {
                        incoming,
                        carrier,
                        ticket,
                        places,
                        trust,
                        leaving: self.leaving.clone(),
                    });
                }
                None => incoming.refuse(),
            }
        }
    }

    /// Lets nobody new in. Sessions that are open go on, and [`Listener::accept`] is to be waited
    /// for as before: it turns away whoever comes, who would otherwise wait for an answer.
    pub fn leave(&self) {
        self.leaving.cancel();
    }

    /// Stops listening and ends what is left of its sessions.
    pub async fn close(&self) {
        self.endpoint.close(CloseCode::RESTARTING.0.into(), b"");
        tokio::time::timeout(CLOSING, self.endpoint.wait_idle())
            .await
            .ok();
    }
}

impl Arrival {
    /// Returns the stranger's address.
    #[must_use]
    pub fn remote_address(&self) -> SocketAddr {
        self.incoming.remote_address()
    }

    /// Runs the handshake, within [`HANDSHAKE_TIME`].
    ///
    /// # Errors
    /// [`HandshakeError`] if the stranger is none of ours.
    pub async fn establish(self) -> Result<(Session, Guest), HandshakeError> {
        let Self {
            incoming,
            carrier,
            ticket,
            places,
            trust,
            leaving,
        } = self;
        let deadline = Instant::now() + HANDSHAKE_TIME;
        let slow = |_| HandshakeError::Slow;
        let connecting = incoming.accept()?;
        let connection = tokio::select! {
            connection = timeout_at(deadline, connecting) => connection.map_err(slow)??,
            () = leaving.cancelled() => return Err(HandshakeError::TurnedAway),
        };
        let welcomed = tokio::select! {
            welcomed = timeout_at(deadline, trust::welcome(&connection, &trust, &ticket, places)) =>
                welcomed.map_err(slow).flatten(),
            () = leaving.cancelled() => Err(HandshakeError::TurnedAway),
        };
        match welcomed {
            Ok(Welcomed {
                guest,
                place,
                control,
            }) => {
                carrier::trust(&connection);
                let owned = Owned::Place { _held: place };
                let session = Session::new(connection, carrier, owned, control, Asked::default());
                Ok((session, guest))
            }
            Err(error) => {
                connection.close(error.close_code().0.into(), b"");
                Err(error)
            }
        }
    }
}

/// Opens sessions with the servers that hold one key.
pub struct Dialer {
    key: Arc<Key>,
    name: ClientName,
    clock: WallClock,
    first: Option<FirstCall>,
}

impl Dialer {
    /// Makes a dialer.
    #[must_use]
    pub const fn new(key: Arc<Key>, name: ClientName, clock: WallClock) -> Self {
        Self {
            key,
            name,
            clock,
            first: None,
        }
    }

    /// Lets every session begin with a question, whose answer comes with the welcome.
    #[must_use]
    pub fn first_call(mut self, call: Option<FirstCall>) -> Self {
        self.first = call;
        self
    }

    /// Opens a session over UDP with `host`, a name or an address, at `port`.
    ///
    /// The host's addresses are tried one after the other, each with a short head start over the
    /// next (RFC 8305), and the first that answers is taken. The caller bounds the time.
    ///
    /// # Errors
    /// [`DialError`] of the last address that failed.
    pub async fn dial(&self, host: &str, port: u16) -> Result<(Session, WelcomeBody), DialError> {
        let unresolved = |source| DialError::Resolve {
            host: host.to_owned(),
            source,
        };
        let mut addresses: Vec<_> = tokio::net::lookup_host((host, port))
            .await
            .map_err(unresolved)?
            .collect();
        addresses.truncate(MOST_ADDRESSES);
        let mut attempts: FuturesUnordered<_> = addresses
            .into_iter()
            .zip(0..)
            .map(|(address, place)| async move {
                tokio::time::sleep(HEAD_START * place).await;
                self.dial_address(address).await
            })
            .collect();
        let mut last = Err(unresolved(io::ErrorKind::NotFound.into()));
        while let Some(attempt) = attempts.next().await {
            match attempt {
                // A server answered: another address of it would say the same.
                Ok(_) | Err(DialError::Handshake(_)) => return attempt,
                Err(_) => last = attempt,
            }
        }
        last
    }

    async fn dial_address(&self, address: SocketAddr) -> Result<(Session, WelcomeBody), DialError> {
        let failed = |source| DialError::Socket { address, source };
        let socket = udp::bind_for(address).map_err(failed)?;
        let endpoint = Endpoint::new(
            EndpointConfig::default(),
            None,
            socket,
            Arc::new(TokioRuntime),
        )
        .map_err(failed)?;
        tokio::select! {
            session = self.establish(endpoint, Carrier::Udp, address) => session,
            () = udp::refused(address) => Err(DialError::NobodyThere { address }),
        }
    }

    /// Opens a session over a socket of the caller's.
    ///
    /// # Errors
    /// [`DialError`] if there is no session.
    pub async fn dial_on(
        &self,
        socket: Arc<dyn AsyncUdpSocket>,
        carrier: Carrier,
        address: SocketAddr,
    ) -> Result<(Session, WelcomeBody), DialError> {
        let failed = |source| DialError::Socket { address, source };
        let endpoint = abstract_endpoint(socket, None).map_err(failed)?;
        self.establish(endpoint, carrier, address).await
    }

    async fn establish(
        &self,
        mut endpoint: Endpoint,
        carrier: Carrier,
        address: SocketAddr,
    ) -> Result<(Session, WelcomeBody), DialError> {
        let (tls, name) = trust::client_config(&self.key).map_err(|_| HandshakeError::Crypto)?;
        let mut config = quinn::ClientConfig::new(Arc::new(tls));
        config.transport_config(carrier::client_config());
        endpoint.set_default_client_config(config);
        let connecting = endpoint
            .connect(address, &name)
            .map_err(DialError::Connect)?;
        let connection = connecting.await.map_err(|error| match error {
            quinn::ConnectionError::TimedOut => DialError::NoAnswer { address },
            other => DialError::Handshake(other.into()),
        })?;
        let (key, first) = (&self.key, self.first.as_ref());
        match trust::greet(&connection, key, &self.name, &self.clock, first).await {
            Ok(Greeted {
                welcome,
                control,
                asked,
            }) => {
                let owned = Owned::Endpoint(endpoint);
                let session = Session::new(connection, carrier, owned, control, asked);
                Ok((session, welcome))
            }
            Err(error) => {
                connection.close(CloseCode::DONE.0.into(), b"");
                flush(&endpoint).await;
                Err(error.into())
            }
        }
    }
}

/// A listener that cannot be.
#[derive(Debug, Error)]
pub enum BindError {
    /// The address is taken, forbidden or not of this machine.
    #[error("listen for QUIC on UDP {address}")]
    Socket {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// The caller's socket is of no use.
    #[error("listen for QUIC on the given socket")]
    Abstract(#[source] io::Error),
    /// The crypto library refused.
    #[error("set up TLS")]
    Tls(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// A session that could not be opened.
#[derive(Debug, Error)]
pub enum DialError {
    /// No such name, or no name server.
    #[error("look up the address of {host}")]
    Resolve {
        /// The name.
        host: String,
        /// What the system says.
        source: io::Error,
    },
    /// No socket could be had.
    #[error("open a UDP socket for {address}")]
    Socket {
        /// The server's address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// The machine is there, but no program listens at the port.
    #[error("nothing listens on UDP {address}")]
    NobodyThere {
        /// The address that was tried.
        address: SocketAddr,
    },
    /// No packet came back.
    #[error("no answer from UDP {address}")]
    NoAnswer {
        /// The address that was tried.
        address: SocketAddr,
    },
    /// The address cannot be dialled.
    #[error("dial the server")]
    Connect(#[source] quinn::ConnectError),
    /// A server is there, and the two did not come together.
    #[error(transparent)]
    Handshake(#[from] HandshakeError),
}

fn server_config(trust: &ServerTrust) -> Result<ServerConfig, BindError> {
    let tls = trust::server_config(Arc::clone(&trust.keys))
        .map_err(|error| BindError::Tls(error.into()))?;
    let mut config = ServerConfig::with_crypto(Arc::new(tls));
    config
        .transport_config(carrier::stranger_config())
        .max_incoming(MOST_INCOMING)
        .incoming_buffer_size(INCOMING_BUFFER)
        .incoming_buffer_size_total(INCOMING_BUFFER * MOST_INCOMING as u64);
    Ok(config)
}

fn abstract_endpoint(
    socket: Arc<dyn AsyncUdpSocket>,
    server: Option<ServerConfig>,
) -> io::Result<Endpoint> {
    let config = EndpointConfig::default();
    Endpoint::new_with_abstract_socket(config, server, socket, Arc::new(TokioRuntime))
}

impl std::fmt::Debug for Dialer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            key,
            name,
            clock: _,
            first,
        } = self;
        f.debug_struct("Dialer")
            .field("key", key)
            .field("name", name)
            .field("first", first)
            .finish_non_exhaustive()
    }
}

/// Strangers whose first packets wait to be looked at.
const MOST_INCOMING: usize = 256;

/// A first flight is three packets at the most.
const INCOMING_BUFFER: u64 = 8 * 1024;

/// How long a closing listener waits for its last packets to be heard.
const CLOSING: Duration = Duration::from_millis(500);

/// RFC 8305, section 5, recommends 250 ms between attempts.
const HEAD_START: Duration = Duration::from_millis(250);

/// A name with more addresses has answered by then, or will not.
const MOST_ADDRESSES: usize = 6;
