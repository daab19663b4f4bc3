//! `tunnel logs`: production's log lines, live.
//!
//! ```text
//! arguments ─▶ Open ──▶ server ── items ──▶ Pour ─▶ Renderer ─▶ standard output
//! typed lines ─▶ Filter ──▲
//! ```

mod hand;
mod look;
mod pour;
mod range;
mod stock;
mod typed;
mod wanted;

use std::future::pending;
use std::time::Duration;

use clap::{Args, FromArgMatches as _};
use client::logs::Filter;
use client::logs::wire::{Follow, Open};
use client::{BackoffPolicy, Logs, Reconnect, TunnelClient};
use jiff::Timestamp;

use self::hand::Hand;
use self::look::LookOptions;
use self::pour::Pour;
use self::range::Range;
use self::wanted::Wanted;
use crate::connection::ConnectionOptions;
use crate::context::Context;
use crate::exit::{Exit, Failure};
use crate::output::line::{Look, Shape};
use crate::output::{Format, event};

/// Shows production's log lines and follows them until stopped
///
/// Each is shown as `HH:MM:SS.mmm LEVEL service › message  field=value`, in UTC unless --timezone
/// says another. Restarts, reconnects and lines that were lost on the way are shown in their place,
/// never left out in silence.
#[derive(Clone, Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct Arguments {
    #[command(flatten)]
    wanted: Wanted,
    #[command(flatten)]
    range: Range,
    #[command(flatten)]
    look: LookOptions,
    #[command(flatten)]
    connection: ConnectionOptions,
}

/// Shows lines until they end or the user has seen enough.
///
/// # Errors
/// [`Failure`] if the server refuses, or the connection is gone for good.
pub async fn run(context: &Context, arguments: &Arguments) -> Result<(), Failure> {
    let Arguments {
        wanted,
        range,
        look,
        connection,
    } = arguments;
    let open = range.open(wanted.filter()?, &look.now())?;
    let look = look.look(context, range)?;
    let link = connection.connect(context, endless()).await?;
    let ended = context
        .interrupt
        .or(follow(context, &link.client, open, look))
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
async fn follow(
    context: &Context,
    client: &TunnelClient,
    open: Open,
    look: Look,
) -> Result<(), Failure> {
    event::greet(client, &context.screen);
    let events = client.events();
    let (follow, until) = (open.follow, open.filter.until);
    let mut hand = match follow {
        Follow::On if context.screen.is_watched() => Hand::find(),
        Follow::On | Follow::Off => Hand::nobodys(),
    };
    let lines = async {
        let mut pour = Pour::new(&context.screen, look, open.filter.clone());
        let mut logs = client.stream_logs(open).await?;
        if hand.is_there() {
            context.screen.hint(HINT);
        }
        pour.all(&mut logs, &mut hand).await
    };
    tokio::select! {
        ended = lines => ended,
        () = over(follow, until) => Ok(()),
        never = event::tell_all(events, &context.screen) => match never {},
    }
}

/// Waits until no line that follows can be wanted.
async fn over(follow: Follow, until: Option<u64>) {
    let (Follow::On, Some(until)) = (follow, until) else {
        return pending().await;
    };
    let now = u64::try_from(Timestamp::now().as_nanosecond()).unwrap_or(0);
    tokio::time::sleep(Duration::from_nanos(until.saturating_sub(now)) + STRAGGLERS).await;
}

/// Reads options as `tunnel logs` takes them, for whoever has them from elsewhere.
///
/// # Errors
/// [`Failure`] if one of them makes no sense.
pub fn filter_of(options: &[String]) -> Result<Filter, Failure> {
    let command = Wanted::augment_args(clap::Command::new("logs").no_binary_name(true));
    let matches = command.try_get_matches_from(options);
    let wanted = matches.and_then(|matches| Wanted::from_arg_matches(&matches));
    wanted
        .map_err(|error| Failure::usage(error.to_string().trim_end().to_owned()))?
        .filter()
}

/// Shows lines until they end, as people or scripts have them by default.
///
/// # Errors
/// [`Failure`] if they cannot go on, or not be written.
pub async fn show(context: &Context, logs: &mut Logs) -> Result<(), Failure> {
    let look = Look {
        shape: match context.screen.format() {
            Format::Json => Shape::Json,
            Format::Human => Shape::Pretty,
        },
        ..Look::pretty(context.screen.out())
    };
    let mut pour = Pour::new(&context.screen, look, Filter::ALL);
    pour.all(logs, &mut Hand::nobodys()).await
}

/// Said once, when lines begin to be followed at a terminal.
const HINT: &str =
    "type /REGEX, level warn, service api … and enter to change what is shown; ? says more";

/// Lines of the last moment are on their way, and the server's clock is another.
const STRAGGLERS: Duration = Duration::from_secs(2);

const AFTER_HELP: &str = "\
Examples:
  tunnel logs
  tunnel logs --filter error --service 'api*' --tail 50
  tunnel logs --since 15m --grep 'time.?out' --exclude '/health'
  tunnel logs --field http.status~=^5 --field method!=GET
  tunnel logs --since yesterday --until 10:30 --timezone local
  tunnel logs --template '{time} {service} {message} {field.http.path}'
  tunnel logs --tail all --no-follow --raw > today.log
  tunnel logs --json | jq 'select(.type == \"entry\" and .fields.user_id == \"7\") | .message'

With --json each line is an object whose `type` says what else it has:
  entry        time (RFC 3339, in UTC), level, level_number (OpenTelemetry's, 1 to 24), service,
               instance, message, fields (texts by name), sequence, and what was written if it is
               not the message: raw, or raw_base64 if it is no text
  mark         time, service, instance, event (server_started, app_started, app_ended, dropped,
               source_away, disk_lost, disk_back), what belongs to it, text, sequence
  missed       entries (null if nobody knows), cause (overrun, restart, damaged), since, until
  reconnected  away_seconds
  opened       entries and oldest (what the server remembers), unknown_fields, unknown_services,
               unknown_instances
Others may come, and more in each.

Where lines are followed at a terminal, what is typed changes what is shown from then on: /REGEX,
exclude REGEX, level warn, only error,warn, service api*, instance i-1, field k=v, clear. An empty
line draws a line across the screen, and ? lists all this.

Exit codes: 0 the lines ended or their reader did, 2 an option makes no sense, 130 stopped.";
