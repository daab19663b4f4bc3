//! What has waited for the laptop, from the start of its program until the last delivery is there.

use std::time::{Duration, Instant};

use anyhow::Result;

use super::Scenario;
use crate::lab::Lab;
use crate::report::{Bound, Figure, Row, Unit};
use crate::run::progress;
use crate::stage::{Size, Stage};
use crate::webhooks::{App, Inbox, Lanes, Laptop, Load, PROVIDERS, Production, Until};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "webhook-drain",
    about: "100,000 webhooks that wait reach a laptop that comes, in their order",
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Result<Vec<Row>> {
    let (waiting, most) = match stage.size {
        Size::Full => (100_000, Duration::from_secs(40)),
        Size::Quick => (10_000, Duration::from_secs(4)),
    };
    let lab = Lab::on_loopback()?;
    let production = Production::start(stage, &lab, &Inbox::new_file(stage)).await?;
    let mut lanes = Lanes::open(&lab.server, production.address(), 0..LANES).await?;
    let taken = lanes
        .send(Load::flat_out(Until::Each(waiting / LANES)))
        .await?;
    let seconds = taken.length().as_secs_f64();
    progress(&format!("  {waiting} taken in {seconds:.1} s"));
    let app = App::start(&lab.client, LANES).await?;
    let began = Instant::now();
    let _laptop = Laptop::start(stage, &production, &app)?;
    let took = app.wait_for(lanes.sent()).await? - began;
    let seconds = took.as_secs_f64();
    let rate = Figure::new(waiting as f64 / seconds, Unit::DeliveriesPerSecond);
    let row = Row::new(
        format!("{waiting} waiting, until the last is there"),
        Unit::Seconds.figure(seconds),
    );
    Ok(vec![
        row.target(Bound::AtMost(most.as_secs_f64()))
            .beside("rate", rate, None),
    ])
}

/// Four connections for each provider.
const LANES: usize = 4 * PROVIDERS.len();
