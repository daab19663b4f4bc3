//! The connection: DNS, TCP, the proxy, TLS, the upgrade; then UDP and what a session tells.
//!
//! ```text
//! DNS ─▶ TCP ─▶ proxy ─▶ TLS ─▶ upgrade ─▶ session ─┬─▶ authentication, clock, versions
//! UDP, where the address tells its port ─▶ session ─┘
//! ```
//! The stages are those of `transport::reach`, one by one.

use std::sync::{Arc, Mutex, PoisonError};

use client::{CarrierChoice, Chain, Steps};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::time::Instant;
use transport::carrier::websocket::{Open, Opening, UpgradeError, Upgraded};
use transport::endpoint::DialError;
use transport::reach::{ByteStream, ReachError, Route};

use super::finding::{Finding, Notes};
use super::group::Group;
use super::session::{self, Outcome};
use super::stages::{DNS, PROXY, TCP, TLS, reached};
use super::{Subject, udp};
use crate::explain::ways;

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

const UPGRADE: &str = "upgrade";
