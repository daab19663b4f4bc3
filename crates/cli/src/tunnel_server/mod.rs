//! The program `tunnel-server`: its arguments, its configuration, its start and its end.

mod configuration;
mod feeds;
mod probe;

use std::io;
use std::path::PathBuf;

use clap::{Parser, Subcommand};
use server::TunnelServer;
use tracing::{info, warn};
use tracing_subscriber::EnvFilter;

use self::configuration::Configuration;
use self::probe::Probe;
use crate::environment::Environment;
use crate::exit::{Exit, Failure};
use crate::interrupt::{self, Interrupt};
use crate::output::{Style, Surface};
use crate::report::report;

/// Serves the tunnel beside a production service.
///
/// Listens on one port number: UDP for QUIC; TCP for HTTP, which takes QUIC over WebSocket where UDP
/// does not get through, and answers GET /health. On Render, clients hear of no UDP.
#[derive(Debug, Parser)]
#[command(name = "tunnel-server", version, after_help = AFTER_HELP)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,

    /// The port; 0 takes one that is free [env: PORT] [default: 3001]
    #[arg(long, value_name = "N")]
    port: Option<u16>,

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

    /// Serves the lines of standard input: app | tunnel-server --stdin-logs
    #[arg(long)]
    stdin_logs: bool,

    /// Reads the secret from a file, or from standard input with `-` [env: RENDER_TUNNEL_SECRET holds the secret itself]
    #[arg(long, value_name = "PATH")]
    secret_file: Option<PathBuf>,

    /// The configuration file [default: tunnel.toml in this folder or above it, if there is one]
    #[arg(long, value_name = "PATH")]
    config: Option<PathBuf>,
}

/// What is asked for, if not to serve.
#[derive(Debug, Subcommand)]
enum Command {
    Probe(Probe),
}

/// Runs the program and says what it ends with.
#[must_use]
pub fn main() -> Exit {
    let mut arguments = Arguments::parse();
    report(match arguments.command.take() {
        None => interrupt::run(|interrupt| run(arguments, interrupt)),
        Some(Command::Probe(probe)) => interrupt::run(|_| ask(probe)),
    })
}

async fn ask(probe: Probe) -> Result<(), Failure> {
    let folder = working_folder()?;
    probe.run(&Environment::read(&folder)?).await
}

async fn run(arguments: Arguments, interrupt: Interrupt) -> Result<(), Failure> {
    let folder = working_folder()?;
    let environment = Environment::read(&folder)?;
    write_log(&environment)?;
    let configuration = Configuration::new(&arguments, &environment, &folder)?;
    let builder = configuration.builder(&arguments, &environment)?;
    let server = interrupt.or(builder.start()).await?;
    announce(&server, &configuration, &environment)?;
    for path in &arguments.log_file {
        feeds::follow_file(&server, path);
    }
    if arguments.stdin_logs {
        feeds::read_standard_input(&server);
    }
    interrupt.wait().await;
    info!("stopping");
    server.stop().await;
    Ok(())
}

fn working_folder() -> Result<PathBuf, Failure> {
    std::env::current_dir()
        .map_err(|error| Failure::failed(format!("cannot see the working folder: {error}")))
}

/// Writes what happens to standard error, as `RUST_LOG` wants it.
fn write_log(environment: &Environment) -> Result<(), Failure> {
    let directives = environment.text("RUST_LOG")?.unwrap_or("info");
    let filter = EnvFilter::try_new(directives)
        .map_err(|error| Failure::usage(format!("RUST_LOG makes no sense: {error}")))?;
    let style = Style::of(Surface::of(&io::stderr()), environment);
    tracing_subscriber::fmt()
        .compact()
        .with_env_filter(filter)
        .with_ansi(style == Style::Coloured)
        .with_target(false)
        .with_writer(io::stderr)
        .init();
    Ok(())
}

/// Says what is served, to whom.
fn announce(
    server: &TunnelServer,
    configuration: &Configuration,
    environment: &Environment,
) -> Result<(), Failure> {
    let quic = server.quic_address();
    let quic =
        quic.map_err(|error| Failure::failed(format!("cannot see the UDP port: {error}")))?;
    info!("listening for QUIC on UDP {quic}");
    if let Some(http) = server.http_address() {
        info!("listening for HTTP on TCP {http}");
    }
    info!("keys: {}", configuration.key_names().join(", "));
    match configuration.database() {
        Some(database) => info!("database: {database}"),
        None => info!("DATABASE_URL is not set: there is nothing to sync"),
    }
    if !configuration.pseudonyms_last() {
        warn!(
            "pseudonyms hold until the next start: set RENDER_TUNNEL_PSEUDONYM_KEY \
             (`tunnel keygen` makes one) to keep them"
        );
    }
    if environment.has("RENDER_TUNNEL_CORS_ORIGIN") {
        info!("RENDER_TUNNEL_CORS_ORIGIN is set, and nothing here answers a browser's scripts yet");
    }
    Ok(())
}

const AFTER_HELP: &str = "\
Examples:
  RENDER_TUNNEL_SECRET=… DATABASE_URL=postgres://… tunnel-server
  node app.js | tunnel-server --stdin-logs
  tunnel-server --log-file /var/log/api.log --log-file /var/log/worker.log

Environment (or .env): PORT, RENDER_TUNNEL_SECRET (`tunnel keygen` makes one), DATABASE_URL,
RENDER_TUNNEL_PSEUDONYM_KEY (keeps pseudonyms the same from start to start), RUST_LOG.

Exit codes: 0 stopped in order, 1 it failed, 2 usage.";

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_arguments_contradict_each_other_nowhere() {
        Arguments::command().debug_assert();
    }
}
