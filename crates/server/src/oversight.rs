//! What the server does beside serving: it bounds, notes and counts what sessions do.

use std::net::IpAddr;
use std::sync::Arc;

use features::parts::ServerParts;
use transport::channel::Priority;
use transport::oversight::{Ended, Outcome, Overseer, Report};
use transport::session::Protocol;
use transport::trust::{Guest, KeyId};
use wire::{Fault, Status};

use crate::audit::{Audit, ChannelEnded, Event, Who};
use crate::front::manners::{self, Limits};
use crate::front::metrics::{Collected, Metrics, SharedMetrics};

/// What is shared by all that bound, note and count. Clones are the same.
#[derive(Clone, Debug)]
pub(crate) struct Manners {
    pub(crate) limits: Arc<Limits>,
    pub(crate) audit: Audit,
    pub(crate) metrics: SharedMetrics,
}

impl Manners {
    pub(crate) fn new(limits: Limits, audit: Audit, parts: &ServerParts) -> Self {
        let collected = Collected {
            about: Arc::clone(&parts.about),
            ring: Arc::clone(&parts.ring),
            audit: audit.clone(),
        };
        Self {
            limits: Arc::new(limits),
            audit,
            metrics: Arc::new(Metrics::new(collected)),
        }
    }
}

/// Watches over one session.
#[derive(Debug)]
pub(crate) struct SessionWatch {
    who: Who,
    key: KeyId,
    address: IpAddr,
    manners: Manners,
}

impl SessionWatch {
    pub(crate) fn new(who: Who, guest: &Guest, address: IpAddr, manners: Manners) -> Self {
        Self {
            who,
            key: guest.key.id(),
            address,
            manners,
        }
    }
}

impl Overseer for SessionWatch {
    fn admit(&self, protocol: &Protocol) -> Result<(), Fault> {
        // The items of a flow are bounded by QUIC's windows, and a flow is opened once.
        if protocol.priority != Priority::Call {
            return Ok(());
        }
        let holder = manners::Who::holder(self.key, self.address);
        let checked = self.manners.limits.calls.check(holder);
        checked.map_err(|too_often| Fault::new(Status::TOO_MANY, too_often.to_string()))
    }

    fn ended(&self, channel: &Ended<'_>) {
        let outcome = in_a_word(channel.outcome);
        let feature = channel.feature.unwrap_or("unknown");
        self.manners.metrics.channel(feature, outcome);
        let fault = match channel.outcome {
            Outcome::Refused(fault) => Some(fault),
            Outcome::Served | Outcome::Broken | Outcome::Cut => None,
        };
        self.manners.audit.note(&Event::Channel(ChannelEnded {
            who: self.who.clone(),
            feature: channel.feature,
            outcome,
            status: fault.map(|fault| fault.status.0),
            reason: fault.map(|fault| fault.reason.clone()),
            took: channel.took,
        }));
    }

    fn reported(&self, report: Report) {
        self.manners
            .audit
            .note(&Event::Reported(self.who.clone(), report));
    }
}

const fn in_a_word(outcome: Outcome<'_>) -> &'static str {
    match outcome {
        Outcome::Served => "served",
        Outcome::Refused(fault) => match fault.status {
            Status::INTERNAL | Status::UNAVAILABLE => "failed",
            _ => "refused",
        },
        Outcome::Broken => "broken",
        Outcome::Cut => "cut",
    }
}
