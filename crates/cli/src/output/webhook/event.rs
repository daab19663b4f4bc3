//! What happens while deliveries are forwarded, as JSON: an object each.

use features::webhooks::client::{Signed, WebhookEvent};
use features::webhooks::wire::{Head, Missing, ProviderState};
use features::webhooks::{Mode, Receipt};
use serde::Serialize;

use super::json::{TryJson, moment, refusal, verification};

/// An event as JSON.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum EventJson<'e> {
    /// The server tells of its webhooks.
    Watching {
        /// What stands before each provider's path.
        url: Option<&'e str>,
    },
    /// There is this provider.
    Provider(ProviderJson<'e>),
    /// Its deliveries come from now on.
    Opened {
        /// The provider.
        #[serde(flatten)]
        provider: ProviderJson<'e>,
        /// Where they go.
        to: String,
        /// How many wait.
        waiting: u64,
        /// How many were there before a new follower.
        before: u64,
    },
    /// A delivery is here.
    Arrived(Box<ArrivedJson<'e>>),
    /// The last try has been made.
    Answered(Box<AnsweredJson<'e>>),
    /// A try has failed, and another follows.
    Retrying {
        /// What came of it.
        #[serde(flatten)]
        answered: Box<AnsweredJson<'e>>,
        /// When the next is.
        delay_seconds: f64,
    },
    /// Nobody listens.
    Waiting {
        /// Whose deliveries wait.
        provider: &'e str,
        /// Where nobody listens.
        to: String,
        /// What happened.
        reason: String,
    },
    /// Somebody listens again.
    GoesOn {
        /// Whose deliveries go on.
        provider: &'e str,
        /// After how long.
        away_seconds: f64,
    },
    /// Deliveries are missing.
    Missed {
        /// Whose.
        provider: &'e str,
        /// How many.
        count: u64,
        /// `gone` or `not_kept`.
        cause: &'static str,
    },
    /// The server has another inbox: what the former had and had not brought is gone, however much.
    OtherInbox {
        /// Whose flow goes on in it.
        provider: &'e str,
    },
    /// A provider has sent one again.
    Repeated {
        /// Whose.
        provider: &'e str,
        /// Which.
        id: String,
    },
    /// The session was lost, and is back.
    Reconnected {
        /// Whose flow goes on.
        provider: &'e str,
        /// After how long.
        away_seconds: f64,
    },
    /// There will be no more of a provider.
    Refused {
        /// Whose.
        provider: &'e str,
        /// The server's status.
        status: u16,
        /// Why.
        reason: &'e str,
    },
}

/// A provider as JSON.
#[derive(Debug, Serialize)]
pub struct ProviderJson<'e> {
    provider: &'e str,
    path: &'e str,
    mode: Mode,
    verified: bool,
    kept: u64,
}

/// A delivery that has come.
#[derive(Debug, Serialize)]
pub struct ArrivedJson<'e> {
    id: String,
    sequence: u64,
    received: String,
    provider: &'e str,
    event: Option<&'e str>,
    event_id: Option<&'e str>,
    verification: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<String>,
    answered: Option<u16>,
    repeats: u32,
    attempt: u32,
    method: &'e str,
    target: &'e str,
    length: u64,
}

/// What came of a try.
#[derive(Debug, Serialize)]
pub struct AnsweredJson<'e> {
    id: String,
    provider: &'e str,
    event: Option<&'e str>,
    verification: &'static str,
    /// Whether it was signed with a secret of this laptop's own.
    signed_anew: bool,
    #[serde(flatten)]
    tried: TryJson,
}

impl<'e> EventJson<'e> {
    /// Takes an event; `None` of one that this program does not know.
    #[must_use]
    pub fn of(event: &'e WebhookEvent) -> Option<Self> {
        Some(match event {
            WebhookEvent::Watching { url } => Self::Watching {
                url: url.as_deref(),
            },
            WebhookEvent::Provider(state) => Self::Provider(ProviderJson::of(state)),
            WebhookEvent::Opened {
                provider,
                target,
                waiting,
                before,
            } => Self::Opened {
                provider: ProviderJson::of(provider),
                to: target.to_string(),
                waiting: *waiting,
                before: *before,
            },
            WebhookEvent::Arrived(head) => Self::Arrived(Box::new(ArrivedJson::of(head))),
            WebhookEvent::Answered {
                head,
                receipt,
                signed,
            } => Self::Answered(Box::new(AnsweredJson::of(head, receipt, *signed))),
            WebhookEvent::Retrying {
                head,
                receipt,
                delay,
            } => Self::Retrying {
                answered: Box::new(AnsweredJson::of(head, receipt, Signed::AsItCame)),
                delay_seconds: delay.as_secs_f64(),
            },
            between => Self::between(between)?,
        })
    }

    fn between(event: &'e WebhookEvent) -> Option<Self> {
        Some(match event {
            WebhookEvent::Waiting {
                provider,
                target,
                why,
            } => Self::Waiting {
                provider,
                to: target.to_string(),
                reason: why.to_string(),
            },
            WebhookEvent::GoesOn { provider, away } => Self::GoesOn {
                provider,
                away_seconds: away.as_secs_f64(),
            },
            WebhookEvent::Missed {
                provider,
                count,
                why,
            } => Self::Missed {
                provider,
                count: *count,
                cause: match why {
                    Missing::Gone => "gone",
                    Missing::NotKept => "not_kept",
                },
            },
            WebhookEvent::OtherInbox { provider } => Self::OtherInbox { provider },
            WebhookEvent::Repeated { provider, delivery } => Self::Repeated {
                provider,
                id: delivery.to_string(),
            },
            WebhookEvent::Reconnected { provider, away } => Self::Reconnected {
                provider,
                away_seconds: away.as_secs_f64(),
            },
            WebhookEvent::Refused { provider, fault } => Self::Refused {
                provider,
                status: fault.status.0,
                reason: &fault.reason,
            },
            _ => return None,
        })
    }
}

impl<'e> ProviderJson<'e> {
    fn of(state: &'e ProviderState) -> Self {
        Self {
            provider: &state.name,
            path: &state.path,
            mode: state.mode,
            verified: state.verified,
            kept: state.kept,
        }
    }
}

impl<'e> ArrivedJson<'e> {
    fn of(head: &'e Head) -> Self {
        Self {
            id: head.id.to_string(),
            sequence: head.sequence,
            received: moment(head.received),
            provider: &head.provider,
            event: head.event.as_deref(),
            event_id: head.event_id.as_deref(),
            verification: verification(head.verification),
            refusal: refusal(head.verification),
            answered: head.answered,
            repeats: head.repeats,
            attempt: head.attempt,
            method: &head.method,
            target: &head.target,
            length: head.length,
        }
    }
}

impl<'e> AnsweredJson<'e> {
    fn of(head: &'e Head, receipt: &Receipt, signed: Signed) -> Self {
        Self {
            id: receipt.delivery.to_string(),
            provider: &head.provider,
            event: head.event.as_deref(),
            verification: verification(head.verification),
            signed_anew: signed == Signed::Anew,
            tried: TryJson::of(receipt),
        }
    }
}
