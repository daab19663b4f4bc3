//! Which of production's variables stay on the server: those that hold secrets of the tunnel's, which no app
//! gets either, and those that the section `[env]` names. Every feature that may say something of a variable
//! goes by it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Deserialize;
use toml::Value;

use crate::logs;
use crate::parts::{SectionError, ServerParts};
use crate::wildcard::matches;

/// Returns every variable that the sections of `tunnel.toml` take a secret from. Whatever section names one
/// has a key for it that ends in `-env`, as in `secret-env`; or it takes the usual one.
#[must_use]
pub fn secret_variables(sections: &BTreeMap<String, Value>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (key, value) in sections {
        find(key, value, &mut found);
    }
    let usual = sections.get("logs").and_then(logs::usual_secret_variable);
    found.extend(usual.map(str::to_owned));
    found
}

fn find(key: &str, value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::String(name) if key.ends_with(NAMES_A_VARIABLE) => {
            found.insert(name.clone());
        }
        // A list of names, or of tables.
        Value::Array(values) => values.iter().for_each(|value| find(key, value, found)),
        Value::Table(table) => table
            .iter()
            .for_each(|(key, value)| find(key, value, found)),
        _ => {}
    }
}

/// Patterns for names of variables; `*` stands for anything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub(crate) struct Withheld {
    /// Of these nothing is said, not even whether they are there.
    pub(crate) hidden: Vec<String>,
    /// Of these nothing is said but that.
    pub(crate) presence_only: Vec<String>,
    /// Of these nothing is said: they hold secrets of the tunnel's.
    #[serde(skip)]
    secrets: Arc<BTreeSet<String>>,
}

impl Withheld {
    /// Takes what stays on a server.
    ///
    /// # Errors
    /// [`SectionError`] if the section `[env]` makes no sense.
    pub(crate) fn of(parts: &ServerParts) -> Result<Self, SectionError> {
        Ok(Self {
            secrets: Arc::clone(&parts.secret_variables),
            ..parts.sections.get("env")?
        })
    }

    /// Whether nothing at all is said of a variable.
    pub(crate) fn hides(&self, name: &str) -> bool {
        name.starts_with(OWN) || self.secrets.contains(name) || is_one_of(name, &self.hidden)
    }

    /// Whether nothing is said of a variable's value.
    pub(crate) fn keeps_value(&self, name: &str) -> bool {
        self.hides(name) || is_one_of(name, &self.presence_only)
    }
}

fn is_one_of(name: &str, patterns: &[String]) -> bool {
    patterns.iter().any(|pattern| matches(pattern, name))
}

/// How the names of the tunnel's own variables begin: nothing is said of them to anybody.
pub const OWN: &str = "RENDER_TUNNEL_";

const NAMES_A_VARIABLE: &str = "-env";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_found_wherever_their_variables_are_named_and_where_they_are_not() {
        let sections = toml::from_str(
            "[[keys]]\nname = 'a'\nsecret-env = 'ONE'\nnext-secret-env = 'TWO'\n\
             [logs.syslog]\ntoken-env = 'THREE'\n[x]\nenv = 'not'\nall-env = ['FOUR']\n",
        );
        let named = ["FOUR", "ONE", "THREE", "TWO"].map(str::to_owned);
        assert_eq!(secret_variables(&sections.unwrap()), named.into());
        for (section, expected) in [
            ("[logs.render]\nowner = 'tea-1'\n", Some("RENDER_API_KEY")),
            ("[logs.render]\nkey-env = 'MINE'\n", Some("MINE")),
            ("[logs]\nmax-age = '1h'\n", None),
        ] {
            let found = secret_variables(&toml::from_str(section).unwrap());
            assert!(found.iter().map(String::as_str).eq(expected), "{section}");
        }
    }

    #[test]
    fn what_is_hidden_keeps_its_value_too_and_the_tunnels_own_are_hidden_by_themselves() {
        let withheld = Withheld {
            hidden: vec!["INTERNAL_*".into()],
            presence_only: vec!["*_PASSWORD".into()],
            secrets: Arc::new(BTreeSet::from(["CI_KEY".to_owned()])),
        };
        for (name, hides, keeps_value) in [
            ("INTERNAL_URL", true, true),
            ("RENDER_TUNNEL_SECRET", true, true),
            ("CI_KEY", true, true),
            ("DB_PASSWORD", false, true),
            ("LOG_LEVEL", false, false),
        ] {
            assert_eq!(withheld.hides(name), hides, "{name}");
            assert_eq!(withheld.keeps_value(name), keeps_value, "{name}");
        }
    }
}
