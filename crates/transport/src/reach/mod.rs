//! A byte stream to a server's HTTP port, from behind whatever a laptop is behind.
//!
//! ```text
//! resolve    the name of the server, or of the proxy     tcp
//!    │ addresses
//! connect    the first address that answers              tcp, race
//!    │ bytes
//! tunnel     through the proxy, if there is one          proxy, tunnel
//!    │ bytes
//! secure     TLS with the server, if it is https         tls, trust, pin
//!    ▼
//! ByteStream and what was seen on the way                stream
//! ```
//! Each stage is a function of its own with a bound in time of its own, so that it can be run,
//! timed and shown by itself. [`Route::connect`] runs them in their order.

mod error;
mod exception;
mod expiry;
mod pin;
mod proxy;
pub(crate) mod race;
mod settings;
mod stream;
mod tcp;
#[cfg(test)]
mod tests;
mod tls;
mod trust;
mod tunnel;

use std::fmt;
use std::sync::Arc;

pub use error::{Distrust, ReachError, ReachFault, Stage};
pub use pin::{Pin, PinError};
pub use proxy::{Proxy, ProxyError};
pub use settings::{ProxySettings, ProxySettingsError};
pub use stream::{ByteStream, Connected, Resolved, Secured, Seen, TlsVersion, Tunnelled};
pub use tcp::{connect, resolve, tune};
pub use tls::secure;
pub use trust::{TlsTrust, TrustBasis, TrustError};
pub use tunnel::tunnel;

/// How a server's HTTP port is reached.
#[derive(Clone, Debug)]
pub struct Route {
    /// The name or the address of the server, without brackets.
    pub host: String,
    /// Its TCP port.
    pub port: u16,
    /// Whether TLS is spoken there.
    pub security: Security,
    /// What stands between.
    pub proxy: Option<Proxy>,
}

/// What protects a connection on its way.
#[derive(Clone, Debug)]
pub enum Security {
    /// Nothing: `http`.
    Plain,
    /// TLS with a peer that is known by this trust: `https`.
    Tls(Arc<TlsTrust>),
}

/// One that is connected to: the server, or the proxy before it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Peer {
    /// Which of the two.
    pub role: Role,
    /// Its name or address, without brackets.
    pub host: String,
    /// Its TCP port.
    pub port: u16,
}

/// What a [`Peer`] is on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// The server itself, or what answers under its name.
    Server,
    /// The proxy that was told to be used.
    Proxy,
}

impl Route {
    /// Connects. Cancel-safe: an attempt that is dropped leaves nothing behind.
    ///
    /// # Errors
    /// [`ReachError`] of the first stage that failed, with what was seen before it.
    pub async fn connect(&self) -> Result<ByteStream, ReachError> {
        let server = self.server();
        let stream = match &self.proxy {
            Some(proxy) => through(dial(proxy.peer()).await?, proxy, &server).await?,
            None => dial(&server).await?,
        };
        match &self.security {
            Security::Plain => Ok(stream),
            Security::Tls(trust) => secure(stream, &server, trust).await,
        }
    }

    /// Returns the server as one that is connected to.
    #[must_use]
    pub fn server(&self) -> Peer {
        Peer {
            role: Role::Server,
            host: self.host.clone(),
            port: self.port,
        }
    }
}

/// Goes through `proxy`, at the other end of `stream`, to `server`: TLS with the proxy itself, if it
/// speaks that, and CONNECT. Cancel-safe: an attempt that is dropped closes the stream.
///
/// # Errors
/// [`ReachError`] if the proxy is not trusted, or does not do it.
pub async fn through(
    stream: ByteStream,
    proxy: &Proxy,
    server: &Peer,
) -> Result<ByteStream, ReachError> {
    let trust = match proxy.trust().await {
        Ok(trust) => trust,
        Err(error) => {
            let seen = stream.seen().clone();
            return Err(ReachFault::Roots(error).at(Stage::Tls, proxy.peer(), seen));
        }
    };
    let stream = match trust {
        Some(trust) => secure(stream, proxy.peer(), &trust).await?,
        None => stream,
    };
    tunnel(stream, proxy, server).await
}

async fn dial(peer: &Peer) -> Result<ByteStream, ReachError> {
    let resolved = resolve(peer).await?;
    connect(peer, resolved).await
}

impl Peer {
    /// Returns the host and the port as they stand in a URL, an IPv6 address in brackets.
    pub(crate) fn authority(&self) -> String {
        match self.host.contains(':') {
            true => format!("[{}]:{}", self.host, self.port),
            false => format!("{}:{}", self.host, self.port),
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.role {
            Role::Server => f.write_str(&self.authority()),
            Role::Proxy => write!(f, "the proxy {}", self.authority()),
        }
    }
}
