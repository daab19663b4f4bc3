//! What scenarios measured, as rows against their targets.

mod figure;
mod row;
mod show;

use std::time::Duration;

use serde::Serialize;

pub(crate) use self::figure::{Figure, Unit};
pub(crate) use self::row::{Bound, Row};

/// What a run measured.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// The link between the ends.
    pub(crate) link: &'static str,
    /// How much was measured.
    pub(crate) size: &'static str,
    /// The system's load average of the last minute before the run: with others at work, figures
    /// say little.
    pub(crate) load_before: Option<f64>,
    /// What each scenario came to.
    pub(crate) scenarios: Vec<Outcome>,
}

/// What a scenario came to.
#[derive(Debug, Serialize)]
pub(crate) struct Outcome {
    /// The scenario's name.
    pub(crate) scenario: &'static str,
    /// How long it took, preparations included.
    pub(crate) took: Duration,
    /// What it measured.
    pub(crate) rows: Vec<Row>,
    /// Why it came to no end, if it did not.
    pub(crate) error: Option<String>,
    /// What this machine lacks for it, if something.
    pub(crate) skipped: Option<String>,
}

/// How a report is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// A table for a terminal.
    Text,
    /// A table for a document.
    Markdown,
    /// One JSON document.
    Json,
}

impl Report {
    /// Whether every scenario came to its end and every target is met.
    pub(crate) fn passes(&self) -> bool {
        let misses = |row: &Row| row.verdict() == Some(row::Verdict::Miss);
        let passes =
            |outcome: &Outcome| outcome.error.is_none() && !outcome.rows.iter().any(misses);
        self.scenarios.iter().all(passes)
    }
}
