//! Why a server was not reached: at which stage, by whose fault, and what was seen before it.

use std::fmt;
use std::io;

use rustls::{CertificateError, Error as TlsError, InvalidMessage};
use thiserror::Error;

use super::pin::{Pin, PinDiffers};
use super::stream::Seen;
use super::trust::TrustError;
use super::{Peer, Role};

/// A server that was not reached.
#[derive(Debug, Error)]
#[error("{}", Attempt(*stage, peer))]
pub struct ReachError {
    /// The stage that failed.
    pub stage: Stage,
    /// With whom.
    pub peer: Peer,
    /// What was seen in the stages before it.
    pub seen: Box<Seen>,
    /// What went wrong.
    #[source]
    pub fault: ReachFault,
}

/// A step on the way to a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// The peer's name becomes addresses.
    Resolve,
    /// One of the addresses takes a TCP connection.
    Connect,
    /// The proxy is asked for the server.
    Tunnel,
    /// The peer proves who it is, and the bytes are encrypted.
    Tls,
}

/// What went wrong on the way to a server.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReachFault {
    /// No such name, or no name server.
    #[error("the name cannot be looked up")]
    Resolve(#[source] io::Error),
    /// What stands for the host cannot be one.
    #[error("that is no host name")]
    NotAHost,
    /// The machine is there, but no program listens at the port.
    #[error("nothing listens there")]
    Refused,
    /// No way to the machine, or no socket.
    #[error("it cannot be reached")]
    Unreachable(#[source] io::Error),
    /// No answer within the stage's time.
    #[error("no answer in time")]
    Slow,
    /// The connection ended in the middle.
    #[error("the connection was cut")]
    Cut(#[source] io::Error),
    /// The proxy answered, and not with yes.
    #[error("the proxy answered with status {status}")]
    ProxyRefused {
        /// The HTTP status.
        status: u16,
    },
    /// The proxy wants to know who asks (status 407), or did not like the answer.
    #[error("the proxy asks for a user and a password")]
    ProxyNeedsAuth {
        /// What it would take: `Basic`, `Negotiate`, `NTLM`. We have `Basic` alone.
        schemes: Vec<String>,
    },
    /// What answered at the proxy's port does not speak HTTP.
    #[error("what answers there is no HTTP proxy")]
    NotAProxy,
    /// What answered does not speak TLS: plain HTTP, most often.
    #[error("what answers there does not speak TLS")]
    NotTls,
    /// The peer speaks TLS, and is not known by its certificate.
    #[error("its certificate is not trusted")]
    Untrusted(#[source] Distrust),
    /// The two did not agree on how to speak TLS.
    #[error("TLS failed")]
    Tls(#[source] TlsError),
    /// The system's roots, which a proxy's certificate is checked by, are not to be had.
    #[error("no roots to check its certificate by")]
    Roots(#[source] TrustError),
}

/// What is wrong with a certificate.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum Distrust {
    /// Signed by none of the authorities that are trusted.
    #[error("nobody who is trusted has signed it")]
    UnknownIssuer,
    /// Its time is over, or this machine's clock is ahead.
    #[error("it has expired")]
    Expired,
    /// Its time is still to come, or this machine's clock is behind.
    #[error("it is not valid yet")]
    NotYetValid,
    /// It was made for another name.
    #[error("it is for another name: {}", presented.join(", "))]
    WrongName {
        /// The names that it is for.
        presented: Vec<String>,
    },
    /// Its key is another than the one that was pinned.
    #[error("its key is not the pinned one: {seen}")]
    PinDiffers {
        /// What would have to be pinned to trust it.
        seen: Pin,
    },
    /// The signature over it, or the peer's own over the handshake, is not by the key that it should
    /// be by: an authority made anew under its old name, or a peer without the certificate's key.
    #[error("a signature is not by the key that it should be by")]
    BadSignature,
    /// Something else, in rustls's words.
    #[error(transparent)]
    Other(TlsError),
}

impl ReachFault {
    pub(super) fn at(self, stage: Stage, peer: &Peer, seen: Seen) -> ReachError {
        ReachError {
            stage,
            peer: peer.clone(),
            seen: Box::new(seen),
            fault: self,
        }
    }

    /// Sorts what went wrong while the two shook hands.
    pub(super) fn of_handshake(error: io::Error) -> Self {
        let tls = match error.downcast::<TlsError>() {
            Ok(tls) => tls,
            Err(io) => return Self::Cut(io),
        };
        match tls {
            TlsError::InvalidCertificate(error) => Self::Untrusted(error.into()),
            // What the first bytes of another protocol look like, read as a record of TLS.
            TlsError::InvalidMessage(
                InvalidMessage::InvalidContentType
                | InvalidMessage::UnknownProtocolVersion
                | InvalidMessage::InvalidEmptyPayload
                | InvalidMessage::MessageTooLarge,
            ) => Self::NotTls,
            other => Self::Tls(other),
        }
    }
}

impl From<CertificateError> for Distrust {
    fn from(error: CertificateError) -> Self {
        match error {
            CertificateError::UnknownIssuer => Self::UnknownIssuer,
            CertificateError::BadSignature => Self::BadSignature,
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => Self::Expired,
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                Self::NotYetValid
            }
            CertificateError::NotValidForName => Self::WrongName { presented: vec![] },
            CertificateError::NotValidForNameContext { presented, .. } => {
                Self::WrongName { presented }
            }
            CertificateError::Other(other) => match other.0.downcast_ref() {
                Some(PinDiffers { seen }) => Self::PinDiffers { seen: *seen },
                None => Self::Other(CertificateError::Other(other).into()),
            },
            other => Self::Other(other.into()),
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Resolve => "DNS",
            Self::Connect => "TCP",
            Self::Tunnel => "proxy",
            Self::Tls => "TLS",
        })
    }
}

/// What was being done, in words.
struct Attempt<'a>(Stage, &'a Peer);

impl fmt::Display for Attempt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(stage, peer) = self;
        match (stage, peer.role) {
            (Stage::Resolve, Role::Server) => write!(f, "look up the address of {}", peer.host),
            (Stage::Resolve, Role::Proxy) => {
                write!(f, "look up the address of the proxy {}", peer.host)
            }
            (Stage::Connect, _) => write!(f, "connect to {peer} over TCP"),
            (Stage::Tunnel, _) => write!(f, "ask {peer} for the server"),
            (Stage::Tls, _) => write!(f, "set up TLS with {peer}"),
        }
    }
}
