//! `tunnel webhook` without a word behind it: deliveries as they come, brought to local apps.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, Command, FromArgMatches as _};
use client::{TunnelClient, Webhooks};
use features::webhooks::client::{Forwarding, SigningPolicy, Targets, WebhookEvent};
use features::webhooks::wire::Start;
use jiff::SignedDuration;

use super::post::{self, Sign};
use super::route::RouteOptions;
use super::since::Since;
use super::start::Starting;
use crate::commands::logs::endless;
use crate::connection::ConnectionOptions;
use crate::context::Context;
use crate::exit::{Exit, Failure};
use crate::laptop::Laptop;
use crate::output::text::printable;
use crate::output::webhook::Live;
use crate::output::{Format, event};

/// The options of `tunnel webhook` itself.
#[derive(Clone, Debug, Args)]
pub(super) struct ForwardOptions {
    #[command(flatten)]
    routes: RouteOptions,

    /// Only these events; `*` stands for anything; can be given several times
    ///
    /// Others are passed over; --since brings them.
    #[arg(long, value_name = "PATTERN", value_delimiter = ',', help_heading = WHICH)]
    events: Vec<String>,

    /// Begins with those that came since then: 15m, 2h30m, 10:27, today, yesterday, RFC 3339; or with all
    ///
    /// Otherwise it goes on where this laptop was the last time; a laptop that is new to the server
    /// begins with those that come from now on.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, help_heading = WHICH)]
    since: Option<Since>,

    /// Begins with those that come from now on, and leaves out what waits
    #[arg(long, conflicts_with = "since", help_heading = WHICH)]
    latest: bool,

    /// When to sign with this laptop's own secret, which `tunnel webhook secret` prints
    #[arg(long, value_name = "WHEN", default_value = "auto", help_heading = HOW)]
    sign: Sign,

    /// Follows under another name than this laptop's: each name has a place of its own among the deliveries
    #[arg(long = "as", value_name = "NAME", value_parser = follower, help_heading = HOW)]
    name: Option<String>,

    /// How long the local app may take for its answer
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = timeout, help_heading = HOW)]
    timeout: Duration,

    #[command(flatten)]
    connection: ConnectionOptions,
}

/// What brings deliveries to local apps, once there is a connection.
#[derive(Debug)]
pub struct Forwarder {
    laptop: Laptop,
    forwarding: Forwarding,
    front: Option<String>,
}

/// Brings deliveries until stopped.
///
/// # Errors
/// [`Failure`] if the server refuses, or the connection is gone for good.
pub(super) async fn run(context: &Context, arguments: &ForwardOptions) -> Result<(), Failure> {
    let connection = &arguments.connection;
    let forwarder = Forwarder::new(context, arguments, connection)?;
    let link = connection.connect(context, endless()).await?;
    event::greet(&link.client, &context.screen);
    let ended = tokio::select! {
        ended = forwarder.run(context, &link.client) => ended,
        never = event::tell_all(link.client.events(), &context.screen) => match never {},
    };
    link.end().await;
    ended
}

impl Forwarder {
    /// Makes it of routes as `tunnel webhook --forward` takes them, and of that command's defaults.
    ///
    /// # Errors
    /// [`Failure`] if a route makes no sense, or this laptop has no place for its secrets.
    pub fn of_routes(
        context: &Context,
        routes: &[String],
        connection: &ConnectionOptions,
    ) -> Result<Self, Failure> {
        let command = ForwardOptions::augment_args(Command::new("webhook").no_binary_name(true));
        let options = routes.iter().flat_map(|route| ["--forward", route]);
        let options = command
            .try_get_matches_from(options)
            .and_then(|matches| ForwardOptions::from_arg_matches(&matches))
            .map_err(|error| Failure::usage(error.to_string().trim_end().to_owned()))?;
        Self::new(context, &options, connection)
    }

    fn new(
        context: &Context,
        options: &ForwardOptions,
        connection: &ConnectionOptions,
    ) -> Result<Self, Failure> {
        let targets = options.routes.targets()?;
        for doubt in options.routes.doubts() {
            context.screen.warn(&doubt);
        }
        let laptop = Laptop::of(&context.environment)?;
        let policy = SigningPolicy::from(options.sign);
        let posting = post::posting(&laptop, policy, Some(options.timeout))?;
        let forwarding = Forwarding {
            follower: match &options.name {
                Some(name) => name.clone(),
                None => laptop.follower()?,
            },
            events: options.events.clone(),
            start: options.start()?,
            targets,
            posting,
            // Without it a kill costs a repeat or more, and nothing else.
            journals: laptop.file("receipts").ok(),
        };
        Ok(Self {
            laptop,
            forwarding,
            front: connection.front(context)?,
        })
    }

