//! `tunnel health --watch`: asks again and again, in place on a terminal.

use std::time::Duration;

use client::TunnelClient;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::chosen::{Choice, Chosen};
use super::{Checked, check, document, in_time, table};
use crate::context::Context;
use crate::exit::Failure;

/// Asks until there will be no session any more, or until stopped.
///
/// # Errors
/// [`Failure`] if the first answer does not come in time, or there is no such check.
pub(super) async fn run(
    context: &Context,
    client: &TunnelClient,
    choice: &Choice<'_>,
    most: Duration,
) -> Result<(), Failure> {
    let watching = async {
        tokio::select! {
            ended = ask(context, client, choice, most) => ended,
            why = client.closed() => Err(why.into()),
        }
    };
    context.interrupt.or(watching).await
}

async fn ask(
    context: &Context,
    client: &TunnelClient,
    choice: &Choice<'_>,
    most: Duration,
) -> Result<(), Failure> {
    let first = async { Ok(check(client).await?) };
    let mut last: Checked = in_time(most, first).await?;
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.tick().await;
    let mut chosen = choice.of(&last)?;
    loop {
        show(context, &chosen)?;
        ticks.tick().await;
        chosen = match timeout(most, check(client)).await {
            Ok(Ok(checked)) => {
                last = checked;
                choice.of(&last)?
            }
            // A session that is lost is sought anew; one that is gone for good ends the watch.
            Ok(Err(_)) | Err(_) => Chosen::away(&last.health.report),
        };
    }
}

fn show(context: &Context, chosen: &Chosen<'_>) -> Result<(), Failure> {
    let screen = &context.screen;
    if screen.is_watched() {
        let table = table::for_last_lines(chosen, screen.out());
        return screen.data(&format!("{CLEAR}{table}"));
    }
    screen.json(&document::of(chosen))
}

/// A person sees what changes, and production has a ping of its database every two seconds.
const EVERY: Duration = Duration::from_secs(2);

/// Goes to the first place of the terminal and empties it: a line may be longer than the terminal is
/// wide, so that nobody knows how many there were.
const CLEAR: &str = "\x1b[H\x1b[2J";
