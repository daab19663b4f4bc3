//! `tunnel connect`: holds a session for the other commands, with logs, webhooks and a sync over it if
//! that is wanted.

mod background;
mod holding;
mod section;

use std::future::pending;
use std::path::Path;
use std::pin::pin;

use clap::Args;
use client::TunnelClient;
use client::logs::Filter;
use client::logs::wire::{Follow, Open, Start};

use self::holding::{Holding, Part};
use self::section::Section;
use super::flags;
use super::logs::{self, endless};
use super::sync;
use super::webhook::Forwarder;
use crate::connection::ConnectionOptions;
use crate::context::Context;
use crate::exit::{Exit, Failure};
use crate::output::{Format, event};

/// Holds a session with the server, and connects again whenever it is lost
///
/// The other commands find it and run over it, as long as it is held; `tunnel status` shows it and
/// `tunnel disconnect` ends it. Says what happens on it. With --logs and --sync, both run at once over
/// the one session. A sync alone ends the command when it is done; all else goes on until stopped.
/// The section connect of tunnel.toml names what runs as well: logs, webhooks and flags.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  tunnel connect
  tunnel connect --logs --sync courses --sync users
  tunnel connect --logs --json
  tunnel connect --background && tunnel health && tunnel disconnect

With --json each line of output is an object whose type is authenticated, leaving,
disconnected, reconnecting, error, sync or events_missed, or one of those of `tunnel logs --json`.")]
pub struct Arguments {
    /// Shows production's log lines
    #[arg(long)]
    logs: bool,

    /// Syncs a table into the local database; can be given several times
    #[arg(long, value_name = "TABLE")]
    sync: Vec<String>,

    #[command(flatten)]
    consent: sync::Consent,

    /// Goes on without this terminal, and without log lines: returns when the session is held
    #[arg(long)]
    background: bool,

    /// Set where it was started by one that should return
    #[arg(long, hide = true)]
    detached: bool,

    #[command(flatten)]
    connection: ConnectionOptions,
}

/// Looks whether the section `[connect]` makes sense.
///
/// # Errors
/// [`Failure`] if it does not.
pub(super) fn check(folder: &Path) -> Result<(), Failure> {
    Section::find(folder)?.filter().map(drop)
}

/// Connects, and does what is wanted until it is done or stopped.
///
/// # Errors
/// [`Failure`] if there is no connection, or what is wanted fails.
pub async fn run(context: &Context, arguments: &Arguments) -> Result<(), Failure> {
    if arguments.background {
        return background::start(context, arguments).await;
    }
    if arguments.detached {
        background::detach();
    }
    let work = Work::of(context, arguments)?;
    let wanted = arguments.connection.wanted(context).await?;
    let part = Part::take(context, &arguments.connection, &wanted).await?;
    let wanted = match &part {
        Part::Holds(..) | Part::Alone => wanted,
        Part::Attaches => arguments.connection.shared(context, wanted),
    };
    let link = wanted.connect(context, endless()).await?;
    let holding = part.hold(context, &link.client, work.names());
    let ended = hold(context, &link.client, work, holding.as_ref()).await;
    link.end().await;
    if let Some(holding) = holding {
        holding.end().await;
    }
    ended
}

