//! What a server lends to its features.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use sanitize::PseudonymKey;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use tokio::time::Instant;

use crate::logs::Ring;
use crate::sync::database::DatabaseUrl;
use crate::vitals::Vitals;
use crate::withheld::secret_variables;

/// What a server lends to its features.
#[derive(Clone, Debug)]
pub struct ServerParts {
    /// What the server says of itself.
    pub about: Arc<About>,
    /// Production's database, if the server has one.
    pub database: Option<DatabaseUrl>,
    /// What pseudonyms are made with.
    pub pseudonyms: Pseudonyms,
    /// The log lines of late.
    pub ring: Arc<Ring>,
    /// How many sessions are open.
    pub sessions: SessionCount,
    /// The sections of `tunnel.toml`.
    pub sections: Sections,
    /// The variables that the sections name.
    pub variables: Variables,
    /// Those of them that hold secrets of the tunnel's.
    pub secret_variables: Arc<BTreeSet<String>>,
    /// What there is to say about the server: each feature adds to it.
    pub vitals: Vitals,
}

#[cfg(test)]
impl ServerParts {
    /// Makes the parts of a server that has nothing.
    pub(crate) fn bare() -> Self {
        Self {
            about: Arc::new(About {
                identity: Identity::of("api", "production", "test"),
                started: Instant::now(),
            }),
            database: None,
            pseudonyms: Pseudonyms {
                key: Arc::new(PseudonymKey::from_secret("tests")),
                lasting: true,
            },
            ring: Arc::new(Ring::new(crate::logs::LogsConfig::default())),
            sessions: SessionCount::default(),
            sections: Sections::default(),
            variables: Variables::default(),
            secret_variables: Arc::default(),
            vitals: Vitals::default(),
        }
    }
}

/// What a server says of itself.
#[derive(Clone, Debug)]
pub struct About {
    /// Who it is.
    pub identity: Identity,
    /// When the server started.
    pub started: Instant,
}

/// Who a server is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The same for all instances of a service.
    pub server_id: String,
    /// For example `production`.
    pub environment: String,
    /// Program and version.
    pub program: String,
    /// The commit that runs, if the platform tells.
    pub commit: Option<String>,
    /// Which instance of the service this is; empty if the platform does not tell.
    pub instance: String,
    /// Where it runs, if the platform tells.
    pub region: Option<String>,
}

impl Identity {
    /// Names a server of which nothing else is known.
    #[must_use]
    pub fn of(server_id: &str, environment: &str, program: &str) -> Self {
        Self {
            server_id: server_id.to_owned(),
            environment: environment.to_owned(),
            program: program.to_owned(),
            commit: None,
            instance: String::new(),
            region: None,
        }
    }
}

/// Where a feature finds a secret whose variable its section names, and which variables there are.
#[derive(Clone)]
pub struct Variables {
    lookup: Arc<Lookup>,
    names: Arc<BTreeSet<String>>,
}

type Lookup = dyn Fn(&str) -> Option<String> + Send + Sync;

impl Variables {
    /// Looks variables up by a function, of which nobody knows what it has.
    #[must_use]
    pub fn new(lookup: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        Self {
            lookup: Arc::new(lookup),
            names: Arc::default(),
        }
    }

    /// Says which variables there are, for features that look among their names.
    #[must_use]
    pub fn named(mut self, names: impl IntoIterator<Item = String>) -> Self {
        self.names = Arc::new(names.into_iter().collect());
        self
    }

    /// Takes variables with their values.
    #[must_use]
    pub fn of(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        let variables: BTreeMap<_, _> = variables.into_iter().collect();
        let names: Vec<_> = variables.keys().cloned().collect();
        Self::new(move |name| variables.get(name).cloned()).named(names)
    }

    /// Returns the value of a variable; an empty one counts as none.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<String> {
        self.as_written(name)
            .filter(|value| !value.trim().is_empty())
    }

    /// Returns the value of a variable as it was written, an empty one too: to some, empty is an answer.
    #[must_use]
    pub fn as_written(&self, name: &str) -> Option<String> {
        (self.lookup)(name)
    }

    /// Returns the names of the variables that are known, in their order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }
}

impl Default for Variables {
    /// There are none.
    fn default() -> Self {
        Self::new(|_| None)
    }
}

impl fmt::Debug for Variables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Variables(<redacted>)")
    }
}

/// The key that pseudonyms are made with.
#[derive(Clone, Debug)]
pub struct Pseudonyms {
    /// The key.
    pub key: Arc<PseudonymKey>,
    /// Whether the server will have the same key at its next start.
    pub lasting: bool,
}

/// Counts open sessions.
#[derive(Clone, Debug, Default)]
pub struct SessionCount(Arc<AtomicU32>);

/// One open session; dropping it ends the count of it.
#[derive(Debug)]
pub struct CountedSession(Arc<AtomicU32>);

/// The sections of `tunnel.toml` by their names, as they were written.
#[derive(Clone, Debug, Default)]
pub struct Sections(BTreeMap<String, toml::Value>);

/// A section that makes no sense. The operator is at fault.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("[{section}]: {reason}")]
pub struct SectionError {
    /// The section's name.
    pub section: String,
    /// What is wrong, as the parser says it.
    pub reason: String,
}

impl SessionCount {
    /// Counts a session until the result is dropped.
    #[must_use]
    pub fn enter(&self) -> CountedSession {
        self.0.fetch_add(1, Ordering::Relaxed);
        CountedSession(Arc::clone(&self.0))
    }

    /// Returns how many are open.
    #[must_use]
    pub fn get(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Drop for CountedSession {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Sections {
    /// Takes the sections of a file.
    #[must_use]
    pub const fn new(sections: BTreeMap<String, toml::Value>) -> Self {
        Self(sections)
    }

    /// Adds a section that nobody has written, in place of one of its name.
    #[must_use]
    pub fn with(mut self, name: &str, section: toml::Table) -> Self {
        self.0.insert(name.to_owned(), toml::Value::Table(section));
        self
    }

    /// Whether anything is written of a section, or of the one that it is a part of.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        let whole = name.split_once('.').map_or(name, |(whole, _)| whole);
        self.0.contains_key(whole)
    }

    /// Returns the variables that the sections take secrets from.
    #[must_use]
    pub fn secret_variables(&self) -> BTreeSet<String> {
        secret_variables(&self.0)
    }

    /// Returns the names of the sections that are written otherwise in the other file, or only in one.
    pub fn differing<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = &'a str> {
        let names: BTreeSet<_> = self.0.keys().chain(other.0.keys()).collect();
        let differs = |name: &&String| self.0.get(*name) != other.0.get(*name);
        names.into_iter().filter(differs).map(String::as_str)
    }

    /// Reads a section; what is not written there has its default.
    ///
    /// # Errors
    /// [`SectionError`] if a name or a value in it makes no sense.
    pub fn get<T: DeserializeOwned + Default>(&self, name: &str) -> Result<T, SectionError> {
        let Some(value) = self.0.get(name) else {
            return Ok(T::default());
        };
        value
            .clone()
            .try_into()
            .map_err(|error: toml::de::Error| SectionError {
                section: name.to_owned(),
                reason: error.message().to_owned(),
            })
    }
}
