//! `tunnel-server run`: the service and the tunnel as one.

use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::str::FromStr;

use clap::{Args, ValueEnum};
use features::logs::{AppEnd, Origin};
use server::app::{
    self, App, AppConfig, AppPort, Input, Launch, Outlets, OwnLog, Restart, Signals, StartError,
    Wrapping,
};

use super::configuration::Configuration;
use super::inbox::{self, Inbox};
use super::{Arguments, announce, follow_files, log, reload, tell_skipped};
use crate::context::working_folder;
use crate::environment::Environment;
use crate::exit::{Exit, Failure};

/// Starts the service and stands in front of it.
///
/// The service runs as it would without: with its environment (but for another PORT, and without the
/// tunnel's secrets), its standard input, and its outputs, which go to those of tunnel-server byte for
/// byte; a copy of them is what `tunnel logs` shows. Signals reach it, its exit code is
/// tunnel-server's, and the public port opens when it listens on its own.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct RunArguments {
    #[command(flatten)]
    arguments: Arguments,

    /// The port that the service listens on; `none` if it serves no HTTP [default: a free one, told as PORT]
    #[arg(long, value_name = "N|none")]
    app_port: Option<PortArgument>,

    /// Whose lines they are in the log [env: RENDER_SERVICE_NAME] [default: the program's name]
    #[arg(long, value_name = "NAME")]
    service: Option<String>,

    /// When the service is started again after it has ended by itself
    #[arg(long, value_name = "WHEN", default_value = "never")]
    restart: RestartArgument,

    /// The service's program and its arguments
    #[arg(required = true, trailing_var_arg = true, value_name = "CMD")]
    command: Vec<OsString>,
}

#[derive(Clone, Copy, Debug)]
struct PortArgument(AppPort);

#[derive(Clone, Copy, Debug, ValueEnum)]
enum RestartArgument {
    Never,
    OnFailure,
    Always,
}

/// Runs the service to its end and returns the exit code that it gives.
pub(super) async fn run(run: RunArguments) -> Result<u8, Failure> {
    app::keep_memory_private();
    let folder = working_folder()?;
    let environment = Environment::read_beside_app(&folder)?;
    let cannot = |error| Failure::failed(format!("cannot reach standard error: {error}"));
    let outlets = Outlets::of_process().map_err(cannot)?;
    let own_log = OwnLog::begin(&outlets).map_err(cannot)?;
    let writer = own_log.clone();
    log::write(&environment, move || writer.clone())?;
    tell_skipped(&environment);
    let ended = serve(&run, &environment, &folder, outlets, &own_log).await;
    own_log.flush();
    ended.map(app::exit_code)
}

async fn serve(
    run: &RunArguments,
    environment: &Environment,
    folder: &Path,
    outlets: Outlets,
    own_log: &OwnLog,
) -> Result<AppEnd, Failure> {
    let configuration = Configuration::new(&run.arguments, environment, folder)?;
    let arguments = &run.arguments;
    let wrapping = wrapping(run, environment, &configuration, outlets)?;
    let sections = &configuration.file().sections;
    let start = async |inbox: Inbox| {
        let sections = inbox.sections(sections, folder);
        let builder = configuration
            .builder(arguments, environment, sections)
            .standard_error(own_log.clone());
        let builder = match wrapping.launch.port {
            AppPort::At(port) => builder.upstream(port),
            AppPort::Nowhere => builder,
        };
        builder.start_closed().await
    };
    let mut signals = Signals::hear()
        .map_err(|error| Failure::failed(format!("cannot listen for signals: {error}")))?;
    let hangups = reload::hangups()?;
    app::adopt_orphans();
    let (server, front) = inbox::start(sections, folder, start)
        .await
        .map_err(|error| configuration.explain(error))?;
    announce(&server, &configuration)?;
    follow_files(&server, &arguments.log_file);
    let app = match App::start(wrapping, server.ring()) {
        Ok(app) => app,
        Err(failed) => {
            server.stop().await;
            return Err(failed.into());
        }
    };
    let ended = tokio::select! {
        ended = app::serve(&server, front, app, &mut signals) => ended,
        never = reload::at_each(hangups, &server, &configuration, arguments, folder) => match never {},
    };
    app::stop(server, &mut signals).await;
    Ok(ended?)
}

