//! How soon a thousand flags are mirrored, once there is a session.

use anyhow::{Result, ensure};
use client::TunnelClient;
use client::flags::client::{Mirror, Mirrored};

use super::Scenario;
use crate::flags::{COUNT, file};
use crate::report::{Bound, Figure, Row, Unit};
use crate::stage::{Equipment, ServerEnd, Size, Stage, timed};
use crate::stats::Sample;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "flags-snapshot",
    about: "1,000 flags, from opening the flow on an open session until the mirror is whole",
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Result<Vec<Row>> {
    let flags = stage.new_file("flags.json");
    std::fs::write(&flags, file())?;
    let equipment = Equipment {
        config: format!(
            "[flags]\nprefixes = []\nfile = {:?}\n",
            flags.display().to_string()
        ),
        ..Equipment::default()
    };
    let server = ServerEnd::over(stage, stage.way(), equipment).await?;
    let client = server.connect().await?;
    let mut took = Vec::new();
    // The first round warms up.
    for round in 0..=rounds(stage.size) {
        let mirrored = timed(mirror(&client)).await?;
        if round > 0 {
            took.push(mirrored.took);
        }
    }
    client.disconnect().await;
    let figure = Figure::median(&Sample::millis(took)?, Unit::Milliseconds);
    let target = stage.way().is_none().then_some(Bound::AtMost(LONGEST));
    Ok(vec![
        Row::new(format!("{COUNT} flags"), figure).target(target),
    ])
}

/// Lets a new mirror follow until it is whole.
async fn mirror(client: &TunnelClient) -> Result<()> {
    let mirror = Mirror::showing(Mirrored::empty());
    let mut changes = mirror.watch();
    let whole = async {
        // What is shown is let go of before the mirror ends, which shows how old it is then.
        let whole = changes.wait_for(|mirrored| mirrored.version.is_some());
        Ok::<_, anyhow::Error>(whole.await?.flags.len())
    };
    let whole = tokio::select! {
        whole = whole => whole?,
        ended = client.mirror_flags(&mirror) => return Err(ended.into()),
    };
    ensure!(
        whole == COUNT,
        "{whole} flags are mirrored, and not {COUNT}"
    );
    Ok(())
}

const fn rounds(size: Size) -> usize {
    match size {
        Size::Full => 100,
        Size::Quick => 20,
    }
}

/// An app that starts and waits for its flags is not to feel it, in milliseconds.
const LONGEST: f64 = 20.0;
