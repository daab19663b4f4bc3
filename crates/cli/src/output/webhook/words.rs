//! What is said of a delivery and of its tries, in a few words.

use features::webhooks::{Outcome, Receipt, State, Verification};
use http::StatusCode;

use super::super::number;
use super::super::style::{Ink, Style};
use super::super::text::printable;

/// Says whether a delivery is its provider's, where it may not be.
pub(super) fn doubt(verification: Verification, style: Style) -> Option<String> {
    match verification {
        Verification::Verified => None,
        Verification::NoSecret => Some(style.paint(Ink::Warning, "unverified")),
        Verification::Refused(why) => Some(style.paint(Ink::Bad, &format!("REFUSED: {why}"))),
    }
}

/// Says it at length.
pub(super) fn verification(verification: Verification, provider: &str, style: Style) -> String {
    match verification {
        Verification::Verified => style.paint(Ink::Good, "verified"),
        Verification::NoSecret => {
            let provider = printable(provider);
            let text = format!("unverified: the server has no secret for {provider}");
            style.paint(Ink::Warning, &text)
        }
        Verification::Refused(_) => doubt(verification, style).unwrap_or_default(),
    }
}

/// Says what came of a try: `200 OK`, `it did not answer in time`.
pub(super) fn outcome(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Answered(answer) => status(answer.status),
        Outcome::NotDelivered(why) => why.to_string(),
    }
}

/// Writes a status with its usual words.
pub(super) fn status(status: u16) -> String {
    let known = StatusCode::from_u16(status).ok();
    match known.and_then(|known| known.canonical_reason()) {
        Some(reason) => format!("{status} {reason}"),
        None => status.to_string(),
    }
}

/// Returns the colour of what came of a try.
pub(super) const fn ink(outcome: &Outcome) -> Ink {
    if outcome.is_delivered() {
        Ink::Good
    } else {
        Ink::Bad
    }
}

/// Says how long a try took.
pub(super) fn took(receipt: &Receipt) -> String {
    number::time(receipt.took)
}

/// Returns the word for how far a delivery has come, as the options have it.
pub(super) const fn state(state: State) -> &'static str {
    match state {
        State::Received => "received",
        State::Offered => "offered",
        State::Failed => "failed",
        State::Delivered => "delivered",
        State::Gone => "gone",
    }
}

/// Returns the event, or what stands for none.
pub(super) fn event(event: Option<&str>) -> String {
    event.map_or_else(|| "-".to_owned(), |event| printable(event).into_owned())
}
