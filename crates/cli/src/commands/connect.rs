//! `tunnel connect`: holds a session, with logs and a sync over it if that is wanted.

use std::future::pending;

use clap::Args;
use client::TunnelClient;
use client::logs::Filter;
use client::logs::wire::{Follow, Open, Start};

use super::logs::{self, endless};
use super::sync;
use crate::connection::ConnectionOptions;
use crate::context::Context;
use crate::exit::{Exit, Failure};
use crate::output::{Format, event};

/// Holds a session with the server, and connects again whenever it is lost
///
/// Says what happens on it. With --logs and --sync, both run at once over the one session. A sync
/// alone ends the command when it is done; all else goes on until stopped.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  tunnel connect
  tunnel connect --logs --sync courses --sync users
  tunnel connect --logs --json

With --json each line of output is an object whose type is authenticated, leaving,
disconnected, reconnecting, error or sync, or one of those of `tunnel logs --json`.")]
pub struct Arguments {
    /// Shows production's log lines
    #[arg(long)]
    logs: bool,

    /// Syncs a table into the local database; can be given several times
    #[arg(long, value_name = "TABLE")]
    sync: Vec<String>,

    #[command(flatten)]
    consent: sync::Consent,

    #[command(flatten)]
    connection: ConnectionOptions,
}

/// Connects, and does what is wanted until it is done or stopped.
///
/// # Errors
/// [`Failure`] if there is no connection, or what is wanted fails.
pub async fn run(context: &Context, arguments: &Arguments) -> Result<(), Failure> {
    let job = match arguments.sync.is_empty() {
        true => None,
        false => Some(sync::Job::of_tables(
            context,
            &arguments.connection,
            &arguments.sync,
            arguments.consent.into(),
        )?),
    };
    let link = arguments.connection.connect(context, endless()).await?;
    let ended = hold(context, &link.client, arguments, job).await;
    link.end().await;
    ended
}

async fn hold(
    context: &Context,
    client: &TunnelClient,
    arguments: &Arguments,
    job: Option<sync::Job>,
) -> Result<(), Failure> {
    tokio::select! {
        ended = events(context, client) => ended,
        ended = work(context, client, arguments, job) => ended,
    }
}

/// Tells of events until the connection has ended for good.
async fn events(context: &Context, client: &TunnelClient) -> Result<(), Failure> {
    let mut events = client.events();
    let mut narrator = event::Narrator::new(&context.screen);
    let mut next = match event::first(client) {
        Some(first) => Some(first),
        // It was lost at once, and the loss is the first event.
        None => events.next().await,
    };
    while let Some(event) = next {
        match context.screen.format() {
            Format::Json => event::write(&event, &context.screen)?,
            Format::Human => narrator.tell(&event),
        }
        next = events.next().await;
    }
    Err(client.closed().await.into())
}

async fn work(
    context: &Context,
    client: &TunnelClient,
    arguments: &Arguments,
    job: Option<sync::Job>,
) -> Result<(), Failure> {
    let goes_on = arguments.logs || job.is_none();
    let logs = async {
        if !arguments.logs {
            return pending().await;
        }
        let mut logs = client.stream_logs(whole_log()).await?;
        context.interrupt.or(logs::show(context, &mut logs)).await
    };
    let sync = async {
        if let Some(job) = job {
            job.carry_out(context, client).await?;
        }
        if goes_on {
            context.interrupt.wait().await;
            // It was to be stopped: nothing needs to be said.
            return Err(Failure::silent(Exit::Interrupted));
        }
        Ok(())
    };
    tokio::select! {
        // First, because it has more to say of an interruption.
        biased;
        ended = sync => ended,
        ended = logs => ended,
    }
}

/// The last lines, and all that follow.
fn whole_log() -> Open {
    Open {
        start: Start::Tail(LAST_LINES),
        follow: Follow::On,
        filter: Filter::ALL,
    }
}

/// What a screen holds beside a progress bar.
const LAST_LINES: u32 = 20;
