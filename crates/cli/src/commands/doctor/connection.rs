//! The connection: DNS, TCP, the proxy, TLS, the upgrade; then UDP and what a session tells.
//!
//! ```text
//! DNS ─▶ TCP ─▶ proxy ─▶ TLS ─▶ upgrade ─▶ session ─┬─▶ authentication, clock, versions
//! UDP, where the address tells its port ─▶ session ─┘
//! ```
//! The stages are those of `transport::reach`, one by one.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use client::{CarrierChoice, Chain, Steps};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::time::Instant;
use transport::carrier::websocket::{Open, Opening, UpgradeError, Upgraded};
use transport::endpoint::DialError;
use transport::reach::{
    self, ByteStream, Distrust, Peer, Pin, Proxy, ReachError, ReachFault, Role, Route, Secured,
    Security, TlsTrust,
};

use super::finding::{Finding, Notes};
use super::group::Group;
use super::session::{self, Outcome};
use super::{Subject, udp};
use crate::explain::ways;
use crate::output::clock::{Day, Moment};
use crate::output::number;

/// The connection.
pub(super) const GROUP: Group = Group {
    checks: &[
        DNS,
        TCP,
        PROXY,
        TLS,
        UPGRADE,
        udp::UDP,
        session::AUTHENTICATION,
        session::CLOCK,
        session::VERSIONS,
    ],
    run: |subject, notes| run(subject, notes).boxed(),
};

async fn run(subject: &Subject<'_>, notes: &Notes) {
    // A configuration that makes no sense is a finding of its own.
    let Ok(steps) = &subject.steps else { return };
    let (over_websocket, over_udp) = tokio::join!(websocket(steps, notes), udp::known(steps));
    let over_udp = match (over_udp, &over_websocket) {
        (None, Some(Ok(joined))) => udp::offered(steps, joined).await,
        (tried, _) => tried,
    };
    let other = match &over_websocket {
        Some(Ok(_)) => udp::Other::Works,
        Some(Err(_)) | None => udp::Other::None,
    };
    notes.note(udp::judge(over_udp.as_ref(), steps, other));
    session::note(by_worth(over_websocket, over_udp), notes).await;
}

/// Sets sessions that are open before those that a server refused. A UDP port where nobody answers
/// tells nothing of secrets and clocks.
fn by_worth(over_websocket: Option<Outcome>, over_udp: Option<udp::Tried>) -> Vec<Outcome> {
    let over_udp = over_udp.and_then(|tried| tried.outcome);
    let tells = |outcome: &Outcome| match outcome {
        Ok(_) => true,
        Err(error) => error.is_from_server(),
    };
    let both = [over_websocket, over_udp.filter(tells)];
    let mut outcomes: Vec<_> = both.into_iter().flatten().collect();
    outcomes.sort_by_key(Result::is_err);
    outcomes
}

/// Goes the way to the HTTP port, and notes each stage. `None` if no server was reached on it.
async fn websocket(steps: &Steps, notes: &Notes) -> Option<Outcome> {
    let route = match (&steps.route, steps.choice) {
        (Some(route), CarrierChoice::Auto | CarrierChoice::WebSocket) => route,
        (None, _) => return skip_all(notes, "quic:// is UDP alone").await,
        (Some(_), CarrierChoice::Udp) => return skip_all(notes, "--carrier udp").await,
    };
    let stream = reached(route, notes).await?;
    let started = Instant::now();
    let open = Arc::new(Prepared {
        stream: Mutex::new(Some(stream)),
        route: route.clone(),
    });
    let upgraded = steps.dialer.upgrade(open).await;
    let took = started.elapsed();
    notes.note(
        match &upgraded {
            Ok(_) | Err(UpgradeError::Refused(_)) => {
                Finding::pass(UPGRADE, "a tunnel server answers")
            }
            Err(error) => {
                Finding::fail(UPGRADE, Chain::of(error).to_string()).remedy(ways::upgrade(error))
            }
        }
        .took(took),
    );
    match upgraded {
        Ok(upgraded) => Some(session_over(steps, upgraded).await),
        Err(error) => {
            let error = DialError::from(error);
            error.is_from_server().then_some(Err(error))
        }
    }
}

async fn session_over(steps: &Steps, upgraded: Upgraded) -> Outcome {
    let started = Instant::now();
    let (session, welcome) = steps.dialer.dial_over(upgraded).await?;
    Ok(session::Joined::new(
        session,
        welcome,
        started,
        &steps.clock,
    ))
}

async fn skip_all(notes: &Notes, why: &str) -> Option<Outcome> {
    for check in [DNS, TCP, PROXY, TLS, UPGRADE] {
        notes.note(Finding::skip(check, format!("not needed: {why}")));
    }
    None
}

/// Goes the way to the bytes of the HTTP port. `None` if a stage has failed.
async fn reached(route: &Route, notes: &Notes) -> Option<ByteStream> {
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

/// A stream that is open already, for the first who asks.
#[derive(Debug)]
struct Prepared {
    stream: Mutex<Option<ByteStream>>,
    route: Route,
}

impl Open for Prepared {
    fn open(&self) -> BoxFuture<'_, Result<Opening, ReachError>> {
        let stream = self
            .stream
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        match stream {
            Some(stream) => Box::pin(async { Ok(Box::new(stream) as Opening) }),
            None => self.route.open(),
        }
    }

    fn authority(&self) -> String {
        self.route.authority()
    }
}

const DNS: &str = "DNS";
const TCP: &str = "TCP";
const PROXY: &str = "proxy";
const TLS: &str = "TLS";
const UPGRADE: &str = "upgrade";

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
