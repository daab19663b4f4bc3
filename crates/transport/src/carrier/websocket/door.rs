//! The server's side: who may bring a WebSocket, and which session it is for.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::{HeaderMap, HeaderName, StatusCode, header};
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::Role as WebSocketRole;
use tracing::debug;
use wire::{Act, Pass};

use super::link;
use super::queues::Queues;
use super::socket::PacketSocket;
use super::{Carrying, Role};
use crate::carrier::{Carrier, stranger_config};
use crate::congestion::Spur;
use crate::endpoint::{Arrival, BindError, Reception, abstract_endpoint, server_config};
use crate::tasks::Tasks;
use crate::trust::{BadPass, HANDSHAKE_TIME, Key, KeyId, PassCheck, Ticket};

/// Where clients come in over WebSocket. It is told of each upgrade by the front.
#[derive(Debug)]
pub struct Door {
    reception: Arc<Reception>,
    passes: PassCheck,
    live: Live,
    quic: quinn::ServerConfig,
}

/// The right to bring one WebSocket.
#[derive(Debug)]
pub struct Permit {
    door: Arc<Door>,
    from: IpAddr,
    key: KeyId,
    stay: Stay,
}

#[derive(Debug)]
enum Stay {
    New(Place, Ticket),
    Again(Queues),
}

/// Where a session is found by its next link: by its key and the name that the client drew for it.
type Place = (KeyId, [u8; 16]);

/// The sessions that a link may attach to.
#[derive(Clone, Debug, Default)]
struct Live(Arc<Mutex<HashMap<Place, Queues>>>);

impl Door {
    /// Makes a door to `reception`.
    ///
    /// # Errors
    /// [`BindError`] if the crypto library refuses.
    pub fn new(reception: Arc<Reception>) -> Result<Self, BindError> {
        let mut quic = server_config(&reception, Carrier::WebSocket)?;
        // A session has one address here, whatever link it is on.
        quic.migration(false);
        Ok(Self {
            reception,
            passes: PassCheck::default(),
            live: Live::default(),
            quic,
        })
    }

    /// Checks an upgrade before it is granted. `from` is the client's address.
    ///
    /// # Errors
    /// [`Refusal`] if it is not. A guess is answered late.
    pub async fn check(
        self: &Arc<Self>,
        headers: &HeaderMap,
        from: IpAddr,
    ) -> Result<Permit, Refusal> {
        let ticket = self.reception.admit(from).ok_or(Refusal::Busy)?;
        let given = only(headers, &header::AUTHORIZATION);
        let (key, pass) = match self.passes.check(self.reception.trust(), given) {
            Ok(checked) => checked,
            Err(bad) => {
                if bad.is_a_guess() {
                    ticket.penalty().await;
                }
                return Err(bad.into());
            }
        };
        Ok(Permit {
            door: Arc::clone(self),
            from,
            key: key.id(),
            stay: self.stay(&key, &pass, ticket)?,
        })
    }

    fn stay(&self, key: &Key, pass: &Pass, ticket: Ticket) -> Result<Stay, Refusal> {
        let place = (key.id(), pass.session);
        match (pass.act, self.live.lock().get(&place)) {
            (Act::Open, None) if self.reception.is_leaving() => Err(Refusal::Leaving),
            (Act::Open, None) => Ok(Stay::New(place, ticket)),
            (Act::Attach, Some(queues)) => Ok(Stay::Again(queues.clone())),
            (Act::Open, Some(_)) => Err(Refusal::Taken),
            (Act::Attach, None) => Err(Refusal::Gone),
        }
    }

    #[cfg(test)]
    pub(super) fn list_for_test(&self, key: KeyId, session: [u8; 16]) -> Listed {
        let listed = Listed {
            live: self.live.clone(),
            place: (key, session),
            queues: Queues::default(),
        };
        listed.list();
        listed
    }

    /// Returns the server's clock, in seconds since 1970, for a refusal.
    #[must_use]
    pub fn time(&self) -> u64 {
        (self.reception.trust().clock)()
    }