    /// Brings deliveries until stopped.
    ///
    /// # Errors
    /// [`Failure`] if the server refuses, or the connection is gone for good.
    pub async fn run(self, context: &Context, client: &TunnelClient) -> Result<(), Failure> {
        let Self {
            laptop,
            forwarding,
            front,
        } = self;
        let mut follow = Follow::new(context, &laptop, &forwarding, front);
        let mut webhooks = client.forward_webhooks(forwarding);
        follow.follow(&mut webhooks).await
    }
}

impl ForwardOptions {
    fn start(&self) -> Result<Start, Failure> {
        Ok(match &self.since {
            Some(since) => Start::Since(since.millis()?),
            None if self.latest => Start::Now,
            None => Start::Resume,
        })
    }
}

/// Deliveries on their way, and what is shown of them.
struct Follow<'f> {
    context: &'f Context,
    laptop: &'f Laptop,
    live: Live,
    starting: Starting,
    /// The providers whose deliveries come, or may come still.
    open: BTreeSet<String>,
}

impl<'f> Follow<'f> {
    fn new(
        context: &'f Context,
        laptop: &'f Laptop,
        forwarding: &Forwarding,
        front: Option<String>,
    ) -> Self {
        let Forwarding {
            targets, posting, ..
        } = forwarding;
        Self {
            context,
            laptop,
            live: Live::new(context.screen.out()),
            starting: Starting::new(Arc::clone(&posting.signer), targets.clone(), front),
            open: named(targets),
        }
    }

    /// Shows what happens until nothing more comes, or the user has seen enough.
    async fn follow(&mut self, webhooks: &mut Webhooks) -> Result<(), Failure> {
        let mut stopped = false;
        loop {
            let next = tokio::select! {
                next = webhooks.next() => next?,
                () = self.context.interrupt.wait(), if !stopped => {
                    stopped = true;
                    // What is being posted is finished, so that it is not posted again.
                    webhooks.stop();
                    continue;
                }
            };
            match next {
                Some(event) => self.take(&event)?,
                // It was to be stopped: nothing needs to be said.
                None if stopped => return Err(Failure::silent(Exit::Interrupted)),
                None => return Ok(()),
            }
        }
    }

    fn take(&mut self, event: &WebhookEvent) -> Result<(), Failure> {
        if let WebhookEvent::Opened {
            provider, target, ..
        } = event
        {
            self.open.insert(provider.name.clone());
            // Only who replays would miss it.
            self.laptop
                .note_target(&provider.name, &target.to_string())
                .ok();
        }
        let is_last = matches!(event, WebhookEvent::Answered { .. });
        if is_last {
            post::show(self.context, &mut self.live, event)?;
        }
        if self.context.screen.format() == Format::Human {
            for line in self.starting.lines(event) {
                self.context.screen.note(&line);
            }
        }
        if !is_last {
            post::show(self.context, &mut self.live, event)?;
        }
        match event {
            WebhookEvent::Refused { provider, fault } => {
                self.refused(provider, fault.status.0, &fault.reason)
            }
            _ => Ok(()),
        }
    }

    /// Says that there will be no more of a provider, and ends where it was the last one.
    fn refused(&mut self, provider: &str, status: u16, reason: &str) -> Result<(), Failure> {
        self.open.remove(provider);
        let shown = printable(provider);
        let message = match status {
            TAKEN_OVER => format!("{shown} goes to a newer `tunnel webhook` of the same name now"),
            _ => format!("there will be no more of {shown}: {}", printable(reason)),
        };
        if self.open.is_empty() {
            let failure = Failure::failed(message);
            return Err(match status {
                TAKEN_OVER => failure.hint("--as NAME follows under a name of its own, beside it"),
                _ => failure,
            });
        }
        self.context.screen.warn(&message);
        Ok(())
    }
}

fn named(targets: &Targets) -> BTreeSet<String> {
    targets.named.keys().cloned().collect()
}

/// Reads a follower's name.
fn follower(text: &str) -> Result<String, &'static str> {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '@');
    if (1..=LONGEST_NAME).contains(&text.len()) && text.chars().all(plain) {
        Ok(text.to_owned())
    } else {
        Err("use letters, digits, -, _, . and @, at most 64 of them")
    }
}

/// Reads how long the local app may take.
fn timeout(text: &str) -> Result<Duration, &'static str> {
    let wrong = "use a time from 1s to 10m, such as 30s";
    let time: SignedDuration = text.parse().map_err(|_| wrong)?;
    let time = Duration::try_from(time).map_err(|_| wrong)?;
    if (SHORTEST..=LONGEST).contains(&time) {
        Ok(time)
    } else {
        Err(wrong)
    }
}

/// The status with which a newer run of the same follower takes a flow over.
const TAKEN_OVER: u16 = 409;

/// It stands in every receipt.
const LONGEST_NAME: usize = 64;

/// Shorter, and an app that has just started answers too late.
const SHORTEST: Duration = Duration::from_secs(1);

/// Longer, and whoever forgot a breakpoint waits for nothing.
const LONGEST: Duration = Duration::from_secs(600);

const WHICH: &str = "Which of them";
const HOW: &str = "How they get there";
