//! The section `[env]` of `tunnel.toml`. Both ends read it, each its own file: what it says of
//! production's values counts on the server alone.
//!
//! ```toml
//! [env]
//! hidden = ["INTERNAL_*"]               # server: nothing is said of these, not even whether they are there
//! presence-only = ["*_PASSWORD"]        # server: whether they are there, and no comparison
//! guesses-per-hour = 12                 # server: comparisons of a variable for each key
//!
//! [env.variables.STRIPE_SECRET_KEY]
//! rule = "must-differ"                  # client: or must-exist, must-match, optional, only-production
//! here = "^sk_test_"                    # client: what the local value must match
//! production = "^sk_live_"              # server: what production's must match
//!
//! [env.variables.LOG_LEVEL]
//! public = true                         # server: production's value may be shown
//! one-of = ["debug", "info", "warn"]    # each end for its own value; so are pattern and type
//! type = "string"                       # or url, int, bool, port, email
//! pattern = "^[a-z]+$"
//! ```

use std::collections::BTreeMap;

use serde::Deserialize;

use super::expectation::ValueType;
use super::rules::Rule;

/// The section `[env]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct EnvConfig {
    /// Names of which the server says nothing; `*` stands for anything.
    pub hidden: Vec<String>,
    /// Names that the server does not compare; `*` stands for anything.
    pub presence_only: Vec<String>,
    /// How often a variable is compared for a key within any hour; 0 for never.
    pub guesses_per_hour: u16,
    /// What is known of each variable.
    pub variables: BTreeMap<String, VariableConfig>,
}

/// What is known of a variable.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct VariableConfig {
    /// How the two values should be to each other; by the name unless written.
    pub rule: Option<Rule>,
    /// What both values must be.
    #[serde(rename = "type")]
    pub kind: Option<ValueType>,
    /// What both values must be one of; anything if empty.
    pub one_of: Vec<String>,
    /// What both values must match.
    pub pattern: Option<String>,
    /// What the local value must match.
    pub here: Option<String>,
    /// What production's value must match.
    pub production: Option<String>,
    /// Whether production's value may be shown.
    pub public: bool,
}

impl Default for EnvConfig {
    fn default() -> Self {
        Self {
            hidden: Vec::new(),
            presence_only: Vec::new(),
            guesses_per_hour: GUESSES,
            variables: BTreeMap::new(),
        }
    }
}

/// A run every five minutes for a team that shares a key, and still a week for a value that is one of
/// two thousand.
const GUESSES: u16 = 12;
