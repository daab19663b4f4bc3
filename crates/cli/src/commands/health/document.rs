//! The answer for scripts: one document of `application/health+json`.

use client::vitals::Document;

use super::chosen::Chosen;

/// Makes the document.
pub(super) fn of<'a>(chosen: &'a Chosen<'_>) -> Document<'a> {
    Document::of(&chosen.report.identity, chosen.verdict(), &chosen.checks)
}
