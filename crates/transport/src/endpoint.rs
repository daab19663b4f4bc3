//! Where sessions begin: a [`Listener`] on the server, a [`Dialer`] on the client.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use quinn::{AsyncUdpSocket, Endpoint, Incoming, ServerConfig, TokioRuntime};
use thiserror::Error;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use wire::{CloseCode, WelcomeBody};

use crate::carrier::websocket::{Carrying, UpgradeError};
use crate::carrier::{self, Carrier, udp};
use crate::choice::CarrierChoice;
use crate::congestion::Spur;
use crate::first_call::{Asked, FirstCall};
use crate::reach::race::{by_turns, race};
use crate::session::{Owned, Session, flush};
use crate::trust::{
    self, Admission, ClientName, Greeted, Guest, HANDSHAKE_TIME, HandshakeError, Key,
    MOST_SESSIONS, ServerTrust, Ticket, WallClock, Welcomed,
};

/// What all ways in share: whom the server trusts, and how many strangers and sessions it takes.
#[derive(Debug)]
pub struct Reception {
    admission: Admission,
    places: Arc<Semaphore>,
    trust: ServerTrust,
    leaving: CancellationToken,
}

/// Takes in sessions on one socket.
#[derive(Debug)]
pub struct Listener {
    endpoint: Endpoint,
    carrier: Carrier,
    reception: Arc<Reception>,
}

/// A stranger at the door.
#[derive(Debug)]
pub struct Arrival {
    pub(crate) incoming: Incoming,
    pub(crate) from: IpAddr,
    pub(crate) carrier: Carrier,
    pub(crate) ticket: Ticket,
    pub(crate) reception: Arc<Reception>,
    pub(crate) carrying: Option<Carrying>,
}

impl Reception {
    /// Makes a reception without guests.
    #[must_use]
    pub fn new(trust: ServerTrust) -> Self {
        Self {
            admission: Admission::default(),
            places: Arc::new(Semaphore::new(MOST_SESSIONS)),
            trust,
            leaving: CancellationToken::new(),
        }
    }

    /// Turns away whoever comes from now on, at once. Sessions that are open go on.
    pub fn leave(&self) {
        self.leaving.cancel();
    }

    pub(crate) fn is_leaving(&self) -> bool {
        self.leaving.is_cancelled()
    }

    pub(crate) const fn trust(&self) -> &ServerTrust {
        &self.trust
    }

    pub(crate) fn admit(&self, address: IpAddr) -> Option<Ticket> {
        self.admission.admit(address)
    }
}

impl Listener {
    /// Listens on a UDP address; port 0 lets the system choose.
    ///
    /// # Errors
    /// [`BindError`] if the address cannot be had.
    pub fn bind(address: SocketAddr, reception: Arc<Reception>) -> Result<Self, BindError> {
        let failed = |source| BindError::Socket { address, source };
        let socket = udp::bind(address).map_err(failed)?;
        let carrier = Carrier::Udp;
        let endpoint = Endpoint::new(
            carrier::endpoint_config(carrier),
            Some(server_config(&reception, carrier)?),
            socket,
            Arc::new(TokioRuntime),
        )
        .map_err(failed)?;
        Ok(Self {
            endpoint,
            carrier,
            reception,
        })
    }

