//! What can go wrong, by whose fault, and with the status that the Socket.IO package had for it.

use features::env::client::EnvError;
use features::flags::client::FlagsError;
use features::logs::client::LogsError;
use features::sync::client::SyncError;
use features::webhooks::client::WebhooksError;
use thiserror::Error;
use transport::address::AddressError;
use transport::channel::ChannelError;
use transport::endpoint::DialError;
use transport::keeper::GiveUp;
use transport::reach::{ProxySettingsError, TrustError};
use transport::trust::{HandshakeError, KeyError, SecretError};
use wire::{Fault, Status};

use crate::chain::Chain;

/// Anything that a [`TunnelClient`](crate::TunnelClient) reports.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TunnelError {
    /// No server was named.
    #[error("no server is configured")]
    NoServer,
    /// What was given is no server's address: for callers that parse one on the way.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// No secret was given.
    #[error("no secret is configured")]
    NoSecret,
    /// What was given is too weak for a secret: for callers that parse one on the way.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// No key could be made from the secret.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The system's certificate authorities cannot be read.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// A variable names a proxy that is none.
    #[error(transparent)]
    Proxy(#[from] ProxySettingsError),
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
    /// The two ends speak different versions of a feature.
    #[error("the client speaks version {ours} of {feature}, the server version {theirs}")]
    OtherVersion {
        /// The feature.
        feature: &'static str,
        /// The version that this end speaks.
        ours: u16,
        /// The version that the server speaks.
        theirs: u16,
    },
    /// The server has not what the feature needs, or is not told to serve it.
    #[error("this server has no {feature}")]
    NoFeature {
        /// The feature.
        feature: &'static str,
    },
    /// The log stream ended.
    #[error(transparent)]
    Logs(#[from] LogsError),
    /// The sync did not come to its end.
    #[error(transparent)]
    Sync(#[from] SyncError),
    /// The environments were not compared.
    #[error(transparent)]
    Env(EnvError),
}

impl From<EnvError> for TunnelError {
    fn from(error: EnvError) -> Self {
        match error {
            EnvError::Server(error) => Self::Channel(error),
            other => Self::Env(other),
        }
    }
}

impl From<WebhooksError> for TunnelError {
    fn from(error: WebhooksError) -> Self {
        match error {
            WebhooksError::Server(error) => Self::Channel(error),
            WebhooksError::GaveUp(why) => Self::GaveUp(why),
        }
    }
}

impl From<FlagsError> for TunnelError {
    fn from(error: FlagsError) -> Self {
        match error {
            FlagsError::Server(error) => Self::Channel(error),
            FlagsError::GaveUp(why) => Self::GaveUp(why),
        }
    }
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
        if self.is_revoked() {
            return ErrorKind::Authentication;
        }
        if let Some(error) = self.dial() {
            return dial_kind(error);
        }
        if let Some(fault) = self.fault() {
            return fault_kind(fault);
        }
        match self {
            Self::NoServer
            | Self::Address(_)
            | Self::NoSecret
            | Self::Secret(_)
            | Self::Key(_)
            | Self::Proxy(_)
            | Self::Env(EnvError::Name(_) | EnvError::Twice(_) | EnvError::TooMany) => {
                ErrorKind::Validation
            }
            Self::Trust(_) | Self::NoFeature { .. } => ErrorKind::Failed,
            Self::Connect { .. }
            | Self::GaveUp(_)
            | Self::OtherVersion { .. }
            | Self::Logs(LogsError::GaveUp(_))
            | Self::Sync(SyncError::GaveUp(_)) => ErrorKind::Connection,
            Self::Channel(error)
            | Self::Logs(LogsError::Protocol(error))
            | Self::Sync(SyncError::Server(error)) => channel_kind(error),
            Self::Sync(SyncError::SameDatabase | SyncError::Theirs { .. }) => ErrorKind::Refused,
            Self::Logs(LogsError::Refused(_)) | Self::Sync(_) | Self::Env(_) => ErrorKind::Failed,
        }
    }

    /// Returns the old package's code.
    #[must_use]
    pub fn code(&self) -> u16 {
        self.kind().code()
    }

    /// Whether the session was lost in the middle: what was asked may be answered over another.
    pub(crate) const fn is_lost(&self) -> bool {
        matches!(self, Self::Channel(error) if error.is_lost())
    }

    /// Whether the server has revoked the key while a session was open.
    #[must_use]
    pub fn is_revoked(&self) -> bool {
        match self {
            Self::GaveUp(why)
            | Self::Logs(LogsError::GaveUp(why))
            | Self::Sync(SyncError::GaveUp(why)) => why.is_revoked(),
            Self::Channel(error)
            | Self::Logs(LogsError::Protocol(error))
            | Self::Sync(SyncError::Server(error)) => error.is_revoked(),
            _ => false,
        }
    }

    /// Returns the failure of the last try to open a session, if that is what ended it: the first
    /// connection's, or, under whatever was done, that of a session anew.
    #[must_use]
    pub fn dial(&self) -> Option<&DialError> {
        match self {
            Self::Connect { source, .. } => Some(source),
            Self::GaveUp(GiveUp::Dial(error))
            | Self::Logs(LogsError::GaveUp(GiveUp::Dial(error)))
            | Self::Sync(SyncError::GaveUp(GiveUp::Dial(error))) => Some(error),
            _ => None,
        }
    }

    /// Returns the handshake's failure, if that is what it is.
    #[must_use]
    pub fn handshake(&self) -> Option<&HandshakeError> {
        match self.dial()? {
            DialError::Handshake(error) => Some(error),
            _ => None,
        }
    }

    /// Returns what the server said when it refused, if it did.
    #[must_use]
    pub fn fault(&self) -> Option<&Fault> {
        match self {
            Self::Channel(ChannelError::Fault(fault))
            | Self::Logs(
                LogsError::Refused(fault) | LogsError::Protocol(ChannelError::Fault(fault)),
            )
            | Self::Sync(SyncError::Server(ChannelError::Fault(fault))) => Some(fault),
            _ => None,
        }
    }

    /// Shows the error with all its causes, the nearest first.
    #[must_use]
    pub const fn chain(&self) -> Chain<'_> {
        Chain::of(self)
    }
}

