//! Turns the libraries' errors into what a user reads: what happened, why, and what to do next.

use std::error::Error;
use std::time::Duration;

use client::sync::client::SyncError;
use client::sync::target::WriteError;
use client::{ErrorKind, TunnelError};
use server::ServerError;
use server::demo::DemoError;
use transport::endpoint::DialError;
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
        let message = chain(&error);
        match error {
            ServerError::Secret { .. } => Self::usage(message).hint(GOOD_SECRET),
            ServerError::Quic(_) | ServerError::Http { .. } => Self::failed(message)
                .hint("end the program that has the port, or choose another with --port"),
            ServerError::NoRandomness => Self::failed(message),
            _ => Self::usage(message),
        }
    }
}

impl From<DemoError> for Failure {
    fn from(error: DemoError) -> Self {
        Self::failed(format!(
            "cannot make the demo production: {}",
            chain(&error)
        ))
    }
}

/// A place to write to that makes no sense, known before anything is asked of a server.
impl From<WriteError> for Failure {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Format { .. } => Self::usage(chain(&error)),
            _ => Self::failed(chain(&error)),
        }
    }
}

/// Returns an error and its causes, the nearest first, on one line.
#[must_use]
pub fn chain(error: &dyn Error) -> String {
    let mut shown = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        // A transparent error, or one that quotes its cause, has said it already.
        if !shown.ends_with(&text) {
            shown = format!("{shown}: {text}");
        }
        cause = error.source();
    }
    shown
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

fn hint(error: &TunnelError) -> Option<&'static str> {
    if clock(error).is_some() {
        return Some(
            "set the wrong one of the two: `timedatectl set-ntp true` does it on most Linux systems",
        );
    }
    match error.handshake() {
        Some(HandshakeError::Imposter) => {
            return Some(
                "use the secret that this server was started with (RENDER_TUNNEL_SECRET there), and check that the address is that server's",
            );
        }
        Some(HandshakeError::Refused(refusal)) if refusal.refused.status == Status::BAD_REQUEST => {
            return Some(
                "bring the older of the two programs up to date: `tunnel --version`, `tunnel-server --version`",
            );
        }
        _ => {}
    }
    match error {
        TunnelError::Address(_) => Some("name the server with --server or RENDER_EXTERNAL_URL"),
        TunnelError::Secret(_) => Some(GOOD_SECRET),
        TunnelError::Connect { source, .. } => dial_hint(source),
        TunnelError::Sync(SyncError::SameDatabase) => {
            Some("nothing was written; without --to, a database on this machine is used")
        }
        TunnelError::Sync(SyncError::GaveUp(_)) => {
            Some("run the same command again: it goes on from the last chunk that is committed")
        }
        _ => None,
    }
}

fn dial_hint(error: &DialError) -> Option<&'static str> {
    match error {
        DialError::Resolve { .. } => Some(
            "check the host's name in --server or RENDER_EXTERNAL_URL, and that this machine is online",
        ),
        DialError::NobodyThere { .. } => Some(
            "start the server there (`tunnel-server`), or name another with --server or RENDER_EXTERNAL_URL",
        ),
        DialError::NoAnswer { .. } | DialError::Handshake(HandshakeError::Slow) => Some(
            "check that the server runs, and that UDP to this port is let through on the way (firewalls, and Render's own addresses, block it)",
        ),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;
    use transport::trust::Refusal;
    use wire::{Refused, Versions};

    fn refused(status: Status, clock_ahead: i64) -> Failure {
        let refused = Refused {
            status,
            reason: "the server's words".to_owned(),
            time: 0,
            versions: Versions::OURS,
        };
        let refusal = Refusal {
            refused,
            clock_ahead,
        };
        Failure::from(TunnelError::Connect {
            server: "quic://a:1".to_owned(),
            source: DialError::Handshake(HandshakeError::Refused(refusal)),
        })
    }

    #[test]
    fn a_wrong_clock_is_named_by_how_much_and_which_way() {
        for (ahead, words) in [(420, "7 min ahead of"), (-7500, "2 h 5 min behind")] {
            let failure = refused(Status::UNAUTHENTICATED, ahead);
            assert_eq!(failure.exit(), Exit::NotAuthorised);
            let shown = failure.to_string();
            assert!(
                shown.contains(words) && shown.contains("set-ntp"),
                "{shown}"
            );
        }
    }

    #[test]
    fn a_clock_within_bounds_is_not_blamed() {
        let shown = refused(Status::UNAUTHENTICATED, 20).to_string();
        assert!(
            shown.contains("the server's words") && !shown.contains("clock"),
            "{shown}"
        );
    }

    #[test]
    fn another_version_is_a_matter_of_updating() {
        let failure = refused(Status::BAD_REQUEST, 0);
        assert_eq!(failure.exit(), Exit::NoConnection);
        assert!(failure.to_string().contains("up to date"));
    }

    #[test]
    fn every_connection_that_fails_has_a_next_step() {
        let address = "127.0.0.1:1".parse().unwrap();
        let host = "a".to_owned();
        for source in [
            DialError::NobodyThere { address },
            DialError::NoAnswer { address },
            DialError::Resolve {
                host,
                source: io::Error::other("no such name"),
            },
            DialError::Handshake(HandshakeError::Imposter),
            DialError::Handshake(HandshakeError::Slow),
        ] {
            let shown = Failure::from(TunnelError::Connect {
                server: "quic://a:1".to_owned(),
                source,
            });
            assert!(shown.to_string().contains("\nhint: "), "{shown}");
        }
    }

    #[test]
    fn a_chain_says_nothing_twice() {
        let address = "127.0.0.1:1".parse().unwrap();
        let error = ServerError::Http {
            address,
            source: io::Error::other("taken"),
        };
        assert_eq!(chain(&error), "listen for HTTP on TCP 127.0.0.1:1: taken");
    }
}
