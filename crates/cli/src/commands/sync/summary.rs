//! What a sync came to.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use client::sync::client::{Summary, TableSummary};
use client::sync::wire::TablePlan;
use serde::Serialize;

use super::place::Place;
use super::skipped::ShownSkipped;
use crate::context::Context;
use crate::exit::Failure;
use crate::output::Format;
use crate::output::number::{bytes, count, counted, time};
use crate::output::text::printable;

/// Says what a sync came to: to scripts on standard output, to people on standard error.
pub(super) fn show(summary: &Summary, place: &Place, context: &Context) -> Result<(), Failure> {
    let shown = Shown::of(summary, place);
    match context.screen.format() {
        Format::Json => context.screen.json(&shown)?,
        Format::Human => context.screen.note(&shown.human(summary, place)),
    }
    for warning in shown.warnings() {
        context.screen.warn(&format!("warning: {warning}"));
    }
    Ok(())
}

/// A summary for scripts.
#[derive(Debug, Serialize)]
struct Shown<'a> {
    r#type: &'static str,
    tables: Vec<ShownTable<'a>>,
    skipped: Vec<ShownSkipped<'a>>,
    rows: u64,
    bytes: u64,
    seconds: f64,
    target: String,
    losses: u32,
    spans_snapshots: bool,
    mixed_pseudonyms: bool,
    pseudonyms_last: bool,
}

#[derive(Debug, Serialize)]
struct ShownTable<'a> {
    table: String,
    rows: u64,
    /// How many values were replaced in each column that is treated.
    treated: BTreeMap<&'a str, u64>,
    dangling: u64,
}

impl<'a> Shown<'a> {
    fn of(summary: &'a Summary, place: &Place) -> Self {
        let plan = &summary.plan;
        let tables: Vec<_> = summary
            .tables
            .iter()
            .map(|table| ShownTable::of(table, &plan.tables))
            .collect();
        Self {
            r#type: "sync",
            rows: tables.iter().map(|table| table.rows).sum(),
            tables,
            skipped: ShownSkipped::all(&plan.skipped),
            bytes: summary.bytes,
            seconds: summary.took.as_secs_f64(),
            target: place.to_string(),
            losses: summary.losses,
            spans_snapshots: summary.spans_snapshots,
            mixed_pseudonyms: summary.mixed_pseudonyms,
            pseudonyms_last: plan.pseudonyms.lasting,
        }
    }

    fn human(&self, summary: &Summary, place: &Place) -> String {
        let mut text = format!(
            "synced {} in {}, {} on the wire, to {}",
            counted(self.rows, "row"),
            time(summary.took),
            bytes(summary.bytes),
            printable(&self.target)
        );
        for table in &self.tables {
            // A `String` takes every write.
            write!(text, "\n  {}", table.human()).ok();
        }
        for skipped in &self.skipped {
            write!(text, "\n  {}", skipped.human()).ok();
        }
        if self.losses > 0 {
            let times = counted(self.losses.into(), "time");
            write!(
                text,
                "\n  the session was lost {times}; no row is missing or twice"
            )
            .ok();
        }
        let first = summary.tables.first();
        if let Some(command) = first.and_then(|table| place.how_to_look(&table.name.name)) {
            write!(text, "\nlook at it: {command}").ok();
        }
        text
    }

    fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        for table in self.tables.iter().filter(|table| table.dangling > 0) {
            let (rows, name) = (counted(table.dangling, "row"), printable(&table.table));
            warnings.push(format!("{rows} of {name} refer to a row that is not here: sync the tables that it refers to as well"));
        }
        if self.spans_snapshots {
            warnings.push("rows come from before and after an interruption, so from two moments of production; --mode replace takes them all from one".to_owned());
        }
        if self.mixed_pseudonyms {
            warnings.push("pseudonyms before and after the interruption differ: the same person may have two; --mode replace makes them one".to_owned());
        }
        warnings
    }
}

impl<'a> ShownTable<'a> {
    fn of(done: &TableSummary, plans: &'a [TablePlan]) -> Self {
        let plan = plans.iter().find(|plan| plan.table.name == done.name);
        let columns = plan.into_iter().flat_map(|plan| plan.table.columns.iter());
        let replaced = columns
            .zip(&done.replaced)
            .filter(|&(_, &values)| values > 0);
        Self {
            table: done.name.to_string(),
            rows: done.rows,
            treated: replaced
                .map(|(column, &values)| (&*column.name, values))
                .collect(),
            dangling: done.dangling,
        }
    }

    fn human(&self) -> String {
        let treated: Vec<_> = self
            .treated
            .iter()
            .map(|(column, values)| format!("{} {}", printable(column), count(*values)))
            .collect();
        let treated = match treated.is_empty() {
            true => "nothing treated".to_owned(),
            false => format!("treated {}", treated.join(", ")),
        };
        format!(
            "{}: {}; {treated}",
            printable(&self.table),
            counted(self.rows, "row")
        )
    }
}
