//! Who comes to a server: what is shared by all ways in, and the handshake of each stranger.

use std::net::IpAddr;
use std::sync::Arc;

use quinn::Incoming;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::carrier::websocket::Carrying;
use crate::carrier::{self, Carrier};
use crate::first_call::Asked;
use crate::session::{Owned, Session};
use crate::trust::{
    self, Admission, Guest, HANDSHAKE_TIME, HandshakeError, MOST_SESSIONS, ServerTrust, Ticket,
    Welcomed,
};

/// What all ways in share: whom the server trusts, and how many strangers and sessions it takes.
#[derive(Debug)]
pub struct Reception {
    admission: Admission,
    places: Arc<Semaphore>,
    trust: ServerTrust,
    leaving: CancellationToken,
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

    pub(super) fn is_busy(&self, address: IpAddr) -> bool {
        self.admission.is_busy(address)
    }

    pub(crate) fn admit(&self, address: IpAddr) -> Option<Ticket> {
        self.admission.admit(address)
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
        let carried = carrying.as_ref();
        let welcomed = trust::welcome(&connection, &reception.trust, &ticket, places, carried);
        let welcomed = tokio::select! {
            welcomed = timeout_at(deadline, welcomed) => welcomed.map_err(slow).flatten(),
            () = reception.leaving.cancelled() => Err(HandshakeError::TurnedAway),
        };
        match welcomed {
            Ok(Welcomed {
                guest,
                place,
                control,
                binding,
            }) => {
                carrier::trust(&connection);
                let owned = Owned::Place { _held: place };
                let asked = Asked::default();
                let session = Session::new(
                    connection, binding, carrier, owned, carrying, control, asked,
                );
                Ok((session, guest))
            }
            Err(error) => {
                connection.close(error.close_code().0.into(), b"");
                Err(error)
            }
        }
    }
}
