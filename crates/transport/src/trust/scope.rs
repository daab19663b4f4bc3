//! What a key allows.

use std::collections::BTreeSet;

/// What the holder of a key may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scopes {
    /// The features whose channels it may open.
    pub features: Allow,
    /// The tables that it may sync.
    pub tables: Allow,
    /// Whether it may ask for rows as they are.
    pub no_sanitize: NoSanitize,
}

/// A set of names, or all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Allow {
    /// Every name.
    All,
    /// These names.
    Only(BTreeSet<String>),
}

/// Whether a key may ask for rows as they are. The server's policy must consent as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoSanitize {
    /// It may not.
    Refused,
    /// It may, where the server consents.
    Granted,
}

impl Scopes {
    /// Whether these allow all that the others do.
    #[must_use]
    pub fn cover(&self, others: &Self) -> bool {
        self.features.covers(&others.features)
            && self.tables.covers(&others.tables)
            && (self.no_sanitize == NoSanitize::Granted
                || others.no_sanitize == NoSanitize::Refused)
    }
}

impl Default for Scopes {
    /// Every feature and every table, sanitised.
    fn default() -> Self {
        Self {
            features: Allow::All,
            tables: Allow::All,
            no_sanitize: NoSanitize::Refused,
        }
    }
}

impl Allow {
    /// Whether `name` is among the names.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(names) => names.contains(name),
        }
    }

    /// Whether every one of the other names is among these.
    #[must_use]
    pub fn covers(&self, others: &Self) -> bool {
        match (self, others) {
            (Self::All, _) => true,
            (Self::Only(_), Self::All) => false,
            (Self::Only(names), Self::Only(others)) => names.is_superset(others),
        }
    }
}
