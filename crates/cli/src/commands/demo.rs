//! `tunnel demo`: serves the demo production until it is stopped.

use std::path::Path;

use clap::Args;
use serde::Serialize;

use crate::context::Context;
use crate::demo::{Demo, Doors};
use crate::exit::Failure;
use crate::folder::TunnelFolder;
use crate::output::Format;
use crate::settings::{self, Server};

/// Serves a demo production until stopped, and says what to try
///
/// It has a database of a school (courses, users, enrollments, payments) with invented personal
/// data, and the logs of three services. Only this machine can reach it.
#[derive(Clone, Copy, Debug, Args)]
#[command(after_help = "\
Examples:
  tunnel demo
  tunnel demo --port 4000")]
pub struct Arguments {
    /// The port, UDP for QUIC and TCP for /health; 0 takes one that is free [default: 3001] [env: PORT]
    #[arg(long, value_name = "N")]
    port: Option<u16>,
}

/// Serves until stopped.
///
/// # Errors
/// [`Failure`] if it cannot start.
pub async fn run(context: &Context, arguments: &Arguments) -> Result<(), Failure> {
    let folder = TunnelFolder::make()?;
    let (secret, file) = Demo::secret(&folder)?;
    let port = settings::port(arguments.port, &context.environment)?;
    let start = Demo::start(&folder, secret, Doors::ThisMachine(port));
    let demo = context.interrupt.or(start).await?;
    announce(context, &demo, &file)?;
    context.interrupt.wait().await;
    demo.stop().await;
    // Stopping it is how it ends.
    Ok(())
}

fn announce(context: &Context, demo: &Demo, file: &Path) -> Result<(), Failure> {
    #[derive(Serialize)]
    struct Listening<'a> {
        server: String,
        http: Option<String>,
        secret_file: &'a Path,
    }
    let Server { address, secret: _ } = demo.server()?;
    let http = demo
        .http_address()
        .map(|address| format!("http://{address}"));
    if context.screen.format() == Format::Json {
        return context.screen.json(&Listening {
            server: address.to_string(),
            http,
            secret_file: file,
        });
    }
    let options = format!("--server {address} --secret-file {}", file.display());
    context
        .screen
        .data(&format!("the demo production is at {address}\n"))?;
    context.screen.note(&format!(
        "\nTry, in another terminal and in this folder:\n\n  \
           tunnel sync --table courses {options}\n  \
           tunnel logs --filter warn {options}\n  \
           tunnel connect --logs --sync users {options}\n  \
           tunnel health {options}\n  \
           tunnel flags --watch {options}\n  \
           tunnel webhook --port 3000 {options}\n  \
           tunnel webhook list {options}\n"
    ));
    if let Some(http) = http {
        context.screen.note(&format!("  curl {http}/health\n"));
    }
    context.screen.note("^C ends it.");
    Ok(())
}
