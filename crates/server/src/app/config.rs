//! The section `[app]` of `tunnel.toml`.

use std::time::Duration;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

/// The section `[app]` of `tunnel.toml`: how the wrapped app ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct AppConfig {
    /// How long the app may take to end when it is told to; then it is killed.
    #[serde(deserialize_with = "grace")]
    pub stop_grace: Duration,
}

impl Default for AppConfig {
    fn default() -> Self {
        Self {
            // Render kills everything after 30 seconds, unless `maxShutdownDelaySeconds` says
            // otherwise: what comes after the app takes 11 of them at most.
            stop_grace: Duration::from_secs(18),
        }
    }
}

/// Reads a number of seconds as people write it: `20s`.
fn grace<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    let seconds = text.trim().strip_suffix('s').map(str::trim_end);
    let seconds = seconds.and_then(|number| number.parse().ok());
    let seconds = seconds.filter(|&seconds| seconds <= LONGEST_GRACE);
    seconds.map(Duration::from_secs).ok_or_else(|| {
        D::Error::custom(format!(
            "stop-grace = {text:?}: write seconds from \"0s\" to \"{LONGEST_GRACE}s\""
        ))
    })
}

/// What Render allows at most before it kills.
const LONGEST_GRACE: u64 = 300;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<AppConfig, String> {
        toml::from_str(text).map_err(|error: toml::de::Error| error.message().to_owned())
    }

    #[test]
    fn a_grace_is_a_number_of_seconds_within_what_platforms_wait() {
        let grace = |text: &str| read(text).map(|config| config.stop_grace.as_secs());
        assert_eq!(grace("stop-grace = '5s'"), Ok(5));
        assert_eq!(grace("stop-grace = '0 s'"), Ok(0));
        assert_eq!(grace(""), Ok(18));
        for wrong in ["'301s'", "'5'", "'-1s'", "'1m'", "5"] {
            let error = grace(&format!("stop-grace = {wrong}")).unwrap_err();
            assert!(!error.is_empty(), "{wrong}");
        }
        assert!(grace("stop-grace = '1m'").unwrap_err().contains("\"1m\""));
        assert!(grace("grace = '5s'").unwrap_err().contains("grace"));
    }
}
