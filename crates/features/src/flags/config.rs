//! The section `[flags]`: where production's flags are.

use std::path::PathBuf;
use std::time::Duration;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use crate::duration::parse_duration;

/// The section `[flags]`. Where sources name the same flag, the first of them counts: the environment, the
/// file, the database, the URL.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct FlagsConfig {
    /// Variables whose names begin so are flags.
    pub prefixes: Vec<String>,
    /// A file of flagd's.
    pub file: Option<PathBuf>,
    /// A table of production's database with the columns `key` and `value` or `enabled`.
    pub table: Option<String>,
    /// A query that gives such columns, in place of a table.
    pub query: Option<String>,
    /// Where flags are asked for over HTTP.
    pub url: Option<String>,
    /// What is spoken there.
    pub format: Format,
    /// The variable with the token that is shown there.
    pub token_env: Option<String>,
    /// How often the database and the URL are asked.
    #[serde(deserialize_with = "duration")]
    pub poll: Duration,
}

/// What is spoken at a URL.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// OFREP: all flags as they are for an empty context.
    #[default]
    Ofrep,
    /// Unleash's list of features, or of toggles.
    Unleash,
}

impl Default for FlagsConfig {
    fn default() -> Self {
        Self {
            prefixes: PREFIXES.map(str::to_owned).to_vec(),
            file: None,
            table: None,
            query: None,
            url: None,
            format: Format::default(),
            token_env: None,
            // A person waits for a change at the other end, and a database does not feel four questions
            // a minute.
            poll: Duration::from_secs(15),
        }
    }
}

fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    let duration = parse_duration(&text)
        .map_err(|error| D::Error::custom(format!("poll = {text:?}: {error}")))?;
    if duration < SHORTEST_POLL {
        return Err(D::Error::custom("poll: at least 1s, for others pay for it"));
    }
    Ok(duration)
}

/// How most people begin the names of such variables.
pub const PREFIXES: [&str; 3] = ["ENABLE_", "FEATURE_", "FLAG_"];

/// A database and a service of others are asked no more often.
const SHORTEST_POLL: Duration = Duration::from_secs(1);
