//! A plan on the screen: what would happen to each column, and why.

use client::sync::wire::{Engine, Plan, TablePlan};
use serde::Serialize;

use super::skipped::ShownSkipped;
use crate::exit::Failure;
use crate::output::number::counted;
use crate::output::text::{columns, printable};
use crate::output::{Format, Screen};

/// Writes a plan.
pub(super) fn show(plan: &Plan, screen: &Screen) -> Result<(), Failure> {
    match screen.format() {
        Format::Json => screen.json(&Shown::of(plan)),
        Format::Human => screen.data(&human(plan)),
    }
}

fn human(plan: &Plan) -> String {
    let head = ["TABLE", "COLUMN", "TYPE", "TREATMENT", "REASON"].map(str::to_owned);
    let rows = plan.tables.iter().flat_map(rows);
    let mut text = columns(&std::iter::once(head).chain(rows).collect::<Vec<_>>());
    text.push('\n');
    for TablePlan {
        table, limit, rows, ..
    } in &plan.tables
    {
        let newest = if limit.is_some() { ", the newest" } else { "" };
        let name = table.name.to_string();
        text.push_str(&format!(
            "{}: about {}{newest}\n",
            printable(&name),
            counted(*rows, "row")
        ));
    }
    for skipped in ShownSkipped::all(&plan.skipped) {
        text.push_str(&format!("{}\n", skipped.human()));
    }
    if !plan.pseudonyms.lasting {
        text.push_str("pseudonyms hold until the server's next start: set RENDER_TUNNEL_PSEUDONYM_KEY there to keep them\n");
    }
    text
}

fn rows(plan: &TablePlan) -> impl Iterator<Item = [String; 5]> {
    plan.table
        .columns
        .iter()
        .zip(&plan.columns)
        .map(|(column, decided)| {
            let treatment = decided.treatment.to_string();
            let cells = [
                plan.table.name.to_string(),
                column.name.clone(),
                column.declared.clone(),
                treatment,
                decided.reason.clone(),
            ];
            cells.map(|cell| printable(&cell).into_owned())
        })
}

/// A plan for scripts.
#[derive(Debug, Serialize)]
struct Shown<'a> {
    source: &'static str,
    pseudonyms_last: bool,
    tables: Vec<ShownTable<'a>>,
    skipped: Vec<ShownSkipped<'a>>,
}

#[derive(Debug, Serialize)]
struct ShownTable<'a> {
    table: String,
    estimated_rows: u64,
    limit: Option<u64>,
    key: Vec<&'a str>,
    columns: Vec<ShownColumn<'a>>,
}

#[derive(Debug, Serialize)]
struct ShownColumn<'a> {
    column: &'a str,
    r#type: &'a str,
    treatment: String,
    reason: &'a str,
}

impl<'a> Shown<'a> {
    fn of(plan: &'a Plan) -> Self {
        Self {
            source: match plan.source.engine {
                Engine::Postgres => "postgres",
                Engine::Sqlite => "sqlite",
            },
            pseudonyms_last: plan.pseudonyms.lasting,
            tables: plan.tables.iter().map(ShownTable::of).collect(),
            skipped: ShownSkipped::all(&plan.skipped),
        }
    }
}

impl<'a> ShownTable<'a> {
    fn of(plan: &'a TablePlan) -> Self {
        let columns = plan.table.columns.iter().zip(&plan.columns);
        Self {
            table: plan.table.name.to_string(),
            estimated_rows: plan.rows,
            limit: plan.limit,
            key: plan
                .table
                .key_columns()
                .map(|column| &*column.name)
                .collect(),
            columns: columns
                .map(|(column, decided)| ShownColumn {
                    column: &column.name,
                    r#type: &column.declared,
                    treatment: decided.treatment.to_string(),
                    reason: &decided.reason,
                })
                .collect(),
        }
    }
}
