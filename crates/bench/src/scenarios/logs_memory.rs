//! What the ring costs a server's memory while lines flood in and a client stands still.

use anyhow::{Context as _, Result};
use client::logs::wire::{Follow, Open, Start};
use client::logs::{Filter, LogsConfig};
use tokio::task::spawn_blocking;

use super::Scenario;
use crate::flood::Flood;
use crate::lines::Source;
use crate::memory::peak;
use crate::report::{Bound, Row, Unit};
use crate::stage::{ServerEnd, Size, Stage};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "logs-memory",
    about: "memory of tunnel-server in a flood of lines, with a client that stands still",
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Result<Vec<Row>> {
    let lines = match stage.size {
        Size::Full => 5_000_000,
        Size::Quick => 1_000_000,
    };
    let flood = Flood { lines, rate: None }.program()?;
    let mut source = Source::of(std::process::Command::new(flood.path()).args(flood.arguments()))?;
    let database = stage.sqlite_source(1).await?;
    let server = ServerEnd::start(stage, &database, Some(source.pipe()?)).await?;
    let client = server.connect().await?;
    // It is opened, and nobody reads from it.
    let logs = client
        .stream_logs(Open {
            start: Start::Oldest,
            follow: Follow::On,
            filter: Filter::ALL,
        })
        .await?;
    // The writer ends when everything has been read.
    spawn_blocking(move || source.wait()).await??;
    let peak = peak(server.process()?).context("tunnel-server has ended")?;
    drop(logs);
    client.disconnect().await;
    let ring = LogsConfig::default().max_bytes as f64 / MEBIBYTE;
    let row = Row::new(
        format!("peak, a ring of {ring} MiB, {lines} lines"),
        Unit::Mebibytes.figure(peak),
    );
    Ok(vec![row.target(Bound::AtMost(ring + MORE))])
}

/// What the server may take beside its ring.
const MORE: f64 = 32.0;

const MEBIBYTE: f64 = 1024.0 * 1024.0;
