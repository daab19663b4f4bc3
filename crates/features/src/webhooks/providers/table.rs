//! The providers that are built in: how each signs, where it says what happened, how long it waits.

use std::time::Duration;

use super::dated::Dated;
use super::place::Place;
use super::recipe::Recipe;
use super::scheme::Scheme;

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
];

/// Where a provider does not say how long it waits: longer than most apps take, and less than the
/// least patient of those that do not say.
pub(super) const DEADLINE: Duration = Duration::from_secs(10);

/// What Stripe, Slack and Standard Webhooks allow in their SDKs.
pub(super) const TOLERANCE: Duration = Duration::from_secs(300);
