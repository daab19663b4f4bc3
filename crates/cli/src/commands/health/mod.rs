//! `tunnel health`: whether production is well, and how far away it is.
//!
//! ```text
//! the server's checks ──┐
//! what QUIC measured ───┴─▶ checks.rs ─▶ chosen.rs ─┬─▶ table.rs       a person
//!                                                   └─▶ document.rs    health+json
//! ```

mod checks;
mod chosen;
mod document;
mod table;
mod watch;

use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};
use client::health::client::Health;
use client::vitals::Verdict;
use client::{Reconnect, RoundTrips, Snapshot, TunnelClient, TunnelError};

use self::chosen::{Choice, Chosen};
use super::logs::endless;
use crate::connection::{ConnectionOptions, Link};
use crate::context::Context;
use crate::exit::{Exit, Failure};
use crate::output::Format;

/// Asks how the server is, and how the way to it is
///
/// Each line begins with ✓ (fine), ! (works, but look at it) or ✗ (failed). With --json it is one
/// document of application/health+json; with --watch and --json, or into a pipe, one a line.
///
/// Ends with 0 if all is well or works, with 1 if something has failed, with 3 if there is no connection
/// or no answer in time.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  tunnel health
  tunnel health --watch
  tunnel health --check database --fail-on warn
  tunnel health --json | jq '.checks[\"session:roundTrip\"]'

Round trips are what QUIC has measured on the session of late; on one that has just begun, ten pings.")]
pub struct Arguments {
    /// Asks again every two seconds, until stopped
    #[arg(long)]
    watch: bool,

    /// Judges this alone: a check such as database:responseTime, or all of a component such as
    /// database; can be given several times
    #[arg(long, value_name = "NAME")]
    check: Vec<String>,

    /// What ends the command with 1
    #[arg(long, value_name = "VERDICT", default_value = "fail")]
    fail_on: FailOn,

    /// How many seconds an answer may take, the connection included
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=3600))]
    timeout: u16,

    #[command(flatten)]
    connection: ConnectionOptions,
}

/// From which verdict on the command fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FailOn {
    Warn,
    Fail,
}

/// Checks, shows, and judges.
///
/// # Errors
/// [`Failure`] if the server cannot be asked; a silent one if something is not well.
pub async fn run(context: &Context, arguments: &Arguments) -> Result<(), Failure> {
    let choice = Choice::new(&arguments.check);
    let most = Duration::from_secs(arguments.timeout.into());
    if arguments.watch {
        let link = in_time(most, arguments.connect(context, endless())).await?;
        let ended = watch::run(context, &link.client, &choice, most).await;
        link.end().await;
        return ended;
    }
    let (link, checked) = in_time(most, async {
        let link = arguments.connect(context, Reconnect::Off).await?;
        let checked = context.interrupt.or(check(&link.client)).await;
        Ok((link, checked))
    })
    .await?;
    link.end().await;
    let checked = checked?;
    let chosen = choice.of(&checked)?;
    show(context, &chosen)?;
    arguments.fail_on.judge(chosen.verdict())
}

impl Arguments {
    async fn connect(&self, context: &Context, reconnect: Reconnect) -> Result<Link, Failure> {
        self.connection.connect(context, reconnect).await
    }
}

impl FailOn {
    fn judge(self, verdict: Verdict) -> Result<(), Failure> {
        let is_bad = match self {
            Self::Warn => verdict >= Verdict::Warn,
            Self::Fail => verdict == Verdict::Fail,
        };
        match is_bad {
            true => Err(Failure::silent(Exit::Failed)),
            false => Ok(()),
        }
    }
}

/// What the server says, and how far away it is.
#[derive(Clone, Debug)]
struct Checked {
    health: Arc<Health>,
    round_trips: RoundTrips,
    measured: Measured,
    /// As it is after the pings, if there were any.
    connection: Snapshot,
}

/// What round trips are known by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Measured {
    /// What QUIC measured on the session of late.
    History,
    /// Pings of ours, because the session is young.
    Pings,
}

async fn check(client: &TunnelClient) -> Result<Checked, TunnelError> {
    let health = client.health_check().await?;
    if let Some(round_trips) = health.connection.path.round_trips {
        return Ok(Checked {
            round_trips,
            measured: Measured::History,
            connection: health.connection,
            health,
        });
    }
    let round_trips = client.round_trips().await?;
    let connection = client.connection().unwrap_or(health.connection);
    Ok(Checked {
        health,
        round_trips,
        measured: Measured::Pings,
        connection,
    })
}

fn show(context: &Context, chosen: &Chosen<'_>) -> Result<(), Failure> {
    let screen = &context.screen;
    match screen.format() {
        Format::Json => screen.json(&document::of(chosen)),
        Format::Human => screen.data(&table::of(chosen, screen.out())),
    }
}

async fn in_time<T>(
    most: Duration,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let late = |_| {
        let message = format!("there is no answer within {} s", most.as_secs());
        Failure::new(Exit::NoConnection, message).hint("`tunnel doctor` says what is in the way")
    };
    tokio::time::timeout(most, work).await.map_err(late)?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_asked_for_ends_it_with_a_failure() {
        for (verdict, on_warn, on_fail) in [
            (Verdict::Pass, true, true),
            (Verdict::Warn, false, true),
            (Verdict::Fail, false, false),
        ] {
            assert_eq!(FailOn::Warn.judge(verdict).is_ok(), on_warn);
            assert_eq!(FailOn::Fail.judge(verdict).is_ok(), on_fail);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_does_not_come_is_no_connection() {
        let late = in_time::<()>(Duration::from_secs(3), std::future::pending()).await;
        assert_eq!(late.unwrap_err().exit(), Exit::NoConnection);
    }
}
