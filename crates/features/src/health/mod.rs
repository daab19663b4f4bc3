//! Whether the other end is well, and how far away it is.
//!
//! ```text
//! client ── Ping, end ─────▶ server    with the hello, when a session begins
//! client ◀── Pong, Report ── server
//! ```
//! How far away it is, QUIC knows by itself after a while; before that, some pings tell.

pub mod client;
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
    version: 1,
    priority: Priority::Call,
    // A ping is a number; a report a dozen short fields.
    longest_request: 64,
    longest_reply: 4096,
};
