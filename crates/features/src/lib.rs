//! What the tunnel does: one folder for each feature, both halves in it, and the list [`ALL`].
//!
//! A feature's folder has its messages (`wire.rs`), the half that runs on the client
//! (`client.rs`) and the one that runs on the server (`server.rs`). A new feature is a folder and
//! a line in [`ALL`]: from that list come the routes of a session, the features in the hello and
//! the sections of `tunnel.toml`. No feature names another.

mod branches;
mod duration;
pub mod env;
mod exchange;
pub mod flags;
mod half;
pub mod health;
mod health_document;
pub mod logs;
pub mod parts;
mod question;
mod reading;
pub mod secret;
mod served;
pub mod sync;
pub mod vitals;
pub mod wall_clock;
pub mod webhooks;
pub mod whole_file;
mod wildcard;
pub mod withheld;

use transport::session::Protocol;

pub use crate::half::{Halves, Helpers, ServerHalf, StartHelpers};
use crate::parts::{SectionError, ServerParts};
pub use crate::served::{Callers, Claim, Client, Copied, CopiedBody, Entry, Served};

/// A feature, as both ends know it.
#[derive(Clone, Copy, Debug)]
pub struct Feature {
    /// How its channels are opened. Its name is also that of its section in `tunnel.toml`.
    pub protocol: Protocol,
    /// Makes the server half of what the server has; `None` where the server has not what the
    /// feature needs.
    pub server: MakeServerHalf,
}

/// Makes a feature's server half.
pub type MakeServerHalf = fn(&ServerParts) -> Result<Option<ServerHalf>, SectionError>;

/// Every feature there is.
pub const ALL: [Feature; 6] = [
    env::FEATURE,
    flags::FEATURE,
    health::FEATURE,
    logs::FEATURE,
    sync::FEATURE,
    webhooks::FEATURE,
];

/// Makes the server halves of all features that the server has the parts for.
///
/// # Errors
/// [`SectionError`] if a feature's section of the configuration makes no sense.
pub fn halves(parts: &ServerParts) -> Result<Halves, SectionError> {
    let mut halves = Halves::default();
    for feature in ALL {
        if let Some(half) = (feature.server)(parts)? {
            halves.add(feature.protocol, half);
        }
    }
    Ok(halves)
}
