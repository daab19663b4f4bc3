//! Bulk over loopback, where nothing but the processor bounds it, beside what one would use instead.

use std::time::Duration;

use anyhow::Result;

use super::Scenario;
use crate::lab::Lab;
use crate::report::{Bound, Figure, Row, Unit};
use crate::run::progress;
use crate::stage::{Size, Stage};
use crate::stats::Sample;
use crate::traffic::{Means, Times, measure};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "loopback-bulk",
    about: "bulk over loopback, beside quinn's own defaults and yamux over the same WebSocket",
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for (ours, other) in [
        (Means::Udp, Means::PlainQuic),
        (Means::WebSocket, Means::Yamux),
    ] {
        let (mut of_ours, mut of_other) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            // In turn, so that what changes in the machine meets both.
            of_ours.push(megabits(ours, stage.size).await?);
            of_other.push(megabits(other, stage.size).await?);
        }
        let median = |rates| {
            anyhow::Ok(Figure::median(
                &Sample::new(rates)?,
                Unit::MegabitsPerSecond,
            ))
        };
        let row = Row::new(ours.name(), median(of_ours)?);
        rows.push(row.beside(other.name(), median(of_other)?, Bound::AtLeast(1.0)));
    }
    Ok(rows)
}

async fn megabits(means: Means, size: Size) -> Result<f64> {
    let measured = measure(&Lab::on_loopback()?, means, times(size)).await?;
    let megabits = measured.payload * 8e-6;
    progress(&format!("  {}: {megabits:.0} Mbit/s", means.name()));
    Ok(megabits)
}

const fn times(size: Size) -> Times {
    Times {
        idle: None,
        warm_up: Duration::from_millis(1_000),
        loaded: match size {
            Size::Full => Duration::from_millis(3_000),
            Size::Quick => Duration::from_millis(1_000),
        },
    }
}

/// The median of three does not move with one that is disturbed.
const ROUNDS: usize = 3;
