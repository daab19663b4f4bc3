//! `tunnel webhook`: production's webhooks, brought to local apps; and a look at those that came.
//!
//! ```text
//! options ─▶ Forwarding ──▶ client half ── events ──▶ output/webhook ─▶ the screen
//! ID ──▶ server ── the delivery ──▶ show, replay (post) ──▶ local app
//! ```

mod edit;
mod editor;
mod forward;
mod list;
mod post;
mod provider;
mod replay;
mod route;
mod secret;
mod set;
mod show;
mod since;
mod start;
mod trigger;
mod verify;

use clap::{Args, Subcommand};

pub use self::forward::Forwarder;
use crate::context::Context;
use crate::exit::Failure;

/// Brings production's webhooks to a local app as they come, and shows how it answers
///
/// Production's webhook URLs stay what they are. Each delivery is shown as it comes (-->) and as it is
/// answered (<--). Deliveries wait for an app that is not there, and for this laptop while it is away;
/// none comes twice, unless this program was killed before it could say that the app had it.
#[derive(Clone, Debug, Args)]
#[command(after_help = AFTER_HELP, args_conflicts_with_subcommands = true)]
pub struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,

    #[command(flatten)]
    forward: forward::ForwardOptions,
}

#[derive(Clone, Debug, Subcommand)]
enum Command {
    List(list::Arguments),
    Show(show::Arguments),
    Replay(replay::Arguments),
    Trigger(trigger::Arguments),
    Verify(verify::Arguments),
    Secret(secret::Arguments),
}

/// Does what is asked for.
///
/// # Errors
/// [`Failure`] if it cannot be done.
pub async fn run(context: &Context, arguments: &Arguments) -> Result<(), Failure> {
    match &arguments.command {
        None => forward::run(context, &arguments.forward).await,
        Some(Command::List(arguments)) => list::run(context, arguments).await,
        Some(Command::Show(arguments)) => show::run(context, arguments).await,
        Some(Command::Replay(arguments)) => replay::run(context, arguments).await,
        Some(Command::Trigger(arguments)) => trigger::run(context, arguments).await,
        Some(Command::Verify(arguments)) => verify::run(context, arguments),
        Some(Command::Secret(arguments)) => secret::run(context, arguments),
    }
}

const AFTER_HELP: &str = "\
Examples:
  tunnel webhook --port 3000
  tunnel webhook --type stripe --port 3000 --path /api/webhooks/stripe --events 'payment_intent.*'
  tunnel webhook --forward stripe=3000/api/webhooks/stripe --forward github=4000/hooks
  tunnel webhook --type stripe --port 3000 --since 1h
  tunnel webhook --port 3000 --json | jq 'select(.type == \"answered\" and .status >= 400)'

A delivery that the app does not take (408, 425, 429, 5xx, no answer) is tried at most five times.
What the server refused as not its provider's is shown and not posted: `replay ID` posts it.
Every POST carries tunnel-delivery, tunnel-attempt and tunnel-verification (verified, none, refused),
and the original host and address in forwarded and x-forwarded-*; what is signed anew,
tunnel-signed: anew.

With --json each line is an object whose `type` says what else it has:
  watching     url (what stands before each path)
  provider     provider, path, mode, verified, kept
  opened       the same, to, waiting, before
  arrived      id, sequence, received, provider, event, event_id, verification, refusal, answered,
               repeats, attempt, method, target, length
  answered     id, provider, event, verification, signed_anew, attempt, at, took_seconds, status or
               error, headers, body, length
  retrying     the same, delay_seconds
  waiting      provider, to, reason
  goes_on      provider, away_seconds
  missed       provider, count, cause (gone, not_kept)
  repeated     provider, id
  reconnected  provider, away_seconds
  refused      provider, status, reason
Others may come, and more in each.";
