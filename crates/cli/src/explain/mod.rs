//! Turns the libraries' errors into what a user reads: what happened, why, and what to do next.

#[cfg(test)]
mod tests;
pub(crate) mod ways;

use std::borrow::Cow;
use std::io;
use std::time::Duration;

use client::sync::client::SyncError;
use client::sync::target::WriteError;
use client::{Chain, ErrorKind, TunnelError};
use server::ServerError;
use server::demo::DemoError;
use transport::endpoint::BindError;
use transport::trust::{HandshakeError, Refusal};
use wire::Status;

use crate::exit::{Exit, Failure};
use crate::output::number;
use crate::settings::GOOD_SECRET;

impl From<ErrorKind> for Exit {
    fn from(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::Validation => Self::Usage,
            ErrorKind::Authentication => Self::NotAuthorised,
            ErrorKind::Refused => Self::Refused,
            ErrorKind::Connection => Self::NoConnection,
            ErrorKind::Failed => Self::Failed,
        }
    }
}

impl From<TunnelError> for Failure {
    fn from(error: TunnelError) -> Self {
        let exit = Exit::from(error.kind());
        let failure = match clock(&error) {
            Some(why) => Self::new(exit, format!("{error}: {why}")),
            None if error.is_revoked() => Self::new(exit, "not authorised: the key was revoked"),
            None => Self::new(exit, error.chain().to_string()),
        };
        match hint(&error) {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

/// A server that does not start: who configured it is at fault, or what else is on the machine.
impl From<ServerError> for Failure {
    fn from(error: ServerError) -> Self {
        let message = Chain::of(&error).to_string();
        let (failure, hint) = match &error {
            ServerError::Secret { .. } => (Self::usage(message), Some(GOOD_SECRET)),
            ServerError::Quic(BindError::Socket { source, .. })
            | ServerError::Http { source, .. } => (Self::failed(message), port_hint(source)),
            ServerError::Quic(_) | ServerError::NoRandomness => (Self::failed(message), None),
            _ => (Self::usage(message), None),
        };
        match hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

/// Says what to do about a port that cannot be had.
fn port_hint(error: &io::Error) -> Option<&'static str> {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            Some("end the program that has the port, or choose another with --port")
        }
        io::ErrorKind::PermissionDenied => {
            Some("choose a port above 1023 with --port: those below are the system administrator's")
        }
        _ => None,
    }
}

impl From<DemoError> for Failure {
    fn from(error: DemoError) -> Self {
        Self::failed(format!(
            "cannot make the demo production: {}",
            Chain::of(&error)
        ))
    }
}

/// A place to write to that makes no sense, known before anything is asked of a server.
impl From<WriteError> for Failure {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Format { .. } => Self::usage(Chain::of(&error).to_string()),
            _ => Self::failed(Chain::of(&error).to_string()),
        }
    }
}

/// Says how wrong a clock is, if that is what keeps the two ends apart.
fn clock(error: &TunnelError) -> Option<String> {
    let Some(HandshakeError::Refused(refusal)) = error.handshake() else {
        return None;
    };
    refusal.is_clock().then(|| wrong_clock(refusal))
}

/// Says how wrong a clock is.
pub(crate) fn wrong_clock(refusal: &Refusal) -> String {
    format!(
        "this machine's clock is {} the server's, and 5 min are the most that is allowed",
        clocks(refusal.clock_ahead)
    )
}

/// Says how far a clock is from another: `7 min ahead of`, `2 h behind`.
pub(crate) fn clocks(ahead: i64) -> String {
    let way = if ahead > 0 { "ahead of" } else { "behind" };
    let by = number::time(Duration::from_secs(ahead.unsigned_abs()));
    format!("{by} {way}")
}

/// Says what a server needs for a feature that it has not.
fn needed(feature: &str) -> Option<&'static str> {
    Some(match feature {
        "webhooks" => {
            "the server's log says why: it needs `[webhooks]` in its tunnel.toml, or a place for the inbox"
        }
        "flags" => {
            "the server mirrors its flags if its tunnel.toml has a section `[flags]`, even an empty one"
        }
        "sync" => "the server's log says why: it needs DATABASE_URL",
        _ => return None,
    })
}

fn hint(error: &TunnelError) -> Option<Cow<'static, str>> {
    let dial = error.dial().map(ways::dial);
    let hint = match (error, dial) {
        _ if error.is_revoked() => {
            "whoever runs the server has the secret that is good now: set it as RENDER_TUNNEL_SECRET"
        }
        (TunnelError::Sync(SyncError::GaveUp(_)), Some(hint)) => {
            return Some(format!("{hint}; then {GOES_ON}").into());
        }
        (TunnelError::Sync(SyncError::GaveUp(_)), None) => GOES_ON,
        (_, Some(hint)) => return Some(hint),
        (TunnelError::Trust(error), _) => ways::trust(error),
        (TunnelError::Proxy(error), _) => return Some(ways::proxy_settings(error)),
        (TunnelError::Address(_), _) => "name the server with --server or RENDER_EXTERNAL_URL",
        (TunnelError::Secret(_), _) => GOOD_SECRET,
        (TunnelError::OtherVersion { .. }, _) => ways::UPDATE,
        (TunnelError::Sync(SyncError::SameDatabase), _) => {
            "nothing was written; without --to, a database on this machine is used"
        }
        (TunnelError::Sync(SyncError::Write(WriteError::File { .. })), _) => {
            "choose another place with --to or --output, or make its folder one that you may write to"
        }
        (TunnelError::NoFeature { feature }, _) => return needed(feature).map(Cow::Borrowed),
        _ if error.fault().map(|fault| fault.status) == Some(Status::UNAVAILABLE) => {
            "try again later: the server's log says more"
        }
        _ => return None,
    };
    Some(hint.into())
}

const GOES_ON: &str =
    "run the same command again: it goes on from the last chunk that is committed, if one is";
