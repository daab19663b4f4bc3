//! Providers: how each signs what it sends, and where it says what happened.
//!
//! ```text
//! Request ──▶ check    a signature that is right, and not old ──▶ Verification
//!         ──▶ describe event, and the provider's own name for it
//!         ──▶ sign     anew, with a secret of the laptop's ──▶ the same request, fresh
//! ```
//! Each way of signing is a `Scheme`; `table.rs` says which provider has which. The server checks, the
//! laptop signs: production's secrets never leave it.

mod challenge;
mod dated;
mod fields;
mod mailgun;
mod manner;
mod once;
mod paypal;
mod place;
mod recipe;
mod scheme;
mod secrets;
mod sendgrid;
mod standard;
mod table;
#[cfg(test)]
mod tests;
mod token;
mod twilio;
mod url;
mod verifiers;

use std::time::{Duration, SystemTime};

use transport::tasks::heavy;

pub(crate) use self::challenge::Challenge;
use self::manner::{Manner, Terms};
use self::place::Place;
pub use self::scheme::CannotSign;
use self::scheme::{Pen, in_time, unix};
pub use self::secrets::OwnSecrets;
use self::table::DEADLINE;
pub(crate) use self::verifiers::Verifiers;
use crate::webhooks::{HmacConfig, Refusal, Request};

/// Who signs, where, and when.
#[derive(Clone, Copy, Debug)]
pub struct Signing<'a> {
    /// The provider.
    pub provider: &'a str,
    /// How it signs, if it is not built in.
    pub hmac: Option<&'a HmacConfig>,
    /// The address that the request was sent to, or will be: whole, or without query, or without path
    /// too, in which case the request's own is added. What the request itself says, unless it is given.
    pub url: Option<&'a str>,
    /// By the clock on the wall.
    pub now: SystemTime,
}

/// What a delivery says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Described {
    /// What happened, in the provider's words.
    pub event: Option<String>,
    /// The provider's own name for it.
    pub event_id: Option<String>,
}

/// Returns the names of the providers that are built in.
pub fn built_in() -> impl Iterator<Item = &'static str> {
    let names = table::PROVIDERS.iter().flat_map(|it| it.names);
    names.copied()
}

/// Says what a request is about. Its signature is not looked at.
#[must_use]
pub fn describe(provider: &str, request: &Request, hmac: Option<&HmacConfig>) -> Described {
    let header = |name: Option<&String>| {
        let place = |name: &String| place::header(request, name);
        name.and_then(place)
    };
    let look = || match (hmac, table::find(provider)) {
        (Some(hmac), _) => Described {
            event: header(hmac.event_header.as_ref()),
            event_id: header(hmac.id_header.as_ref()),
        },
        (None, Some(known)) => Described {
            event: known.event.look(request),
            event_id: known.event_id.look(request),
        },
        (None, None) => Described {
            event: Place::Json(&["type"]).look(request),
            event_id: None,
        },
    };
    aside(request, look)
}

/// Returns how long a provider waits for an answer, less a little for the way to it.
#[must_use]
pub fn deadline(provider: &str) -> Duration {
    table::find(provider).map_or(DEADLINE, |known| known.deadline)
}

/// Whether a request is signed with one of the secrets, and lately.
///
/// What would have to be fetched for it is not: PayPal's are [`Refusal::Unavailable`] here.
///
/// # Errors
/// [`Refusal`] if it is not, or the provider has no way of signing that is known.
pub fn check(
    signing: &Signing<'_>,
    request: &Request,
    secrets: &[&str],
    tolerance: Option<Duration>,
) -> Result<(), Refusal> {
    let manner = Manner::of(signing.provider, signing.hmac).ok_or(Refusal::Unavailable)?;
    let terms = Terms {
        secrets,
        url: signing.url,
        now: unix(signing.now),
        tolerance,
    };
    manner.check(request, &terms, None)
}

/// Signs a request anew, in the place of the signature that it has. The rest of it stays as it is, but
/// what the signature covers of the time, and Mailgun's signature, which is in the body.
///
/// # Errors
/// [`CannotSign`] if only the provider can, or the secret is not of its form.
pub fn sign(signing: &Signing<'_>, request: &mut Request, secret: &str) -> Result<(), CannotSign> {
    let manner = Manner::of(signing.provider, signing.hmac).ok_or(CannotSign::Unknown)?;
    let scheme = manner.scheme();
    if !scheme.takes(secret) {
        return Err(CannotSign::Secret);
    }
    scheme.prepare(request);
    let url = url::whole(signing.url, request);
    let pen = Pen {
        secret,
        url: url.as_deref(),
        now: unix(signing.now),
    };
    scheme.sign(request, &pen)
}

/// Whether the provider's own SDK would still take a request for one that was signed lately. It would
/// take any where it does not look, and where there is no signature there is none to renew.
#[must_use]
pub fn is_fresh(signing: &Signing<'_>, request: &Request) -> bool {
    let Some(manner) = Manner::of(signing.provider, signing.hmac) else {
        return true;
    };
    let Some(most) = manner.fresh() else {
        return true;
    };
    let Ok(Some(signed)) = manner.scheme().signed_at(request) else {
        return true;
    };
    // The app looks at it a moment later, and by a clock that may be another's.
    let most = most - most / 5;
    in_time(signed, unix(signing.now), most).is_ok()
}

/// Whether the server has kept the secret that a request showed to itself: what stands in its place no
/// app takes.
#[must_use]
pub fn is_concealed(signing: &Signing<'_>, request: &Request) -> bool {
    let manner = Manner::of(signing.provider, signing.hmac);
    manner.is_some_and(|manner| manner.scheme().is_concealed(request))
}

/// Works on a body, with the thread's other tasks handed elsewhere if that takes a while.
fn aside<T>(request: &Request, work: impl FnOnce() -> T) -> T {
    if request.body.len() > LONG {
        heavy(work)
    } else {
        work()
    }
}

/// What is hashed, and read as JSON, in less than a millisecond.
const LONG: usize = 256 * 1024;
