//! `tunnel doctor`: a table of checks from this machine to production, with a remedy each.
//!
//! ```text
//! GROUPS ─▶ group: checks in turn ── Finding ──▶ table
//!           (side by side)
//! ```
//! Another check is a name in its group, or a file with a group of its own and a line in `GROUPS`.

mod configuration;
mod connection;
mod database;
mod finding;
mod group;
mod session;
mod stages;
mod table;
mod udp;
mod webhook;

use clap::Args;
use client::Steps;

use self::group::{examine, has_failed};
use crate::connection::{ConnectionOptions, Wanted};
use crate::context::{Context, OutputOptions};
use crate::demo::Demo;
use crate::exit::{Exit, Failure};
use crate::interrupt::Interrupt;
use crate::output::Format;

/// Checks what stands between this machine and production, and says what to do
///
/// Looks at the configuration, DNS, TCP, the proxy, TLS, the WebSocket upgrade, UDP, the secret, the
/// clocks, the versions, the local database, and the port that webhooks are for. Nothing is
/// changed. Ends within about 15 seconds: with 0 if no check failed, with 1 if one did.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  tunnel doctor
  tunnel doctor --server https://app.onrender.com --port 3000
  tunnel doctor --json | jq '.[] | select(.status == \"fail\")'

Each line begins with ✓ (fine), ! (works, but look at it), ✗ (failed) or – (not checked). With --json
it is a list of objects with check, status (pass, warn, fail, skip), seen, remedy and milliseconds.")]
pub struct Arguments {
    /// The local port that webhooks are to go to
    #[arg(long, value_name = "N")]
    port: Option<u16>,

    #[command(flatten)]
    connection: ConnectionOptions,
}

/// What is examined.
struct Subject<'a> {
    context: &'a Context,
    arguments: &'a Arguments,
    /// What the library would connect with, or why nothing can be made of the configuration.
    steps: Result<Steps, Failure>,
    demo: Option<Demo>,
}

/// Checks everything and shows it.
///
/// # Errors
/// A silent [`Failure`] if a check failed.
pub async fn run(
    options: OutputOptions,
    interrupt: Interrupt,
    arguments: &Arguments,
) -> Result<(), Failure> {
    let (context, unread) = match Context::new(options, interrupt.clone()) {
        Ok(context) => (context, None),
        // That is a finding, too.
        Err(failure) => (Context::without_files(options, interrupt), Some(failure)),
    };
    let subject = Subject::new(&context, arguments, unread).await;
    let findings = context
        .interrupt
        .or(async { Ok::<_, Failure>(examine(&subject).await) })
        .await;
    if let Some(demo) = subject.demo {
        demo.stop().await;
    }
    let findings = findings?;
    let screen = &context.screen;
    match screen.format() {
        Format::Json => screen.json(&table::rows(&findings))?,
        Format::Human => screen.data(&table::table(&findings, screen.out()))?,
    }
    if has_failed(&findings) {
        return Err(Failure::silent(Exit::Failed));
    }
    Ok(())
}

impl<'a> Subject<'a> {
    async fn new(context: &'a Context, arguments: &'a Arguments, unread: Option<Failure>) -> Self {
        let wanted = match unread {
            Some(failure) => Err(failure),
            None => arguments.connection.wanted(context).await,
        };
        let (steps, demo) = match wanted {
            Ok(Wanted { builder, demo }) => (builder.steps().map_err(Failure::from), demo),
            Err(failure) => (Err(failure), None),
        };
        Self {
            context,
            arguments,
            steps,
            demo,
        }
    }
}
