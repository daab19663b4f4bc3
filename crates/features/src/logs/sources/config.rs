//! The sections under `[logs]` that say where lines come from.

use serde::Deserialize;

use crate::logs::config::LogsConfig;
use crate::parts::Variables;

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

impl LogsConfig {
    /// Returns the secrets that sources know, so that the log can hide them.
    #[must_use]
    pub fn secrets(&self, variables: &Variables) -> Vec<String> {
        let syslog = self.syslog.as_ref().and_then(|it| it.token_env.as_ref());
        let render = self.render.as_ref().map(|it| &it.key_env);
        let names = [Some(&self.ingest.key_env), syslog, render];
        let values = names
            .into_iter()
            .flatten()
            .filter_map(|name| variables.get(name));
        values.map(|value| value.trim().to_owned()).collect()
    }
}
