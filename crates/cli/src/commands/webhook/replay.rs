//! `tunnel webhook replay`: deliveries, posted to the local app once more.

use clap::Args;
use client::{Reconnect, TunnelClient};
use features::wall_clock;
use features::webhooks::client::{Occasion, Outgoing, Posting, Shown, SigningPolicy, Target};
use features::webhooks::wire::Follower;
use features::webhooks::{DeliveryId, NotDelivered, Outcome, Receipt, Verification};

use super::{editor, post};
use crate::connection::ConnectionOptions;
use crate::context::Context;
use crate::exit::{Exit, Failure};
use crate::laptop::Laptop;

/// Posts deliveries to the local app once more, signed anew
///
/// Their signatures are made with this laptop's own secret, which `tunnel webhook secret` prints, and with
/// this time: a provider's library would refuse the old ones. What becomes of each is kept by the server,
/// for `tunnel webhook show`. The exit code is 1 unless the app takes them all.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  tunnel webhook replay whd_01m7q5cqkv0000000000000007
  tunnel webhook replay whd_01… --to 3000/hooks --edit
  tunnel webhook list --status failed --json | jq -r '.deliveries[].id' | xargs tunnel webhook replay

With --json: an object each, as `tunnel webhook --json` has for an answer.")]
pub(super) struct Arguments {
    /// The deliveries, as `tunnel webhook list` names them
    #[arg(value_name = "ID", required = true)]
    ids: Vec<DeliveryId>,

    /// Opens each in $VISUAL or $EDITOR first
    #[arg(long)]
    edit: bool,

    /// The local app: PORT, PORT/PATH or http://HOST:PORT/PATH; where they went the last time, unless given
    #[arg(long, value_name = "APP")]
    to: Option<Target>,

    /// Sends them with the signatures that they came with
    #[arg(long)]
    as_it_came: bool,

    #[command(flatten)]
    connection: ConnectionOptions,
}

/// What replays.
struct Replay<'r> {
    context: &'r Context,
    arguments: &'r Arguments,
    laptop: Laptop,
    posting: Posting,
    follower: Follower,
}

/// Replays deliveries, one after the other.
///
/// # Errors
/// [`Failure`] if one is not there, or the app does not take one.
pub(super) async fn run(context: &Context, arguments: &Arguments) -> Result<(), Failure> {
    if arguments.edit {
        editor::check(&context.environment)?;
    }
    let laptop = Laptop::of(&context.environment)?;
    let policy = if arguments.as_it_came {
        SigningPolicy::Never
    } else {
        SigningPolicy::Always
    };
    let replay = Replay {
        context,
        arguments,
        posting: post::posting(&laptop, policy, None)?,
        follower: Follower {
            name: laptop.follower()?,
            run: wall_clock::millis(),
        },
        laptop,
    };
    let link = arguments
        .connection
        .connect(context, Reconnect::Off)
        .await?;
    let ended = context.interrupt.or(replay.all(&link.client)).await;
    link.end().await;
    ended
}

impl Replay<'_> {
    async fn all(&self, client: &TunnelClient) -> Result<(), Failure> {
        let mut taken = true;
        for &id in &self.arguments.ids {
            let shown = client.webhook(id).await?;
            let posted = self.one(client, shown).await?;
            taken &= posted.is_none_or(|receipt| receipt.outcome.is_delivered());
        }
        if taken {
            Ok(())
        } else {
            Err(Failure::silent(Exit::Failed))
        }
    }

    /// Replays one; `None` if the user has not changed what was to be edited.
    async fn one(&self, client: &TunnelClient, shown: Shown) -> Result<Option<Receipt>, Failure> {
        let Shown {
            mut delivery,
            tried,
        } = shown;
        let target = self.target(&delivery.provider)?;
        if self.arguments.edit {
            let edited = editor::edit(self.context, &self.laptop, delivery.id, &delivery.request);
            let edited = edited.await?;
            if edited == delivery.request {
                let id = delivery.id;
                let note = format!("{id} was not changed: nothing is sent");
                self.context.screen.note(&note);
                return Ok(None);
            }
            // It is no longer what its provider has signed.
            delivery.verification = Verification::NoSecret;
            delivery.request = edited;
        }
        let before = tried.iter().filter(|it| it.follower == self.follower.name);
        let attempt = before.map(|it| it.receipt.attempt).max().unwrap_or(0);
        let outgoing = Outgoing {
            delivery: delivery.id,
            sequence: delivery.sequence,
            provider: &delivery.provider,
            hmac: None,
            verification: delivery.verification,
            attempt: attempt.saturating_add(1),
            occasion: Occasion::Replay,
            until: None,
            request: delivery.request.clone(),
        };
        let receipt = post::once(self.context, &self.posting, target, outgoing, &delivery).await?;
        client
            .record_webhook(self.follower.clone(), receipt.clone())
            .await?;
        if receipt.outcome == Outcome::NotDelivered(NotDelivered::Refused) {
            let hint = "start the app, or name another with --to 3000";
            self.context.screen.note(hint);
        }
        Ok(Some(receipt))
    }

    /// Returns where a provider's deliveries go.
    fn target(&self, provider: &str) -> Result<Target, Failure> {
        if let Some(target) = &self.arguments.to {
            return Ok(target.clone());
        }
        let kept = self.laptop.target(provider);
        kept.and_then(|text| text.parse().ok()).ok_or_else(|| {
            Failure::usage("it is not said where they go")
                .hint("name the local app's port with --to 3000")
        })
    }
}
