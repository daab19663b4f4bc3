//! `tunnel health`: whether production is well, and how far away it is.

use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use client::health::client::{Health, RoundTrips};
use client::health::wire::{DatabaseHealth, Report};
use client::{Path, Reconnect, Record, Snapshot, TunnelClient, TunnelError};
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
    let checked = context.interrupt.or(check(&link.client)).await;
    link.end().await;
    let checked = checked?;
    match context.screen.format() {
        Format::Json => context.screen.json(&Shown::new(&checked))?,
        Format::Human => context
            .screen
            .data(&table(&checked, context.screen.out()))?,
    }
    match verdict(&checked.health.report) {
        Verdict::Pass => Ok(()),
        Verdict::Fail => Err(Failure::silent(Exit::Failed)),
    }
}

/// What the server says, and how far away it is.
#[derive(Debug)]
struct Checked {
    health: Arc<Health>,
    round_trips: RoundTrips,
    /// As it is after the pings.
    connection: Snapshot,
}

async fn check(client: &TunnelClient) -> Result<Checked, TunnelError> {
    let health = client.health_check().await?;
    let round_trips = client.round_trips().await?;
    let connection = client.connection().unwrap_or(health.connection);
    Ok(Checked {
        health,
        round_trips,
        connection,
    })
}

impl Checked {
    /// Returns the shortest round trip that anything took.
    fn shortest(&self) -> Duration {
        self.connection
            .path
            .shortest
            .min(self.round_trips.percentile(0))
    }

    /// Returns how long a ping typically waits on the way.
    fn queueing(&self) -> Duration {
        self.round_trips
            .percentile(50)
            .saturating_sub(self.shortest())
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
    packets: Packets,
    window_bytes: u64,
    reconnects: u32,
    moves: u32,
    last_gap: Option<ShownGap>,
    database: ShownDatabase<'a>,
}

#[derive(Debug, Serialize)]
struct RoundTrip {
    p50: f64,
    p99: f64,
    shortest: f64,
    queueing: f64,
}

#[derive(Debug, Serialize)]
struct Packets {
    sent: u64,
    lost: u64,
}

/// The last time without a session.
#[derive(Debug, Serialize)]
struct ShownGap {
    seconds: f64,
    began_seconds_ago: f64,
}

#[derive(Debug, Serialize)]
#[serde(tag = "status", rename_all = "lowercase")]
enum ShownDatabase<'a> {
    None,
    Up { took_ms: f64 },
    Down { reason: &'a str },
}

impl<'a> Shown<'a> {
    fn new(checked: &'a Checked) -> Self {
        let Report {
            server_id,
            environment,
            program,
            commit,
            uptime,
            sessions,
            database,
        } = &checked.health.report;
        let Snapshot {
            carrier,
            connected,
            path,
            record,
        } = &checked.connection;
        let millis = |time: Duration| time.as_secs_f64() * 1e3;
        Self {
            status: verdict(&checked.health.report),
            server_id,
            environment,
            version: program,
            commit: commit.as_deref(),
            uptime_seconds: uptime.as_secs(),
            sessions: *sessions,
            carrier: carrier.to_string(),
            connected_ms: millis(*connected),
            round_trip_ms: RoundTrip {
                p50: millis(checked.round_trips.percentile(50)),
                p99: millis(checked.round_trips.percentile(99)),
                shortest: millis(checked.shortest()),
                queueing: millis(checked.queueing()),
            },
            packets: Packets {
                sent: path.sent_packets,
                lost: path.lost_packets,
            },
            window_bytes: path.window,
            reconnects: record.reconnects,
            moves: record.moves,
            last_gap: record.last_gap.map(|gap| ShownGap {
                seconds: gap.lasted.as_secs_f64(),
                began_seconds_ago: gap.began.elapsed().as_secs_f64(),
            }),
            database: match database {
                DatabaseHealth::None => ShownDatabase::None,
                DatabaseHealth::Up { took } => ShownDatabase::Up {
                    took_ms: millis(*took),
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

fn table(checked: &Checked, style: Style) -> String {
    let Report {
        server_id,
        environment,
        program,
        commit,
        uptime,
        sessions,
        database,
    } = &checked.health.report;
    let status = match verdict(&checked.health.report) {
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
    let Snapshot {
        carrier,
        connected,
        path,
        record,
    } = &checked.connection;
    let rows = [
        ("status", status),
        ("server", format!("{server_id} ({environment})")),
        ("version", format!("{program}{commit}")),
        ("uptime", number::time(*uptime)),
        (
            "carrier",
            format!("{carrier}, for {}", number::time(*connected)),
        ),
        ("round trip", round_trip(checked)),
        ("packets", packets(path)),
        ("reconnects", reconnects(record)),
        ("database", database),
        ("sessions", sessions.to_string()),
    ];
    columns(&rows.map(|(name, value)| match name {
        // Painted by us.
        "status" => [name.to_owned(), value],
        _ => [name.to_owned(), printable(&value).into_owned()],
    }))
}

fn round_trip(checked: &Checked) -> String {
    let percentile = |percent| number::time(checked.round_trips.percentile(percent));
    format!(
        "p50 {}, p99 {}, {} at best: {} in queues",
        percentile(50),
        percentile(99),
        number::time(checked.shortest()),
        number::time(checked.queueing())
    )
}

fn packets(path: &Path) -> String {
    format!(
        "{} sent, {} lost, {} may be on the way",
        number::count(path.sent_packets),
        number::count(path.lost_packets),
        number::bytes(path.window)
    )
}

fn reconnects(record: &Record) -> String {
    let Some(gap) = record.last_gap else {
        return "none".to_owned();
    };
    format!(
        "{}, the last {} ago, after {} without a session",
        number::count(record.reconnects.into()),
        number::time((gap.began + gap.lasted).elapsed()),
        number::time(gap.lasted)
    )
}

#[cfg(test)]
mod tests {
    use client::Gap;
    use tokio::time::Instant;

    use super::*;

    #[test]
    fn packets_are_told_with_their_losses() {
        let path = Path {
            sent_packets: 1_234,
            lost_packets: 5,
            window: 64_000,
            ..Path::default()
        };
        assert_eq!(
            packets(&path),
            "1,234 sent, 5 lost, 64.0 kB may be on the way"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_gap_is_told_with_its_age() {
        assert_eq!(reconnects(&Record::default()), "none");
        let record = Record {
            reconnects: 2,
            moves: 1,
            last_gap: Some(Gap {
                began: Instant::now(),
                lasted: Duration::from_millis(3_500),
            }),
        };
        tokio::time::advance(Duration::from_millis(63_500)).await;
        assert_eq!(
            reconnects(&record),
            "2, the last 1 min ago, after 3.5 s without a session"
        );
    }
}
