//! `tunnel status`: what `tunnel connect` holds, and who runs over it.

use clap::Args;
use serde::Serialize;
use transport::held::{AskError, AttachedCommand, Status, status};

use crate::connection::ConnectionOptions;
use crate::context::Context;
use crate::exit::{Exit, Failure};
use crate::holding::VERSION;
use crate::output::text::{columns, printable};
use crate::output::{Format, number};

/// Shows the session that `tunnel connect` holds, and which commands run over it
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  tunnel status
  tunnel status --json | jq .round_trip_ms

With --json: server, state (up or down), server_id, environment, process, version, held_seconds,
carrier, round_trip_ms, reconnects, runs, and attached, a list of {command, process, seconds}.

Exit codes: 0 a session is held, 3 nobody holds one.")]
pub struct Arguments {
    #[command(flatten)]
    connection: ConnectionOptions,
}

/// The answer for scripts.
#[derive(Debug, Serialize)]
struct Shown<'a> {
    server: &'a str,
    state: State,
    server_id: Option<&'a str>,
    environment: Option<&'a str>,
    process: u32,
    version: &'a str,
    held_seconds: f64,
    carrier: Option<String>,
    round_trip_ms: Option<f64>,
    reconnects: Option<u32>,
    runs: &'a [String],
    attached: Vec<ShownCommand<'a>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Up,
    Down,
}

#[derive(Debug, Serialize)]
struct ShownCommand<'a> {
    command: &'a str,
    process: Option<u32>,
    seconds: f64,
}

/// Asks the holder, and shows what it says.
///
/// # Errors
/// [`Failure`] if nobody holds, or the holder cannot be asked.
pub async fn run(context: &Context, Arguments { connection }: &Arguments) -> Result<(), Failure> {
    let Some(held) = connection.held(context)? else {
        return Err(nobody(None));
    };
    let asking = async {
        status(&held.place, VERSION)
            .await
            .map_err(|error| unasked(&error))
    };
    let Some(status) = context.interrupt.or(asking).await? else {
        return Err(nobody(Some(&held.server)));
    };
    match context.screen.format() {
        Format::Json => context.screen.json(&Shown::of(&status)),
        Format::Human => context.screen.data(&table(&status)),
    }
}

/// Says that nobody holds a session.
pub(super) fn nobody(server: Option<&str>) -> Failure {
    match server {
        Some(server) => Failure::new(
            Exit::NoConnection,
            format!("no session with {server} is held"),
        )
        .hint("`tunnel connect` holds one, and with --background lets you go on in this terminal"),
        None => Failure::new(
            Exit::NoConnection,
            "no session is held: no server is configured, and the demo is each command's own",
        )
        .hint("set RENDER_EXTERNAL_URL in the environment or in .env, or use --server"),
    }
}

/// Says why a holder that is there was of no use.
pub(super) fn unasked(error: &AskError) -> Failure {
    let failure = Failure::failed(error.to_string());
    match error {
        AskError::OtherProtocol { .. } => {
            failure.hint("end that `tunnel connect` with ^C, or use the `tunnel` that began it")
        }
        _ => failure,
    }
}

impl<'a> Shown<'a> {
    fn of(status: &'a Status) -> Self {
        let Status {
            process,
            version,
            server,
            held,
            welcome,
            snapshot,
            runs,
            attached,
        } = status;
        Self {
            server,
            state: match snapshot {
                Some(_) => State::Up,
                None => State::Down,
            },
            server_id: welcome.as_ref().map(|welcome| &*welcome.server_id),
            environment: welcome.as_ref().map(|welcome| &*welcome.environment),
            process: *process,
            version,
            held_seconds: held.as_secs_f64(),
            carrier: snapshot.map(|snapshot| snapshot.carrier.to_string()),
            round_trip_ms: snapshot.map(|now| now.path.round_trip.as_secs_f64() * 1e3),
            reconnects: snapshot.map(|snapshot| snapshot.record.reconnects),
            runs,
            attached: attached.iter().map(ShownCommand::of).collect(),
        }
    }
}

impl<'a> ShownCommand<'a> {
    fn of(attached: &'a AttachedCommand) -> Self {
        let AttachedCommand {
            command,
            process,
            attached,
        } = attached;
        Self {
            command,
            process: *process,
            seconds: attached.as_secs_f64(),
        }
    }
}

fn table(status: &Status) -> String {
    let named = match &status.welcome {
        Some(welcome) => format!(", {} ({})", welcome.server_id, welcome.environment),
        None => String::new(),
    };
    let mut rows = vec![
        row("server", &format!("{}{named}", status.server)),
        row(
            "held",
            &format!(
                "for {} by process {} (version {})",
                number::since(status.held),
                status.process,
                status.version
            ),
        ),
    ];
    match &status.snapshot {
        Some(now) => {
            let carrier = format!("{}, for {}", now.carrier, number::since(now.connected));
            rows.push(row("carrier", &carrier));
            rows.push(row("round trip", &number::time(now.path.round_trip)));
            rows.push(row("reconnects", &now.record.reconnects.to_string()));
        }
        None => rows.push(row("carrier", "none: the session is lost, and sought anew")),
    }
    if !status.runs.is_empty() {
        rows.push(row("runs", &status.runs.join(", ")));
    }
    if status.attached.is_empty() {
        rows.push(row("attached", "nobody"));
    }
    for one in &status.attached {
        let process = match one.process {
            Some(process) => format!("process {process}, "),
            None => String::new(),
        };
        let shown = format!(
            "{} ({process}for {})",
            one.command,
            number::since(one.attached)
        );
        rows.push(row("attached", &shown));
    }
    columns(&rows)
}

fn row(name: &str, value: &str) -> [String; 2] {
    [name.to_owned(), printable(value).into_owned()]
}
