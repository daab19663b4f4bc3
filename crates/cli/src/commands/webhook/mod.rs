//! `tunnel webhook`: production's webhooks, brought to a local app.

mod provider;
mod secret;
mod verify;

use clap::{Args, Subcommand};

use crate::context::Context;
use crate::exit::Failure;

/// Brings production's webhooks to a local app
#[derive(Clone, Debug, Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Clone, Debug, Subcommand)]
enum Command {
    Verify(verify::Arguments),
    Secret(secret::Arguments),
}

/// Does what is asked for.
///
/// # Errors
/// [`Failure`] if it cannot be done.
pub async fn run(context: &Context, arguments: &Arguments) -> Result<(), Failure> {
    match &arguments.command {
        Command::Verify(arguments) => verify::run(context, arguments),
        Command::Secret(arguments) => secret::run(context, arguments),
    }
}
