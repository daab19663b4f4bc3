//! Where sessions are opened: over UDP, and over any socket of the caller's.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use quinn::{AsyncUdpSocket, Endpoint, TokioRuntime};
use wire::{CloseCode, WelcomeBody};

use super::abstract_endpoint;
use super::error::DialError;
use crate::carrier::websocket::Carrying;
use crate::carrier::{self, Carrier, udp};
use crate::congestion::Spur;
use crate::first_call::FirstCall;
use crate::reach::race::{by_turns, race};
use crate::session::{Owned, Session, flush};
use crate::trust::{self, ClientName, Greeted, HandshakeError, Key, WallClock};

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
        let dialled = race(by_turns(found(host, port).await?), |address| async move {
            match self.dial_address(address).await {
                // A server answered: another address of it would say the same.
                Err(DialError::Handshake(error)) => Ok(Err(error)),
                other => other.map(Ok),
            }
        });
        match dialled.await {
            Ok(answered) => answered.map_err(DialError::from),
            Err(mut failures) => Err(failures.pop().unwrap_or_else(|| nowhere(host))),
        }
    }

    /// Finds out whether the server answers over UDP, and who it is, without a word to it.
    ///
    /// # Errors
    /// [`DialError`] if it does not.
    pub async fn probe(&self, host: &str, port: u16) -> Result<(), DialError> {
        let mut addresses = found(host, port).await?;
        let address = addresses.next().ok_or_else(|| nowhere(host))?;
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
                binding,
            }) => {
                let owned = Owned::Endpoint(endpoint);
                if let Some(carrying) = &carrying {
                    carrying.begin(&connection);
                }
                let session = Session::new(
                    connection, binding, carrier, owned, carrying, control, asked,
                );
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

impl fmt::Debug for Dialer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
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

async fn found<'a>(
    host: &'a str,
    port: u16,
) -> Result<impl Iterator<Item = SocketAddr> + use<'a>, DialError> {
    tokio::net::lookup_host((host, port))
        .await
        .map_err(|source| DialError::Resolve {
            host: host.to_owned(),
            source,
        })
}

/// A name that has no address.
fn nowhere(host: &str) -> DialError {
    DialError::Resolve {
        host: host.to_owned(),
        source: io::ErrorKind::NotFound.into(),
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
