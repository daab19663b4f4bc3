//! `tunnel config`: what the commands work with, where each of it comes from, and whether sense can
//! be made of it.
//!
//! ```text
//! flags, environment, .env, tunnel.toml, defaults ─▶ collect ─▶ show (a table), check (the problems)
//! ```

mod check;
mod collect;
mod origin;
mod sections;
mod show;

use clap::{Args, Subcommand};

use super::{connect, validate_env};
use crate::connection::ConnectionOptions;
use crate::context::Context;
use crate::exit::Failure;

/// Shows the settings and where each of them comes from, or checks them
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  tunnel config show
  tunnel config show --json | jq -r '.settings[] | select(.name == \"server\") | .value'
  tunnel config check")]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Clone, Debug, Subcommand)]
enum Command {
    Show(show::Arguments),
    Check(check::Arguments),
}

/// Does what is asked for.
///
/// # Errors
/// [`Failure`] if it cannot be done, or a check failed.
pub fn run(context: &Context, arguments: &Arguments) -> Result<(), Failure> {
    match &arguments.command {
        Command::Show(arguments) => show::run(context, arguments),
        Command::Check(arguments) => check::run(context, arguments),
    }
}

/// Returns everything of which no sense can be made: of the connection first, then of the sections of
/// `tunnel.toml`.
fn problems(context: &Context, connection: &ConnectionOptions) -> Vec<Failure> {
    let here = &context.folder;
    let mut problems = connection.problems(context);
    problems.extend(connect::check(here).err());
    problems.extend(validate_env::rules(here).err());
    problems.extend(sections::check(here).err());
    problems
}
