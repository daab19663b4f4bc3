//! The client half of webhooks: brings deliveries to local apps, and what became of them back.
//!
//! ```text
//! flow ── Parcel ──▶ hand ──▶ poster ── signed anew (signer) ──▶ outlet ──POST──▶ local app
//!   ◀──── Ack ────────┴─────────┘◀─────────── Receipt ──────────────┘
//! ```
//! A worker does this for each provider, so that none waits for another, and outlives sessions: what is
//! in hand stays there, and receipts are sent again until the server has kept them.

mod answer;
mod calls;
mod carry;
mod error;
mod event;
mod flow;
mod forwarding;
mod hand;
mod journal;
mod local;
mod outlet;
mod poster;
mod retry;
mod signer;
mod target;
mod watch;

use bytes::Bytes;

pub use self::calls::{Shown, fetch, list, record};
pub use self::carry::{CarryError, Signed};
pub use self::error::WebhooksError;
pub use self::event::WebhookEvent;
pub use self::forwarding::{Forwarding, Targets, WebhookStream};
pub use self::outlet::{LONGEST_ANSWER, Outgoing, Posted, Posting, post};
pub use self::signer::{Occasion, Signer, SigningPolicy};
pub use self::target::{Target, TargetError};
use super::delivery::Request;
use super::wire::Head;

/// Puts a request together again.
fn request_of(head: &Head, body: &Bytes) -> Request {
    Request {
        method: head.method.clone(),
        target: head.target.clone(),
        headers: head.headers.clone(),
        body: body.clone(),
        origin: head.origin.clone(),
    }
}

#[cfg(test)]
pub(super) mod tests;
