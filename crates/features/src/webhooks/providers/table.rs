//! The providers that are built in: how each signs, where it says what happened, how long it waits.

use std::time::Duration;

use super::challenge::{self, Answer};
use super::dated::Dated;
use super::mailgun::Mailgun;
use super::paypal::PayPal;
use super::place::{FIRST, Place};
use super::recipe::Recipe;
use super::scheme::Scheme;
use super::sendgrid::SendGrid;
use super::standard::Standard;
use super::token::Token;
use super::twilio::Twilio;

/// A provider that is built in.
pub(super) struct Provider {
    /// How its name may be written.
    pub(super) names: &'static [&'static str],
    pub(super) scheme: &'static dyn Scheme,
    /// Where it says what happened.
    pub(super) event: Place,
    /// Where its own name for a delivery is, the same each time that it sends it.
    pub(super) event_id: Place,
    /// How long it waits for an answer, less what the way to it takes.
    pub(super) deadline: Duration,
    /// How far the time of a signature may be from ours at the entry, in either direction.
    pub(super) tolerance: Option<Duration>,
    /// How old a signature may be for its own SDK.
    pub(super) fresh: Option<Duration>,
    /// How it is answered when it asks whether it may send.
    pub(super) challenge: Answer,
}

/// Returns a provider by one of its names.
pub(super) fn find(name: &str) -> Option<&'static Provider> {
    PROVIDERS.iter().find(|it| it.names.contains(&name))
}

const USUAL: Provider = Provider {
    names: &[],
    scheme: &Recipe::of_body("x-signature", ""),
    event: Place::Nowhere,
    event_id: Place::Nowhere,
    deadline: DEADLINE,
    tolerance: None,
    fresh: None,
    challenge: challenge::none,
};

/// What Standard Webhooks have in common.
const STANDARD: Provider = Provider {
    scheme: &Standard::WEBHOOK,
    event: Place::Json(&["type"]),
    event_id: Place::Either(&[Place::Header("svix-id"), Place::Header("webhook-id")]),
    deadline: Duration::from_secs(13),
    tolerance: Some(TOLERANCE),
    fresh: Some(TOLERANCE),
    ..USUAL
};

/// The same for those that Svix sends for.
const SVIX: Provider = Provider {
    scheme: &Standard::SVIX,
    ..STANDARD
};

