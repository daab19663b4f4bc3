//! The sections under `[logs]` that say where lines come from.

use serde::Deserialize;

/// The section `[logs.ingest]`: lines over HTTP.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct IngestConfig {
    /// The variable that holds the key which senders show. Without its value nothing is taken.
    pub key_env: String,
}

impl Default for IngestConfig {
    fn default() -> Self {
        Self {
            key_env: "RENDER_TUNNEL_INGEST_KEY".to_owned(),
        }
    }
}
