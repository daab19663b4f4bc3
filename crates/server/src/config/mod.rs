//! `tunnel.toml`: what is written there, before anything is made of it.
//!
//! A relative path in it goes by the folder that the file is in.
//!
//! ```toml
//! [[keys]]
//! name = "ci"
//! secret-env = "TUNNEL_CI_SECRET"     # or secret-file = "/etc/secrets/ci"
//! next-secret-file = "/etc/secrets/ci-next"   # the secret that takes its place; or next-secret-env
//! features = ["sync"]                 # all unless named
//! tables = ["courses"]                # all unless named
//! no-sanitize = true                  # not unless said
//!
//! [sync]                              # one section a feature
//! no-sanitize = ["courses"]
//!
//! [limits]                            # a minute, for each key and address; 0 for any number
//! upgrades = 100                      # WebSockets that are opened
//! calls = 100
//! ingest = 100                        # requests to what features serve over HTTP
//!
//! [audit]                             # none without
//! path = "audit.ndjson"               # or "-" for standard error
//!
//! [front]
//! cors-origins = ["https://app.example.com"]
//!
//! [metrics]                           # a port of their own, for which nobody needs a key
//! port = 9100
//! address = "127.0.0.1"               # unless another is named
//! ```

mod key;
mod paths;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use features::parts::Sections;
use features::withheld::secret_variables;

pub use self::key::{KeyConfig, SecretPlace};
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
    /// Where it was read; `None` if there is none.
    pub path: Option<PathBuf>,
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
        let folder = path.parent().unwrap_or_else(|| Path::new(""));
        let file = Self::parse(&text, folder).map_err(wrong)?;
        Ok(Self {
            path: Some(path.to_owned()),
            ..file
        })
    }

    fn parse(text: &str, folder: &Path) -> Result<Self, String> {
        let mut sections: BTreeMap<String, toml::Value> =
            toml::from_str(text).map_err(|error| no_toml(text, &error))?;
        paths::resolve(&mut sections, folder);
        let variables = secret_variables(&sections);
        let keys = match sections.remove("keys") {
            Some(keys) => keys
                .try_into()
                .map_err(|error| format!("[[keys]]: {error}"))?,
            None => Vec::new(),
        };
        refuse_unknown_features(&keys)?;
        // One file may serve both ends: what is the client's is not looked at here.
        for section in THE_CLIENTS {
            sections.remove(section);
        }
        let features = || features::ALL.iter().map(|feature| feature.protocol.feature);
        let known = || features().chain(OWN).chain(THE_CLIENTS);
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
            path: None,
        })
    }
}

/// Says where a file is no TOML. The line itself may hold what nobody is to see.
fn no_toml(text: &str, error: &toml::de::Error) -> String {
    let begin = error.span().map_or(0, |span| span.start);
    let before = text.as_bytes().iter().take(begin);
    let line = before.filter(|&&byte| byte == b'\n').count() + 1;
    format!("line {line}: {}", error.message())
}

/// A key for a feature that is misspelt would reach nothing, and nobody would know why.
fn refuse_unknown_features(keys: &[KeyConfig]) -> Result<(), String> {
    let known: Vec<_> = features::ALL
        .iter()
        .map(|feature| feature.protocol.feature)
        .collect();
    for key in keys {
        let mut named = key.features.iter().flatten();
        if let Some(unknown) = named.find(|name| !known.contains(&name.as_str())) {
            return Err(format!(
                "[[keys]]: the key {:?} names {unknown:?}, which is no feature: there are {}",
                key.name,
                known.join(", ")
            ));
        }
    }
    Ok(())
}

/// The sections that are no feature's: what each says is read where it is used.
const OWN: [&str; 5] = ["app", "audit", "front", "limits", "metrics"];

/// The sections that the client end reads.
const THE_CLIENTS: [&str; 2] = ["client", "connect"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_sections_are_read() {
        let file = ConfigFile::parse(
            "[[keys]]\nname = 'ci'\nsecret-env = 'S'\nfeatures = ['sync']\nno-sanitize = true\n\
             [sync]\nno-sanitize = ['courses']\n[client]\nserver = 'quic://x'\n",
            Path::new(""),
        )
        .unwrap();
        assert_eq!(file.keys[0].name, "ci");
        let section: BTreeMap<String, Vec<String>> = file.sections.get("sync").unwrap();
        assert_eq!(section["no-sanitize"], ["courses"]);
    }

    #[test]
    fn what_nobody_knows_is_refused_by_name() {
        for (text, named) in [
            ("[snyc]\n", "[snyc]"),
            ("[[keys]]\nname = 'a'\nsecret = 'inline'\n", "secret"),
            ("keys = 3\n", "keys"),
            (
                "[[keys]]\nname = 'ci'\nfeatures = ['sync', 'log']\n",
                "\"ci\" names \"log\", which is no feature: there are env, flags, health, logs, sync",
            ),
            ("[sync\n", "line 1"),
            ("\n[sync]\nx = 's3cr3t\n", "line 3"),
        ] {
            let error = ConfigFile::parse(text, Path::new("")).unwrap_err();
            assert!(
                error.contains(named) && !error.contains("s3cr3t"),
                "{error}"
            );
        }
    }
}
