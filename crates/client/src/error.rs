//! What can go wrong, by whose fault and with the status that the package before this one had.

use std::error::Error as _;
use std::fmt;

use features::logs::client::LogsError;
use features::sync::client::SyncError;
use thiserror::Error;
use transport::address::AddressError;
use transport::channel::ChannelError;
use transport::endpoint::DialError;
use transport::keeper::GiveUp;
use transport::trust::{HandshakeError, KeyRingError, SecretError};
use wire::{Fault, Status};

/// Anything that a [`TunnelClient`](crate::TunnelClient) reports.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TunnelError {
    /// No server was named.
    #[error("no server is configured")]
    NoServer,
    /// What was given is no server's address.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// No secret was given.
    #[error("no secret is configured")]
    NoSecret,
    /// What was given is too weak for a secret.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// No key could be made from the secret.
    #[error(transparent)]
    Key(#[from] KeyRingError),
    /// There is no session.
    #[error("cannot connect to {server}")]
    Connect {
        /// The server.
        server: String,
        /// Why not.
        #[source]
        source: DialError,
    },
    /// The session was lost, and there is no other.
    #[error(transparent)]
    GaveUp(#[from] GiveUp),
    /// The server refused a call, or the channel broke.
    #[error(transparent)]
    Channel(#[from] ChannelError),
    /// The log stream ended.
    #[error(transparent)]
    Logs(#[from] LogsError),
    /// The sync did not come to its end.
    #[error(transparent)]
    Sync(#[from] SyncError),
}

/// Whose fault an error is, as scripts and the old package's users tell them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// What was asked makes no sense: `TunnelValidationError`, 400.
    Validation,
    /// The two ends do not trust each other: `TunnelAuthError`, 401.
    Authentication,
    /// The policy of the server, or of this program, forbids it: 403.
    Refused,
    /// There is no connection: `TunnelConnectionError`, 503.
    Connection,
    /// Anything else: `TunnelError`, 500.
    Failed,
}

impl ErrorKind {
    /// Returns the old package's code.
    #[must_use]
    pub const fn code(self) -> u16 {
        match self {
            Self::Validation => 400,
            Self::Authentication => 401,
            Self::Refused => 403,
            Self::Connection => 503,
            Self::Failed => 500,
        }
    }
}

impl TunnelError {
    /// Returns whose fault it is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::NoServer | Self::Address(_) | Self::NoSecret | Self::Secret(_) | Self::Key(_) => {
                ErrorKind::Validation
            }
            Self::Connect { source, .. } => dial_kind(source),
            Self::GaveUp(error) => give_up_kind(error),
            Self::Channel(error) => channel_kind(error),
            Self::Logs(LogsError::Refused(fault)) => fault_kind(fault),
            Self::Logs(LogsError::Protocol(error)) => channel_kind(error),
            Self::Logs(LogsError::GaveUp(error)) | Self::Sync(SyncError::GaveUp(error)) => {
                give_up_kind(error)
            }
            Self::Sync(SyncError::Server(error)) => channel_kind(error),
            Self::Sync(SyncError::SameDatabase | SyncError::Theirs { .. }) => ErrorKind::Refused,
            Self::Sync(_) => ErrorKind::Failed,
        }
    }

    /// Returns the old package's code.
    #[must_use]
    pub fn code(&self) -> u16 {
        self.kind().code()
    }

    /// Returns the handshake's failure, if that is what it is.
    #[must_use]
    pub fn handshake(&self) -> Option<&HandshakeError> {
        match self {
            Self::Connect {
                source: DialError::Handshake(error),
                ..
            } => Some(error),
            Self::GaveUp(GiveUp::Dial(error)) => match &**error {
                DialError::Handshake(error) => Some(error),
                _ => None,
            },
            _ => None,
        }
    }

    /// Returns what the server said when it refused, if it did.
    #[must_use]
    pub fn fault(&self) -> Option<&Fault> {
        match self {
            Self::Channel(ChannelError::Fault(fault))
            | Self::Logs(LogsError::Refused(fault))
            | Self::Sync(SyncError::Server(ChannelError::Fault(fault))) => Some(fault),
            _ => None,
        }
    }

    /// Shows the error with all its causes, the nearest first.
    #[must_use]
    pub const fn chain(&self) -> Chain<'_> {
        Chain(self)
    }
}

/// An error with its causes, as one line.
#[derive(Debug)]
pub struct Chain<'e>(&'e TunnelError);

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut last = self.0.to_string();
        f.write_str(&last)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            let text = error.to_string();
            // A transparent error shows its cause's text as its own.
            if text != last {
                write!(f, ": {text}")?;
            }
            last = text;
            cause = error.source();
        }
        Ok(())
    }
}

fn dial_kind(error: &DialError) -> ErrorKind {
    match error {
        DialError::Handshake(HandshakeError::Imposter) => ErrorKind::Authentication,
        DialError::Handshake(HandshakeError::Refused(refusal))
            if refusal.refused.status == Status::UNAUTHENTICATED =>
        {
            ErrorKind::Authentication
        }
        _ => ErrorKind::Connection,
    }
}

fn give_up_kind(error: &GiveUp) -> ErrorKind {
    match error {
        GiveUp::Dial(error) => dial_kind(error),
        GiveUp::Lost(_) | GiveUp::Closed => ErrorKind::Connection,
    }
}

fn channel_kind(error: &ChannelError) -> ErrorKind {
    match error {
        ChannelError::Fault(fault) => fault_kind(fault),
        ChannelError::Lost(_) | ChannelError::Cut => ErrorKind::Connection,
        _ => ErrorKind::Failed,
    }
}

fn fault_kind(fault: &Fault) -> ErrorKind {
    match fault.status {
        Status::BAD_REQUEST => ErrorKind::Validation,
        Status::UNAUTHENTICATED => ErrorKind::Authentication,
        Status::FORBIDDEN => ErrorKind::Refused,
        // Whatever else, a table that is not there among it: it was asked, and it failed.
        _ => ErrorKind::Failed,
    }
}
