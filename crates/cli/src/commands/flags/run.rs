//! `tunnel flags run -- PROGRAM`: a program with production's flags in its environment.

use std::ffi::OsString;
use std::io;
use std::process::Command;

use clap::Args;

use super::names::{Variables, prefix};
use super::project::Project;
use super::{live, show};
use crate::connection::ConnectionOptions;
use crate::context::Context;
use crate::exit::{Exit, Failure};

/// Runs a program with production's flags as variables of its environment
///
/// A flag keeps its name if that begins with ENABLE_, FEATURE_, FLAG_ or a --prefix; any other has FLAG_
/// before it, so that none can be a variable that programs go by: new-checkout is FLAG_NEW_CHECKOUT. The
/// program takes the place of this one: signals reach it, and its exit code is the command's.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  tunnel flags run -- npm run dev
  tunnel flags run -- sh -c 'echo $ENABLE_STRIPE'

They are as they were at the start: `tunnel flags --serve` is for those that change.")]
pub(super) struct Arguments {
    /// The program and its arguments
    #[arg(last = true, required = true, value_name = "PROGRAM")]
    program: Vec<OsString>,

    /// Keeps the names that begin so, as well; can be given several times
    #[arg(long, value_name = "PREFIX", value_parser = prefix)]
    prefix: Vec<String>,

    #[command(flatten)]
    connection: ConnectionOptions,
}

/// Runs it.
pub(super) async fn run(context: &Context, arguments: &Arguments) -> Result<(), Failure> {
    let Arguments {
        program,
        prefix,
        connection,
    } = arguments;
    let project = Project::of(context, connection)?;
    let mirrored = live::now(context, connection, &project).await?;
    let view = project.view(&mirrored)?;
    show::troubles(context, &view);
    let Some((name, rest)) = program.split_first() else {
        return Err(Failure::usage("no program was named"));
    };
    let variables = Variables::of(&view, prefix);
    variables.warn(context);
    let mut command = Command::new(name);
    command.args(rest).envs(variables.named);
    become_it(command).map_err(|error| {
        let exit = match error.kind() {
            io::ErrorKind::NotFound => Exit::NotFound,
            _ => Exit::CannotRun,
        };
        Failure::new(exit, format!("cannot run {}: {error}", name.display()))
    })
}

/// Puts the program in the place of this one, so that there is nothing between it and who started this.
#[cfg(unix)]
fn become_it(mut command: Command) -> io::Result<()> {
    Err(std::os::unix::process::CommandExt::exec(&mut command))
}

/// Runs the program and ends as it does.
#[cfg(not(unix))]
fn become_it(mut command: Command) -> io::Result<()> {
    match command.status()?.success() {
        true => Ok(()),
        false => Err(io::Error::other("it has failed")),
    }
}
