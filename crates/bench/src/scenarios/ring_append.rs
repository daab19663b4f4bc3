//! How fast lines go into the ring.

use std::time::Instant;

use anyhow::Result;
use client::logs::{Fields, Level, Line, LogsConfig, Origin, Ring};

use super::Scenario;
use crate::report::{Bound, Figure, Row, Unit};
use crate::stage::{Size, Stage};
use crate::stats::Sample;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "ring-append",
    about: "lines into a ring that is full, one by one",
    run: |stage| Box::pin(async { run(stage) }),
};

fn run(stage: &Stage) -> Result<Vec<Row>> {
    let (rounds, lines) = match stage.size {
        Size::Full => (7, 2_000_000),
        Size::Quick => (3, 500_000),
    };
    let ring = Ring::new(LogsConfig::default());
    let origin = Origin::new("api", "i-1");
    let mut rates = Vec::new();
    for round in 0..=rounds {
        let began = Instant::now();
        for number in 0..lines {
            ring.append(line(number, &origin));
        }
        let rate = f64::from(lines) / began.elapsed().as_secs_f64();
        // The first fills it.
        rates.extend((round > 0).then_some(rate));
    }
    let figure = Figure::median(&Sample::new(rates)?, Unit::LinesPerSecond);
    Ok(vec![
        Row::new("one writer, no reader", figure).target(Bound::AtLeast(1_000_000.0)),
    ])
}

/// A line as parsing makes it; its making counts too.
fn line(number: u32, origin: &Origin) -> Line {
    Line {
        time: 1_800_000_000_000_000_000 + u64::from(number),
        level: Level::INFO,
        origin: origin.clone(),
        message: "served a request of a user who waits".to_owned(),
        fields: Fields::default(),
        raw: None,
    }
}
