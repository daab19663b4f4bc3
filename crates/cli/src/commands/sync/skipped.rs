//! Tables that a plan leaves out, as plans and summaries show them.

use client::sync::wire::Skipped;
use serde::Serialize;

use crate::output::text::printable;

/// A table that is left out, for scripts.
#[derive(Debug, Serialize)]
pub(super) struct ShownSkipped<'a> {
    table: String,
    reason: &'a str,
}

impl<'a> ShownSkipped<'a> {
    pub(super) fn all(skipped: &'a [Skipped]) -> Vec<Self> {
        let shown = |Skipped { table, reason }: &'a Skipped| Self {
            table: table.to_string(),
            reason,
        };
        skipped.iter().map(shown).collect()
    }

    pub(super) fn human(&self) -> String {
        let Self { table, reason } = self;
        format!("{} is left out: {}", printable(table), printable(reason))
    }
}
