//! The program `tunnel-server`: its arguments, its configuration, its start and its end.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Parser;
use features::logs::{Feed, Follower, Position, pump};
use server::config::ConfigFile;
use server::{DatabaseUrl, ServerBuilder, TunnelServer};
use tracing::{info, warn};
use tracing_subscriber::EnvFilter;

use crate::environment::{Environment, find_upwards};
use crate::exit::{Exit, Failure};
use crate::interrupt::{self, Interrupt};
use crate::output::{Style, Surface};
use crate::report::report;
use crate::settings::{self, SECRET, SecretFile};

/// Serves the tunnel beside a production service.
///
/// Listens on one port number: UDP for QUIC, TCP for GET /health.
#[derive(Debug, Parser)]
#[command(name = "tunnel-server", version, after_help = AFTER_HELP)]
struct Arguments {
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

/// Runs the program and says what it ends with.
#[must_use]
pub fn main() -> Exit {
    let arguments = Arguments::parse();
    report(interrupt::run(|interrupt| run(arguments, interrupt)))
}

async fn run(arguments: Arguments, interrupt: Interrupt) -> Result<(), Failure> {
    let folder = std::env::current_dir()
        .map_err(|error| Failure::failed(format!("cannot see the working folder: {error}")))?;
    let environment = Environment::read(&folder)?;
    write_log(&environment)?;
    let config = config(arguments.config.as_deref(), &folder)?;
    let server = interrupt
        .or(build(&arguments, &environment, &config)?.start())
        .await?;
    announce(&server, &environment, &config)?;
    feed(&server, &arguments);
    interrupt.wait().await;
    info!("stopping");
    server.stop().await;
    Ok(())
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

fn config(given: Option<&Path>, folder: &Path) -> Result<ConfigFile, Failure> {
    let found = given
        .map(Path::to_owned)
        .or_else(|| find_upwards(folder, "tunnel.toml"));
    match found {
        Some(path) => Ok(ConfigFile::read(&path)?),
        None => Ok(ConfigFile::default()),
    }
}

fn build(
    arguments: &Arguments,
    environment: &Environment,
    config: &ConfigFile,
) -> Result<ServerBuilder, Failure> {
    let text = |name| environment.text(name).map(|value| value.map(str::to_owned));
    let database = text("DATABASE_URL")?
        .map(|url| url.parse::<DatabaseUrl>())
        .transpose();
    let database = database.map_err(|error| Failure::usage(format!("DATABASE_URL: {error}")))?;
    let mut builder = TunnelServer::builder()
        .port(settings::port(arguments.port, environment)?)
        .environment(&arguments.environment)
        .commit(text("RENDER_GIT_COMMIT")?)
        .database(database)
        .pseudonym_key(text("RENDER_TUNNEL_PSEUDONYM_KEY")?)
        .sections(config.sections.clone())
        .keys(&config.keys, |name| {
            environment.text(name).ok().flatten().map(str::to_owned)
        })?;
    if let Some(name) = text("RENDER_SERVICE_NAME")? {
        builder = builder.server_id(name);
    }
    let file = arguments.secret_file()?;
    // A configuration with keys of its own needs no other.
    if file.is_some() || environment.has(SECRET) || config.keys.is_empty() {
        builder = builder.secret(settings::secret(file.as_ref(), environment)?.expose());
    }
    Ok(builder)
}

impl Arguments {
    fn secret_file(&self) -> Result<Option<SecretFile>, Failure> {
        let file = self.secret_file.clone().map(SecretFile::from);
        if self.stdin_logs && file == Some(SecretFile::StandardInput) {
            return Err(
                Failure::usage("standard input cannot be both the secret and the log")
                    .hint("keep the secret in a file, or in RENDER_TUNNEL_SECRET"),
            );
        }
        Ok(file)
    }
}

/// Says what is served, to whom.
fn announce(
    server: &TunnelServer,
    environment: &Environment,
    config: &ConfigFile,
) -> Result<(), Failure> {
    let quic = server.quic_address();
    let quic =
        quic.map_err(|error| Failure::failed(format!("cannot see the UDP port: {error}")))?;
    info!("listening for QUIC on UDP {quic}");
    if let Some(http) = server.http_address() {
        info!("listening for HTTP on TCP {http}");
    }
    let default = environment.has(SECRET).then_some("default");
    let names: Vec<_> = default
        .into_iter()
        .chain(config.keys.iter().map(|key| &*key.name))
        .collect();
    info!("keys: {}", names.join(", "));
    if !environment.has("DATABASE_URL") {
        info!("DATABASE_URL is not set: there is nothing to sync");
    }
    if !environment.has("RENDER_TUNNEL_PSEUDONYM_KEY") {
        warn!(
            "pseudonyms hold until the next start: set RENDER_TUNNEL_PSEUDONYM_KEY (`tunnel keygen`) to keep them"
        );
    }
    if environment.has("RENDER_TUNNEL_CORS_ORIGIN") {
        info!("RENDER_TUNNEL_CORS_ORIGIN is set, and nothing here answers a browser's scripts yet");
    }
    Ok(())
}

/// Starts what brings in log lines.
fn feed(server: &TunnelServer, arguments: &Arguments) {
    for path in &arguments.log_file {
        let service = path
            .file_stem()
            .map_or_else(|| APP.into(), |stem| stem.to_string_lossy());
        let feed = Feed::new(Arc::clone(server.ring()), service);
        let follower = Follower::new(path.clone(), feed, Position::End);
        let (tasks, path) = (server.helpers().clone(), path.clone());
        server.helpers().spawn("log file", async move {
            if let Err(error) = follower.run(&tasks).await {
                warn!("{} is followed no further: {error}", path.display());
            }
        });
    }
    if arguments.stdin_logs {
        let feed = Feed::new(Arc::clone(server.ring()), APP);
        let tasks = server.helpers().clone();
        server.helpers().spawn("standard input", async move {
            match pump(tokio::io::stdin(), feed, &tasks).await {
                Ok(()) => info!("standard input has ended"),
                Err(error) => warn!("standard input is read no further: {error}"),
            }
        });
    }
}

/// Who writes lines that do not say so.
const APP: &str = "app";

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
