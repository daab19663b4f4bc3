//! A thousand rows, connection included: what one waits for many times a day.

use std::time::Duration;

use anyhow::{Result, ensure};

use super::Scenario;
use crate::report::{Bound, Figure, Row, Unit};
use crate::stage::{Prepared, ServerEnd, Stage, courses_into, timed};
use crate::stats::Sample;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "thousand-rows",
    about: "1,000 rows, connection included, without and with the start of the program",
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Result<Vec<Row>> {
    let databases = stage.databases().await?;
    let production = databases.production(ROWS).await?;
    let server = ServerEnd::start(stage, &production, None).await?;
    let [mut in_process, mut command, mut sqlite, mut sqlite_command] =
        [vec![], vec![], vec![], vec![]];
    // The first round warms up.
    for round in 0..=ROUNDS {
        let file = || format!("sqlite://{}", stage.new_file("local.db").display());
        let took = [
            library(&server, &databases.local(Prepared::Empty).await?).await?,
            program(stage, &server, &databases.local(Prepared::Empty).await?).await?,
            library(&server, &file()).await?,
            program(stage, &server, &file()).await?,
        ];
        if round > 0 {
            for (times, took) in [
                &mut in_process,
                &mut command,
                &mut sqlite,
                &mut sqlite_command,
            ]
            .into_iter()
            .zip(took)
            {
                times.push(took);
            }
        }
    }
    let target = stage.way().is_none().then_some(Bound::AtMost(150.0));
    let row = |what, times| {
        let figure = Figure::median(&Sample::millis(times)?, Unit::Milliseconds);
        anyhow::Ok(Row::new(what, figure).target(target))
    };
    Ok(vec![
        row("to PostgreSQL, from connecting to the end", in_process)?,
        row("to PostgreSQL, the whole command", command)?,
        row("to SQLite, from connecting to the end", sqlite)?,
        row("to SQLite, the whole command", sqlite_command)?,
    ])
}

async fn library(server: &ServerEnd, local: &str) -> Result<Duration> {
    let sync = courses_into(local)?;
    let synced = timed(async {
        let client = server.connect().await?;
        let summary = client.sync_data(&sync, |_| {}).await?;
        Ok((client, summary))
    });
    let synced = synced.await?;
    let (client, summary) = synced.value;
    client.disconnect().await;
    let arrived: u64 = summary.tables.iter().map(|table| table.rows).sum();
    ensure!(
        arrived == ROWS,
        "{arrived} rows have arrived, and not {ROWS}"
    );
    Ok(synced.took)
}

async fn program(stage: &Stage, server: &ServerEnd, local: &str) -> Result<Duration> {
    let ended = timed(async { Ok(server.tunnel_sync(stage, local).status().await?) }).await?;
    ensure!(
        ended.value.success(),
        "tunnel sync ended with {}",
        ended.value
    );
    Ok(ended.took)
}

const ROWS: u64 = 1_000;

/// The spread shows what a commit to disk costs now and then.
const ROUNDS: usize = 15;
