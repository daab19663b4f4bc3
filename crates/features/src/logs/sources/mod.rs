//! Where lines come from beside the app's own output: HTTP, files, syslog, and Render's API.
//!
//! ```text
//! POST /_tunnel/logs           ingest   NDJSON ──▶ Feed ─┐
//! POST /_tunnel/logs/v1/logs   otlp     records ─────────┤
//! files                        files    bytes ───▶ Feed ─┼─▶ Ring
//! TLS, port 6514               syslog   frames ──────────┤
//! Render's API                 render   entries ─────────┘
//! ```
//! A source has its own section under `[logs]`, and is not there without it. Whatever it takes goes
//! through the ring's bounds and masks; what it cannot take it counts, and says so.

mod config;
mod ingest;
mod json;
mod made;
mod otlp;

use axum::Router;

use crate::logs::config::LogsConfig;
use crate::parts::{SectionError, ServerParts};

pub use self::config::IngestConfig;

/// Makes what the front serves for sources.
pub(super) fn routes(parts: &ServerParts) -> Result<Option<Router>, SectionError> {
    let config: LogsConfig = parts.sections.get("logs")?;
    ingest::routes(&config.ingest, &parts.variables, &parts.ring)
}

/// Who writes lines that do not say so.
const UNNAMED: &str = "app";
