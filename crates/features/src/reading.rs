//! What a probe says: a verdict, what it saw, and a sentence about it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What one probe has seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Whether it is well.
    pub verdict: Verdict,
    /// What was seen.
    pub observed: Option<Observed>,
    /// The most that it can be, where there is a bound.
    pub limit: Option<Observed>,
    /// A sentence that is safe to show: no address, no name of a user, no value.
    pub note: Option<String>,
}

/// Whether something is well. The greater one is the worse one.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It is.
    #[default]
    Pass,
    /// It works, and somebody should look.
    Warn,
    /// It does not work.
    Fail,
}

/// What was seen, in its unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Observed {
    /// So many.
    Count(u64),
    /// So much memory or disk.
    Bytes(u64),
    /// So long.
    Time(Duration),
    /// Of a hundred; of one processor, where it is a processor's.
    Percent(u32),
    /// A state, in a word or two.
    State(String),
}

/// What a probe has seen, with its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// `component:measurement`, as in draft-inadarei-api-health-check, section 4.
    pub name: String,
    /// Whether it is well.
    pub verdict: Verdict,
    /// What was seen.
    pub observed: Option<Observed>,
    /// The most that it can be, where there is a bound.
    pub limit: Option<Observed>,
    /// A sentence about it.
    pub note: Option<String>,
}

impl Reading {
    /// Says that all is well.
    #[must_use]
    pub fn pass() -> Self {
        Self::default()
    }

    /// Says that it works and somebody should look, and why.
    #[must_use]
    pub fn warn(note: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Warn,
            note: Some(note.into()),
            ..Self::default()
        }
    }

    /// Says that it does not work, and why.
    #[must_use]
    pub fn fail(note: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Fail,
            note: Some(note.into()),
            ..Self::default()
        }
    }

    /// Says how much is used of what there is, in a unit, and warns with `scarce` if that is almost all.
    #[must_use]
    pub fn within(used: u64, most: u64, unit: fn(u64) -> Observed, scarce: &str) -> Self {
        let is_scarce = used.saturating_mul(100) >= most.saturating_mul(SCARCE);
        let reading = match is_scarce {
            true => Self::warn(scarce),
            false => Self::pass(),
        };
        reading.seen(unit(used)).of(unit(most))
    }

    /// Adds what was seen.
    #[must_use]
    pub fn seen(mut self, observed: Observed) -> Self {
        self.observed = Some(observed);
        self
    }

    /// Adds the most that it can be.
    #[must_use]
    pub fn of(mut self, limit: Observed) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Adds a sentence.
    #[must_use]
    pub fn noting(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }
}

impl Check {
    /// Gives a reading its name, and cuts what is too long to send.
    #[must_use]
    pub fn new(name: &str, reading: Reading) -> Self {
        let Reading {
            verdict,
            observed,
            limit,
            note,
        } = reading;
        let bounded = |observed| match observed {
            Observed::State(text) => Observed::State(shortened(text, LONGEST_STATE)),
            other => other,
        };
        Self {
            name: shortened(name.to_owned(), LONGEST_STATE),
            verdict,
            observed: observed.map(bounded),
            limit: limit.map(bounded),
            note: note.map(|note| shortened(note, LONGEST_NOTE)),
        }
    }
}

/// Returns the worst of what was seen.
#[must_use]
pub fn worst(checks: &[Check]) -> Verdict {
    let verdicts = checks.iter().map(|check| check.verdict);
    verdicts.max().unwrap_or_default()
}

/// Cuts a text between two characters.
fn shortened(mut text: String, longest: usize) -> String {
    text.truncate(text.floor_char_boundary(longest));
    text
}

/// Of a hundred: what is left lasts for a burst, and for somebody to look.
const SCARCE: u64 = 90;

/// A sentence takes a line or two of a terminal.
const LONGEST_NOTE: usize = 200;

/// A word or two.
const LONGEST_STATE: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_scarce_warns_and_is_told_with_its_bound() {
        let of = |used, most| Reading::within(used, most, Observed::Bytes, "it is almost full");
        assert_eq!(of(89, 100).verdict, Verdict::Pass);
        assert_eq!(of(89, 100).note, None);
        let scarce = of(90, 100);
        assert_eq!(scarce.verdict, Verdict::Warn);
        assert_eq!(scarce.observed, Some(Observed::Bytes(90)));
        assert_eq!(scarce.limit, Some(Observed::Bytes(100)));
        assert_eq!(of(0, u64::MAX).verdict, Verdict::Pass);
    }
}
