//! Webhooks: what providers send to production, brought to the laptop's own app, byte for byte.
//!
//! ```text
//! provider ─POST─▶ entry ── verified (providers) ──▶ inbox ── Delivery ──▶ channel ──▶ client ─POST─▶ local app
//!                    │                              durable, then 2xx                    │  (signed anew)
//!                    ▼                                 ▲                                 │
//!              production's app, asked first (tee)     └───────── Receipt ◀──────────────┘
//! ```
//! A delivery is in the inbox before its provider hears that it was taken. Each laptop has a cursor of
//! its own for each provider, and each provider a flow of its own: order is kept within one, and none
//! waits for another. A delivery comes twice only if somebody died between the POST and its receipt,
//! and says so.

pub mod client;
mod clock;
mod config;
mod delivery;
mod desk;
mod entry;
pub mod fixtures;
mod http;
mod inbox;
mod name;
mod pattern;
pub mod providers;
mod server;
#[cfg(test)]
mod tests;
mod vitals;
pub mod wire;

use transport::channel::Priority;
use transport::session::Protocol;

use crate::Feature;

pub use self::clock::{Clock, system_clock};
pub use self::config::{
    HmacAlgorithm, HmacConfig, Mode, ProviderConfig, SignatureEncoding, WebhooksConfig,
};
pub use self::delivery::{
    Answer, Delivery, DeliveryId, Header, NotDelivered, Origin, Outcome, ParseIdError, Receipt,
    Refusal, Request, State, Verification,
};
pub use self::inbox::is_inbox_in_use;
pub use self::name::{LONGEST_PROVIDER_NAME, is_provider_name};

/// Webhooks, as both ends know it.
pub const FEATURE: Feature = Feature {
    protocol: PROTOCOL,
    server: server::half,
};

const PROTOCOL: Protocol = Protocol {
    feature: "webhooks",
    version: 1,
    priority: Priority::Live,
    // A receipt with the head and the beginning of the body of an answer.
    longest_request: 256 * 1024,
    // The head of a delivery, which may have 128 KiB as it came; bodies come in pieces of 64 KiB.
    longest_reply: 256 * 1024,
};
