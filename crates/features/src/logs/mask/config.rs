//! What `[logs]` says of masks: `mask = ["tokens", "cards", "emails"]` and `[[logs.masks]]`.

use std::ops::Range;

use regex::Regex;
use sanitize::Leak;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

/// Something that is masked in every line, unless the configuration leaves it away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mask {
    /// Keys, tokens, passwords, private keys: what lets somebody in.
    Tokens,
    /// Numbers of payment cards.
    Cards,
    /// E-mail addresses.
    Emails,
}

impl Mask {
    /// Every one: the default.
    pub const ALL: [Self; 3] = [Self::Tokens, Self::Cards, Self::Emails];

    pub(super) const fn leak(self) -> Leak {
        match self {
            Self::Tokens => Leak::Token,
            Self::Cards => Leak::Card,
            Self::Emails => Leak::Email,
        }
    }
}

/// A mask of the operator's own: `[[logs.masks]]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct OwnMask {
    /// What is masked.
    pub pattern: Pattern,
}

/// A regular expression that finds something.
#[derive(Clone, Debug)]
pub struct Pattern(Regex);

impl Pattern {
    pub(super) fn find_iter(&self, text: &str) -> impl Iterator<Item = Range<usize>> {
        let found = self.0.find_iter(text).map(|found| found.range());
        found.filter(|range| !range.is_empty())
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

impl Eq for Pattern {}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let regex = Regex::new(&text).map_err(|error| {
            D::Error::custom(format!(
                "pattern = {text:?} is no regular expression: {error}"
            ))
        })?;
        if regex.is_match("") {
            let error = format!("pattern = {text:?} finds something in an empty line");
            return Err(D::Error::custom(error));
        }
        Ok(Self(regex))
    }
}
