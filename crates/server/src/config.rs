//! `tunnel.toml`: what is written there, before anything is made of it.
//!
//! ```toml
//! [[keys]]
//! name = "ci"
//! secret-env = "TUNNEL_CI_SECRET"     # or secret-file = "/etc/secrets/ci"
//! features = ["sync"]                 # all unless named
//! tables = ["courses"]                # all unless named
//! no-sanitize = true                  # not unless said
//!
//! [sync]                              # one section a feature
//! no-sanitize = ["courses"]
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use features::parts::Sections;
use serde::Deserialize;
use transport::trust::{Allow, NoSanitize, Scopes};

use crate::error::ServerError;

/// The file as it is written.
#[derive(Clone, Debug, Default)]
pub struct ConfigFile {
    /// The keys beside the one named `default`.
    pub keys: Vec<KeyConfig>,
    /// The features' sections, and the server's own.
    pub sections: Sections,
    /// The variables that are named anywhere in it: they hold secrets.
    pub variables: BTreeSet<String>,
}

/// One entry of `[[keys]]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct KeyConfig {
    /// The key's name, for logs and messages.
    pub name: String,
    /// The environment variable that holds the secret.
    pub secret_env: Option<String>,
    /// The file that holds the secret.
    pub secret_file: Option<PathBuf>,
    /// The features that it reaches; all if absent.
    pub features: Option<BTreeSet<String>>,
    /// The tables that it may sync; all if absent.
    pub tables: Option<BTreeSet<String>>,
    /// Whether it may ask for rows as they are.
    #[serde(default)]
    pub no_sanitize: bool,
}

impl ConfigFile {
    /// Reads a file.
    ///
    /// # Errors
    /// [`ServerError`] if it cannot be read, is not TOML, or has a section that nobody knows.
    pub fn read(path: &Path) -> Result<Self, ServerError> {
        let text = std::fs::read_to_string(path).map_err(|source| ServerError::ConfigFile {
            path: path.to_owned(),
            source,
        })?;
        let wrong = |reason| ServerError::Config {
            path: path.to_owned(),
            reason,
        };
        Self::parse(&text).map_err(wrong)
    }

    fn parse(text: &str) -> Result<Self, String> {
        let mut sections: BTreeMap<String, toml::Value> =
            toml::from_str(text).map_err(|error| error.to_string().trim_end().to_owned())?;
        let variables = crate::app::variables(&sections);
        let keys = match sections.remove("keys") {
            Some(keys) => keys
                .try_into()
                .map_err(|error| format!("[[keys]]: {error}"))?,
            None => Vec::new(),
        };
        // One file may serve both ends: what is the client's is not looked at here.
        sections.remove("client");
        let features = || features::ALL.iter().map(|feature| feature.protocol.feature);
        let known = || features().chain(OWN);
        if let Some(unknown) = sections
            .keys()
            .find(|name| !known().any(|known| known == *name))
        {
            let known: Vec<_> = known().collect();
            return Err(format!(
                "[{unknown}] is no section: there are [[keys]], [{}]",
                known.join("], [")
            ));
        }
        Ok(Self {
            keys,
            sections: Sections::new(sections),
            variables,
        })
    }
}

impl KeyConfig {
    /// Returns what the key allows.
    #[must_use]
    pub fn scopes(&self) -> Scopes {
        let allow =
            |names: &Option<BTreeSet<String>>| names.clone().map_or(Allow::All, Allow::Only);
        Scopes {
            features: allow(&self.features),
            tables: allow(&self.tables),
            no_sanitize: if self.no_sanitize {
                NoSanitize::Granted
            } else {
                NoSanitize::Refused
            },
        }
    }

    /// Finds the key's secret. `environment` looks up a variable.
    ///
    /// # Errors
    /// [`ServerError::NoSecret`] if it is not where the entry says, or the entry does not say.
    pub fn secret(
        &self,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<String, ServerError> {
        let missing = |place: String| ServerError::NoSecret {
            key: self.name.clone(),
            place,
        };
        match (&self.secret_env, &self.secret_file) {
            (Some(name), None) => {
                environment(name).ok_or_else(|| missing(format!("the variable {name}")))
            }
            (None, Some(path)) => std::fs::read_to_string(path)
                .map_err(|error| missing(format!("{} ({error})", path.display()))),
            (None, None) => Err(missing("secret-env or secret-file in its entry".to_owned())),
            (Some(_), Some(_)) => Err(missing(
                "one of secret-env and secret-file, not both,".to_owned(),
            )),
        }
    }
}

/// The sections that are no feature's: what each says is read where it is used.
const OWN: [&str; 1] = ["app"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_sections_are_read() {
        let file = ConfigFile::parse(
            "[[keys]]\nname = 'ci'\nsecret-env = 'S'\nfeatures = ['sync']\nno-sanitize = true\n\
             [sync]\nno-sanitize = ['courses']\n[client]\nserver = 'quic://x'\n",
        )
        .unwrap();
        let key = &file.keys[0];
        assert!(key.scopes().features.has("sync") && !key.scopes().features.has("logs"));
        assert_eq!(key.scopes().no_sanitize, NoSanitize::Granted);
        assert_eq!(
            key.secret(|name| (name == "S").then(|| "x".into()))
                .unwrap(),
            "x"
        );
        assert!(
            key.secret(|_| None)
                .unwrap_err()
                .to_string()
                .contains("the variable S")
        );
    }

    #[test]
    fn what_nobody_knows_is_refused_by_name() {
        for (text, named) in [
            ("[snyc]\n", "[snyc]"),
            ("[[keys]]\nname = 'a'\nsecret = 'inline'\n", "secret"),
            ("keys = 3\n", "keys"),
            ("[sync\n", "line 1"),
        ] {
            let error = ConfigFile::parse(text).unwrap_err();
            assert!(error.contains(named), "{error}");
        }
    }
}
