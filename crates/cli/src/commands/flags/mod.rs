//! `tunnel flags`: production's flags, shown, kept in a file, given to a program, served to local apps.
//!
//! ```text
//! server ──▶ Mirror ─┐                 ┌─▶ show, json      standard output
//!                    ├─▶ Live ─ View ──┼─▶ export          a file
//! overrides' file ───┘                 ├─▶ run             a program's environment
//!                                      └─▶ serve           OFREP on loopback
//! ```

mod export;
mod json;
mod live;
mod names;
mod project;
mod run;
mod serve;
mod set;
mod show;
mod watch;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use features::flags::ofrep::USUAL_PORT;

use self::export::Export;
use self::names::prefix;
use self::project::Project;
pub use self::serve::serve_until_stopped;
use crate::connection::ConnectionOptions;
use crate::context::Context;
use crate::exit::Failure;

/// Mirrors production's feature flags: shows them, writes them to a file, serves them to local apps
///
/// Each line has the flag, what its values are, its value, where production has it from, and for how long
/// it has been so; then what it is overridden with, or what this machine's environment has otherwise.
/// Without a connection it shows what it saw last, and says how old that is.
#[derive(Clone, Debug, Args)]
#[command(after_help = AFTER_HELP, args_conflicts_with_subcommands = true)]
pub struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,

    /// Writes them to a file: NAME.json, NAME.env or NAME.flagd.json
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Keeps the names that begin so in NAME.env, as well; can be given several times
    #[arg(long, value_name = "PREFIX", requires = "output", value_parser = prefix)]
    prefix: Vec<String>,

    /// Goes on until stopped, with each change as it happens
    #[arg(long)]
    watch: bool,

    /// Serves them to local apps over OFREP until stopped, through losses of the connection
    #[arg(long)]
    serve: bool,

    /// The port to serve at; 0 takes one that is free
    #[arg(long, value_name = "N", requires = "serve", default_value_t = USUAL_PORT)]
    port: u16,

    #[command(flatten)]
    connection: ConnectionOptions,
}

#[derive(Clone, Debug, Subcommand)]
enum Command {
    Run(run::Arguments),
    Set(set::SetArguments),
    Unset(set::UnsetArguments),
}

/// Does what is asked for.
///
/// # Errors
/// [`Failure`] if it cannot be done.
pub async fn run(context: &Context, arguments: &Arguments) -> Result<(), Failure> {
    match &arguments.command {
        Some(Command::Run(arguments)) => run::run(context, arguments).await,
        Some(Command::Set(arguments)) => set::set(context, arguments).await,
        Some(Command::Unset(arguments)) => set::unset(context, arguments),
        None => mirror(context, arguments).await,
    }
}

async fn mirror(context: &Context, arguments: &Arguments) -> Result<(), Failure> {
    let Arguments {
        output,
        prefix,
        watch,
        serve,
        port,
        connection,
        command: _,
    } = arguments;
    // Before anything is asked: a name that says no format is the user's slip.
    let export = output.as_deref().map(|path| Export::to(path, prefix));
    let export = export.transpose()?;
    let project = Project::of(context, connection)?;
    match (*watch, *serve) {
        (false, false) => once(context, connection, &project, export.as_ref()).await,
        (_, true) => serve::run(context, connection, project, (*port, export)).await,
        (true, false) => watch::run(context, connection, project, export).await,
    }
}

/// Shows or writes them as they are now.
async fn once(
    context: &Context,
    connection: &ConnectionOptions,
    project: &Project,
    export: Option<&Export>,
) -> Result<(), Failure> {
    let mirrored = live::now(context, connection, project).await?;
    let view = project.view(&mirrored)?;
    show::troubles(context, &view);
    match export {
        Some(export) => export.write(context, &view),
        None => show::all(context, &view),
    }
}

const AFTER_HELP: &str = "\
Examples:
  tunnel flags
  tunnel flags --json | jq '.[] | select(.source == \"file\")'
  tunnel flags --output flags.env
  tunnel flags --output flags.flagd.json --watch
  tunnel flags --serve
  tunnel flags run -- npm run dev
  tunnel flags set ENABLE_STRIPE false
  tunnel flags unset ENABLE_STRIPE

With --serve, any OpenFeature SDK with an OFREP provider reads them from http://127.0.0.1:8016, where
GET /flags shows them, too. Overrides are of this project (.tunnel/), and whatever runs sees them at once.

With --json: a list of objects with key, type (boolean, string, number, object), value (null: the default
in the app's code), source, updated, and overridden where that is so. With --watch as well, each is a line
of its own, again when it changes; one that is gone has removed.";
