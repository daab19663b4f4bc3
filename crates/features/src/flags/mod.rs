//! Production's feature flags, mirrored on the laptop as they change, and served to local apps.
//!
//! ```text
//! environment ─┐
//! file ────────┤              changes                               ┌─▶ OFREP on loopback (ofrep)
//! database ────┼─▶ Book ─▶ Set ── Said ──▶ channel ──▶ Mirror ─▶ View ─▶ files, a child's environment
//! HTTP ────────┘  (first      (server)                 (client)     ▲
//!                 one wins)                                     overrides
//! ```
//! A flag travels as flagd writes it, with its variants and its targeting, so that it is evaluated on the
//! laptop for whichever context a local app has. Targeting is bounded in depth and in steps.

pub mod client;
mod config;
mod definition;
pub mod eval;
pub mod ofrep;
mod overrides;
mod readings;
mod server;
mod set;
mod sources;
#[cfg(test)]
mod tests;
mod view;
mod vitals;
pub mod wire;

use transport::channel::Priority;
use transport::session::Protocol;

use crate::Feature;

pub use self::config::{FlagsConfig, Format, PREFIXES};
pub use self::definition::{Definition, DefinitionError, Kind, State, read_value};
pub use self::overrides::{OverrideError, OverrideFile, Overrides, OverridesError, Stamp};
pub use self::view::{Evaluator, Misfit, View, Viewed};

/// Flags, as both ends know it.
pub const FEATURE: Feature = Feature {
    protocol: PROTOCOL,
    server: server::half,
};

const PROTOCOL: Protocol = Protocol {
    feature: "flags",
    version: 1,
    priority: Priority::Live,
    // Which version of the set a client has.
    longest_request: 64,
    // One flag of the longest, or a batch of others.
    longest_reply: 512 * 1024,
};

/// The longest definition of a flag, in bytes: a list of some thousand accounts in its targeting.
pub const LONGEST_DEFINITION: usize = 256 * 1024;

/// The longest key of a flag, in bytes: a path of a dozen names.
pub const LONGEST_KEY: usize = 256;

/// The most flags that are mirrored: ten times those of a large product.
pub const MOST_FLAGS: usize = 10_000;

/// The most that all of them may take, in bytes: it is held by each mirror, and sent to each laptop.
pub const MOST_BYTES: usize = 8 * 1024 * 1024;