/// Puts together how the service is wrapped.
fn wrapping(
    run: &RunArguments,
    environment: &Environment,
    configuration: &Configuration,
    outlets: Outlets,
) -> Result<Wrapping, Failure> {
    let file = configuration.file();
    let section: AppConfig = file
        .sections
        .get("app")
        .map_err(|error| configuration.explain(error.into()))?;
    let mut command = run.command.iter().cloned();
    let launch = Launch {
        program: command.next().unwrap_or_default(),
        arguments: command.collect(),
        port: app_port(run.app_port, configuration.port())?,
        public: configuration.port(),
        input: match &run.arguments.places.secret_file {
            Some(path) if path.as_os_str() == "-" => Input::Nothing,
            _ => Input::Ours,
        },
        withheld: app::withheld(environment.of_children(), &file.variables),
    };
    let named = environment.text("RENDER_SERVICE_NAME")?;
    let service = match run.service.as_deref().or(named) {
        Some(name) => name.to_owned(),
        None => launch.name().to_string_lossy().into_owned(),
    };
    let instance = environment.text("RENDER_INSTANCE_ID")?.unwrap_or_default();
    Ok(Wrapping {
        restart: run.restart.into(),
        grace: section.stop_grace,
        outlets,
        origin: Origin {
            service: service.into(),
            instance: instance.into(),
        },
        launch,
    })
}

/// Chooses the service's port.
fn app_port(argument: Option<PortArgument>, public: u16) -> Result<AppPort, Failure> {
    match argument {
        Some(PortArgument(AppPort::At(port))) if port == public => Err(Failure::usage(format!(
            "port {port} is the public one, which is ours"
        ))
        .hint("leave --app-port out, and let the service listen on PORT")),
        Some(PortArgument(port)) => Ok(port),
        None => app::free_port(public)
            .map(AppPort::At)
            .map_err(|error: io::Error| {
                Failure::failed(format!("there is no free port for the service: {error}"))
                    .hint("choose one with --app-port")
            }),
    }
}

impl FromStr for PortArgument {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "none" {
            return Ok(Self(AppPort::Nowhere));
        }
        match text.parse() {
            Ok(port @ 1..) => Ok(Self(AppPort::At(port))),
            Ok(0) | Err(_) => Err("a port from 1 to 65535, or none"),
        }
    }
}

impl From<RestartArgument> for Restart {
    fn from(argument: RestartArgument) -> Self {
        match argument {
            RestartArgument::Never => Self::Never,
            RestartArgument::OnFailure => Self::OnFailure,
            RestartArgument::Always => Self::Always,
        }
    }
}

/// Whoever wrote the command is told what is wrong with it.
impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        let message = error.to_string();
        match &error {
            StartError::NotFound { .. } => Self::new(Exit::NotFound, message).hint(
                "is it installed, and in a folder of PATH? What only a shell understands needs \
                 one: tunnel-server run -- sh -c 'cd app && exec node server.js'",
            ),
            StartError::CannotRun { source, .. } => {
                Self::new(Exit::CannotRun, message).hint(mend(source))
            }
            StartError::Outputs(source) => Self::failed(format!("{message}: {source}")),
            _ => Self::failed(message),
        }
    }
}

/// Says what to do about a program that is there and cannot be run.
fn mend(source: &io::Error) -> &'static str {
    match source.kind() {
        io::ErrorKind::PermissionDenied => {
            "it may not be executable (chmod +x), or it is a folder; or name its interpreter: \
             tunnel-server run -- sh start.sh"
        }
        io::ErrorKind::NotFound => {
            "the interpreter that its first line names (after #!) or its loader is not there"
        }
        _ => {
            "it is no program of this machine's kind; a script needs a first line such as #!/bin/sh"
        }
    }
}

const AFTER_HELP: &str = "\
Examples:
  tunnel-server run -- node server.js
  tunnel-server run --app-port 8080 -- ./start.sh     a service that has a port of its own mind
  tunnel-server run --app-port none -- python worker.py
  tunnel-server run --restart on-failure -- gunicorn app:app

Paths: /render-tunnel and what is below /_tunnel/ are the tunnel's; all others are the service's,
/health too. /_tunnel/health answers for tunnel-server itself. What is posted to
/api/webhooks/PROVIDER reaches the service, and `tunnel webhook` gets a copy of it.
`tunnel-server --help` names the rest, and the variables.

Signals: TERM and INT are passed on and begin the end: the service has `[app] stop-grace` of
tunnel.toml (18s unless set) before it is killed. HUP reaches a service that handles it.
QUIT, USR1, USR2 and WINCH are passed on.
In a terminal, ^C and ^Z reach the service from the terminal itself.

The service may have as many files open as tunnel-server, which raises its soft limit to what its
connections need: 33024, or the hard limit.";
