//! Exit codes, and failures as a user reads them.

use std::fmt;
use std::io;
use std::process::ExitCode;

/// What a program ends with. Scripts rely on the numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// It did what was asked.
    Fine = 0,
    /// It failed, or the check that was asked for did.
    Failed = 1,
    /// It was asked for something that makes no sense.
    Usage = 2,
    /// There is no connection.
    NoConnection = 3,
    /// The two ends do not trust each other.
    NotAuthorised = 4,
    /// A policy forbids it.
    Refused = 5,
    /// The program that it was to run cannot be run.
    CannotRun = 126,
    /// The program that it was to run is not there.
    NotFound = 127,
    /// The user stopped it.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a program ends before its work is done: what happened and why, and what to do next.
#[derive(Debug, PartialEq, Eq)]
pub struct Failure {
    exit: Exit,
    message: Option<String>,
    hint: Option<String>,
}

impl Failure {
    /// Makes a failure of what happened and why.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            exit,
            message: Some(message.into()),
            hint: None,
        }
    }

    /// Makes a failure of something that was tried.
    pub fn failed(message: impl Into<String>) -> Self {
        Self::new(Exit::Failed, message)
    }

    /// Makes a failure of what was asked.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// Makes a failure that needs no words: the reader of a pipe has gone, or all is said.
    #[must_use]
    pub const fn silent(exit: Exit) -> Self {
        Self {
            exit,
            message: None,
            hint: None,
        }
    }

    /// Adds what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Returns what the program ends with.
    #[must_use]
    pub const fn exit(&self) -> Exit {
        self.exit
    }

    /// Returns what happened and why, if it needs words.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }

    /// Returns what to do next, if that was said.
    #[must_use]
    pub fn next_step(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// Whether there is something to show.
    #[must_use]
    pub const fn is_silent(&self) -> bool {
        self.message.is_none()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(message) = &self.message else {
            return Ok(());
        };
        match self.exit {
            // The user's own doing is no error.
            Exit::Interrupted => f.write_str(message)?,
            _ => write!(f, "error: {message}")?,
        }
        match &self.hint {
            Some(hint) => write!(f, "\nhint: {hint}"),
            None => Ok(()),
        }
    }
}

/// A failed write to standard output. A reader that has seen enough, as `head` has, is no failure.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::silent(Exit::Fine),
            _ => Self::failed(format!("cannot write to standard output: {error}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_shows_what_happened_and_then_what_to_do() {
        let failure = Failure::usage("no secret").hint("make one");
        assert_eq!(failure.to_string(), "error: no secret\nhint: make one");
        assert_eq!(
            Failure::new(Exit::Interrupted, "interrupted").to_string(),
            "interrupted"
        );
    }

    #[test]
    fn a_reader_that_has_gone_is_no_failure() {
        let failure = Failure::from(io::Error::from(io::ErrorKind::BrokenPipe));
        assert_eq!(failure, Failure::silent(Exit::Fine));
        assert_eq!(Failure::from(io::Error::other("disk")).exit(), Exit::Failed);
    }
}
