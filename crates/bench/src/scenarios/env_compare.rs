//! How long the comparison of two hundred variables takes, on a session that has just been opened.

use anyhow::{Result, ensure};
use client::env::client::Variable;
use client::env::rules::{Rules, Status};

use super::Scenario;
use crate::link::Way;
use crate::report::{Bound, Figure, Row, Unit};
use crate::run::unless_skipped;
use crate::stage::{Equipment, ServerEnd, Size, Stage, timed};
use crate::stats::Sample;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "env-compare",
    about: "200 variables compared with production's, on an open session",
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Result<Vec<Row>> {
    let here = measure(stage, None).await?;
    let figure = Figure::median(&here, Unit::Milliseconds);
    let mut rows = vec![Row::new("loopback", figure).target(Bound::AtMost(LONGEST))];
    for (link, way) in unless_skipped(stage.links(&["home"]))?.unwrap_or_default() {
        let Some(there) = unless_skipped(measure(stage, Some(way)).await)? else {
            continue;
        };
        let figure = Figure::median(&there, Unit::Milliseconds);
        rows.push(Row::new(link, figure));
        let longer = (there.median() - here.median()) / 1e3;
        let longer = Unit::RoundTrips.figure(longer / way.round_trip().as_secs_f64());
        let row = Row::new(format!("{link}, less loopback's"), longer);
        rows.push(row.target(Bound::AtMost(MOST_ROUND_TRIPS)));
    }
    Ok(rows)
}

/// Compares on a session of its own in each round: what a command does.
async fn measure(stage: &Stage, way: Option<Way>) -> Result<Sample> {
    let equipment = Equipment {
        // A guess for each round.
        config: "[env]\nguesses-per-hour = 1000\n".to_owned(),
        variables: (0..COUNT).map(production).collect(),
        ..Equipment::default()
    };
    let server = ServerEnd::over(stage, way, equipment).await?;
    let mut took = Vec::new();
    // The first round warms up.
    for round in 0..=rounds(stage.size) {
        let client = server.connect().await?;
        let asked = (0..COUNT).map(local).collect();
        let compared = timed(async { Ok(client.validate_env(asked).await?) }).await?;
        client.disconnect().await;
        let same = compared
            .value
            .iter()
            .filter(|it| it.status == Status::Match);
        let same = same.count();
        ensure!(
            same == COUNT / 2,
            "{same} of {COUNT} are said to be the same"
        );
        if round > 0 {
            took.push(compared.took);
        }
    }
    Sample::millis(took)
}

fn production(number: usize) -> (String, String) {
    (name(number), format!("the value of {number}"))
}

/// Every other one is the same.
fn local(number: usize) -> Variable {
    let name = name(number);
    let value = match number.is_multiple_of(2) {
        true => production(number).1,
        false => format!("another value of {number}"),
    };
    Variable {
        expected: Rules::default().of(&name, Some(&value)),
        name,
        value: Some(value.into()),
    }
}

fn name(number: usize) -> String {
    format!("BENCH_SETTING_{number}")
}

const fn rounds(size: Size) -> usize {
    match size {
        Size::Full => 25,
        Size::Quick => 5,
    }
}

/// As many as a large service has.
const COUNT: usize = 200;

/// For a command that one runs before each start of an app, in milliseconds.
const LONGEST: f64 = 150.0;

/// One, for the names and the answers, and what a busy machine is late.
const MOST_ROUND_TRIPS: f64 = 1.1;
