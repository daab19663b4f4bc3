//! Turns the libraries' errors into what a user reads: what happened, why, and what to do next.

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::io;
use std::time::Duration;

use client::sync::client::SyncError;
use client::sync::target::WriteError;
use client::{Chain, ErrorKind, TunnelError};
use server::ServerError;
use server::demo::DemoError;
use transport::carrier::websocket::UpgradeError;
use transport::endpoint::{BindError, DialError};
use transport::trust::HandshakeError;
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
    let way = if refusal.clock_ahead > 0 {
        "ahead of"
    } else {
        "behind"
    };
    let by = number::time(Duration::from_secs(refusal.clock_ahead.unsigned_abs()));
    refusal.is_clock().then(|| {
        format!("this machine's clock is {by} {way} the server's, and 5 min are the most that is allowed")
    })
}

fn hint(error: &TunnelError) -> Option<Cow<'static, str>> {
    let dial = error.dial().map(dial_hint);
    let hint = match (error, dial) {
        (TunnelError::Sync(SyncError::GaveUp(_)), Some(hint)) => {
            return Some(format!("{hint}; then {GOES_ON}").into());
        }
        (TunnelError::Sync(SyncError::GaveUp(_)), None) => GOES_ON,
        (_, Some(hint)) => hint,
        (TunnelError::Address(_), _) => "name the server with --server or RENDER_EXTERNAL_URL",
        (TunnelError::Secret(_), _) => GOOD_SECRET,
        (TunnelError::OtherVersion { .. }, _) => UPDATE,
        (TunnelError::Sync(SyncError::SameDatabase), _) => {
            "nothing was written; without --to, a database on this machine is used"
        }
        (TunnelError::Sync(SyncError::Write(WriteError::File { .. })), _) => {
            "choose another place with --to or --output, or make its folder one that you may write to"
        }
        _ if error.fault().map(|fault| fault.status) == Some(Status::UNAVAILABLE) => {
            "try again later: the server's log says more"
        }
        _ => return None,
    };
    Some(hint.into())
}

/// Returns the next step after any failure to open a session. There is one for each.
fn dial_hint(error: &DialError) -> &'static str {
    match error {
        DialError::Resolve { .. } => {
            "check the host's name in --server or RENDER_EXTERNAL_URL, and that this machine is online"
        }
        DialError::Socket { .. } => {
            "check that this machine is online, and that programs may open UDP sockets on it"
        }
        DialError::NobodyThere { .. } => {
            "start the server there (`tunnel-server`), or name another with --server or RENDER_EXTERNAL_URL"
        }
        DialError::NoAnswer { .. } => LET_THROUGH,
        DialError::Connect(_) => {
            "check the host and the port in --server or RENDER_EXTERNAL_URL: packets cannot be sent there"
        }
        DialError::NoWay { .. } => {
            "choose `--carrier auto`, or write the server's address as https:// or http://"
        }
        DialError::Upgrade(error) => upgrade_hint(error),
        DialError::Handshake(error) => handshake_hint(error),
    }
}

/// Returns the next step after a WebSocket that could not be had.
const fn upgrade_hint(error: &UpgradeError) -> &'static str {
    match error {
        UpgradeError::NoTunnel { status: 502..=504 } => {
            "the server is away, or still starting: try again in a minute, and look into its log"
        }
        UpgradeError::NoTunnel { status: 426 } => {
            "a proxy on the way removes the WebSocket upgrade: let it through there"
        }
        UpgradeError::NoTunnel { .. } => {
            "check that the address is that of tunnel-server: a proxy, another program or a network's login page may have answered"
        }
        UpgradeError::Slow | UpgradeError::Lost(_) | UpgradeError::WebSocket(_) => {
            "try again; if it stays so, a proxy on the way holds WebSockets back"
        }
        _ => {
            "check that this machine is online, and the address in --server or RENDER_EXTERNAL_URL"
        }
    }
}

fn handshake_hint(error: &HandshakeError) -> &'static str {
    match error {
        HandshakeError::Imposter => SAME_SECRET,
        HandshakeError::Refused(refusal) if refusal.is_clock() => {
            "set the wrong one of the two: `timedatectl set-ntp true` does it on most Linux systems"
        }
        HandshakeError::Refused(refusal) => match refusal.refused.status {
            Status::UNAUTHENTICATED => SAME_SECRET,
            Status::BAD_REQUEST => UPDATE,
            Status::TOO_MANY => "try again when another client has left",
            _ => "look into the server's log: it says more",
        },
        HandshakeError::TurnedAway => {
            "try again in some seconds: another instance, or the next start of this one, will answer"
        }
        HandshakeError::Slow => LET_THROUGH,
        HandshakeError::Crypto => {
            "try again; if it stays so, this machine gives no random bytes, or this build is none for it"
        }
        HandshakeError::Connection(_) => {
            "try again; if it stays so, look into the server's log, and at what is on the way to it"
        }
        HandshakeError::NoAnswer | HandshakeError::Channel(_) => {
            "check that the address is that of tunnel-server, and of no other program that speaks QUIC"
        }
    }
}

const SAME_SECRET: &str = "use the secret that this server was started with (RENDER_TUNNEL_SECRET there), and check that the address is that server's";

const UPDATE: &str =
    "bring the older of the two programs up to date: `tunnel --version`, `tunnel-server --version`";

const LET_THROUGH: &str = "check that the server runs, and that UDP to this port is let through on the way (firewalls, and Render's own addresses, block it)";

const GOES_ON: &str =
    "run the same command again: it goes on from the last chunk that is committed, if one is";
