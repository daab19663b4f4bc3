//! What a session costs the server that nobody uses: the memory of a server process with many of
//! them, less that of the same process with few.

use anyhow::{Context as _, Result};
use client::TunnelClient;

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
    let database = stage.sqlite_source(ROWS).await?;
    let server = ServerEnd::start(stage, &database, None).await?;
    let process = server.process()?;
    let memory = || resident(process).context("tunnel-server has ended");
    // What is allocated once is allocated then.
    let mut sessions = open(&server, FEW).await?;
    let before = memory()?;
    sessions.extend(open(&server, MANY).await?);
    tokio::time::sleep(SETTLED).await;
    let each = (memory()? - before) / MANY as f64;
    for session in sessions {
        session.disconnect().await;
    }
    let row = Row::new("UDP", Unit::Kibibytes.figure(each * 1024.0));
    Ok(vec![row.target(Bound::AtMost(150.0))])
}

/// Opens sessions one after the other: a server takes few strangers of one address at once.
async fn open(server: &ServerEnd, many: usize) -> Result<Vec<TunnelClient>> {
    let mut sessions = Vec::new();
    for _ in 0..many {
        sessions.push(server.connect().await?);
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
