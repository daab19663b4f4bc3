//! Whether a laptop's environment is like production's, without either seeing the other's values.
//!
//! ```text
//! client ── Compare: names, blinded values ─────────────────────▶ server
//! client ◀── Compared: present or not, evaluations, own tags ──── server
//! ```
//! Each variable is compared by an oblivious pseudorandom function (RFC 9497, ristretto255-SHA512) under a
//! key of the server's that is fresh for each variable and each run. The server gives `F(key, local)`
//! without seeing `local`, and a tag `F(key, production)`. Whoever lacks the key can compute neither, so
//! that a run is one guess at a value, and none can be made afterwards; `budget` bounds the runs.
//! The input is bound to the session and to the variable's name.
//!
//! What is tested on production's values comes from the server's configuration alone. The client's
//! rules see local values and what the server says.

mod budget;
pub mod client;
mod config;
mod expectation;
mod name;
mod oprf;
mod policy;
pub mod rules;
mod server;
mod spread;
#[cfg(test)]
mod tests;
pub mod wire;

use transport::channel::Priority;
use transport::session::Protocol;

use crate::Feature;

pub use self::config::{EnvConfig, VariableConfig};
pub use self::expectation::{Expectation, Misfit, ValueType};
pub use self::name::{LONGEST_NAME, is_variable_name};

/// The comparison of environments, as both ends know it.
pub const FEATURE: Feature = Feature {
    protocol: PROTOCOL,
    server: server::half,
};

const PROTOCOL: Protocol = Protocol {
    feature: "env",
    version: 1,
    priority: Priority::Call,
    // As many names as may be asked for, each of the greatest length, with 35 bytes beside it.
    longest_request: 512 * 1024,
    // As many answers, each with a value that may be shown of the greatest length.
    longest_reply: 2 * 1024 * 1024,
};

/// Variables of one run: several times what the largest `.env` has.
pub const MOST_VARIABLES: usize = 1000;
