//! How grave a log line is.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// How grave a log line is: a severity number of OpenTelemetry, 1 to 24, four to a name.
///
/// The number is open; one beyond the range has the name of the nearest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Level(pub u8);

impl Level {
    /// Every step.
    pub const TRACE: Self = Self(1);
    /// For whoever looks for a fault.
    pub const DEBUG: Self = Self(5);
    /// The normal course.
    pub const INFO: Self = Self(9);
    /// Something that may become a fault.
    pub const WARN: Self = Self(13);
    /// A fault.
    pub const ERROR: Self = Self(17);
    /// The end.
    pub const FATAL: Self = Self(21);

    /// Returns the level's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self.0 {
            0..=4 => "trace",
            5..=8 => "debug",
            9..=12 => "info",
            13..=16 => "warn",
            17..=20 => "error",
            21.. => "fatal",
        }
    }

    /// Returns the level that loggers call by this word, in any case.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        let word = word.trim();
        if word.len() > LONGEST_WORD {
            return None;
        }
        match word.find(['+', '-']) {
            Some(at) => Self::stepped(&word[..at], &word[at..]),
            None => Self::of_word(word),
        }
    }

    fn of_word(word: &str) -> Option<Self> {
        let (_, level) = WORDS
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(word))?;
        Some(*level)
    }

    /// Go's slog counts on from a name, on this very scale: `INFO+2`, `DEBUG-1`.
    fn stepped(word: &str, steps: &str) -> Option<Self> {
        let steps: i8 = steps.parse().ok()?;
        let Self(base) = Self::of_word(word.trim_end())?;
        let number = base.saturating_add_signed(steps);
        Some(Self(number.clamp(Self::TRACE.0, HIGHEST)))
    }

    /// Returns the level that a number stands for which is under a level's name: syslog's severity
    /// (GELF, journald) or the number of pino and bunyan.
    #[must_use]
    pub(super) const fn of_number(number: u64) -> Option<Self> {
        match number {
            0..=7 => Self::of_severity(number),
            _ => Self::of_pino(number),
        }
    }

    /// Returns the level that syslog means by a severity, of which 0 is the gravest.
    #[must_use]
    pub(super) const fn of_severity(severity: u64) -> Option<Self> {
        match severity {
            0..=2 => Some(Self::FATAL),
            3 => Some(Self::ERROR),
            4 => Some(Self::WARN),
            5 | 6 => Some(Self::INFO),
            7 => Some(Self::DEBUG),
            _ => None,
        }
    }

    /// Returns the level of an HTTP request that was answered with this status.
    #[must_use]
    pub(super) const fn of_status(status: u64) -> Self {
        match status {
            500.. => Self::ERROR,
            400..500 => Self::WARN,
            _ => Self::INFO,
        }
    }

    /// Returns the level that pino and bunyan mean by a number: 10 for trace up to 60 for fatal.
    #[must_use]
    const fn of_pino(number: u64) -> Option<Self> {
        match number {
            10..20 => Some(Self::TRACE),
            20..30 => Some(Self::DEBUG),
            30..40 => Some(Self::INFO),
            40..50 => Some(Self::WARN),
            50..60 => Some(Self::ERROR),
            60..=100 => Some(Self::FATAL),
            _ => None,
        }
    }
}

impl Default for Level {
    /// What a line is that does not say.
    fn default() -> Self {
        Self::INFO
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Level {
    type Err = UnknownLevel;

    fn from_str(text: &str) -> Result<Self, UnknownLevel> {
        Self::named(text).ok_or_else(|| UnknownLevel {
            word: text.to_owned(),
        })
    }
}

/// A word that names no level. The user is at fault.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{word:?} is no level: use trace, debug, info, warn, error or fatal")]
pub struct UnknownLevel {
    word: String,
}

/// What loggers write, and what they mean.
const WORDS: [(&str, Level); 39] = [
    ("info", Level::INFO),
    ("warn", Level::WARN),
    ("error", Level::ERROR),
    ("debug", Level::DEBUG),
    ("trace", Level::TRACE),
    ("fatal", Level::FATAL),
    ("warning", Level::WARN),
    ("err", Level::ERROR),
    ("inf", Level::INFO),
    ("wrn", Level::WARN),
    ("dbg", Level::DEBUG),
    ("notice", Level::INFO),
    ("log", Level::INFO),
    ("http", Level::INFO),
    ("verbose", Level::DEBUG),
    ("silly", Level::TRACE),
    ("critical", Level::FATAL),
    ("crit", Level::FATAL),
    ("alert", Level::FATAL),
    ("emergency", Level::FATAL),
    ("emerg", Level::FATAL),
    ("panic", Level::FATAL),
    ("dpanic", Level::FATAL),
    ("severe", Level::ERROR),
    ("information", Level::INFO),
    ("informational", Level::INFO),
    ("default", Level::INFO),
    ("config", Level::DEBUG),
    ("fine", Level::DEBUG),
    ("finer", Level::TRACE),
    ("finest", Level::TRACE),
    // .NET's console, and Serilog's.
    ("trce", Level::TRACE),
    ("dbug", Level::DEBUG),
    ("fail", Level::ERROR),
    ("vrb", Level::TRACE),
    ("ftl", Level::FATAL),
    ("eror", Level::ERROR),
    ("unknown", Level::INFO),
    ("any", Level::INFO),
];

/// The highest number of OpenTelemetry's.
const HIGHEST: u8 = 24;

/// `informational-4`, and some room.
const LONGEST_WORD: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_read_back_as_its_level() {
        for number in 0..=u8::MAX {
            let name = Level(number).name();
            assert_eq!(name.parse::<Level>().unwrap().name(), name);
        }
    }

    #[test]
    fn words_of_loggers_are_known_in_any_case() {
        assert_eq!(Level::named("WARNING"), Some(Level::WARN));
        assert_eq!(Level::named("INFO+2"), Some(Level(11)));
        assert_eq!(Level::named("DEBUG-100"), Some(Level::TRACE));
        assert_eq!(Level::named("ERROR+4"), Some(Level::FATAL));
        assert_eq!(Level::named("INFO+x"), None);
        assert_eq!(Level::named("colour"), None);
        let error = "loud".parse::<Level>().unwrap_err();
        assert!(
            error.to_string().starts_with("\"loud\" is no level"),
            "{error}"
        );
    }

    #[test]
    fn numbers_of_pino_are_its_levels() {
        let levels = [10, 20, 30, 40, 50, 60].map(|number| Level::of_pino(number).unwrap().name());
        assert_eq!(levels, ["trace", "debug", "info", "warn", "error", "fatal"]);
        assert_eq!(Level::of_pino(9), None);
    }

    #[test]
    fn severities_of_syslog_are_the_numbers_below_those_of_pino() {
        let levels = [0, 3, 4, 6, 7, 30].map(|number| Level::of_number(number).unwrap().name());
        assert_eq!(levels, ["fatal", "error", "warn", "info", "debug", "info"]);
        assert_eq!(Level::of_number(8), None);
    }
}
