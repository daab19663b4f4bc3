//! The keys of a server: those that it begins with, and those that replace them while it runs.

use std::fmt;
use std::sync::Arc;

use features::logs::Ring;
use tracing::info;
use transport::trust::{Key, KeyChange, KeyRing, Scopes, Secret, SecretError};

use crate::audit::{Audit, Event};
use crate::config::KeyConfig;
use crate::error::ServerError;

/// The keys that a server is to accept.
///
/// Two secrets of one name are one key, whose secret is being rotated: clients come with either.
#[derive(Clone, Default)]
pub struct Keys(Vec<Entry>);

#[derive(Clone)]
struct Entry {
    name: String,
    secret: String,
    scopes: Scopes,
}

impl Keys {
    /// Adds a key, or another secret of one.
    #[must_use]
    pub fn with(
        mut self,
        name: impl Into<String>,
        secret: impl Into<String>,
        scopes: Scopes,
    ) -> Self {
        self.0.push(Entry {
            name: name.into(),
            secret: secret.into(),
            scopes,
        });
        self
    }

    /// Adds other keys.
    #[must_use]
    pub fn and(mut self, others: Self) -> Self {
        self.0.extend(others.0);
        self
    }

    /// Adds the keys of a configuration file. `environment` looks up a variable.
    ///
    /// # Errors
    /// [`ServerError::NoSecret`] if one has no secret.
    pub fn configured(
        mut self,
        keys: &[KeyConfig],
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, ServerError> {
        for key in keys {
            for secret in key.secrets(&environment)? {
                self = self.with(&key.name, secret, key.scopes());
            }
        }
        Ok(self)
    }

    /// Whether a server would take them.
    ///
    /// # Errors
    /// [`ServerError`] if it would not.
    pub fn check(&self) -> Result<(), ServerError> {
        KeyRing::new(self.derive()?)?;
        Ok(())
    }

    /// Returns the name of each secret's key.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|entry| &*entry.name)
    }

    /// Returns the secrets, which nothing that the server says should contain.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|entry| entry.secret.trim())
    }

    /// Derives each key.
    ///
    /// # Errors
    /// [`ServerError`] if a secret is too weak, or one name stands for different scopes.
    pub(crate) fn derive(&self) -> Result<Vec<Key>, ServerError> {
        for (position, entry) in self.0.iter().enumerate() {
            let earlier = self.0[..position].iter().find(|it| it.name == entry.name);
            if earlier.is_some_and(|earlier| earlier.scopes != entry.scopes) {
                let name = entry.name.clone();
                return Err(ServerError::SameName { name });
            }
        }
        let derive = |entry: &Entry| {
            let secret = parsed(&entry.name, &entry.secret)?;
            let key = Key::derive(&entry.name, &secret, entry.scopes.clone());
            Ok(key.map_err(transport::trust::KeyRingError::from)?)
        };
        self.0.iter().map(derive).collect()
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}

/// The keys of a running server. Clones are the same.
#[derive(Clone, Debug)]
pub struct ServerKeys {
    ring: Arc<KeyRing>,
    audit: Audit,
    log: Arc<Ring>,
}

impl ServerKeys {
    pub(crate) const fn new(ring: Arc<KeyRing>, audit: Audit, log: Arc<Ring>) -> Self {
        Self { ring, audit, log }
    }

    /// Opens the audit log again, if there is one: whoever rotates it has moved the old file away.
    pub fn reopen_audit(&self) {
        self.audit.reopen();
    }

    pub(crate) const fn ring(&self) -> &Arc<KeyRing> {
        &self.ring
    }

    /// Accepts these keys, and no others, from now on. Returns what that changes, by name.
    ///
    /// Sessions of a key that is not among them end at once, and their clients hear that the key was
    /// revoked. Sessions of a key that allows less than before, or has another name, end as well;
    /// their clients connect again. All others go on; what a key allows beyond before, it allows to
    /// sessions that are opened from now on.
    ///
    /// # Errors
    /// [`ServerError`] if they cannot be used; then nothing changes.
    pub fn replace(&self, keys: &Keys) -> Result<Vec<KeyChange>, ServerError> {
        // First, so that no line shows a secret that is good. One that cannot be used is none to
        // be shown either.
        keys.secrets().for_each(|secret| self.log.hide(secret));
        let replaced = keys.derive().and_then(|keys| Ok(self.ring.replace(keys)?));
        match replaced {
            Ok(changes) => {
                for change in &changes {
                    info!("key {change}");
                }
                self.audit.note(&Event::KeysReplaced(changes.clone()));
                Ok(changes)
            }
            Err(error) => {
                self.audit.note(&Event::KeysKept(error.to_string()));
                Err(error)
            }
        }
    }
}

/// Holds a text to what a secret must be. Whatever is guarded by one is guessed as easily as it is.
pub(crate) fn parsed(key: &str, text: &str) -> Result<Secret, ServerError> {
    let weak = |source: SecretError| ServerError::Secret {
        key: key.to_owned(),
        source,
    };
    text.parse().map_err(weak)
}

#[cfg(test)]
mod tests {
    use super::*;
    use transport::trust::Allow;

    const ONE: &str = "5f2b8e0c9a714d36b1e7f08c2d9a6b43";
    const OTHER: &str = "6f2b8e0c9a714d36b1e7f08c2d9a6b43";

    fn nothing() -> Scopes {
        Scopes {
            features: Allow::Only([].into()),
            ..Scopes::default()
        }
    }

    #[test]
    fn two_secrets_of_one_name_are_one_key_unless_they_allow_different_things() {
        let keys = Keys::default().with("ci", ONE, Scopes::default());
        let rotated = keys.clone().with("ci", OTHER, Scopes::default());
        let names: Vec<_> = rotated.derive().unwrap();
        assert!(names.len() == 2 && names.iter().all(|key| key.name() == "ci"));
        let error = keys.with("ci", OTHER, nothing()).derive().unwrap_err();
        assert!(matches!(error, ServerError::SameName { name } if name == "ci"));
    }

    #[test]
    fn debug_does_not_tell() {
        let keys = Keys::default().with("ci", ONE, Scopes::default());
        assert_eq!(format!("{keys:?}"), "[\"ci\"]");
    }
}
