//! A command over a session that another holds: the whole process, beside one with its own session.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};

use super::Scenario;
use crate::link::Way;
use crate::report::{Bound, Figure, Row, Unit};
use crate::run::unless_skipped;
use crate::stage::{Equipment, Holder, ServerEnd, Size, Stage, timed};
use crate::stats::Sample;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "held-health",
    about: "`tunnel health --json`, the whole process, over a session that `tunnel connect` holds",
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Result<Vec<Row>> {
    let here = measure(stage, None).await?;
    let beside = |took: &Took| Figure::median(&took.own, Unit::Milliseconds);
    let figure = Figure::median(&here.held, Unit::Milliseconds);
    let row = Row::new("loopback", figure).target(Bound::AtMost(LONGEST));
    let mut rows = vec![row.beside(OWN, beside(&here), None)];
    for (link, way) in unless_skipped(stage.links(&["home"]))?.unwrap_or_default() {
        let Some(there) = unless_skipped(measure(stage, Some(way)).await)? else {
            continue;
        };
        let figure = Figure::median(&there.held, Unit::Milliseconds);
        rows.push(Row::new(link, figure).beside(OWN, beside(&there), None));
        let longer = (there.held.median() - here.held.median()) / 1e3;
        let longer = Unit::RoundTrips.figure(longer / way.round_trip().as_secs_f64());
        let row = Row::new(format!("{link}, less loopback's"), longer);
        rows.push(row.target(Bound::AtMost(MOST_ROUND_TRIPS)));
    }
    Ok(rows)
}

/// How long the command took, in milliseconds.
struct Took {
    held: Sample,
    own: Sample,
}

async fn measure(stage: &Stage, way: Option<Way>) -> Result<Took> {
    let equipment = Equipment {
        // Nobody asks as often.
        config: "[limits]\ncalls = 0\nupgrades = 0\n".to_owned(),
        ..Equipment::default()
    };
    let server = ServerEnd::over(stage, way, equipment).await?;
    let _holder = Holder::start(stage, &server).await?;
    wait_for_a_history(stage, &server).await?;
    let (mut held, mut own) = (Vec::new(), Vec::new());
    // The first round warms up.
    for round in 0..=rounds(stage.size) {
        let took = [
            command(stage, &server, &[]).await?,
            command(stage, &server, &["--own-session"]).await?,
        ];
        if round > 0 {
            held.push(took[0]);
            own.push(took[1]);
        }
    }
    Ok(Took {
        held: Sample::millis(held)?,
        own: Sample::millis(own)?,
    })
}

/// Asks until the session that is held is old enough to know its round trips: before, the command
/// sends pings of its own.
async fn wait_for_a_history(stage: &Stage, server: &ServerEnd) -> Result<()> {
    for _ in 0..MOST_TRIES {
        let mut command = server.tunnel(stage);
        let command = command.args(COMMAND).stdout(Stdio::piped());
        let said = command.output().await.context("start tunnel health")?;
        let said = String::from_utf8_lossy(&said.stdout).into_owned();
        if !said.contains(YOUNG) {
            return Ok(());
        }
    }
    bail!("the session that is held does not get to know its round trips")
}

async fn command(stage: &Stage, server: &ServerEnd, more: &[&str]) -> Result<Duration> {
    let ended = timed(async {
        let mut command = server.tunnel(stage);
        Ok(command.args(COMMAND).args(more).status().await?)
    });
    let ended = ended.await?;
    let status = ended.value;
    ensure!(status.success(), "tunnel health ended with {status}");
    Ok(ended.took)
}

const fn rounds(size: Size) -> usize {
    match size {
        Size::Full => 50,
        Size::Quick => 10,
    }
}

const COMMAND: [&str; 2] = ["health", "--json"];

const OWN: &str = "--own-session";

/// What the command says of round trips that are its own pings'.
const YOUNG: &str = "the session is young";

/// What a person does not notice, in milliseconds, of which the start of a process takes a part.
const LONGEST: f64 = 15.0;

/// One, for the question and its answer, and what a busy machine is late.
const MOST_ROUND_TRIPS: f64 = 1.1;

/// The session has to know twenty round trips, of which it notes one in 20 ms at most, and a command may take
/// less than that.
const MOST_TRIES: usize = 200;
