//! What a client needs to connect.

use std::sync::Arc;

use transport::address::ServerAddress;
use transport::backoff::BackoffPolicy;
use transport::choice::{CarrierChoice, InProcess, Memory, ServerDial};
use transport::endpoint::Dialer;
use transport::keeper::{Dial, Reconnect};
use transport::reach::{ProxySettings, Route, TlsTrust};
use transport::trust::{ClientName, Key, Scopes, Secret, WallClock, system_clock};

use crate::client::TunnelClient;
use crate::error::TunnelError;
#[cfg(unix)]
use crate::held::Sharing;
use crate::reaching::Reaching;

/// Collects what a client needs. Made by [`TunnelClient::builder`].
pub struct ClientBuilder {
    pub(crate) server: Option<ServerAddress>,
    secret: Option<Secret>,
    environment: String,
    program: String,
    reconnect: Reconnect,
    clock: WallClock,
    reaching: Reaching,
    memory: Arc<dyn Memory>,
    #[cfg(unix)]
    pub(crate) sharing: Option<Sharing>,
}

impl Default for ClientBuilder {
    fn default() -> Self {
        Self {
            server: None,
            secret: None,
            environment: "development".to_owned(),
            program: concat!("client ", env!("CARGO_PKG_VERSION")).to_owned(),
            reconnect: Reconnect::On(BackoffPolicy::default()),
            clock: system_clock(),
            reaching: Reaching::default(),
            memory: Arc::new(InProcess::default()),
            #[cfg(unix)]
            sharing: None,
        }
    }
}

impl ClientBuilder {
    /// Sets the server's address, for example that of `"quic://app.example.com:3001".parse()?`.
    #[must_use]
    pub fn server(mut self, address: ServerAddress) -> Self {
        self.server = Some(address);
        self
    }

    /// Sets the secret that server and client share.
    #[must_use]
    pub fn secret(mut self, secret: Secret) -> Self {
        self.secret = Some(secret);
        self
    }

    /// Sets what the client calls itself; `development` unless set.
    #[must_use]
    pub fn environment(mut self, environment: impl Into<String>) -> Self {
        self.environment = environment.into();
        self
    }

    /// Sets the program's name and version, which the server writes to its log.
    #[must_use]
    pub fn program(mut self, program: impl Into<String>) -> Self {
        self.program = program.into();
        self
    }

    /// Sets what happens when the session is lost; five tries unless set, the first after three
    /// seconds. The first connection is tried once, whatever is set here.
    #[must_use]
    pub const fn reconnect(mut self, reconnect: Reconnect) -> Self {
        self.reconnect = reconnect;
        self
    }

    /// Sets the clock that the hello is stamped with. For tests.
    #[must_use]
    pub fn clock(mut self, clock: WallClock) -> Self {
        self.clock = clock;
        self
    }

    /// Sets which carriers may be used; the best that works unless set.
    #[must_use]
    pub const fn carrier(mut self, choice: CarrierChoice) -> Self {
        self.reaching.choice = choice;
        self
    }

    /// Sets what the certificate of an `https` server is checked by; the system's authorities unless
    /// set.
    #[must_use]
    pub fn tls(mut self, trust: TlsTrust) -> Self {
        self.reaching.trust = Some(Arc::new(trust));
        self
    }

    /// Sets the proxies that stand between; none unless set.
    #[must_use]
    pub fn proxies(mut self, proxies: ProxySettings) -> Self {
        self.reaching.proxies = Some(proxies);
        self
    }

    /// Sets what remembers which carrier worked; for as long as the client lives unless set.
    #[must_use]
    pub fn memory(mut self, memory: Arc<dyn Memory>) -> Self {
        self.memory = memory;
        self
    }

    /// Connects, within ten seconds.
    ///
    /// # Errors
    /// [`TunnelError`] if something is missing, or there is no session.
    pub async fn connect(self) -> Result<TunnelClient, TunnelError> {
        let address = self.server.clone().ok_or(TunnelError::NoServer)?;
        let dialer = self.dialer()?;
        let ways = self.reaching.ways(&address)?;
        #[cfg(unix)]
        let place = match &self.sharing {
            Some(sharing) => Some(self.place(sharing.runtime.as_deref())?),
            None => None,
        };
        let dial: Arc<dyn Dial> = Arc::new(ServerDial::new(dialer, ways, self.memory));
        #[cfg(unix)]
        let dial = match (self.sharing, place) {
            (Some(sharing), Some(place)) => sharing.before(dial, place),
            _ => dial,
        };
        TunnelClient::connect(dial, self.reconnect)
            .await
            .map_err(|source| TunnelError::Connect {
                server: address.to_string(),
                source,
            })
    }

    /// Returns what [`ClientBuilder::connect`] would work with, for callers that take its steps one
    /// by one. Nothing is sent.
    ///
    /// # Errors
    /// [`TunnelError`] if something is missing or makes no sense.
    pub fn steps(&self) -> Result<Steps, TunnelError> {
        let address = self.server.clone().ok_or(TunnelError::NoServer)?;
        Ok(Steps {
            dialer: self.dialer()?,
            route: self.reaching.route(&address)?,
            udp_port: self.reaching.udp_port(&address),
            choice: self.reaching.choice,
            clock: Arc::clone(&self.clock),
            address,
        })
    }

    pub(crate) fn key(&self) -> Result<Key, TunnelError> {
        let secret = self.secret.as_ref().ok_or(TunnelError::NoSecret)?;
        Ok(Key::derive("client", secret, Scopes::default())?)
    }

    fn dialer(&self) -> Result<Dialer, TunnelError> {
        let key = self.key()?;
        let name = ClientName {
            environment: self.environment.clone(),
            program: self.program.clone(),
            features: features::ALL
                .iter()
                .map(|feature| feature.protocol.feature_version())
                .collect(),
        };
        let dialer = Dialer::new(Arc::new(key), name, Arc::clone(&self.clock));
        Ok(dialer.first_call(features::health::client::first_call()))
    }
}

/// What a client connects with. Made by [`ClientBuilder::steps`].
pub struct Steps {
    /// Where the server is.
    pub address: ServerAddress,
    /// Opens sessions.
    pub dialer: Dialer,
    /// The way to the server's HTTP port, if it has one.
    pub route: Option<Route>,
    /// Where UDP is tried, if that is known before the server has said so.
    pub udp_port: Option<u16>,
    /// Which carriers may be used.
    pub choice: CarrierChoice,
    /// What the hello is stamped with.
    pub clock: WallClock,
}

impl std::fmt::Debug for Steps {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            address,
            dialer,
            route,
            udp_port,
            choice,
            clock: _,
        } = self;
        f.debug_struct("Steps")
            .field("address", address)
            .field("dialer", dialer)
            .field("route", route)
            .field("udp_port", udp_port)
            .field("choice", choice)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            server,
            environment,
            program,
            reconnect,
            reaching,
            memory,
            secret: _,
            clock: _,
            ..
        } = self;
        f.debug_struct("ClientBuilder")
            .field("server", server)
            .field("environment", environment)
            .field("program", program)
            .field("reconnect", reconnect)
            .field("reaching", reaching)
            .field("memory", memory)
            .finish_non_exhaustive()
    }
}
