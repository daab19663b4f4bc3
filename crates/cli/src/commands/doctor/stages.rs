//! The stages on the way to the HTTP port, noted one by one: DNS, TCP, the proxy, TLS.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use client::Chain;
use transport::reach::{
    self, ByteStream, Distrust, Peer, Pin, Proxy, ReachError, ReachFault, Role, Route, Secured,
    Security, TlsTrust,
};

use super::finding::{Finding, Notes};
use crate::explain::ways;
use crate::output::clock::{Day, Moment};
use crate::output::number;

pub(super) const DNS: &str = "DNS";
pub(super) const TCP: &str = "TCP";
pub(super) const PROXY: &str = "proxy";
pub(super) const TLS: &str = "TLS";

/// Goes the way to the bytes of the HTTP port. `None` if a stage has failed.
pub(super) async fn reached(route: &Route, notes: &Notes) -> Option<ByteStream> {
    let server = route.server();
    let stream = match &route.proxy {
        Some(proxy) => {
            let stream = dialled(proxy.peer(), notes).await?;
            through(stream, proxy, &server, notes).await?
        }
        None => {
            let stream = dialled(&server, notes).await?;
            notes.note(Finding::skip(PROXY, "none for this server"));
            stream
        }
    };
    match &route.security {
        Security::Plain => {
            notes.note(Finding::skip(TLS, "not needed: http:// has none"));
            Some(stream)
        }
        Security::Tls(trust) => secured(stream, &server, trust, route, notes).await,
    }
}

/// Looks the peer up and connects to it.
async fn dialled(peer: &Peer, notes: &Notes) -> Option<ByteStream> {
    let resolved = noted(DNS, reach::resolve(peer).await, notes)?;
    let addresses = resolved
        .addresses
        .iter()
        .map(|address| address.ip().to_string());
    let whose = match peer.role {
        Role::Server => "",
        Role::Proxy => "the proxy: ",
    };
    let seen = format!("{whose}{}", addresses.collect::<Vec<_>>().join(", "));
    notes.note(Finding::pass(DNS, seen).took(resolved.took));
    let stream = noted(TCP, reach::connect(peer, resolved).await, notes)?;
    if let Some(connected) = &stream.seen().connected {
        let seen = format!("connected to {}", connected.remote);
        notes.note(Finding::pass(TCP, seen).took(connected.took));
    }
    Some(stream)
}

/// Goes through the proxy.
async fn through(
    stream: ByteStream,
    proxy: &Proxy,
    server: &Peer,
    notes: &Notes,
) -> Option<ByteStream> {
    let stream = noted(PROXY, reach::through(stream, proxy, server).await, notes)?;
    if let Some(tunnelled) = &stream.seen().tunnelled {
        let seen = format!("{proxy} connects to the server");
        notes.note(Finding::pass(PROXY, seen).took(tunnelled.took));
    }
    Some(stream)
}

async fn secured(
    stream: ByteStream,
    server: &Peer,
    trust: &TlsTrust,
    route: &Route,
    notes: &Notes,
) -> Option<ByteStream> {
    match reach::secure(stream, server, trust).await {
        Ok(stream) => {
            if let Some(secured) = &stream.seen().secured {
                notes.note(certificate(secured, SystemTime::now()));
            }
            Some(stream)
        }
        Err(error) => {
            let finding = failed(TLS, &error);
            notes.note(match (&error.fault, pin_of(&error, route).await) {
                (ReachFault::Untrusted(_), Some(pin)) => Finding {
                    seen: format!("{}; its key is {pin}", finding.seen),
                    ..finding
                },
                _ => finding,
            });
            None
        }
    }
}

/// Judges a certificate that is trusted.
fn certificate(secured: &Secured, now: SystemTime) -> Finding {
    let Secured {
        version,
        pin,
        expires,
        took,
    } = secured;
    let seen = |until: &str| format!("{version}{until}, its key is {pin}");
    let Some(expires) = expires else {
        return Finding::pass(TLS, seen("")).took(*took);
    };
    let since_1970 = expires.duration_since(SystemTime::UNIX_EPOCH);
    let nanos = since_1970.unwrap_or_default().as_nanos();
    let day = Day(Moment(u64::try_from(nanos).unwrap_or(u64::MAX)));
    let left = expires.duration_since(now).unwrap_or_default();
    let until = format!(", certificate until {day} ({} left)", number::time(left));
    let finding = match left < SOON {
        true => Finding::warn(TLS, seen(&until))
            .remedy("see to it that the server's certificate is renewed in time"),
        false => Finding::pass(TLS, seen(&until)),
    };
    finding.took(*took)
}

/// Asks whoever is there for its key, trusting nobody: a pin that no key has differs from every one.
async fn pin_of(error: &ReachError, route: &Route) -> Option<Pin> {
    if !matches!(error.fault, ReachFault::Untrusted(_)) {
        return None;
    }
    let no_key = "00".repeat(32).parse().ok()?;
    let trust = Arc::new(TlsTrust::pin(no_key).ok()?);
    let asked = Route {
        security: Security::Tls(trust),
        ..route.clone()
    };
    match asked.connect().await.err()?.fault {
        ReachFault::Untrusted(Distrust::PinDiffers { seen }) => Some(seen),
        _ => None,
    }
}

/// Notes the failure of a stage.
fn noted<T>(check: &'static str, stage: Result<T, ReachError>, notes: &Notes) -> Option<T> {
    stage
        .map_err(|error| notes.note(failed(check, &error)))
        .ok()
}

fn failed(check: &'static str, error: &ReachError) -> Finding {
    Finding::fail(check, Chain::of(error).to_string()).remedy(ways::reach(error))
}

/// Authorities that renew by themselves do it a month before the end.
const SOON: Duration = Duration::from_secs(14 * 24 * 60 * 60);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::doctor::finding::Status;
    use transport::reach::TlsVersion;

    #[test]
    fn a_certificate_that_ends_soon_is_to_be_renewed() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let secured = |left| Secured {
            version: TlsVersion::Tls13,
            pin: "ab".repeat(32).parse().unwrap(),
            expires: Some(now + left),
            took: Duration::from_millis(30),
        };
        let fine = certificate(&secured(SOON), now);
        assert_eq!(fine.status, Status::Pass);
        assert!(
            fine.seen.starts_with(
                "TLS 1.3, certificate until 2027-01-29 (14 d left), its key is sha256/"
            ),
            "{fine:?}"
        );
        let ends = certificate(&secured(SOON - Duration::from_secs(1)), now);
        assert_eq!(ends.status, Status::Warn);
        assert!(ends.remedy.is_some());
    }
}
