//! `tunnel disconnect`: ends the session that `tunnel connect` holds.

use clap::Args;
use serde::Serialize;
use transport::held::disconnect;

use super::status::{nobody, unasked};
use crate::connection::ConnectionOptions;
use crate::context::Context;
use crate::exit::Failure;
use crate::holding::VERSION;
use crate::output::Format;

/// Ends the session that `tunnel connect` holds, and waits until it has ended
///
/// Commands that run over it go on over sessions of their own.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  tunnel disconnect
  tunnel disconnect --json

Exit codes: 0 it has ended, 1 it does not end, 3 nobody holds a session.")]
pub struct Arguments {
    #[command(flatten)]
    connection: ConnectionOptions,
}

#[derive(Debug, Serialize)]
struct Shown<'a> {
    server: &'a str,
    state: &'static str,
}

/// Asks the holder to end, and waits.
///
/// # Errors
/// [`Failure`] if nobody holds, or the holder does not end.
pub async fn run(context: &Context, Arguments { connection }: &Arguments) -> Result<(), Failure> {
    let Some(held) = connection.held(context)? else {
        return Err(nobody(None));
    };
    let ending = async {
        disconnect(&held.place, VERSION)
            .await
            .map_err(|error| unasked(&error))
    };
    if context.interrupt.or(ending).await?.is_none() {
        return Err(nobody(Some(&held.server)));
    }
    match context.screen.format() {
        Format::Json => context.screen.json(&Shown {
            server: &held.server,
            state: "disconnected",
        }),
        Format::Human => {
            let said = format!("disconnected from {}", held.server);
            context.screen.note(&said);
            Ok(())
        }
    }
}
