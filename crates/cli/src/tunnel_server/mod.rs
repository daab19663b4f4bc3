//! The program `tunnel-server`: its arguments, its configuration, its start and its end.

mod configuration;
mod feeds;
mod inbox;
mod keys;
mod log;
mod probe;
mod reload;
mod run;
mod standalone;

use std::io::{self, Write as _};
use std::net::IpAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory as _, Parser, Subcommand};
use server::TunnelServer;
use tracing::{info, warn};

use self::configuration::{Configuration, Database};
use self::keys::KeysArguments;
use self::probe::Probe;
use self::run::RunArguments;
use crate::context::working_folder;
use crate::environment::Environment;
use crate::exit::{Exit, Failure};
use crate::interrupt;
use crate::report::report;

/// Serves the tunnel beside a production service.
///
/// Listens on one port number: UDP for QUIC; TCP for HTTP, which takes QUIC over WebSocket where UDP
/// does not get through, and answers GET /_tunnel/health. On Render, clients hear of no UDP.
///
/// Without a command it serves by itself; with `run` it starts the service as well and stands in
/// front of it.
#[derive(Debug, Parser)]
#[command(
    name = "tunnel-server",
    version,
    after_help = AFTER_HELP,
    args_conflicts_with_subcommands = true
)]
struct Program {
    #[command(subcommand)]
    command: Option<Command>,

    #[command(flatten)]
    arguments: Arguments,

    /// Serves the lines of standard input: app | tunnel-server --stdin-logs
    #[arg(long)]
    stdin_logs: bool,
}

/// What is asked for, if not to serve.
#[derive(Debug, Subcommand)]
enum Command {
    Run(Box<RunArguments>),
    Keys(KeysArguments),
    Probe(Probe),
}

/// How is served, with a service of its own or without.
#[derive(Debug, Args)]
struct Arguments {
    /// The port; 0 takes one that is free [env: PORT] [default: 3001]
    #[arg(long, value_name = "N")]
    port: Option<u16>,

    /// The address to listen on, for example 127.0.0.1 behind a proxy on this machine [default: every one]
    #[arg(long, value_name = "ADDRESS")]
    host: Option<IpAddr>,

    /// What this server calls itself [default: production]
    #[arg(
        long,
        value_name = "NAME",
        default_value = "production",
        hide_default_value = true
    )]
    environment: String,

    /// Serves the lines of a file, through its rotations; can be given several times
    #[arg(long, value_name = "PATH")]
    log_file: Vec<PathBuf>,

    #[command(flatten)]
    places: Places,
}

/// Where secrets and the configuration are.
#[derive(Debug, Default, Args)]
struct Places {
    /// Reads the secret from a file, or from standard input with `-` [env: RENDER_TUNNEL_SECRET holds the secret itself]
    #[arg(long, value_name = "PATH")]
    secret_file: Option<PathBuf>,

    /// The configuration file [default: tunnel.toml in this folder or above it, if there is one]
    #[arg(long, value_name = "PATH")]
    config: Option<PathBuf>,
}

/// Returns the program's arguments, for its manual.
#[must_use]
pub fn command() -> clap::Command {
    Program::command()
}

/// Runs the program and says what it ends with.
#[must_use]
pub fn main() -> ExitCode {
    let program = match Program::try_parse() {
        Ok(program) => program,
        Err(error) => return refuse(&error),
    };
    match program.command {
        Some(Command::Run(run)) => {
            let ended = interrupt::run_uninterrupted(run::run(*run));
            ended.map_or_else(|failure| report(Err(failure)).into(), ExitCode::from)
        }
        Some(Command::Keys(keys)) => report(list_keys(&keys)).into(),
        Some(Command::Probe(probe)) => report(interrupt::run(|_| ask(probe))).into(),
        None => {
            let input = standalone::Input::from_flag(program.stdin_logs);
            let serving = |interrupt| standalone::serve(program.arguments, input, interrupt);
            report(interrupt::run(serving)).into()
        }
    }
}

/// Says what is wrong with the arguments, or the help that was asked for.
fn refuse(error: &clap::Error) -> ExitCode {
    // Nothing can be said where standard error is gone.
    error.print().ok();
    if error.kind() == ErrorKind::ArgumentConflict {
        let hint =
            "hint: write the options after the command: tunnel-server run --port 3001 -- CMD";
        writeln!(io::stderr(), "{hint}").ok();
    }
    let exit = if error.use_stderr() {
        Exit::Usage
    } else {
        Exit::Fine
    };
    exit.into()
}

