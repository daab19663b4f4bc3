//! `tunnel keygen`: a new secret.

use clap::Args;
use serde::Serialize;
use transport::trust::Secret;

use crate::context::Context;
use crate::exit::Failure;
use crate::output::Format;
use crate::settings::SECRET;

/// Makes a new secret of 256 random bits
///
/// The secret alone goes to standard output. Both ends need the same.
#[derive(Clone, Copy, Debug, Args)]
#[command(after_help = "\
Examples:
  echo \"RENDER_TUNNEL_SECRET=$(tunnel keygen)\" >> .env
  tunnel keygen --quiet > secret && chmod 600 secret")]
pub struct Arguments {}

/// Prints a new secret, and what to do with it.
///
/// # Errors
/// [`Failure`] if the system gives no random bytes, or it cannot be written.
pub fn run(context: &Context, Arguments {}: &Arguments) -> Result<(), Failure> {
    #[derive(Serialize)]
    struct Made<'a> {
        secret: &'a str,
    }
    let secret = Secret::generate().map_err(|error| Failure::failed(error.to_string()))?;
    match context.screen.format() {
        Format::Json => context.screen.json(&Made {
            secret: secret.expose(),
        })?,
        Format::Human => context.screen.data(&format!("{}\n", secret.expose()))?,
    }
    context.screen.note(&format!(
        "Set it as {SECRET} where tunnel-server runs and on your machine (in .env, which stays out of the repository). It is shown this once."
    ));
    Ok(())
}
