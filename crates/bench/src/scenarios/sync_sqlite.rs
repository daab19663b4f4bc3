//! A large table into a SQLite file, from both kinds of database.

use std::path::Path;

use anyhow::{Result, ensure};

use super::Scenario;
use crate::report::{Bound, Figure, Row, Unit};
use crate::run::progress;
use crate::stage::{ServerEnd, Stage, courses_into, timed};
use crate::stats::Sample;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "sync-sqlite",
    about: "a large table into SQLite, from PostgreSQL and from SQLite",
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Result<Vec<Row>> {
    let rows = stage.size.rows();
    let postgres = stage.databases().await?.production(rows).await?;
    let sqlite = stage.sqlite_source(rows).await?;
    let target = stage.way().is_none().then_some(Bound::AtLeast(150_000.0));
    let mut lines = Vec::new();
    for (source, name) in [(postgres, "PostgreSQL"), (sqlite, "SQLite")] {
        let rates = Sample::new(measure(stage, &source, name).await?)?;
        let figure = Figure::median(&rates, Unit::RowsPerSecond);
        lines.push(Row::new(format!("{rows} rows, {name} to SQLite"), figure).target(target));
    }
    Ok(lines)
}

async fn measure(stage: &Stage, source: &str, name: &str) -> Result<Vec<f64>> {
    let rows = stage.size.rows();
    let server = ServerEnd::start(stage, source, None).await?;
    let mut rates = Vec::new();
    for round in 0..=ROUNDS {
        let file = stage.new_file("local.db");
        let rate = sync(&server, &file, rows).await?;
        std::fs::remove_file(&file)?;
        progress(&format!("  round {round}: {rate:.0} rows/s from {name}"));
        // The first round warms up.
        if round > 0 {
            rates.push(rate);
        }
    }
    Ok(rates)
}

async fn sync(server: &ServerEnd, file: &Path, rows: u64) -> Result<f64> {
    let sync = courses_into(&format!("sqlite://{}", file.display()))?;
    let synced = timed(async {
        let client = server.connect().await?;
        let summary = client.sync_data(&sync, |_| {}).await?;
        client.disconnect().await;
        Ok(summary)
    });
    let synced = synced.await?;
    let arrived: u64 = synced.value.tables.iter().map(|table| table.rows).sum();
    ensure!(
        arrived == rows,
        "{arrived} rows have arrived, and not {rows}"
    );
    Ok(synced.rate(rows))
}

/// The median of three does not move with one that is disturbed.
const ROUNDS: usize = 3;
