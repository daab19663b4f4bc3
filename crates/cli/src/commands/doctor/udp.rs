//! UDP: whether the server offers it, and whether it answers.

use std::time::Duration;

use client::{CarrierChoice, Chain, Steps};
use tokio::time::{Instant, timeout};

use super::finding::Finding;
use super::session::{Joined, Outcome};
use crate::explain::ways;
use crate::output::number;

pub(super) const UDP: &str = "UDP";

/// What came of trying UDP.
#[derive(Debug)]
pub(super) struct Tried {
    port: u16,
    /// `None` if nothing was heard.
    pub(super) outcome: Option<Outcome>,
    took: Duration,
}

/// Tries the port that is known before the server has said a word; `None` if there is none.
pub(super) async fn known(steps: &Steps) -> Option<Tried> {
    let port = steps.udp_port?;
    match steps.choice {
        CarrierChoice::WebSocket => None,
        CarrierChoice::Auto | CarrierChoice::Udp => Some(attempt(steps, port).await),
    }
}

/// Tries the port that the server has offered; `None` if it has not.
pub(super) async fn offered(steps: &Steps, joined: &Joined) -> Option<Tried> {
    let port = joined.welcome.udp_port?;
    match steps.choice {
        CarrierChoice::WebSocket => None,
        CarrierChoice::Auto | CarrierChoice::Udp => Some(attempt(steps, port).await),
    }
}

async fn attempt(steps: &Steps, port: u16) -> Tried {
    let started = Instant::now();
    let dialling = steps.dialer.dial(steps.address.host(), port);
    let dialled = timeout(PATIENCE, dialling).await;
    let took = started.elapsed();
    let join = |(session, welcome)| Joined::new(session, welcome, started, &steps.clock);
    Tried {
        port,
        outcome: dialled.ok().map(|dialled| dialled.map(join)),
        took,
    }
}

/// Judges what came of it. Where there is a session over WebSocket, UDP is an advantage and no need.
pub(super) fn judge(tried: Option<&Tried>, steps: &Steps, other: Other) -> Finding {
    let Some(Tried {
        port,
        outcome,
        took,
    }) = tried
    else {
        return Finding::skip(UDP, untried(steps, other));
    };
    let (seen, remedy) = match outcome {
        Some(Ok(_)) => return Finding::pass(UDP, format!("port {port} answers")).took(*took),
        Some(Err(error)) if error.is_from_server() => {
            return Finding::pass(UDP, format!("port {port} answers")).took(*took);
        }
        Some(Err(error)) => (Chain::of(error).to_string(), ways::dial(error)),
        None => {
            let seen = format!(
                "no answer from port {port} within {}",
                number::time(PATIENCE)
            );
            (seen, ways::LET_THROUGH.into())
        }
    };
    let finding = match other {
        Other::Works => Finding::warn(UDP, format!("{seen}; WebSocket is used instead")),
        Other::None => Finding::fail(UDP, seen),
    };
    finding.remedy(remedy).took(*took)
}

/// Whether there is a session without UDP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Other {
    /// There is one.
    Works,
    /// There is none.
    None,
}

const fn untried(steps: &Steps, other: Other) -> &'static str {
    match (steps.choice, other) {
        (CarrierChoice::WebSocket, _) => "not needed: --carrier websocket",
        (_, Other::Works) => "the server offers none; WebSocket is used",
        (_, Other::None) => "not known whether the server offers it",
    }
}

/// A session takes two round trips; the rest is for two packets that are lost, one after the other.
const PATIENCE: Duration = Duration::from_secs(5);
