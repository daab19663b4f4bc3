//! `tunnel logs`: production's log lines, live.

use std::num::ParseIntError;
use std::str::FromStr;
use std::time::Duration;

use clap::Args;
use client::logs::wire::{Follow, Open, Start};
use client::logs::{Filter, Level, Levels};
use client::{BackoffPolicy, Logs, Reconnect, TunnelClient};

use crate::connection::ConnectionOptions;
use crate::context::Context;
use crate::exit::{Exit, Failure};
use crate::output::{entry, event};

/// Shows production's log lines and follows them until stopped
///
/// Each is shown as `HH:MM:SS.mmm LEVEL service message`, in UTC. Lines that were lost on the way
/// are counted in their place, never left out in silence.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  tunnel logs
  tunnel logs --filter error --service api --tail 50
  tunnel logs --tail all --no-follow > today.log
  tunnel logs --json | jq 'select(.type == \"entry\") | .message'

With --json each line is an object whose type is entry, missed or reconnected.")]
pub struct Arguments {
    /// Shows lines of this level and above: trace, debug, info, warn, error or fatal
    #[arg(long, value_name = "LEVEL")]
    filter: Option<Level>,

    /// Shows lines of this service; can be given several times
    #[arg(long, value_name = "NAME")]
    service: Vec<String>,

    /// Begins with the last N lines that pass, or with `all` that the server remembers
    #[arg(long, value_name = "N", default_value = "50")]
    tail: Tail,

    /// Goes on with new lines until stopped; this is the default
    #[arg(long, overrides_with = "no_follow")]
    follow: bool,

    /// Ends after the lines that are there
    #[arg(long, overrides_with = "follow")]
    no_follow: bool,

    #[command(flatten)]
    connection: ConnectionOptions,
}

/// How many lines of the past are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tail {
    /// All that the server remembers.
    All,
    /// So many.
    Last(u32),
}

impl FromStr for Tail {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, ParseIntError> {
        if text == "all" {
            Ok(Self::All)
        } else {
            text.parse().map(Self::Last)
        }
    }
}

impl Arguments {
    fn open(&self) -> Open {
        Open {
            start: match self.tail {
                Tail::All => Start::Oldest,
                Tail::Last(lines) => Start::Tail(lines),
            },
            follow: if self.no_follow {
                Follow::Off
            } else {
                Follow::On
            },
            filter: Filter {
                levels: self.filter.map_or(Levels::All, Levels::AtLeast),
                services: self.service.clone(),
                ..Filter::ALL
            },
        }
    }
}

/// Shows lines until they end or the user has seen enough.
///
/// # Errors
/// [`Failure`] if the server refuses, or the connection is gone for good.
pub async fn run(context: &Context, arguments: &Arguments) -> Result<(), Failure> {
    let link = arguments.connection.connect(context, endless()).await?;
    let ended = context
        .interrupt
        .or(follow(context, &link.client, arguments.open()))
        .await;
    link.end().await;
    ended.map_err(|failure| match failure.exit() {
        // It was to be stopped: nothing needs to be said.
        Exit::Interrupted => Failure::silent(Exit::Interrupted),
        _ => failure,
    })
}

/// Returns how a connection is kept that is to last until the user ends it.
#[must_use]
pub const fn endless() -> Reconnect {
    Reconnect::On(BackoffPolicy {
        // A deploy takes seconds; whoever watches wants the lines that follow it.
        first: Duration::from_secs(1),
        longest: Duration::from_secs(30),
        attempts: None,
    })
}

/// Shows the lines of a flow, and what happens to the connection.
async fn follow(context: &Context, client: &TunnelClient, open: Open) -> Result<(), Failure> {
    event::greet(client, &context.screen);
    let events = client.events();
    let lines = async {
        let mut logs = client.stream_logs(open).await?;
        show(context, &mut logs).await
    };
    tokio::select! {
        ended = lines => ended,
        never = event::tell_all(events, &context.screen) => match never {},
    }
}

/// Shows lines until they end.
///
/// # Errors
/// [`Failure`] if they cannot go on, or not be written.
pub async fn show(context: &Context, logs: &mut Logs) -> Result<(), Failure> {
    while let Some(item) = logs.next().await? {
        entry::show(&item, &context.screen)?;
    }
    Ok(())
}
