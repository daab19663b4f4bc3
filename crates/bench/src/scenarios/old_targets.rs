//! The targets of the package before this one, and what they are now.

use std::time::Duration;

use anyhow::Result;
use tokio::task::spawn_blocking;

use super::Scenario;
use crate::lines::{self, Source};
use crate::report::{Bound, Figure, Row, Unit};
use crate::stage::{Prepared, ServerEnd, Stage, courses_into, timed};
use crate::stats::Sample;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "old-targets",
    about: "the old package's targets: connect, log latency, 1,000 rows, health",
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Result<Vec<Row>> {
    let databases = stage.databases().await?;
    let production = databases.production(ROWS).await?;
    let mut writer = Source::ticking()?;
    let server = ServerEnd::start(stage, &production, Some(writer.pipe()?)).await?;
    let (mut connects, mut healths, mut syncs) = (vec![], vec![], vec![]);
    // The first round warms up.
    for round in 0..=ROUNDS {
        let sync = courses_into(&databases.local(Prepared::Empty).await?)?;
        let connected = timed(server.connect()).await?;
        let client = connected.value;
        let health = timed(async { Ok(client.health_check().await?) }).await?;
        let synced = timed(async { Ok(client.sync_data(&sync, |_| {}).await?) }).await?;
        client.disconnect().await;
        if round > 0 {
            connects.push(connected.took);
            healths.push(health.took);
            syncs.push(synced.took);
        }
    }
    let latencies = log_latencies(stage, &server).await?;
    let row = |what, times: Vec<Duration>, most| {
        let figure = Figure::median(&Sample::millis(times)?, Unit::Milliseconds);
        anyhow::Ok(Row::new(what, figure).target(Bound::AtMost(most)))
    };
    Ok(vec![
        row("connect", connects, 500.0)?,
        Row::new(
            "log line, p99",
            Figure::new(latencies.percentile(99), Unit::Milliseconds).among(&latencies),
        )
        .target(Bound::AtMost(100.0)),
        row("1,000 rows, session open", syncs, 2_000.0)?,
        row("health: ten pings and the report", healths, 100.0)?,
    ])
}

/// Measures log lines while nothing else happens.
async fn log_latencies(stage: &Stage, server: &ServerEnd) -> Result<Sample> {
    let mut tunnel = server.tunnel(stage).into_std();
    let mut tunnel = Source::of(tunnel.args(["logs", "--tail", "0", "--follow", "--json"]))?;
    let pipe = tunnel.pipe()?;
    let heard = spawn_blocking(|| lines::read(pipe, |_| false));
    tokio::time::sleep(IDLE).await;
    drop(tunnel);
    Sample::millis(
        heard
            .await??
            .arrivals
            .into_iter()
            .map(|arrival| arrival.latency),
    )
}

const ROWS: u64 = 1_000;

const ROUNDS: usize = 15;

/// Three hundred lines.
const IDLE: Duration = Duration::from_secs(3);
