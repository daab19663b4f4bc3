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
    for (link, way) in stage.links(&["home", "home-no-udp"])? {
        for (over, most) in overs(way.udp) {
            let took = measure(stage, way, *over).await?;
            let figure = Figure::median(&took, Unit::RoundTrips);
            let row = Row::new(format!("{link}, {}", over.name()), figure);
            rows.push(row.target(most.map(Bound::AtMost)));
        }
    }
    Ok(rows)
}

/// What is measured, and what it may take.
const fn overs(udp: Udp) -> &'static [(Over, Option<f64>)] {
    match udp {
        Udp::Passes => &[(Over::Udp, Some(2.2)), (Over::WebSocket, Some(5.2))],
        // How long it takes to find out.
        Udp::Dropped => &[(Over::Either, None)],
    }
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

const fn rounds(size: Size) -> usize {
    match size {
        Size::Full => 25,
        Size::Quick => 5,
    }
}

const SEED: u64 = 1;
