//! Whether the other end is well, and how far away it is.
//!
//! ```text
//! client ── Ping, end ─────▶ server    with the hello, when a session begins
//! client ◀── Pong, Report ── server
//! ```
//! How far away it is, QUIC knows by itself after a while; before that, some pings tell.

pub mod client;
mod clock;
mod server;
#[cfg(test)]
mod tests;
pub mod wire;

use transport::channel::Priority;
use transport::session::Protocol;

use crate::Feature;

/// Health, as both ends know it.
pub const FEATURE: Feature = Feature {
    protocol: PROTOCOL,
    server: server::half,
};

const PROTOCOL: Protocol = Protocol {
    feature: "health",
    version: 2,
    priority: Priority::Call,
    // A ping is a number.
    longest_request: 64,
    // A report has a dozen short fields, and 48 checks of at most 440 bytes: their names and states
    // have 64, their sentences 200.
    longest_reply: 32 * 1024,
};
