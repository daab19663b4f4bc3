//! `tunnel health --watch`: asks again and again, in place on a terminal.

use std::time::Duration;

use client::TunnelClient;
use tokio::time::{MissedTickBehavior, interval};

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
        let next = async { Ok(check(client).await?) };
        chosen = match in_time(most, next).await {
            Ok(checked) => {
                last = checked;
                choice.of(&last)?
            }
            // One that is gone for good ends the watch.
            Err(_) if client.connection().is_none() => {
                Chosen::unanswered(&last.health.report, NO_SESSION)
            }
            Err(failure) => {
                let why = failure.message().unwrap_or_default();
                Chosen::unanswered(&last.health.report, why)
            }
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

const NO_SESSION: &str = "there is no session: it is sought anew";

/// A person sees what changes, and production has a ping of its database every two seconds.
const EVERY: Duration = Duration::from_secs(2);

/// Goes to the first place of the terminal and empties it: a line may be longer than the terminal is
/// wide, so that nobody knows how many there were.
const CLEAR: &str = "\x1b[H\x1b[2J";
