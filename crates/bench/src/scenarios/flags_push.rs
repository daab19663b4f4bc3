//! How soon a change of production's flags is on the stream of events that local apps listen to.

use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::time::timeout;

use super::Scenario;
use crate::flags::{Served, Source};
use crate::lab::{Congestion, Lab};
use crate::link::Way;
use crate::report::{Bound, Figure, Row, Unit};
use crate::run::unless_skipped;
use crate::stage::{Equipment, ServerEnd, Size, Stage};
use crate::stats::Sample;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "flags-push",
    about: "from the answer that tells the server of a change to the event for local apps",
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Result<Vec<Row>> {
    let mut rows = vec![row(
        "loopback",
        &measure(stage, None).await?,
        Duration::ZERO,
    )];
    for (link, way) in unless_skipped(stage.links(&["home"]))?.unwrap_or_default() {
        if let Some(took) = unless_skipped(measure(stage, Some(way)).await)? {
            rows.push(row(link, &took, way.round_trip()));
        }
    }
    Ok(rows)
}

fn row(link: &str, took: &Sample, round_trip: Duration) -> Row {
    let most = round_trip.as_secs_f64() * 1e3 + ABOVE;
    Row::new(link, Figure::median(took, Unit::Milliseconds)).target(Bound::AtMost(most))
}

async fn measure(stage: &Stage, way: Option<Way>) -> Result<Sample> {
    let lab = match way {
        None => Lab::on_loopback()?,
        Some(way) => Lab::emulated(way, Congestion::Bbr, SEED)?,
    };
    let mut source = Source::start(&lab.server).await?;
    let equipment = Equipment {
        config: source.section(),
        ..Equipment::default()
    };
    let server = ServerEnd::within(stage, lab, equipment).await?;
    let served = Served::start(stage, &server).await?;
    let mut events = served.events(server.laptop()).await?;
    source.change();
    let mut took = Vec::new();
    // The first warms up.
    for round in 0..=rounds(stage.size) {
        let told = source.next().await?;
        let heard = timeout(PATIENCE, events.recv()).await;
        let heard = heard.context("a change is not heard of")?;
        let heard = heard.context("the stream of events has ended")?;
        if round > 0 {
            took.push(heard.saturating_duration_since(told));
        }
    }
    Sample::millis(took)
}

/// The server asks once a second.
const fn rounds(size: Size) -> usize {
    match size {
        Size::Full => 20,
        Size::Quick => 5,
    }
}

/// What both ends may add to the way, in milliseconds.
const ABOVE: f64 = 10.0;

/// Less than from one change to the next: an event is never taken for that of another change.
const PATIENCE: Duration = Duration::from_millis(900);

/// The link's luck, the same in every run.
const SEED: u64 = 1;
