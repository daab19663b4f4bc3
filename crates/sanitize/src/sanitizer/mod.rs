//! Writes what may leave in place of a value.

use std::fmt;

use crate::persona::Pseudonyms;
use crate::rewrite::Rewriter;
use crate::{PseudonymKey, SanitizedColumn};

/// Rewrites values so that no personal data is left in them.
#[derive(Clone)]
pub struct Sanitizer {
    pseudonyms: Pseudonyms,
}

/// What became of a value.
#[must_use = "the original may leave only if it was kept"]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The original may leave; nothing was written.
    Kept,
    /// What was written takes its place.
    Replaced,
    /// NULL takes its place.
    Null,
}

impl Sanitizer {
    /// Makes a sanitizer whose pseudonyms depend on `key`.
    pub fn new(key: &PseudonymKey) -> Self {
        Self {
            pseudonyms: Pseudonyms::new(key),
        }
    }

    /// Writes what may leave in place of `value` into `out`, which is cleared first.
    ///
    /// `value` is in the text form of its database. Empty text is kept: it says nothing. Equal
    /// values of one persona get equal pseudonyms in all columns of one width and uniqueness;
    /// e-mail addresses and logins in all columns that have room for them.
    pub fn apply(&self, column: &SanitizedColumn, value: &str, out: &mut String) -> Outcome {
        out.clear();
        if value.is_empty() {
            return Outcome::Kept;
        }
        let rewriter = Rewriter {
            pseudonyms: &self.pseudonyms,
            column,
        };
        match rewriter.value(&column.kind, value, out) {
            // A pseudonym is its own pseudonym.
            Outcome::Replaced if out == value => {
                out.clear();
                Outcome::Kept
            }
            Outcome::Replaced => Outcome::Replaced,
            outcome @ (Outcome::Kept | Outcome::Null) => {
                out.clear();
                outcome
            }
        }
    }
}

impl fmt::Debug for Sanitizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sanitizer(<redacted>)")
    }
}

#[cfg(test)]
mod tests;
