//! Where sessions are taken in: QUIC on one socket.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use quinn::{AsyncUdpSocket, Endpoint, EndpointConfig, ServerConfig, TokioRuntime};
use quinn_proto::HashedConnectionIdGenerator;
use ring::hmac;
use wire::CloseCode;

use super::arrival::{Arrival, Reception};
use super::error::BindError;
use crate::carrier::{self, Carrier, udp};
use crate::congestion::Spur;
use crate::trust;

/// Takes in sessions on one socket.
#[derive(Debug)]
pub struct Listener {
    endpoint: Endpoint,
    carrier: Carrier,
    reception: Arc<Reception>,
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
            endpoint_config(&reception, carrier),
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
        let endpoint = Endpoint::new_with_abstract_socket(
            endpoint_config(&reception, carrier),
            Some(server_config(&reception, carrier)?),
            socket,
            Arc::new(TokioRuntime),
        )
        .map_err(BindError::Abstract)?;
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
            if self.reception.is_busy(address) && incoming.may_retry() {
                // Fails only for an address that has proved itself, which was just asked.
                incoming.retry().ok();
                continue;
            }
            match self.reception.admit(address) {
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

/// Returns the settings of a listener, which knows packets of the sessions before a restart, and
/// says of them that they are gone.
fn endpoint_config(reception: &Reception, carrier: Carrier) -> EndpointConfig {
    let seed = reception.trust().keys.reset_seed();
    let [a, b, c, d, e, f, g, h, ..] = *seed;
    let ids = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
    let mut config = carrier::endpoint_config(carrier);
    config
        .reset_key(Arc::new(hmac::Key::new(hmac::HMAC_SHA256, seed.as_ref())))
        .cid_generator(move || Box::new(HashedConnectionIdGenerator::from_key(ids)));
    config
}

pub(crate) fn server_config(
    reception: &Reception,
    carrier: Carrier,
) -> Result<ServerConfig, BindError> {
    let tls = trust::server_config(Arc::clone(&reception.trust().keys))
        .map_err(|error| BindError::Tls(error.into()))?;
    let mut config = ServerConfig::with_crypto(Arc::new(tls));
    config
        .transport_config(carrier::stranger_config(carrier, &Spur::default()))
        .max_incoming(MOST_INCOMING)
        .incoming_buffer_size(INCOMING_BUFFER)
        .incoming_buffer_size_total(INCOMING_BUFFER * MOST_INCOMING as u64);
    Ok(config)
}

/// Strangers whose first packets wait to be looked at.
const MOST_INCOMING: usize = 256;

/// A first flight is three packets at the most.
const INCOMING_BUFFER: u64 = 8 * 1024;

/// How long a closing listener waits for its last packets to be heard.
const CLOSING: Duration = Duration::from_millis(500);
