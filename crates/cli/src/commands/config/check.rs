//! `tunnel config check`: whether the commands can make sense of the configuration.

use clap::Args;
use serde::Serialize;

use crate::connection::ConnectionOptions;
use crate::context::Context;
use crate::exit::{Exit, Failure};
use crate::output::Format;
use crate::output::text::printable;

/// Checks whether sense can be made of the configuration, without connecting
///
/// Ends with 0 if so, with 1 if a command would not even try to connect, and with 2 if .env or
/// tunnel.toml cannot be read. `tunnel doctor` checks the way to the server as well.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  tunnel config check
  tunnel config check --json | jq -r '.[].problem'

With --json: a list of objects with problem, remedy.")]
pub(super) struct Arguments {
    #[command(flatten)]
    connection: ConnectionOptions,
}

#[derive(Debug, Serialize)]
struct Problem<'a> {
    problem: &'a str,
    remedy: Option<&'a str>,
}

/// Shows what is wrong.
///
/// # Errors
/// A silent [`Failure`] if something is.
pub(super) fn run(context: &Context, arguments: &Arguments) -> Result<(), Failure> {
    let failures = super::problems(context, &arguments.connection);
    let problems = failures.iter().map(|failure| Problem {
        problem: failure.message().unwrap_or_default(),
        remedy: failure.next_step(),
    });
    let problems: Vec<_> = problems.collect();
    match context.screen.format() {
        Format::Json => context.screen.json(&problems)?,
        Format::Human => context.screen.data(&text(&problems))?,
    }
    if problems.is_empty() {
        return Ok(());
    }
    Err(Failure::silent(Exit::Failed))
}

fn text(problems: &[Problem<'_>]) -> String {
    if problems.is_empty() {
        return "✓  the configuration makes sense\n".to_owned();
    }
    let mut text = String::new();
    for Problem { problem, remedy } in problems {
        text.push_str(&format!("✗  {}\n", printable(problem)));
        if let Some(remedy) = remedy {
            text.push_str(&format!("   → {}\n", printable(remedy)));
        }
    }
    text
}
