//! What a key may sync, and how: its scopes, and the server's consent.

use serde::Deserialize;
use transport::trust::{NoSanitize, Scopes};
use wire::{Fault, Status};

use super::listed::{Listed, Reach};
use crate::sync::source::FindError;
use crate::sync::table::TableName;
use crate::sync::wire::Sanitising;

/// The section `[sync]` of `tunnel.toml`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(in crate::sync) struct SyncConfig {
    /// The tables whose rows may leave as they are, for keys that have the scope.
    no_sanitize: Listed,
}

/// What a key may sync, and how.
#[derive(Debug)]
pub(in crate::sync) struct Rights<'a> {
    key_name: &'a str,
    reach: Reach,
    no_sanitize: NoSanitize,
    config: &'a SyncConfig,
}

impl<'a> Rights<'a> {
    pub(in crate::sync) fn new(key_name: &'a str, scopes: &Scopes, config: &'a SyncConfig) -> Self {
        Self {
            key_name,
            reach: Reach::of(&scopes.tables),
            no_sanitize: scopes.no_sanitize,
            config,
        }
    }

    /// Whether the key may know of a table at all.
    pub(super) fn reaches(&self, name: &TableName) -> bool {
        self.reach.has(name)
    }

    /// Checks the key's scope and, for rows as they are, both consents.
    pub(super) fn allow(&self, name: &TableName, sanitising: Sanitising) -> Result<(), Fault> {
        if !self.reaches(name) {
            let reason = format!(
                "the key {:?} may not sync {name}: add it to the key's `tables` on the server",
                self.key_name
            );
            return Err(Fault::new(Status::FORBIDDEN, reason));
        }
        match sanitising {
            Sanitising::On => Ok(()),
            Sanitising::Off => self.consent(name),
        }
    }

    /// Checks both consents to rows as they are.
    pub(super) fn consent(&self, name: &TableName) -> Result<(), Fault> {
        if self.no_sanitize == NoSanitize::Refused {
            let reason = format!(
                "the key {:?} may not ask for rows as they are: give it `no-sanitize = true` on the \
                 server, or sync without --no-sanitize",
                self.key_name
            );
            return Err(Fault::new(Status::FORBIDDEN, reason));
        }
        if !self.config.no_sanitize.has(name) {
            let reason = format!(
                "the server does not consent to rows of {name} as they are: add it to `no-sanitize` \
                 in [sync] of its tunnel.toml, or sync without --no-sanitize"
            );
            return Err(Fault::new(Status::FORBIDDEN, reason));
        }
        Ok(())
    }

    /// Leaves out of an error the tables that the key may not know of.
    pub(super) fn hide(&self, error: FindError) -> FindError {
        let known = |mut names: Vec<String>| {
            names.retain(|name| self.reach.has_shown(name));
            names
        };
        match error {
            FindError::Unknown { typed, near } => FindError::Unknown {
                typed,
                near: known(near),
            },
            FindError::Ambiguous { typed, candidates } => match known(candidates) {
                none if none.is_empty() => FindError::Unknown { typed, near: none },
                candidates => FindError::Ambiguous { typed, candidates },
            },
            other @ (FindError::NotATable { .. } | FindError::Read(_)) => other,
        }
    }
}
