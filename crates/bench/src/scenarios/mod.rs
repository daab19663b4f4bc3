//! Everything that is measured. A scenario is one file here and one line in [`ALL`].

mod app_output;
mod carrier_cut;
mod env_compare;
mod first_answer;
mod flags_push;
mod flags_snapshot;
mod follow_through_cuts;
mod held_health;
mod idle_memory;
mod log_latency;
mod logs_follow;
mod logs_memory;
mod logs_under_sync;
mod loopback_bulk;
mod memory;
mod ofrep_rate;
mod old_targets;
mod pass_through;
mod render_lines;
mod ring_append;
mod sync_postgres;
mod sync_sqlite;
mod thousand_rows;
mod webhook_away;
mod webhook_drain;
mod webhook_large_inbox;
mod webhook_rate;
mod webhook_under_sync;
mod webhook_way;

use anyhow::Result;
use futures_util::future::LocalBoxFuture;

use crate::report::Row;
use crate::stage::Stage;

/// Something to measure.
#[derive(Debug)]
pub(crate) struct Scenario {
    /// What it is called on the command line.
    pub(crate) name: &'static str,
    /// What it measures, in a line.
    pub(crate) about: &'static str,
    /// Measures it.
    pub(crate) run: for<'a> fn(&'a Stage) -> LocalBoxFuture<'a, Result<Vec<Row>>>,
}

/// Every scenario there is, in the order in which they run.
pub(crate) const ALL: &[Scenario] = &[
    sync_postgres::SCENARIO,
    sync_sqlite::SCENARIO,
    memory::SCENARIO,
    logs_under_sync::SCENARIO,
    thousand_rows::SCENARIO,
    old_targets::SCENARIO,
    log_latency::SCENARIO,
    first_answer::SCENARIO,
    carrier_cut::SCENARIO,
    loopback_bulk::SCENARIO,
    idle_memory::SCENARIO,
    pass_through::SCENARIO,
    app_output::SCENARIO,
    ring_append::SCENARIO,
    logs_follow::SCENARIO,
    render_lines::SCENARIO,
    logs_memory::SCENARIO,
    follow_through_cuts::SCENARIO,
    webhook_way::SCENARIO,
    webhook_rate::SCENARIO,
    webhook_under_sync::SCENARIO,
    webhook_away::SCENARIO,
    webhook_drain::SCENARIO,
    webhook_large_inbox::SCENARIO,
    held_health::SCENARIO,
    flags_snapshot::SCENARIO,
    flags_push::SCENARIO,
    ofrep_rate::SCENARIO,
    env_compare::SCENARIO,
];
