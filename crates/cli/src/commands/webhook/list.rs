//! `tunnel webhook list`: which deliveries the server has.

use clap::{Args, ValueEnum};
use client::Reconnect;
use features::webhooks::State;
use features::webhooks::wire::{List, Listed};
use serde::Serialize;

use super::provider::ProviderName;
use super::since::Since;
use crate::connection::ConnectionOptions;
use crate::context::Context;
use crate::exit::Failure;
use crate::output::Format;
use crate::output::webhook::{LineJson, table};

/// Lists the deliveries that the server has, the newest first
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  tunnel webhook list
  tunnel webhook list --since 1h --type stripe --status failed
  tunnel webhook list --events 'invoice.*' --limit 100
  tunnel webhook list --json | jq -r '.deliveries[] | select(.state == \"failed\") | .id'

With --json: deliveries, each with id, sequence, received, provider, event, verification, answered
(production's status), repeats, length, state, attempts and status (the local app's last one); and
more, which says whether there are older ones.")]
pub(super) struct Arguments {
    /// Those that came since then: 15m, 2h30m, 10:27, today, yesterday, 2027-02-11, RFC 3339, all
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    since: Option<Since>,

    /// Those of a provider
    #[arg(long = "type", value_name = "PROVIDER")]
    provider: Option<ProviderName>,

    /// Those of these events; `*` stands for anything; can be given several times
    #[arg(long, value_name = "PATTERN", value_delimiter = ',')]
    events: Vec<String>,

    /// Those that have come so far, and no further
    #[arg(long, value_name = "STATE")]
    status: Option<Status>,

    /// At most so many
    #[arg(long, short = 'n', value_name = "N", default_value_t = 20,
          value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,

    #[command(flatten)]
    connection: ConnectionOptions,
}

/// How far a delivery has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Status {
    /// They wait in the inbox
    Received,
    /// They were sent to a laptop that has not answered yet
    Offered,
    /// A local app did not take them, and will not be asked again by itself
    Failed,
    /// A local app took them
    Delivered,
    /// They left the inbox before they were delivered
    Gone,
}

impl From<Status> for State {
    fn from(status: Status) -> Self {
        match status {
            Status::Received => Self::Received,
            Status::Offered => Self::Offered,
            Status::Failed => Self::Failed,
            Status::Delivered => Self::Delivered,
            Status::Gone => Self::Gone,
        }
    }
}

/// Lists deliveries.
///
/// # Errors
/// [`Failure`] if the server cannot be asked.
pub(super) async fn run(context: &Context, arguments: &Arguments) -> Result<(), Failure> {
    let list = List {
        since: arguments.since.as_ref().map(Since::millis).transpose()?,
        provider: arguments.provider.as_ref().map(|it| it.as_str().to_owned()),
        events: arguments.events.clone(),
        state: arguments.status.map(State::from),
        before: None,
        limit: arguments.limit,
    };
    let link = arguments
        .connection
        .connect(context, Reconnect::Off)
        .await?;
    let listed = context.interrupt.or(link.client.webhooks(&list)).await;
    link.end().await;
    show(context, arguments, &listed?)
}

/// Says that there is nothing, and why that may be.
fn nothing(arguments: &Arguments) -> String {
    let Arguments {
        since,
        provider,
        events,
        status,
        ..
    } = arguments;
    if let Some((name, meant)) = provider.as_ref().and_then(|it| Some((it, it.meant()?))) {
        return format!("there are no deliveries of {name}: did you mean {meant}?");
    }
    if since.is_none() && provider.is_none() && events.is_empty() && status.is_none() {
        return "no deliveries yet".to_owned();
    }
    "there are no such deliveries".to_owned()
}

fn show(context: &Context, arguments: &Arguments, listed: &Listed) -> Result<(), Failure> {
    #[derive(Serialize)]
    struct Page<'l> {
        deliveries: Vec<LineJson<'l>>,
        more: bool,
    }
    let screen = &context.screen;
    if screen.format() == Format::Json {
        return screen.json(&Page {
            deliveries: listed.deliveries.iter().map(LineJson::from).collect(),
            more: listed.more,
        });
    }
    if listed.deliveries.is_empty() {
        screen.note(&nothing(arguments));
        return Ok(());
    }
    screen.data(&table(&listed.deliveries, screen.out()))?;
    if listed.more {
        screen.note("there are older ones: --limit shows more");
    }
    Ok(())
}
