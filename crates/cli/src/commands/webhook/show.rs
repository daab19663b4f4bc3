//! `tunnel webhook show`: one delivery, whole.

use std::io;
use std::path::{Path, PathBuf};

use clap::Args;
use client::Reconnect;
use features::webhooks::DeliveryId;
use features::webhooks::client::{Shown, Target};

use crate::connection::ConnectionOptions;
use crate::context::Context;
use crate::exit::Failure;
use crate::folder::write_private;
use crate::output::text::{json_in_sight, printable};
use crate::output::webhook::{SavedDelivery, curl, dump, show};
use crate::output::{Format, Surface};

/// Shows a delivery: the request as it came, and what became of it
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  tunnel webhook show whd_01m7q5cqkv0000000000000007
  tunnel webhook show whd_01… --raw | jq .data
  tunnel webhook show whd_01… --curl --to 3000 | sh
  tunnel webhook show whd_01… --save invoice.json

With --json: id, sequence, received, provider, event, event_id, verification (verified, none, refused),
answered (production's status), repeats, method, target, scheme, host, client, headers (name, value),
body, and tries (follower, attempt, at, took_seconds, status or error, headers, body). What is no text
stands in base64, as value_base64 and body_base64. --save writes the same.")]
pub(super) struct Arguments {
    /// The delivery, as `tunnel webhook list` names it
    #[arg(value_name = "ID")]
    id: DeliveryId,

    /// Writes the body alone, byte for byte
    #[arg(long, group = "form")]
    raw: bool,

    /// Writes the body in hexadecimal digits
    #[arg(long, group = "form")]
    hex: bool,

    /// Writes a command of curl's that sends the same, with its first signature
    #[arg(long, group = "form")]
    curl: bool,

    /// Where that command sends it: PORT, PORT/PATH or http://HOST:PORT/PATH
    #[arg(long, value_name = "APP", default_value = "3000", requires = "curl")]
    to: Target,

    /// Saves it in a file, which `tunnel webhook verify` reads
    #[arg(long, value_name = "FILE", group = "form")]
    save: Option<PathBuf>,

    #[command(flatten)]
    connection: ConnectionOptions,
}

/// Shows a delivery.
///
/// # Errors
/// [`Failure`] if there is none, or the server cannot be asked.
pub(super) async fn run(context: &Context, arguments: &Arguments) -> Result<(), Failure> {
    let link = arguments
        .connection
        .connect(context, Reconnect::Off)
        .await?;
    let shown = context
        .interrupt
        .or(link.client.webhook(arguments.id))
        .await;
    link.end().await;
    write(context, arguments, &shown?)
}

fn write(context: &Context, arguments: &Arguments, shown: &Shown) -> Result<(), Failure> {
    let Shown { delivery, tried } = shown;
    let (screen, request) = (&context.screen, &delivery.request);
    if arguments.raw {
        return raw(context, &request.body);
    }
    if arguments.hex {
        return screen.data(&dump(&request.body));
    }
    if arguments.curl {
        return screen.data(&curl(request, &arguments.to.url(&request.target)));
    }
    if let Some(path) = &arguments.save {
        return save(context, path, &SavedDelivery::of(delivery, tried));
    }
    match screen.format() {
        Format::Json => screen.json(&SavedDelivery::of(delivery, tried)),
        Format::Human => screen.data(&show(delivery, tried, screen.out())),
    }
}

/// Writes the bytes of a body: on a terminal, so that it does nothing but show them.
fn raw(context: &Context, body: &[u8]) -> Result<(), Failure> {
    if Surface::of(&io::stdout()) == Surface::Other {
        return context.screen.bytes(body);
    }
    let text = String::from_utf8_lossy(body);
    let lines = text.lines().map(|line| format!("{}\n", printable(line)));
    context.screen.data(&lines.collect::<String>())
}

fn save(context: &Context, path: &Path, saved: &SavedDelivery) -> Result<(), Failure> {
    let cannot = |error: &dyn std::fmt::Display| {
        Failure::failed(format!("cannot write {}: {error}", path.display()))
    };
    let text = serde_json::to_string_pretty(saved).map_err(|error| cannot(&error))?;
    // It may hold personal data of production's.
    write_private(path, &format!("{}\n", json_in_sight(&text))).map_err(|error| cannot(&error))?;
    context.screen.note(&format!("saved in {}", path.display()));
    Ok(())
}
