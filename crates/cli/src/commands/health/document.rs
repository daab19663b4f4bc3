//! The answer for scripts: one document of `application/health+json`.

use client::health::wire::Report;
use client::vitals::{Document, entries};

use super::chosen::Chosen;

/// Makes the document.
pub(super) fn of<'a>(chosen: &'a Chosen<'_>) -> Document<'a> {
    let Report {
        server_id,
        environment,
        program,
        commit,
        instance,
        region,
        time: _,
        uptime: _,
        sessions: _,
        checks: _,
    } = chosen.report;
    Document {
        status: chosen.verdict(),
        version: program,
        release_id: commit.as_deref(),
        service_id: server_id,
        environment,
        instance,
        region: region.as_deref(),
        checks: entries(&chosen.checks),
    }
}
