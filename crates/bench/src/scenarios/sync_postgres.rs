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

/// One round: ours and the baseline in turn, so that what changes in the machine meets both.
struct Round {
    into_empty: Timed<u64>,
    into_made: Timed<u64>,
    pipe: Timed<()>,
}

async fn run(stage: &Stage) -> Result<Vec<Row>> {
    let rows = stage.size.rows();
    let production = stage.databases().await?.production(rows).await?;
    let server = ServerEnd::start(stage, &production, None).await?;
    let mut rounds = Vec::new();
    for number in 0..=ROUNDS {
        let round = round(stage, &server, &production).await?;
        progress(&format!(
            "  round {number}: {:.0} rows/s; psql {:.0}; table made {:.0}",
            round.into_empty.rate(rows),
            round.pipe.rate(rows),
            round.into_made.rate(rows),
        ));
        // The first warms up: caches, and what the servers allocate once.
        if number > 0 {
            rounds.push(round);
        }
    }
    let rates = |rate: fn(&Round, u64) -> f64| {
        let rates = rounds.iter().map(|round| rate(round, rows)).collect();
        anyhow::Ok(Figure::median(&Sample::new(rates)?, Unit::RowsPerSecond))
    };
    let pipe = rates(|round, rows| round.pipe.rate(rows))?;
    let row = |what: &str, figure| {
        let row = Row::new(format!("{rows} rows, {what}"), figure);
        match stage.way() {
            None => row.beside("psql pipe", pipe, Bound::AtLeast(0.8)),
            // The pipe takes no link: it is no measure of one.
            Some(_) => row,
        }
    };
    Ok(vec![
        row(
            "into an empty table",
            rates(|round, rows| round.into_empty.rate(rows))?,
        ),
        row(
            "into a table that is made",
            rates(|round, rows| round.into_made.rate(rows))?,
        ),
        on_the_wire(stage, &rounds)?,
    ])
}

async fn round(stage: &Stage, server: &ServerEnd, production: &str) -> Result<Round> {
    let rows = stage.size.rows();
    let databases = stage.databases().await?;
    let into_empty = sync(server, &databases.local(Prepared::WithTable).await?, rows).await?;
    let local = databases.local(Prepared::WithTable).await?;
    let pipe = timed(pipe::copy_by_psql(production, &local)).await?;
    check_rows(&local, rows).await?;
    let into_made = sync(server, &databases.local(Prepared::Empty).await?, rows).await?;
    Ok(Round {
        into_empty,
        into_made,
        pipe,
    })
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

fn on_the_wire(stage: &Stage, rounds: &[Round]) -> Result<Row> {
    let megabits = |round: &Round| round.into_empty.rate(round.into_empty.value) * 8e-6;
    let megabits = Sample::new(rounds.iter().map(megabits).collect())?;
    let row = Row::new(
        "on the wire",
        Figure::median(&megabits, Unit::MegabitsPerSecond),
    );
    Ok(match stage.way() {
        Some(way) => row.beside(
            "the link",
            Figure::new(way.rate as f64 * 8e-6, Unit::MegabitsPerSecond),
            None,
        ),
        None => row,
    })
}

/// The median of three does not move with one that is disturbed.
const ROUNDS: usize = 3;