async fn hold(
    context: &Context,
    client: &TunnelClient,
    work: Work,
    holding: Option<&Holding>,
) -> Result<(), Failure> {
    let asked = async {
        match holding {
            Some(holding) => holding.asked_to_stop().await,
            None => pending().await,
        }
        // All that runs ends in order, as it does with ^C.
        context.interrupt.ask();
    };
    let shown = async {
        match holding {
            Some(holding) => holding.show(context, client).await,
            None => pending().await,
        }
    };
    let worked = async {
        tokio::select! {
            ended = events(context, client) => ended,
            ended = work.run(context, client) => ended,
            never = shown => Err(never),
        }
    };
    let mut worked = pin!(worked);
    tokio::select! {
        ended = &mut worked => ended,
        () = asked => {
            // Whoever asked for the end got what was wanted.
            worked.await.or_else(|failure| match failure.exit() {
                Exit::Interrupted => Ok(()),
                _ => Err(failure),
            })
        }
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

/// What runs over the session.
#[derive(Debug)]
struct Work {
    /// Which log lines are shown.
    logs: Option<Filter>,
    webhooks: Option<Forwarder>,
    sync: Option<sync::Job>,
    /// The port at which local apps are served flags, and whose they are.
    flags: Option<(u16, ConnectionOptions)>,
    /// What it says of itself, a few words each.
    names: Vec<String>,
}

impl Work {
    /// Collects what the options and `tunnel.toml` want.
    fn of(context: &Context, arguments: &Arguments) -> Result<Self, Failure> {
        let connection = &arguments.connection;
        let section = Section::find(&context.folder)?;
        let filter = section.filter()?;
        let logs = match (arguments.detached, arguments.logs) {
            // Nobody would see them.
            (true, _) => None,
            (false, true) => Some(filter.unwrap_or(Filter::ALL)),
            (false, false) => filter,
        };
        let webhooks = match &*section.webhooks {
            [] => None,
            routes => Some(Forwarder::of_routes(context, routes, connection)?),
        };
        let sync = match &*arguments.sync {
            [] => None,
            tables => {
                let theirs = arguments.consent.into();
                Some(sync::Job::of_tables(context, connection, tables, theirs)?)
            }
        };
        let mut names = Vec::new();
        names.extend(logs.is_some().then(|| "logs".to_owned()));
        let routes = section.webhooks.iter();
        names.extend(routes.map(|route| format!("webhooks {route}")));
        let flags = section.flags().map(|port| (port, connection.clone()));
        names.extend(flags.iter().map(|(port, _)| format!("flags {port}")));
        let tables = arguments.sync.iter();
        names.extend(tables.map(|table| format!("sync {table}")));
        Ok(Self {
            logs,
            webhooks,
            sync,
            flags,
            names,
        })
    }

    fn names(&self) -> Vec<String> {
        self.names.clone()
    }

    /// Runs it until it is done or stopped.
    async fn run(self, context: &Context, client: &TunnelClient) -> Result<(), Failure> {
        let goes_on = self.goes_on();
        let has_webhooks = self.webhooks.is_some();
        let logs = async {
            let Some(filter) = self.logs else {
                return pending().await;
            };
            let mut logs = client.stream_logs(lines(filter)).await?;
            match context.interrupt.or(logs::show(context, &mut logs)).await {
                // What is being posted is finished first.
                Err(failure) if has_webhooks && failure.exit() == Exit::Interrupted => {
                    pending().await
                }
                ended => ended,
            }
        };
        let webhooks = async {
            match self.webhooks {
                Some(webhooks) => webhooks.run(context, client).await,
                None => pending().await,
            }
        };
        let flags = async {
            match self.flags {
                Some((port, connection)) => {
                    flags::serve_until_stopped(context, &connection, client, port).await
                }
                None => pending().await,
            }
        };
        let sync = async {
            if let Some(job) = self.sync {
                job.carry_out(context, client).await?;
            }
            if !goes_on {
                return Ok(());
            }
            context.interrupt.wait().await;
            if has_webhooks {
                return pending().await;
            }
            // It was to be stopped: nothing needs to be said.
            Err(Failure::silent(Exit::Interrupted))
        };
        tokio::select! {
            // First, because it has more to say of an interruption.
            biased;
            ended = sync => ended,
            ended = webhooks => ended,
            ended = logs => ended,
            ended = flags => ended,
        }
    }

    /// Whether it is done only when it is stopped.
    const fn goes_on(&self) -> bool {
        self.logs.is_some()
            || self.webhooks.is_some()
            || self.flags.is_some()
            || self.sync.is_none()
    }
}

/// The last lines, and all that follow.
const fn lines(filter: Filter) -> Open {
    Open {
        start: Start::Tail(LAST_LINES),
        follow: Follow::On,
        filter,
    }
}

/// What a screen holds beside a progress bar.
const LAST_LINES: u32 = 20;

/// The name of the option that says it.
const DETACHED: &str = "detached";
