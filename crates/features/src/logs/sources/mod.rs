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
mod files;
mod ingest;
mod json;
mod key;
#[cfg(test)]
mod log;
mod made;
mod otlp;
mod render;
mod syslog;

use transport::tasks::Tasks;

use crate::Served;
use crate::logs::config::LogsConfig;
use crate::parts::{SectionError, ServerParts};

pub use self::config::IngestConfig;
pub use self::files::{FilePattern, FilePatternError, follow_file};
pub(crate) use self::render::usual_secret_variable;
pub use self::render::{LogType, RenderConfig};
pub use self::syslog::SyslogConfig;

/// Makes what the front serves for sources.
pub(super) fn routes(parts: &ServerParts) -> Result<Option<Served>, SectionError> {
    let config: LogsConfig = parts.sections.get("logs")?;
    ingest::routes(&config.ingest, &parts.variables, &parts.ring)
}

/// Starts the sources that come by themselves.
pub(super) fn helpers(parts: &ServerParts, tasks: &Tasks) -> Result<(), SectionError> {
    let config: LogsConfig = parts.sections.get("logs")?;
    let (ring, variables) = (&parts.ring, &parts.variables);
    if let Some(syslog) = &config.syslog {
        syslog::start(syslog, variables, ring, tasks)?;
    }
    if let Some(render) = &config.render {
        render::start(render, variables, ring, tasks)?;
    }
    files::start(&config.files, ring, tasks);
    Ok(())
}

/// Who writes lines that do not say so.
const UNNAMED: &str = "app";
