//! A large table from PostgreSQL to PostgreSQL, beside what one would use instead.

use anyhow::Result;

use super::Scenario;
use crate::pipe;
use crate::report::{Bound, Figure, Row, Unit};
use crate::run::progress;
use crate::stage::{Prepared, ServerEnd, Stage, Timed, check_rows, courses_into, timed};
use crate::stats::Sample;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "sync-postgres",
    about: "a large table, PostgreSQL to PostgreSQL, beside psql COPY | psql COPY",
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Result<Vec<Row>> {
    let rows = stage.size.rows();
    let databases = stage.databases().await?;
    let production = databases.production(rows).await?;
    let server = ServerEnd::start(stage, &production, None).await?;
    let (mut there, mut missing, mut pipes, mut wires) = (vec![], vec![], vec![], vec![]);
    // The first round warms up: caches, and what the servers allocate once.
    for round in 0..=ROUNDS {
        let there_now = sync(&server, &databases.local(Prepared::WithTable).await?, rows).await?;
        let local = databases.local(Prepared::WithTable).await?;
        let pipe_now = timed(pipe::copy_by_psql(&production, &local)).await?;
        check_rows(&local, rows).await?;
        let missing_now = sync(&server, &databases.local(Prepared::Empty).await?, rows).await?;
        let rates = [
            there_now.rate(rows),
            pipe_now.rate(rows),
            missing_now.rate(rows),
        ];
        progress(&format!(
            "  round {round}: {:.0} rows/s; psql {:.0}; table made {:.0}",
            rates[0], rates[1], rates[2]
        ));
        if round > 0 {
            there.push(rates[0]);
            pipes.push(rates[1]);
            missing.push(rates[2]);
            wires.push(there_now.value as f64 * 8e-6 / there_now.took.as_secs_f64());
        }
    }
    let [there, missing, pipes, wires] = [there, missing, pipes, wires].map(Sample::new);
    let pipe = Figure::median(&pipes?, Unit::RowsPerSecond);
    let row = |what: &str, sample: &Sample| {
        let row = Row::new(
            format!("{rows} rows, {what}"),
            Figure::median(sample, Unit::RowsPerSecond),
        );
        // Over a link the pipe, which takes none, is no measure.
        row.beside(
            "psql pipe",
            pipe,
            stage.link.way.is_none().then_some(Bound::AtLeast(0.8)),
        )
    };
    Ok(vec![
        row("into an empty table", &there?),
        row("into a table that is made", &missing?),
        on_the_wire(stage, &wires?),
    ])
}

/// Syncs from connecting to the end, and returns the bytes on the wire.
async fn sync(server: &ServerEnd, local: &str, rows: u64) -> Result<Timed<u64>> {
    let sync = courses_into(local)?;
    let synced = timed(async {
        let client = server.connect().await?;
        let summary = client.sync_data(&sync, |_| {}).await?;
        client.disconnect().await;
        Ok(summary.bytes)
    });
    let synced = synced.await?;
    check_rows(local, rows).await?;
    Ok(synced)
}

fn on_the_wire(stage: &Stage, wires: &Sample) -> Row {
    let row = Row::new(
        "on the wire",
        Figure::median(wires, Unit::MegabitsPerSecond),
    );
    match stage.link.way {
        Some(way) => row.beside(
            "the link",
            Figure::new(way.rate as f64 * 8e-6, Unit::MegabitsPerSecond),
            None,
        ),
        None => row,
    }
}

/// The median of three does not move with one that is disturbed.
const ROUNDS: usize = 3;
