//! How a client reaches its server: what of the builder's settings is about the way.

use std::sync::Arc;

use transport::address::{Http, ServerAddress};
use transport::carrier::websocket::Open;
use transport::choice::{CarrierChoice, Ways};
use transport::reach::{ProxySettings, Route, Security, TlsTrust};

use crate::error::TunnelError;

/// What is set of the way to the server.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reaching {
    pub(crate) choice: CarrierChoice,
    pub(crate) trust: Option<Arc<TlsTrust>>,
    pub(crate) proxies: Option<ProxySettings>,
}

impl Reaching {
    /// Returns the ways to a server.
    pub(crate) fn ways(&self, address: &ServerAddress) -> Result<Ways, TunnelError> {
        let route = self.route(address)?;
        Ok(Ways {
            host: address.host().to_owned(),
            udp_port: self.udp_port(address),
            http: route.map(|route| Arc::new(route) as Arc<dyn Open>),
            choice: self.choice,
        })
    }

    /// Returns where UDP is tried, if that is known before the server has said so.
    pub(crate) fn udp_port(&self, address: &ServerAddress) -> Option<u16> {
        // Asked for by name, UDP is tried at the port that the address has for HTTP.
        let insists = self.choice == CarrierChoice::Udp;
        address
            .udp_port()
            .or_else(|| insists.then_some(address.port()))
    }

    /// Returns the way to the server's HTTP port, if it has one.
    pub(crate) fn route(&self, address: &ServerAddress) -> Result<Option<Route>, TunnelError> {
        let security = match address.http() {
            None => return Ok(None),
            Some(Http::Plain) => Security::Plain,
            Some(Http::Tls) => Security::Tls(match &self.trust {
                Some(trust) => Arc::clone(trust),
                None => Arc::new(TlsTrust::system()?),
            }),
        };
        let (host, port) = (address.host().to_owned(), address.port());
        let proxy = match &self.proxies {
            Some(proxies) => proxies.for_server(&security, &host, port)?,
            None => None,
        };
        Ok(Some(Route {
            host,
            port,
            security,
            proxy,
        }))
    }
}
