//! What a session costs the server that nobody uses: the memory of a server process with many of
//! them, less that of the same process with few.

use anyhow::{Context as _, Result};
use client::TunnelClient;
use transport::choice::CarrierChoice;

use super::Scenario;
use crate::memory::resident;
use crate::report::{Bound, Row, Unit};
use crate::stage::{ServerEnd, Stage};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "idle-memory",
    about: "memory of an idle session in tunnel-server, of 200",
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for (choice, name) in [
        (CarrierChoice::Udp, "UDP"),
        (CarrierChoice::WebSocket, "WebSocket"),
    ] {
        let row = Row::new(name, Unit::Kibibytes.figure(measure(stage, choice).await?));
        rows.push(row.target(Bound::AtMost(150.0)));
    }
    Ok(rows)
}

/// Returns what one session takes, in KiB, in a server process of its own.
async fn measure(stage: &Stage, choice: CarrierChoice) -> Result<f64> {
    let database = stage.sqlite_source(ROWS).await?;
    let server = ServerEnd::start(stage, &database, None).await?;
    let process = server.process()?;
    let memory = || resident(process).context("tunnel-server has ended");
    // What is allocated once is allocated then.
    let mut sessions = open(&server, choice, FEW).await?;
    let before = memory()?;
    sessions.extend(open(&server, choice, MANY).await?);
    tokio::time::sleep(SETTLED).await;
    let each = (memory()? - before) / MANY as f64;
    for session in sessions {
        session.disconnect().await;
    }
    Ok(each * 1024.0)
}

/// Opens sessions one after the other: a server takes few strangers of one address at once.
async fn open(server: &ServerEnd, choice: CarrierChoice, many: usize) -> Result<Vec<TunnelClient>> {
    let mut sessions = Vec::new();
    for _ in 0..many {
        sessions.push(server.connect_over(choice).await?);
    }
    Ok(sessions)
}

const FEW: usize = 20;

/// With the few, below the 256 that a server takes.
const MANY: usize = 200;

/// For the last hello to be forgotten.
const SETTLED: std::time::Duration = std::time::Duration::from_secs(1);

/// Nobody asks for them.
const ROWS: u64 = 100;
