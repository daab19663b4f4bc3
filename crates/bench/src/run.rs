//! A run: scenarios one after the other, progress on standard error, the report on standard output.

use std::io::{self, Write as _};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context as _, Result};

use crate::arguments::RunArguments;
use crate::report::{Outcome, Report};
use crate::scenarios::Scenario;
use crate::stage::Stage;

/// Runs what is wanted; succeeds if every target is met.
pub(crate) async fn run(wanted: &RunArguments) -> Result<ExitCode> {
    let load_before = load();
    let stage = Stage::new(wanted.size(), wanted.link())?;
    let mut scenarios = Vec::new();
    for scenario in wanted.scenarios() {
        scenarios.push(play(scenario, &stage).await);
    }
    let (link, size) = (wanted.link().name, wanted.size().name());
    let report = Report {
        link,
        size,
        load_before,
        scenarios,
    };
    report
        .write(wanted.format(), &mut io::stdout().lock())
        .context("write the report")?;
    Ok(if report.passes() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Runs one scenario. One that fails does not keep the next from running.
async fn play(scenario: &Scenario, stage: &Stage) -> Outcome {
    progress(&format!("{}: {}", scenario.name, scenario.about));
    let began = Instant::now();
    let played = (scenario.run)(stage).await;
    let took = began.elapsed();
    let (rows, error) = match played {
        Ok(rows) => (rows, None),
        Err(error) => (Vec::new(), Some(format!("{error:#}"))),
    };
    let ended = error.as_deref().unwrap_or("done");
    progress(&format!(
        "{}: {ended} after {:.1} s",
        scenario.name,
        took.as_secs_f64()
    ));
    Outcome {
        scenario: scenario.name,
        took,
        rows,
        error,
    }
}

/// Says how far the run is.
pub(crate) fn progress(line: &str) {
    // Nobody need look.
    writeln!(io::stderr(), "{line}").ok();
}

fn load() -> Option<f64> {
    std::fs::read_to_string("/proc/loadavg")
        .ok()?
        .split(' ')
        .next()?
        .parse()
        .ok()
}
