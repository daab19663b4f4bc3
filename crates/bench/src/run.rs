//! A run: scenarios one after the other, progress on standard error, the report on standard output.

use std::io::{self, Write as _};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context as _, Result};
use thiserror::Error;

use crate::arguments::RunArguments;
use crate::report::{Outcome, Report};
use crate::scenarios::Scenario;
use crate::stage::Stage;

/// Why a scenario cannot be played on this machine, which is not its fault.
#[derive(Debug, Error)]
#[error("{0}")]
pub(crate) struct Skipped(pub(crate) String);

/// Returns what came of a part of a scenario, or nothing if this machine cannot play it; the other parts
/// still count.
pub(crate) fn unless_skipped<T>(part: Result<T>) -> Result<Option<T>> {
    match part {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.is::<Skipped>() => {
            progress(&format!("  a part is skipped: {error}"));
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Runs what is wanted; succeeds if every target is met.
pub(crate) async fn run(wanted: &RunArguments) -> Result<ExitCode> {
    let load_before = load();
    let stage = Stage::new(wanted.size(), wanted.link())?;
    let mut scenarios = Vec::new();
    for scenario in wanted.scenarios() {
        scenarios.push(play(scenario, &stage).await);
    }
    let link = wanted
        .link()
        .map_or("each scenario's own", |link| link.name);
    let size = wanted.size().name();
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
    let outcome = Outcome {
        scenario: scenario.name,
        took,
        rows: Vec::new(),
        error: None,
        skipped: None,
    };
    let (ended, outcome) = match played {
        Ok(rows) => ("done".to_owned(), Outcome { rows, ..outcome }),
        Err(error) => {
            let said = Some(format!("{error:#}"));
            let outcome = match error.is::<Skipped>() {
                true => Outcome {
                    skipped: said,
                    ..outcome
                },
                false => Outcome {
                    error: said,
                    ..outcome
                },
            };
            (format!("{error:#}"), outcome)
        }
    };
    progress(&format!(
        "{}: {ended} after {:.1} s",
        scenario.name,
        took.as_secs_f64()
    ));
    outcome
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
