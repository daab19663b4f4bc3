//! What followers are refused, and what they may know of an inbox that fails.

use ::wire::{Fault, Status};

use crate::webhooks::delivery::{Outcome, Receipt};
use crate::webhooks::inbox::InboxError;
use crate::webhooks::wire::{Follower, MOST_HEADERS, MOST_KEPT};

/// Refuses a follower whose name is none: it is kept with each cursor and each receipt.
pub(super) fn check_follower(follower: &Follower) -> Result<(), Fault> {
    let name = &follower.name;
    let is_good = (1..=LONGEST_NAME).contains(&name.len()) && !name.chars().any(char::is_control);
    let reason = "a follower's name has 1 to 128 bytes, and no control characters";
    is_good
        .then_some(())
        .ok_or_else(|| Fault::new(Status::BAD_REQUEST, reason))
}

/// Refuses patterns that nobody types: each is held against every delivery.
pub(super) fn check_patterns(events: &[String]) -> Result<(), Fault> {
    let too_long = |pattern: &String| pattern.len() > LONGEST_PATTERN;
    if events.len() > MOST_PATTERNS || events.iter().any(too_long) {
        let reason = "at most 64 patterns of events, each of at most 256 bytes";
        return Err(Fault::new(Status::BAD_REQUEST, reason));
    }
    Ok(())
}

/// Refuses a receipt that is longer than the protocol says.
pub(super) fn check_receipt(receipt: &Receipt) -> Result<(), Fault> {
    let Outcome::Answered(answer) = &receipt.outcome else {
        return Ok(());
    };
    let lines = answer.headers.iter();
    let lines = lines.map(|line| line.name.len() + line.value.len());
    if answer.body.len() > MOST_KEPT || lines.sum::<usize>() > MOST_HEADERS {
        let reason = "a receipt has at most 64 KiB of a body, and 16 KiB of headers";
        return Err(Fault::new(Status::BAD_REQUEST, reason));
    }
    Ok(())
}

/// Says what a follower may know of an inbox that fails.
pub(super) fn fault(error: &InboxError) -> Fault {
    match error {
        InboxError::NoSuchProvider => {
            Fault::new(Status::NOT_FOUND, "there is no provider of this name")
        }
        InboxError::Full | InboxError::Busy | InboxError::Crowded | InboxError::Unavailable(_) => {
            tracing::warn!("the inbox of webhooks fails: {error}");
            let reason = "the inbox cannot be used now: the server's log says why";
            Fault::new(Status::UNAVAILABLE, reason)
        }
    }
}

/// The name of a machine and of its user, and more than fits any.
const LONGEST_NAME: usize = 128;

/// More than anybody types.
const MOST_PATTERNS: usize = 64;
const LONGEST_PATTERN: usize = 256;
