//! Tables of production in a developer's own database or file, sanitised before they leave.
//!
//! ```text
//! server: database ─▶ source ── cells ─▶ chunker: treat, encode, compress, hash ── Chunk ─▶ channel
//! client: channel ── Chunk ─▶ client: verify, decode ── rows + cursor ─▶ target, one transaction
//! ```
//! A sync begins with a [`wire::Plan`], which can be looked at before the first row.

mod account;
pub mod cell;
mod check;
mod chunker;
pub mod client;
mod cursor;
pub mod database;
pub mod fingerprint;
mod json;
pub mod literal;
mod plan;
mod server;
pub mod source;
pub mod table;
pub mod target;
#[cfg(test)]
mod tests;
mod vitals;
pub mod wire;

use transport::channel::Priority;
use transport::session::Protocol;

use crate::Feature;

pub use self::server::serving;

/// Sync, as both ends know it.
pub const FEATURE: Feature = Feature {
    protocol: PROTOCOL,
    server: server::half,
};

const PROTOCOL: Protocol = Protocol {
    feature: "sync",
    version: 1,
    priority: Priority::Bulk,
    // A start names each table with a cursor: a thousand tables with long text keys.
    longest_request: 1024 * 1024,
    // What a frame can hold: a chunk is about 1 MiB before compression, but a single row may be
    // larger.
    longest_reply: ::wire::frame::MAX_PAYLOAD,
};
