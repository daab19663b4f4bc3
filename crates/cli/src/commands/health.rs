//! `tunnel health`: whether production is well, and how far away it is.

use clap::Args;
use client::Reconnect;
use client::health::client::Health;
use client::health::wire::{DatabaseHealth, Report};
use serde::Serialize;

use crate::connection::ConnectionOptions;
use crate::context::Context;
use crate::exit::{Exit, Failure};
use crate::output::text::{columns, printable};
use crate::output::{Format, Ink, Style, number};

/// Asks how the server is, and measures the way to it
///
/// Ends with 0 if all is well and with 1 if something is not: production's database does not
/// answer.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  tunnel health
  tunnel health --json | jq .round_trip_ms.p50")]
pub struct Arguments {
    #[command(flatten)]
    connection: ConnectionOptions,
}

/// Checks, shows, and judges.
///
/// # Errors
/// [`Failure`] if the server cannot be asked; a silent one if something is not well.
pub async fn run(context: &Context, Arguments { connection }: &Arguments) -> Result<(), Failure> {
    let link = connection.connect(context, Reconnect::Off).await?;
    let checked = context.interrupt.or(link.client.health_check()).await;
    link.end().await;
    let health = checked?;
    match context.screen.format() {
        Format::Json => context.screen.json(&Shown::new(&health))?,
        Format::Human => context.screen.data(&table(&health, context.screen.out()))?,
    }
    match verdict(&health.report) {
        Verdict::Pass => Ok(()),
        Verdict::Fail => Err(Failure::silent(Exit::Failed)),
    }
}

/// Whether all is well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Pass,
    Fail,
}

/// The answer for scripts.
#[derive(Debug, Serialize)]
struct Shown<'a> {
    status: Verdict,
    server_id: &'a str,
    environment: &'a str,
    version: &'a str,
    commit: Option<&'a str>,
    uptime_seconds: u64,
    sessions: u32,
    carrier: String,
    connected_ms: f64,
    round_trip_ms: RoundTrip,
    database: ShownDatabase<'a>,
}

#[derive(Debug, Serialize)]
struct RoundTrip {
    p50: f64,
    p99: f64,
}

#[derive(Debug, Serialize)]
#[serde(tag = "status", rename_all = "lowercase")]
enum ShownDatabase<'a> {
    None,
    Up { took_ms: f64 },
    Down { reason: &'a str },
}

impl<'a> Shown<'a> {
    fn new(health: &'a Health) -> Self {
        let Report {
            server_id,
            environment,
            program,
            commit,
            uptime,
            sessions,
            database,
        } = &health.report;
        let millis = |percent| health.round_trip(percent).as_secs_f64() * 1e3;
        Self {
            status: verdict(&health.report),
            server_id,
            environment,
            version: program,
            commit: commit.as_deref(),
            uptime_seconds: uptime.as_secs(),
            sessions: *sessions,
            carrier: health.carrier.to_string(),
            connected_ms: health.connected.as_secs_f64() * 1e3,
            round_trip_ms: RoundTrip {
                p50: millis(50),
                p99: millis(99),
            },
            database: match database {
                DatabaseHealth::None => ShownDatabase::None,
                DatabaseHealth::Up { took } => ShownDatabase::Up {
                    took_ms: took.as_secs_f64() * 1e3,
                },
                DatabaseHealth::Down { reason } => ShownDatabase::Down { reason },
            },
        }
    }
}

const fn verdict(report: &Report) -> Verdict {
    match report.database {
        DatabaseHealth::None | DatabaseHealth::Up { .. } => Verdict::Pass,
        DatabaseHealth::Down { .. } => Verdict::Fail,
    }
}

fn table(health: &Health, style: Style) -> String {
    let Report {
        server_id,
        environment,
        program,
        commit,
        uptime,
        sessions,
        database,
    } = &health.report;
    let status = match verdict(&health.report) {
        Verdict::Pass => style.paint(Ink::Good, "pass"),
        Verdict::Fail => style.paint(Ink::Bad, "fail"),
    };
    let commit = commit
        .as_ref()
        .map_or_else(String::new, |commit| format!(" at {commit}"));
    let database = match database {
        DatabaseHealth::None => "none on this server".to_owned(),
        DatabaseHealth::Up { took } => format!("up, answers in {}", number::time(*took)),
        DatabaseHealth::Down { reason } => format!("down: {reason}"),
    };
    let (p50, p99) = (health.round_trip(50), health.round_trip(99));
    let rows = [
        ("status", status),
        ("server", format!("{server_id} ({environment})")),
        ("version", format!("{program}{commit}")),
        ("uptime", number::time(*uptime)),
        ("carrier", health.carrier.to_string()),
        (
            "round trip",
            format!("p50 {}, p99 {}", number::time(p50), number::time(p99)),
        ),
        ("database", database),
        ("sessions", sessions.to_string()),
    ];
    columns(&rows.map(|(name, value)| match name {
        // Painted by us.
        "status" => [name.to_owned(), value],
        _ => [name.to_owned(), printable(&value).into_owned()],
    }))
}