fn dial_kind(error: &DialError) -> ErrorKind {
    match error {
        // Known before anything is tried.
        DialError::NoWay { .. } => ErrorKind::Validation,
        DialError::Handshake(HandshakeError::Imposter) => ErrorKind::Authentication,
        DialError::Handshake(HandshakeError::Refused(refusal))
            if refusal.refused.status == Status::UNAUTHENTICATED =>
        {
            ErrorKind::Authentication
        }
        _ => ErrorKind::Connection,
    }
}

fn channel_kind(error: &ChannelError) -> ErrorKind {
    if error.is_lost() {
        ErrorKind::Connection
    } else {
        ErrorKind::Failed
    }
}

fn fault_kind(fault: &Fault) -> ErrorKind {
    match fault.status {
        Status::BAD_REQUEST => ErrorKind::Validation,
        Status::UNAUTHENTICATED => ErrorKind::Authentication,
        Status::FORBIDDEN => ErrorKind::Refused,
        Status::UNAVAILABLE => ErrorKind::Connection,
        // Whatever else, a table that is not there among it: it was asked, and it failed.
        _ => ErrorKind::Failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use transport::trust::Refusal;
    use wire::{Refused, Versions};

    fn under_everything(give_up: &GiveUp) -> [TunnelError; 3] {
        [
            TunnelError::GaveUp(give_up.clone()),
            TunnelError::Logs(LogsError::GaveUp(give_up.clone())),
            TunnelError::Sync(SyncError::GaveUp(give_up.clone())),
        ]
    }

    #[test]
    fn a_lack_of_trust_is_seen_whatever_ran_over_the_session() {
        let refusal = Refusal {
            refused: Refused {
                status: Status::UNAUTHENTICATED,
                reason: "the clocks differ".to_owned(),
                time: 0,
                versions: Versions::OURS,
            },
            clock_ahead: 400,
        };
        for error in [HandshakeError::Imposter, HandshakeError::Refused(refusal)] {
            let give_up = GiveUp::Dial(Arc::new(DialError::Handshake(error)));
            for error in under_everything(&give_up) {
                assert!(error.handshake().is_some(), "{error:?}");
                assert_eq!(error.code(), 401, "{error:?}");
            }
        }
        for error in under_everything(&GiveUp::Closed) {
            assert!(error.dial().is_none());
            assert_eq!(error.code(), 503, "{error:?}");
        }
    }

    #[test]
    fn a_fault_has_the_old_packages_code() {
        for (status, code) in [
            (Status::BAD_REQUEST, 400),
            (Status::UNAUTHENTICATED, 401),
            (Status::FORBIDDEN, 403),
            (Status::NOT_FOUND, 500),
            (Status::TOO_MANY, 500),
            (Status::INTERNAL, 500),
            (Status::UNAVAILABLE, 503),
        ] {
            let fault = || ChannelError::Fault(Fault::new(status, "why"));
            for error in [
                TunnelError::Channel(fault()),
                TunnelError::Logs(LogsError::Refused(Fault::new(status, "why"))),
                TunnelError::Sync(SyncError::Server(fault())),
            ] {
                assert_eq!(error.code(), code, "{error:?}");
            }
        }
    }
}
