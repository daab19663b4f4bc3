//! One key of `tunnel.toml`: what it allows, and where its secrets are.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;

use serde::Deserialize;
use transport::trust::{Allow, NoSanitize, Scopes};

use crate::error::ServerError;

/// One entry of `[[keys]]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct KeyConfig {
    /// The key's name, for logs and messages.
    pub name: String,
    /// The environment variable that holds the secret.
    pub secret_env: Option<String>,
    /// The file that holds the secret.
    pub secret_file: Option<PathBuf>,
    /// The variable that holds the secret which takes its place: both are good meanwhile.
    pub next_secret_env: Option<String>,
    /// The file that holds the secret which takes its place.
    pub next_secret_file: Option<PathBuf>,
    /// The features that it reaches; all if absent.
    pub features: Option<BTreeSet<String>>,
    /// The tables that it may sync; all if absent.
    pub tables: Option<BTreeSet<String>>,
    /// Whether it may ask for rows as they are.
    #[serde(default)]
    pub no_sanitize: bool,
}

/// Where a secret is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretPlace {
    /// In an environment variable, which a process has from its start on.
    Variable(String),
    /// In a file, which is read again when the keys are.
    File(PathBuf),
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

    /// Returns where the key's secrets are: one, or two while it is rotated.
    ///
    /// # Errors
    /// [`ServerError::NoSecret`] if the entry does not say, or says two places for one.
    pub fn places(&self) -> Result<Vec<SecretPlace>, ServerError> {
        let first = self.place("", &self.secret_env, &self.secret_file)?;
        let next = self.place("next-", &self.next_secret_env, &self.next_secret_file)?;
        let Some(first) = first else {
            return Err(self.missing("secret-env or secret-file in its entry"));
        };
        Ok([first].into_iter().chain(next).collect())
    }

    /// Finds the key's secrets. `environment` looks up a variable.
    ///
    /// # Errors
    /// [`ServerError::NoSecret`] if one is not where the entry says, or the entry does not say.
    pub fn secrets(
        &self,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Vec<String>, ServerError> {
        let read = |place: &SecretPlace| place.read(&self.name, &environment);
        self.places()?.iter().map(read).collect()
    }

    fn place(
        &self,
        prefix: &str,
        variable: &Option<String>,
        file: &Option<PathBuf>,
    ) -> Result<Option<SecretPlace>, ServerError> {
        match (variable, file) {
            (Some(name), None) => Ok(Some(SecretPlace::Variable(name.clone()))),
            (None, Some(path)) => Ok(Some(SecretPlace::File(path.clone()))),
            (None, None) => Ok(None),
            (Some(_), Some(_)) => Err(self.missing(&format!(
                "one of {prefix}secret-env and {prefix}secret-file, not both,"
            ))),
        }
    }

    fn missing(&self, place: &str) -> ServerError {
        ServerError::NoSecret {
            key: self.name.clone(),
            place: place.to_owned(),
        }
    }
}

impl SecretPlace {
    /// Reads the secret, of the key of that name. `environment` looks up a variable.
    ///
    /// # Errors
    /// [`ServerError::NoSecret`] if it is not there.
    pub fn read(
        &self,
        key: &str,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<String, ServerError> {
        let missing = |place: String| ServerError::NoSecret {
            key: key.to_owned(),
            place,
        };
        match self {
            Self::Variable(name) => environment(name).ok_or_else(|| missing(self.to_string())),
            Self::File(path) => std::fs::read_to_string(path)
                .map_err(|error| missing(format!("{} ({error})", path.display()))),
        }
    }
}

impl fmt::Display for SecretPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable(name) => write!(f, "the variable {name}"),
            Self::File(path) => write!(f, "{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> KeyConfig {
        toml::from_str(text).unwrap()
    }

    fn environment(name: &str) -> Option<String> {
        (name == "S" || name == "T").then(|| format!("of {name}"))
    }

    #[test]
    fn a_key_has_the_scopes_that_are_written() {
        let key = key("name = 'ci'\nfeatures = ['sync']\nno-sanitize = true\n");
        assert!(key.scopes().features.has("sync") && !key.scopes().features.has("logs"));
        assert_eq!(key.scopes().tables, Allow::All);
        assert_eq!(key.scopes().no_sanitize, NoSanitize::Granted);
    }

    #[test]
    fn a_key_has_two_secrets_while_one_is_rotated() {
        let one = key("name = 'ci'\nsecret-env = 'S'\n");
        assert_eq!(one.secrets(environment).unwrap(), ["of S"]);
        let two = key("name = 'ci'\nsecret-env = 'S'\nnext-secret-env = 'T'\n");
        assert_eq!(two.secrets(environment).unwrap(), ["of S", "of T"]);
    }

    #[test]
    fn a_secret_that_is_not_there_is_missed_by_its_place() {
        for (text, named) in [
            ("name = 'ci'\n", "secret-env or secret-file"),
            (
                "name = 'ci'\nnext-secret-env = 'S'\n",
                "secret-env or secret-file",
            ),
            ("name = 'ci'\nsecret-env = 'U'\n", "the variable U"),
            (
                "name = 'ci'\nsecret-env = 'S'\nnext-secret-env = 'U'\n",
                "the variable U",
            ),
            ("name = 'ci'\nsecret-file = '/none'\n", "/none"),
            (
                "name = 'ci'\nsecret-env = 'S'\nnext-secret-env = 'T'\nnext-secret-file = 'x'\n",
                "next-secret-env and next-secret-file",
            ),
        ] {
            let error = key(text).secrets(environment).unwrap_err().to_string();
            assert!(error.contains(named) && error.contains("ci"), "{error}");
        }
    }
}
