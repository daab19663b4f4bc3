//! What a check found, and where findings are noted.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::ProgressBar;
use serde::Serialize;

use crate::exit::Failure;

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) check: &'static str,
    pub(super) status: Status,
    /// What was seen. Others' words may be in it.
    pub(super) seen: String,
    /// What to do, where something is not fine.
    pub(super) remedy: Option<String>,
    pub(super) took: Option<Duration>,
}

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Status {
    Pass,
    Warn,
    Fail,
    /// There was nothing to check, or no way to.
    Skip,
}

impl Finding {
    fn new(check: &'static str, status: Status, seen: impl Into<String>) -> Self {
        Self {
            check,
            status,
            seen: seen.into(),
            remedy: None,
            took: None,
        }
    }

    pub(super) fn pass(check: &'static str, seen: impl Into<String>) -> Self {
        Self::new(check, Status::Pass, seen)
    }

    pub(super) fn warn(check: &'static str, seen: impl Into<String>) -> Self {
        Self::new(check, Status::Warn, seen)
    }

    pub(super) fn fail(check: &'static str, seen: impl Into<String>) -> Self {
        Self::new(check, Status::Fail, seen)
    }

    pub(super) fn skip(check: &'static str, seen: impl Into<String>) -> Self {
        Self::new(check, Status::Skip, seen)
    }

    /// Makes a finding of what would end another command.
    pub(super) fn of_failure(check: &'static str, failure: &Failure) -> Self {
        let finding = Self::fail(check, failure.message().unwrap_or_default());
        finding.remedy(failure.next_step().unwrap_or(CORRECT))
    }

    pub(super) fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    pub(super) const fn took(mut self, took: Duration) -> Self {
        self.took = Some(took);
        self
    }
}

/// Where the checks of a group note what they find, as they find it: what is noted stays when the
/// time is over.
#[derive(Debug)]
pub(super) struct Notes {
    found: Mutex<Vec<Finding>>,
    progress: ProgressBar,
}

impl Notes {
    pub(super) fn new(progress: &ProgressBar) -> Self {
        Self {
            found: Mutex::default(),
            progress: progress.clone(),
        }
    }

    pub(super) fn note(&self, finding: Finding) {
        self.progress.inc(1);
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        found.push(finding);
    }

    pub(super) fn into_findings(self) -> Vec<Finding> {
        let found = self.found.into_inner();
        found.unwrap_or_else(PoisonError::into_inner)
    }
}

/// What names the place and what is wrong with it has said the rest.
const CORRECT: &str = "correct that: flags go first, then the environment, .env, and tunnel.toml";