    /// Waits for the first packet of QUIC.
    async fn first_packet(
        &self,
        from: IpAddr,
        place: Place,
        ticket: Ticket,
        queues: &Queues,
    ) -> Option<Arrival> {
        let packets = PacketSocket::of_server(queues.clone());
        let socket = Arc::downgrade(&packets);
        let spur = Spur::default();
        let mut quic = self.quic.clone();
        quic.transport_config(stranger_config(Carrier::WebSocket, &spur));
        let endpoint = abstract_endpoint(packets, Carrier::WebSocket, Some(quic))
            .inspect_err(|error| debug!("no QUIC over a WebSocket: {error}"))
            .ok()?;
        let incoming = tokio::select! {
            incoming = endpoint.accept() => incoming?,
            () = queues.vacant() => return None,
        };
        // One WebSocket, one session.
        endpoint.set_server_config(None);
        let listed = Listed {
            live: self.live.clone(),
            place,
            queues: queues.clone(),
        };
        Some(Arrival {
            incoming,
            from,
            carrier: Carrier::WebSocket,
            ticket,
            reception: Arc::clone(&self.reception),
            carrying: Some(Carrying {
                queues: queues.clone(),
                endpoint,
                socket,
                spur,
                role: Role::Server(listed),
            }),
        })
    }
}

impl Permit {
    /// Returns the key that the pass was made with.
    #[must_use]
    pub const fn key(&self) -> KeyId {
        self.key
    }

    /// Takes the bytes that follow the upgrade, and returns who has come, if somebody has: a link
    /// for a session that is there is joined to it.
    pub async fn enter<S>(self, stream: S, tasks: &Tasks) -> Option<Arrival>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let settings = Some(link::settings());
        let socket =
            WebSocketStream::from_raw_socket(stream, WebSocketRole::Server, settings).await;
        match self.stay {
            Stay::Again(queues) => {
                link::spawn(tasks, &queues, socket);
                None
            }
            Stay::New(place, ticket) => {
                let queues = Queues::default();
                link::spawn(tasks, &queues, socket);
                let first = self.door.first_packet(self.from, place, ticket, &queues);
                let entered = tokio::select! {
                    entered = timeout(HANDSHAKE_TIME, first) => entered.ok().flatten(),
                    () = tasks.stopping() => None,
                };
                if entered.is_none() {
                    queues.abandon();
                }
                entered
            }
        }
    }
}

/// Returns the value of a header, and nothing if there are two: a proxy may have looked at the other.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> &'a [u8] {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.as_bytes(),
        _ => b"",
    }
}

/// A session's entry, which is taken off the list when the session ends.
#[derive(Debug)]
pub(super) struct Listed {
    live: Live,
    place: Place,
    queues: Queues,
}

impl Live {
    fn lock(&self) -> MutexGuard<'_, HashMap<Place, Queues>> {
        // Each change of the map is one statement.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listed {
    pub(super) const fn key(&self) -> KeyId {
        self.place.0
    }

    /// Puts the session on the list.
    pub(super) fn list(&self) {
        self.live.lock().insert(self.place, self.queues.clone());
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        self.live.lock().remove(&self.place);
    }
}

/// Why an upgrade is not granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// The pass is not good.
    #[error(transparent)]
    Pass(#[from] BadPass),
    /// Too many strangers are at the door.
    #[error("too many clients connect at once: try again in a moment")]
    Busy,
    /// The server is stopping: only sessions that are open go on.
    #[error("the server is stopping")]
    Leaving,
    /// A session of that name is open.
    #[error("the session is open already")]
    Taken,
    /// No session of that name is open here.
    #[error("this server has no such session: open a new one")]
    Gone,
}

impl Refusal {
    /// Returns the HTTP status of the answer.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        match self {
            Self::Pass(BadPass::Unreadable(_)) => StatusCode::BAD_REQUEST,
            Self::Pass(BadPass::TooMany) | Self::Busy => StatusCode::TOO_MANY_REQUESTS,
            Self::Pass(_) => StatusCode::UNAUTHORIZED,
            Self::Leaving => StatusCode::SERVICE_UNAVAILABLE,
            Self::Taken | Self::Gone => StatusCode::CONFLICT,
        }
    }
}
