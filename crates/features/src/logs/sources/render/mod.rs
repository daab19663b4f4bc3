//! Render's own API: the logs of other services, of requests and of builds.
//!
//! ```text
//! subscribe (WebSocket) ── entries ─────────────────────┐
//!      │ what came before, or while it was away         ├─▶ seen? ──▶ Line ──▶ Ring
//! GET /v1/logs, page by page, from the last time ───────┘
//! ```
//! The subscription stands before the first page is asked for, and the pages begin somewhat before
//! the last entry that was seen: so nothing falls between, and what comes twice is known by its id.

mod api;
mod config;
mod entry;
mod follow;
mod seen;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use tracing::warn;
use transport::reach::{Route, Security, TlsTrust};
use transport::tasks::{Tasks, heavy};

use self::api::Api;
pub(crate) use self::config::usual_secret_variable;
pub use self::config::{LogType, RenderConfig};
use self::follow::{Follower, Pace};
use crate::logs::ring::Ring;
use crate::parts::{SectionError, Variables};

/// Starts to follow what the section names.
pub(super) fn start(
    config: &RenderConfig,
    variables: &Variables,
    ring: &Arc<Ring>,
    tasks: &Tasks,
) -> Result<(), SectionError> {
    let wanted = config.wanted(variables).map_err(|error| SectionError {
        section: "logs.render".to_owned(),
        reason: error.to_string(),
    })?;
    let (ring, own) = (Arc::clone(ring), tasks.clone());
    tasks.spawn("render's logs", async move {
        let security = match wanted.scheme {
            config::Scheme::Http => Security::Plain,
            // Reads the system's authorities, which takes some tenths of a second.
            config::Scheme::Https => match heavy(TlsTrust::system) {
                Ok(trust) => Security::Tls(Arc::new(trust)),
                Err(error) => {
                    warn!("Render's logs are not followed: {error}");
                    return;
                }
            },
        };
        match wanted
            .proxies
            .for_server(&security, &wanted.host, wanted.port)
        {
            Ok(proxy) => {
                let route = Route {
                    host: wanted.host,
                    port: wanted.port,
                    security,
                    proxy,
                };
                let api = Api::new(route, wanted.key, wanted.query);
                let follower = Follower::new(api, ring, wanted.back_fill, Pace::default());
                follower.run(&wanted.resources, &own).await;
            }
            Err(error) => warn!("Render's logs are not followed: {error}"),
        }
    });
    Ok(())
}
