//! What the server may say of a variable, and what it knows of each.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use zeroize::Zeroizing;

use super::config::EnvConfig;
use super::expectation::{Expectation, Misfit};
use super::oprf::{Digest, digest};
use super::rules::wrong_pattern;
use crate::parts::{SectionError, Variables};
use crate::withheld::Withheld;

/// What may be said of a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Openness {
    /// Nothing.
    Hidden,
    /// Whether it is there.
    Presence,
    /// That, and whether its value is another one.
    Compared,
}

/// Production's variables, and what may be said of them.
#[derive(Debug)]
pub(super) struct Policy {
    config: EnvConfig,
    withheld: Withheld,
    expectations: BTreeMap<String, Expectation>,
    variables: Variables,
    /// What was looked up, once for each variable that is there: they do not change while the server
    /// runs, and a value that is hashed once shows its length to nobody's clock.
    known: Mutex<BTreeMap<String, Arc<Known>>>,
}

/// A variable that is there.
pub(super) struct Known {
    /// Of its value; `None` if that is empty.
    pub(super) digest: Option<Digest>,
    /// How it is not what the configuration says.
    pub(super) misfit: Option<Misfit>,
    /// The value, if everybody may know it.
    pub(super) public: Option<String>,
}

impl Policy {
    pub(super) fn new(
        config: EnvConfig,
        withheld: Withheld,
        variables: Variables,
    ) -> Result<Self, SectionError> {
        let mut expectations = BTreeMap::new();
        for (name, variable) in &config.variables {
            let expectation = Expectation::production(variable);
            let expectation = expectation.map_err(|error| wrong_pattern(name, &error))?;
            expectations.insert(name.clone(), expectation);
        }
        Ok(Self {
            withheld,
            expectations,
            config,
            variables,
            known: Mutex::default(),
        })
    }

    /// Says what may be said of a variable: the same, whether it is there or not.
    pub(super) fn openness(&self, name: &str) -> Openness {
        if self.withheld.hides(name) {
            Openness::Hidden
        } else if self.config.guesses_per_hour == 0 || self.withheld.keeps_value(name) {
            Openness::Presence
        } else {
            Openness::Compared
        }
    }

    /// Returns a variable, if it is there.
    pub(super) fn known(&self, name: &str) -> Option<Arc<Known>> {
        // Each entry is made whole: a panic elsewhere has broken none.
        let mut all = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = all.get(name) {
            return Some(Arc::clone(known));
        }
        let value = Zeroizing::new(self.variables.as_written(name)?);
        let known = Arc::new(self.know(name, &value));
        all.insert(name.to_owned(), Arc::clone(&known));
        Some(known)
    }

    fn know(&self, name: &str, value: &str) -> Known {
        let is_public = self.config.variables.get(name).is_some_and(|it| it.public);
        let shown = is_public && value.len() <= LONGEST_SHOWN;
        let expectation = self.expectations.get(name);
        Known {
            digest: (!value.is_empty()).then(|| digest(value)),
            misfit: expectation.and_then(|expectation| expectation.misfit(value)),
            public: shown.then(|| value.to_owned()),
        }
    }
}

impl fmt::Debug for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Known(<redacted>)")
    }
}

/// Bytes of a value that is shown. What is longer is no setting that a person compares.
pub(super) const LONGEST_SHOWN: usize = 1024;
