//! `tunnel webhook secret`: this laptop's own secret for a provider.

use clap::Args;
use features::webhooks::providers::{CannotSign, OwnSecrets};
use serde::Serialize;

use super::provider::ProviderName;
use crate::context::Context;
use crate::exit::Failure;
use crate::laptop::Laptop;
use crate::output::Format;

/// Prints this laptop's own secret for a provider, which the local app is to verify with
///
/// Deliveries that are late or replayed are signed anew with it, because providers' libraries refuse
/// old signatures. Once it was asked for, every delivery of that provider is. Production's secret never
/// leaves the server.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  tunnel webhook secret stripe
  echo \"STRIPE_WEBHOOK_SECRET=$(tunnel webhook secret stripe -q)\" >> .env.local

The secret alone goes to standard output. It is the same each time on this laptop, and another on each
other one. With --json: provider, secret.")]
pub(super) struct Arguments {
    /// The provider: stripe, github, slack, …
    #[arg(value_name = "PROVIDER")]
    provider: ProviderName,
}

/// Prints the secret, and notes that it was asked for.
///
/// # Errors
/// [`Failure`] if there is none for that provider, or it cannot be kept.
pub(super) fn run(context: &Context, arguments: &Arguments) -> Result<(), Failure> {
    #[derive(Serialize)]
    struct Own<'a> {
        provider: &'a str,
        secret: &'a str,
    }
    let provider = &arguments.provider;
    let laptop = Laptop::of(&context.environment)?;
    let secret = OwnSecrets::new(&*laptop.seed()?)
        .of(provider.as_str(), None)
        .map_err(|error| no_secret(provider, error))?;
    laptop.note_asked(provider.as_str())?;
    match context.screen.format() {
        Format::Json => context.screen.json(&Own {
            provider: provider.as_str(),
            secret: &secret,
        })?,
        Format::Human => context.screen.data(&format!("{secret}\n"))?,
    }
    context.screen.note(&format!(
        "This is this laptop's own secret for {provider}: let the app here verify with it. \
         From now on every delivery of {provider}'s is signed anew with it, unless --sign says otherwise."
    ));
    Ok(())
}

/// Says why there is no secret for a provider.
fn no_secret(provider: &ProviderName, error: CannotSign) -> Failure {
    let failure = Failure::failed(format!("there is no own secret for {provider}: {error}"));
    match (error, provider.meant()) {
        (_, Some(meant)) => failure.hint(format!("did you mean {meant}?")),
        (CannotSign::PublicKey, None) => failure.hint(format!(
            "{provider}'s deliveries reach the app with the signature they came with: \
             verify them with its public key, as in production"
        )),
        _ => failure,
    }
}
