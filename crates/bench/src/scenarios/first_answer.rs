//! How long a call takes that begins with nothing: dialling, the handshakes, the hello, the answer.

use anyhow::Result;

use super::Scenario;
use crate::lab::{Congestion, Lab};
use crate::link::{Udp, Way};
use crate::report::{Bound, Figure, Row, Unit};
use crate::stage::{Size, Stage, timed};
use crate::stats::Sample;
use crate::traffic::{Clock, Ours, Over, ask};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "first-answer",
    about: "the first answer to a call, from nothing, in round trips of an emulated link",
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for (link, way) in stage.links(&["home"])? {
        if way.udp == Udp::Passes {
            let took = measure(stage, way, Over::Udp).await?;
            rows.push(row(format!("{link}, UDP"), &took, 2.2));
        }
        let took = measure(stage, way, Over::WebSocket).await?;
        rows.push(row(format!("{link}, WebSocket"), &took, 5.2));
    }
    Ok(rows)
}

/// Dials anew in each round; the first warms up.
async fn measure(stage: &Stage, way: Way, over: Over) -> Result<Sample> {
    let lab = Lab::emulated(way, Congestion::Bbr, SEED)?;
    let server = Ours::serve(&lab, Clock::start()).await?;
    let mut took = Vec::new();
    for round in 0..=rounds(stage.size) {
        let dial = server.dial(over)?;
        let answered = timed(async {
            let session = dial.await?;
            ask(&session).await?;
            Ok(session)
        });
        let answered = lab.client.run(answered).await?;
        if round > 0 {
            took.push(answered.took.as_secs_f64() / way.round_trip().as_secs_f64());
        }
    }
    Sample::new(took)
}

fn row(what: String, took: &Sample, most: f64) -> Row {
    Row::new(what, Figure::median(took, Unit::RoundTrips)).target(Bound::AtMost(most))
}

const fn rounds(size: Size) -> usize {
    match size {
        Size::Full => 25,
        Size::Quick => 5,
    }
}

const SEED: u64 = 1;
