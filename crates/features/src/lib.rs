//! What the tunnel does: one folder for each feature, both halves in it, and the list [`ALL`].
//!
//! A feature's folder has its messages (`wire.rs`), the half that runs on the client
//! (`client.rs`) and the one that runs on the server (`server.rs`). A new feature is a folder and
//! a line in [`ALL`]: from that list come the routes of a session, the features in the hello and
//! the sections of `tunnel.toml`. No feature names another.

pub mod health;
pub mod logs;
pub mod parts;
mod served;
pub mod sync;

use std::sync::Arc;

use transport::router::{Handler, Router};
use transport::session::Protocol;
use transport::tasks::Tasks;

use crate::parts::{SectionError, ServerParts};
pub use crate::served::{Callers, Served};

/// A feature, as both ends know it.
#[derive(Clone, Copy, Debug)]
pub struct Feature {
    /// How its channels are opened. Its name is also that of its section in `tunnel.toml`.
    pub protocol: Protocol,
    /// Makes the server half of what the server has; `None` where the server has not what the
    /// feature needs.
    pub server: MakeServerHalf,
    /// Makes what the front serves for it; `None` where it has nothing to serve.
    pub routes: Option<MakeRoutes>,
    /// Starts what runs beside it on the server, such as readers of its sources.
    pub helpers: Option<StartHelpers>,
}

/// Makes a feature's server half.
pub type MakeServerHalf = fn(&ServerParts) -> Result<Option<Arc<dyn Handler>>, SectionError>;

/// Makes a feature's HTTP routes. The front guards them by rate and size; who may ask is the
/// feature's to say.
pub type MakeRoutes = fn(&ServerParts) -> Result<Option<Served>, SectionError>;

/// Starts a feature's tasks, which end when their owner is told to stop.
pub type StartHelpers = fn(&ServerParts, &Tasks) -> Result<(), SectionError>;

/// Every feature there is.
pub const ALL: [Feature; 3] = [health::FEATURE, logs::FEATURE, sync::FEATURE];

/// Makes the router of a server: the halves of all features that it has the parts for.
///
/// # Errors
/// [`SectionError`] if a feature's section of the configuration makes no sense.
pub fn router(parts: &ServerParts) -> Result<Router, SectionError> {
    let mut router = Router::default();
    for feature in ALL {
        if let Some(half) = (feature.server)(parts)? {
            router.add(feature.protocol, half);
        }
    }
    Ok(router)
}

/// Makes the HTTP routes of all features, one by one: each knows its own callers.
///
/// # Errors
/// [`SectionError`] if a feature's section of the configuration makes no sense.
pub fn routes(parts: &ServerParts) -> Result<Vec<Served>, SectionError> {
    let makers = ALL.iter().filter_map(|feature| feature.routes);
    makers.filter_map(|make| make(parts).transpose()).collect()
}

/// Starts what runs beside all features.
///
/// # Errors
/// [`SectionError`] if a feature's section of the configuration makes no sense.
pub fn start_helpers(parts: &ServerParts, tasks: &Tasks) -> Result<(), SectionError> {
    for start in ALL.iter().filter_map(|feature| feature.helpers) {
        start(parts, tasks)?;
    }
    Ok(())
}