    /// Listens on a socket of the caller's.
    ///
    /// # Errors
    /// [`BindError`] if the socket is of no use.
    pub fn on_socket(
        socket: Arc<dyn AsyncUdpSocket>,
        carrier: Carrier,
        reception: Arc<Reception>,
    ) -> Result<Self, BindError> {
        let config = server_config(&reception, carrier)?;
        let endpoint =
            abstract_endpoint(socket, carrier, Some(config)).map_err(BindError::Abstract)?;
        Ok(Self {
            endpoint,
            carrier,
            reception,
        })
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
            if self.reception.is_leaving() {
                incoming.refuse();
                continue;
            }
            let address = incoming.remote_address().ip();
            let admission = &self.reception.admission;
            if admission.is_busy(address) && incoming.may_retry() {
                // Fails only for an address that has proved itself, which was just asked.
                incoming.retry().ok();
                continue;
            }
            match admission.admit(address) {
                Some(ticket) => {
                    return Some(Arrival {
                        incoming,
                        from: address,
                        carrier: self.carrier,
                        ticket,
                        reception: Arc::clone(&self.reception),
                        carrying: None,
                    });
                }
                None => incoming.refuse(),
            }
        }
    }

    /// Lets nobody new in. Sessions that are open go on, and [`Listener::accept`] is to be waited
    /// for as before: it turns away whoever comes, who would otherwise wait for an answer.
    pub fn leave(&self) {
        self.reception.leave();
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
    pub const fn remote_ip(&self) -> IpAddr {
        self.from
    }

    /// Returns what the stranger has come over.
    #[must_use]
    pub const fn carrier(&self) -> Carrier {
        self.carrier
    }

    /// Runs the handshake, within [`HANDSHAKE_TIME`].
    ///
    /// # Errors
    /// [`HandshakeError`] if the stranger is none of ours.
    pub async fn establish(self) -> Result<(Session, Guest), HandshakeError> {
        let Self {
            incoming,
            from: _,
            carrier,
            ticket,
            reception,
            carrying,
        } = self;
        let places = Arc::clone(&reception.places);
        let deadline = Instant::now() + HANDSHAKE_TIME;
        let slow = |_| HandshakeError::Slow;
        let connecting = incoming.accept()?;
        let connection = tokio::select! {
            connection = timeout_at(deadline, connecting) => connection.map_err(slow)??,
            () = reception.leaving.cancelled() => return Err(HandshakeError::TurnedAway),
        };
        let pass = carrying.as_ref().and_then(Carrying::key);
        let welcomed = trust::welcome(&connection, &reception.trust, &ticket, places, pass);
        let welcomed = tokio::select! {
            welcomed = timeout_at(deadline, welcomed) => welcomed.map_err(slow).flatten(),
            () = reception.leaving.cancelled() => Err(HandshakeError::TurnedAway),
        };
        match welcomed {
            Ok(Welcomed {
                guest,
                place,
                control,
            }) => {
                carrier::trust(&connection);
                let owned = Owned::Place { _held: place };
                let asked = Asked::default();
                let session = Session::new(connection, carrier, owned, carrying, control, asked);
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

    pub(crate) const fn key(&self) -> &Arc<Key> {
        &self.key
    }

    pub(crate) const fn clock(&self) -> &WallClock {
        &self.clock
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
        let found = tokio::net::lookup_host((host, port))
            .await
            .map_err(unresolved)?;
        let dialled = race(by_turns(found), |address| async move {
            match self.dial_address(address).await {
                // A server answered: another address of it would say the same.
                Err(DialError::Handshake(error)) => Ok(Err(error)),
                other => other.map(Ok),
            }
        });
        let nowhere = || unresolved(io::ErrorKind::NotFound.into());
        match dialled.await {
            Ok(answered) => answered.map_err(DialError::from),
            Err(mut failures) => Err(failures.pop().unwrap_or_else(nowhere)),
        }
    }

    /// Finds out whether the server answers over UDP, and who it is, without a word to it.
    ///
    /// # Errors
    /// [`DialError`] if it does not.
    pub async fn probe(&self, host: &str, port: u16) -> Result<(), DialError> {
        let unresolved = |source| DialError::Resolve {
            host: host.to_owned(),
            source,
        };
        let mut addresses = tokio::net::lookup_host((host, port))
            .await
            .map_err(unresolved)?;
        let address = addresses
            .next()
            .ok_or_else(|| unresolved(io::ErrorKind::NotFound.into()))?;
        let endpoint = udp_endpoint(address)?;
        let spur = Spur::default();
        let connection = self
            .connect(&endpoint, Carrier::Udp, address, &spur)
            .await?;
        connection.close(CloseCode::DONE.0.into(), b"");
        endpoint.wait_idle().await;
        Ok(())
    }

    async fn dial_address(&self, address: SocketAddr) -> Result<(Session, WelcomeBody), DialError> {
        let endpoint = udp_endpoint(address)?;
        tokio::select! {
            session = self.establish(endpoint, Carrier::Udp, address, None) => session,
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
        let endpoint = abstract_endpoint(socket, carrier, None).map_err(failed)?;
        self.establish(endpoint, carrier, address, None).await
    }

    pub(crate) async fn establish(
        &self,
        endpoint: Endpoint,
        carrier: Carrier,
        address: SocketAddr,
        carrying: Option<Carrying>,
    ) -> Result<(Session, WelcomeBody), DialError> {
        let spur = carrying.as_ref().map_or_else(Spur::default, Carrying::spur);
        let connection = self.connect(&endpoint, carrier, address, &spur).await?;
        let (key, first) = (&self.key, self.first.as_ref());
        match trust::greet(&connection, key, &self.name, &self.clock, first).await {
            Ok(Greeted {
                welcome,
                control,
                asked,
            }) => {
                let owned = Owned::Endpoint(endpoint);
                let session = Session::new(connection, carrier, owned, carrying, control, asked);
                Ok((session, welcome))
            }
            Err(error) => {
                connection.close(CloseCode::DONE.0.into(), b"");
                flush(&endpoint).await;
                Err(error.into())
            }
        }
    }

    /// Shakes hands in TLS: then the server is known, and the client is not.
    async fn connect(
        &self,
        endpoint: &Endpoint,
        carrier: Carrier,
        address: SocketAddr,
        spur: &Spur,
    ) -> Result<quinn::Connection, DialError> {
        let (tls, name) = trust::client_config(&self.key).map_err(|_| HandshakeError::Crypto)?;
        let mut config = quinn::ClientConfig::new(Arc::new(tls));
        config.transport_config(carrier::client_config(carrier, spur));
        let connecting = endpoint
            .connect_with(config, address, &name)
            .map_err(DialError::Connect)?;
        connecting.await.map_err(|error| match error {
            quinn::ConnectionError::TimedOut => DialError::NoAnswer { address },
            other => DialError::Handshake(other.into()),
        })
    }
}

fn udp_endpoint(remote: SocketAddr) -> Result<Endpoint, DialError> {
    let failed = |source| DialError::Socket {
        address: remote,
        source,
    };
    let socket = udp::bind_for(remote).map_err(failed)?;
    let config = carrier::endpoint_config(Carrier::Udp);
    Endpoint::new(config, None, socket, Arc::new(TokioRuntime)).map_err(failed)
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
    /// The address and the choice of carriers leave nothing to try.
    #[error("the server's address and the chosen carrier do not go together")]
    NoWay {
        /// What was chosen.
        choice: CarrierChoice,
    },
    /// There is no WebSocket.
    #[error(transparent)]
    Upgrade(UpgradeError),
    /// A server is there, and the two did not come together.
    #[error(transparent)]
    Handshake(#[from] HandshakeError),
}

impl From<UpgradeError> for DialError {
    fn from(error: UpgradeError) -> Self {
        match error {
            // The same word as in the hello's answer, one step earlier.
            UpgradeError::Refused(refusal) => Self::Handshake(HandshakeError::Refused(refusal)),
            other => Self::Upgrade(other),
        }
    }
}

impl DialError {
    /// Whether a tunnel server said it: on another carrier it would say the same.
    #[must_use]
    pub const fn is_from_server(&self) -> bool {
        match self {
            Self::Handshake(error) => !matches!(
                error,
                HandshakeError::Slow | HandshakeError::Connection(_) | HandshakeError::Channel(_)
            ),
            _ => false,
        }
    }
}

pub(crate) fn server_config(
    reception: &Reception,
    carrier: Carrier,
) -> Result<ServerConfig, BindError> {
    let tls = trust::server_config(Arc::clone(&reception.trust.keys))
        .map_err(|error| BindError::Tls(error.into()))?;
    let mut config = ServerConfig::with_crypto(Arc::new(tls));
    config
        .transport_config(carrier::stranger_config(carrier, &Spur::default()))
        .max_incoming(MOST_INCOMING)
        .incoming_buffer_size(INCOMING_BUFFER)
        .incoming_buffer_size_total(INCOMING_BUFFER * MOST_INCOMING as u64);
    Ok(config)
}

pub(crate) fn abstract_endpoint(
    socket: Arc<dyn AsyncUdpSocket>,
    carrier: Carrier,
    server: Option<ServerConfig>,
) -> io::Result<Endpoint> {
    let config = carrier::endpoint_config(carrier);
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
