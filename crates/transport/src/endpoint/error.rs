//! Why there is no listener, and why there is no session.

use std::io;
use std::net::SocketAddr;

use thiserror::Error;

use crate::carrier::websocket::UpgradeError;
use crate::choice::CarrierChoice;
use crate::trust::HandshakeError;

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
