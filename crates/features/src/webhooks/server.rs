//! The server half of webhooks.

use super::config::WebhooksConfig;
use crate::ServerHalf;
use crate::parts::{SectionError, ServerParts};

/// Makes the server half, where the configuration has the section.
pub(super) fn half(parts: &ServerParts) -> Result<Option<ServerHalf>, SectionError> {
    let _config: WebhooksConfig = parts.sections.get("webhooks")?;
    Ok(None)
}