/// All of them.
pub(super) static PROVIDERS: &[Provider] = &[
    Provider {
        names: &["stripe"],
        scheme: &Dated::STRIPE,
        event: Place::Json(&["type"]),
        event_id: Place::Json(&["id"]),
        tolerance: Some(TOLERANCE),
        fresh: Some(TOLERANCE),
        ..USUAL
    },
    Provider {
        names: &["github"],
        scheme: &Recipe::of_body("x-hub-signature-256", "sha256="),
        event: Place::Both("x-github-event", &["action"]),
        event_id: Place::Header("x-github-delivery"),
        deadline: Duration::from_secs(9),
        ..USUAL
    },
    Provider {
        names: &["shopify"],
        scheme: &Recipe::in_base64("x-shopify-hmac-sha256"),
        event: Place::Header("x-shopify-topic"),
        // The same in each try. `x-shopify-event-id` is the same for all subscriptions that one event
        // has set off as well, and each of those is a delivery of its own.
        event_id: Place::Header("x-shopify-webhook-id"),
        deadline: Duration::from_secs(4),
        ..USUAL
    },
    Provider {
        names: &["slack"],
        scheme: &Recipe::v0("x-slack-signature", "x-slack-request-timestamp"),
        event: Place::Either(&[
            Place::Json(&["event", "type"]),
            Place::Json(&["type"]),
            Place::Form("command"),
        ]),
        event_id: Place::Json(&["event_id"]),
        deadline: Duration::from_millis(2500),
        tolerance: Some(TOLERANCE),
        fresh: Some(TOLERANCE),
        challenge: challenge::slack,
    },
    Provider {
        names: &["standard"],
        ..STANDARD
    },
    Provider {
        names: &["openai"],
        ..STANDARD
    },
    Provider {
        names: &["render"],
        ..STANDARD
    },
    Provider {
        names: &["replicate"],
        event: Place::Json(&["status"]),
        ..STANDARD
    },
    Provider {
        names: &["svix"],
        ..SVIX
    },
    Provider {
        names: &["clerk"],
        ..SVIX
    },
    Provider {
        names: &["resend"],
        ..SVIX
    },
    Provider {
        names: &["twilio"],
        scheme: &Twilio,
        event: Place::Either(&[
            Place::Form("MessageStatus"),
            Place::Form("SmsStatus"),
            Place::Form("CallStatus"),
        ]),
        event_id: Place::Header("i-twilio-idempotency-token"),
        deadline: Duration::from_secs(13),
        ..USUAL
    },
    Provider {
        names: &["square"],
        scheme: &Recipe {
            signed: "{url}{body}",
            ..Recipe::in_base64("x-square-hmacsha256-signature")
        },
        event: Place::Json(&["type"]),
        event_id: Place::Json(&["event_id"]),
        deadline: Duration::from_secs(9),
        ..USUAL
    },
    Provider {
        names: &["paddle"],
        scheme: &Dated::PADDLE,
        event: Place::Json(&["event_type"]),
        event_id: Place::Json(&["event_id"]),
        deadline: Duration::from_secs(4),
        // Its SDK allows five seconds, which a service that has to be woken first takes longer for:
        // it would refuse what is Paddle's, and a signature that somebody has copied is good for
        // nothing here but a repeat, which is known by its id.
        tolerance: Some(TOLERANCE),
        fresh: Some(Duration::from_secs(5)),
        ..USUAL
    },
    Provider {
        names: &["lemonsqueezy", "lemon-squeezy"],
        event: Place::Header("x-event-name"),
        ..USUAL
    },
    Provider {
        names: &["mailgun"],
        scheme: &Mailgun,
        event: Place::Json(&["event-data", "event"]),
        event_id: Place::Json(&["event-data", "id"]),
        // For eight hours it tries.
        tolerance: Some(HOUR.saturating_mul(9)),
        ..USUAL
    },
    Provider {
        names: &["gitlab"],
        scheme: &Token("x-gitlab-token"),
        event: Place::Header("x-gitlab-event"),
        event_id: Place::Header("idempotency-key"),
        deadline: Duration::from_secs(9),
        ..USUAL
    },
    Provider {
        names: &["bitbucket"],
        scheme: &Recipe::of_body("x-hub-signature", "sha256="),
        event: Place::Header("x-event-key"),
        event_id: Place::Header("x-request-uuid"),
        deadline: Duration::from_secs(9),
        ..USUAL
    },
    Provider {
        names: &["gitea", "forgejo"],
        scheme: &Recipe::of_body("x-gitea-signature", ""),
        event: Place::Both("x-gitea-event", &["action"]),
        event_id: Place::Header("x-gitea-delivery"),
        deadline: Duration::from_secs(4),
        ..USUAL
    },
    Provider {
        names: &["sendgrid"],
        scheme: &SendGrid,
        // A delivery has many events, and no name of its own.
        event: Place::Json(&[FIRST, "event"]),
        // For a day it tries.
        tolerance: Some(HOUR.saturating_mul(25)),
        ..USUAL
    },
    Provider {
        names: &["paypal"],
        scheme: &PayPal,
        event: Place::Json(&["event_type"]),
        event_id: Place::Json(&["id"]),
        // For three days it tries.
        tolerance: Some(HOUR.saturating_mul(73)),
        ..USUAL
    },
    Provider {
        names: &["meta", "facebook", "instagram", "messenger", "whatsapp"],
        scheme: &Recipe::of_body("x-hub-signature-256", "sha256="),
        event: Place::Json(&["object"]),
        challenge: challenge::meta,
        ..USUAL
    },
    Provider {
        names: &["dropbox"],
        scheme: &Recipe::of_body("x-dropbox-signature", ""),
        challenge: challenge::dropbox,
        ..USUAL
    },
    Provider {
        names: &["zoom"],
        scheme: &ZOOM,
        event: Place::Json(&["event"]),
        deadline: Duration::from_millis(2500),
        tolerance: Some(TOLERANCE),
        fresh: Some(TOLERANCE),
        challenge: challenge::zoom,
        ..USUAL
    },
];

pub(super) static ZOOM: Recipe<'static> = Recipe::v0("x-zm-signature", "x-zm-request-timestamp");

/// Where a provider does not say how long it waits: longer than most apps take, and less than the
/// least patient of those that do not say.
pub(super) const DEADLINE: Duration = Duration::from_secs(10);

/// What Stripe, Slack and Standard Webhooks allow in their SDKs.
pub(super) const TOLERANCE: Duration = Duration::from_secs(300);

/// PayPal, SendGrid and Mailgun do not say whether a later try is signed anew, and look at no time in
/// their SDKs: theirs is good for an hour longer than they try.
const HOUR: Duration = Duration::from_secs(60 * 60);
