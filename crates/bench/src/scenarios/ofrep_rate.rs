//! How many evaluations a second local apps get from `tunnel flags --serve`.

use std::time::Duration;

use anyhow::Result;

use super::Scenario;
use crate::flags::{Askers, Served, TARGETED, boolean, file};
use crate::report::{Bound, Figure, Row, Unit};
use crate::stage::{Equipment, ServerEnd, Size, Stage};
use crate::stats::Sample;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "ofrep-rate",
    about: "evaluations a second of one flag over HTTP, of `tunnel flags --serve`",
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
    // The way to the server has no part in it.
    let server = ServerEnd::over(stage, None, equipment).await?;
    let served = Served::start(stage, &server).await?;
    let plain = measure(stage, &served, &boolean()).await?;
    let targeted = measure(stage, &served, TARGETED).await?;
    let figure = |sample| Figure::median(sample, Unit::EvaluationsPerSecond);
    Ok(vec![
        Row::new("a boolean", figure(&plain)).target(Bound::AtLeast(LEAST)),
        Row::new("one with a rule", figure(&targeted)),
    ])
}

async fn measure(stage: &Stage, served: &Served, key: &str) -> Result<Sample> {
    let mut askers = Askers::connect(served.address(), key).await?;
    let (rounds, lasts) = match stage.size {
        Size::Full => (5, Duration::from_secs(2)),
        Size::Quick => (3, Duration::from_millis(500)),
    };
    let mut rates = Vec::new();
    // The first round warms up.
    for round in 0..=rounds {
        let rate = askers.ask(lasts).await?;
        if round > 0 {
            rates.push(rate);
        }
    }
    Sample::new(rates)
}

/// A local app that asks anew for each of the flags of each of its requests is not held up.
const LEAST: f64 = 20_000.0;
