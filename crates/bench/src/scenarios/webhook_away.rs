//! How soon the entry answers providers when no laptop is there.

use std::time::Duration;

use anyhow::Result;

use super::Scenario;
use crate::lab::Lab;
use crate::report::{Bound, Row, Unit};
use crate::stage::{Size, Stage};
use crate::webhooks::{Inbox, Lanes, Latencies, Load, PROVIDERS, Production};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "webhook-away",
    about: "how soon providers have their answers when no laptop is there",
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Result<Vec<Row>> {
    let lasts = match stage.size {
        Size::Full => Duration::from_secs(20),
        Size::Quick => Duration::from_secs(3),
    };
    let lab = Lab::on_loopback()?;
    let production = Production::start(stage, &lab, &Inbox::new_file(stage)).await?;
    let mut lanes = Lanes::open(&lab.server, production.address(), 0..PROVIDERS.len()).await?;
    lanes.send(Load::paced(RATE, WARM_UP)).await?;
    let period = lanes.send(Load::paced(RATE, lasts)).await?;
    let mut took = Latencies::default();
    took.add_answers(&lanes, period);
    let answers = took.answers()?;
    let row = |what: &str, value| {
        let what = format!("{what} of {} answers", answers.len());
        Row::new(what, Unit::Milliseconds.figure(value))
    };
    Ok(vec![
        row("p50", answers.median()),
        row("p99", answers.percentile(99)).target(Bound::AtMost(10.0)),
        row("longest", answers.most()),
    ])
}

/// Deliveries a second, of all providers together.
const RATE: f64 = 500.0;

/// For connections and caches.
const WARM_UP: Duration = Duration::from_secs(1);