async fn ask(probe: Probe) -> Result<(), Failure> {
    let folder = working_folder()?;
    probe.run(&Environment::read_beside_app(&folder)?).await
}

fn list_keys(keys: &KeysArguments) -> Result<(), Failure> {
    let folder = working_folder()?;
    let environment = Environment::read_beside_app(&folder)?;
    keys::run(keys, &environment, &folder)
}

/// Says which lines of `.env` were skipped.
fn tell_skipped(environment: &Environment) {
    if let Some(skipped) = environment.skipped() {
        warn!("{skipped}");
    }
}

/// Serves the lines of the files that are named.
fn follow_files(server: &TunnelServer, paths: &[PathBuf]) {
    for path in paths {
        feeds::follow_file(server, path);
    }
}

/// Says what is served, to whom.
fn announce(server: &TunnelServer, configuration: &Configuration) -> Result<(), Failure> {
    let quic = server.quic_address();
    let quic =
        quic.map_err(|error| Failure::failed(format!("cannot see the UDP port: {error}")))?;
    info!("listening for QUIC on UDP {quic}");
    if let Some(http) = server.http_address() {
        info!("listening for HTTP on TCP {http}");
    }
    if let Some(metrics) = server.metrics_address() {
        info!("metrics on TCP {metrics}");
    }
    info!("keys: {}", configuration.key_names().join(", "));
    match configuration.database() {
        Database::At(database) => info!("database: {database}"),
        Database::Unset => info!("DATABASE_URL is not set: there is nothing to sync"),
        Database::Foreign(error) => {
            warn!("there is nothing to sync, because DATABASE_URL cannot be read: {error}");
        }
    }
    if !configuration.pseudonyms_last() {
        warn!(
            "pseudonyms hold until the next start: set RENDER_TUNNEL_PSEUDONYM_KEY \
             (`tunnel keygen` makes one) to keep them"
        );
    }
    Ok(())
}

const AFTER_HELP: &str = "\
Examples:
  RENDER_TUNNEL_SECRET=… DATABASE_URL=postgres://… tunnel-server
  node app.js | tunnel-server --stdin-logs
  tunnel-server --log-file /var/log/api.log --log-file /var/log/worker.log
  tunnel-server run -- node server.js
  tunnel-server keys

Paths of its own:
  /render-tunnel     where clients come in
  /_tunnel/health    whether it is well; /health as well, unless that is the wrapped app's
  /_tunnel/logs      takes log lines, from whoever has RENDER_TUNNEL_INGEST_KEY
  /api/webhooks/…    takes webhooks: /api/webhooks/stripe those of stripe, for `tunnel webhook`
  /_tunnel/metrics   shows metrics, to whoever has RENDER_TUNNEL_METRICS_KEY

Environment (or .env):
  PORT                          the port
  DATABASE_URL                  what can be synced: postgres://… or sqlite://…
  RENDER_TUNNEL_SECRET          what clients must hold; `tunnel keygen` makes one
  RENDER_TUNNEL_SECRET_NEXT     also good, while clients change over to it
  RENDER_TUNNEL_PSEUDONYM_KEY   keeps pseudonyms the same from start to start
  RENDER_TUNNEL_INGEST_KEY      lets senders post log lines
  RENDER_TUNNEL_METRICS_KEY     lets scrapers read the metrics
  {PROVIDER}_WEBHOOK_SECRET     what a provider signs its webhooks with: STRIPE_WEBHOOK_SECRET and
                                the like; several, separated by commas, while it is rotated
  RENDER_TUNNEL_CORS_ORIGIN     the web pages that may call the tunnel's own paths
  RENDER_SERVICE_NAME           the lines' service, and what this server is called
  RENDER_INSTANCE_ID            the lines' instance
  RENDER_REGION                 where this server runs, for `tunnel health`
  RUST_LOG                      what the server's own log says; info unless set
The .env may be the app's: lines of it that cannot be read are skipped, with a warning.

SIGHUP reads the keys again, from tunnel.toml, .env and files of secrets: sessions of a key that is
gone end. It opens the audit log again as well. Other sections, and the variables of the process
itself, take a restart.

Exit codes: 0 stopped in order, 1 it failed, 2 usage; with `run` the app's own,
128 + n for signal n, 126 where it cannot be run, 127 where it is not there.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_contradict_each_other_nowhere() {
        Program::command().debug_assert();
    }
}
