//! `tunnel webhook verify`: whether a saved delivery is its provider's.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::Args;
use features::webhooks::Refusal;
use features::webhooks::providers::{Signing, built_in, check};
use jiff::Timestamp;
use serde::Serialize;
use zeroize::Zeroizing;

use super::provider::ProviderName;
use crate::context::Context;
use crate::exit::{Exit, Failure};
use crate::output::text::printable;
use crate::output::webhook::SavedDelivery;
use crate::output::{Format, Ink, number};

/// Says whether a saved delivery is its provider's, and if not, why
///
/// Nothing leaves this machine. The age of the signature is held against the time at which the delivery
/// came. The exit code is 1 if the signature is not right.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  tunnel webhook show whd_01… --save it.json && STRIPE_WEBHOOK_SECRET=whsec_… tunnel webhook verify it.json
  tunnel webhook verify it.json --secret-file ~/.stripe-secret
  tunnel webhook verify sms.json --url https://app.example.com/api/webhooks/twilio

With --json: provider, event, verified, reason (why not).")]
pub(super) struct Arguments {
    /// A delivery as `show --save` has written it, or - for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// Reads the provider's secret from a file [env: {PROVIDER}_WEBHOOK_SECRET holds the secret itself]
    #[arg(long, value_name = "PATH")]
    secret_file: Option<PathBuf>,

    /// The address that the provider was given, for those who sign it; that at which it came, unless given
    #[arg(long, value_name = "URL")]
    url: Option<String>,
}

#[derive(Debug, Serialize)]
struct Verdict<'a> {
    provider: &'a str,
    event: Option<&'a str>,
    verified: bool,
    reason: Option<String>,
}

/// Verifies a saved delivery.
///
/// # Errors
/// [`Failure`] if there is nothing to verify, or its signature is not right.
pub(super) fn run(context: &Context, arguments: &Arguments) -> Result<(), Failure> {
    let saved = read(&arguments.file)?;
    let request = saved
        .request()
        .map_err(|error| unusable(&arguments.file, &error))?;
    let provider: ProviderName = saved
        .provider
        .parse()
        .map_err(|error| unusable(&arguments.file, &error))?;
    known(&provider)?;
    let text = secrets(context, arguments, &provider)?;
    let secrets: Vec<_> = text.split(',').map(str::trim).collect();
    let came = saved.received.as_deref().and_then(moment);
    let signing = Signing {
        provider: provider.as_str(),
        hmac: None,
        url: arguments.url.as_deref(),
        now: came.unwrap_or_else(SystemTime::now),
    };
    let verdict = check(&signing, &request, &secrets, None);
    tell(context, &saved, verdict)?;
    if verdict.is_ok() {
        if let Some(came) = came {
            age(context, came);
        }
        return Ok(());
    }
    Err(Failure::silent(Exit::Failed))
}

fn tell(
    context: &Context,
    saved: &SavedDelivery,
    verdict: Result<(), Refusal>,
) -> Result<(), Failure> {
    let (provider, event) = (&*saved.provider, saved.event.as_deref());
    if context.screen.format() == Format::Json {
        return context.screen.json(&Verdict {
            provider,
            event,
            verified: verdict.is_ok(),
            reason: verdict.err().map(|why| why.to_string()),
        });
    }
    let style = context.screen.out();
    let what = [Some(provider), event].into_iter().flatten();
    let what = what.map(printable).collect::<Vec<_>>().join(" ");
    let said = match verdict {
        Ok(()) => style.paint(Ink::Good, "verified"),
        Err(why) => style.paint(Ink::Bad, &format!("not verified: {why}")),
    };
    context.screen.data(&format!("{what}: {said}\n"))
}

/// Says how old it is: a provider's own library would look at that.
fn age(context: &Context, came: SystemTime) {
    let age = SystemTime::now().duration_since(came).unwrap_or_default();
    if age > OLD {
        let age = number::time(age);
        context.screen.note(&format!(
            "it came {age} ago: an app that looks at the signature's age refuses it as it is, \
             and takes it from `tunnel webhook replay`, which signs it anew"
        ));
    }
}

fn read(file: &Path) -> Result<SavedDelivery, Failure> {
    let mut saved = Vec::new();
    let read = if file == Path::new("-") {
        io::stdin().lock().take(LONGEST).read_to_end(&mut saved)
    } else {
        File::open(file).and_then(|it| it.take(LONGEST).read_to_end(&mut saved))
    };
    read.map_err(|error| Failure::usage(format!("cannot read {}: {error}", file.display())))?;
    // What is no text is no delivery either.
    let text = String::from_utf8(saved).unwrap_or_default();
    SavedDelivery::read(&text).map_err(|error| unusable(file, &error))
}

fn unusable(file: &Path, error: &dyn std::error::Error) -> Failure {
    // What a parser says beneath it is of no use to whoever took the wrong file.
    Failure::usage(format!("{}: {error}", file.display()))
        .hint("`tunnel webhook show ID --save FILE` writes such files")
}

/// Refuses a provider whose signatures nobody here can check.
fn known(provider: &ProviderName) -> Result<(), Failure> {
    if built_in().any(|name| name == provider.as_str()) {
        return Ok(());
    }
    let failure = Failure::usage(format!("it is not known how {provider} signs"));
    Err(match provider.meant() {
        Some(meant) => failure.hint(format!("did you mean {meant}?")),
        None => failure.hint("only the server, whose tunnel.toml describes it, can verify it"),
    })
}

/// Reads the secrets, separated by commas.
fn secrets(
    context: &Context,
    arguments: &Arguments,
    provider: &ProviderName,
) -> Result<Zeroizing<String>, Failure> {
    let variable = provider.variable();
    let Some(path) = &arguments.secret_file else {
        let text = context.environment.text(&variable)?;
        let text = text.ok_or_else(|| {
            Failure::usage(format!("no secret is given: {variable} is not set"))
                .hint("set it in the environment or in .env, or name a file with --secret-file")
        })?;
        return Ok(Zeroizing::new(text.to_owned()));
    };
    let mut text = Zeroizing::new(String::with_capacity(LONGEST_SECRET));
    File::open(path)
        .and_then(|file| file.take(LONGEST_SECRET as u64).read_to_string(&mut text))
        .map_err(|error| Failure::usage(format!("cannot read {}: {error}", path.display())))?;
    Ok(text)
}

/// Reads a time as it is saved.
fn moment(text: &str) -> Option<SystemTime> {
    let millis = text.parse::<Timestamp>().ok()?.as_millisecond();
    Some(UNIX_EPOCH + Duration::from_millis(u64::try_from(millis).ok()?))
}

/// Twice the largest body, which may stand in base64, and the head.
const LONGEST: u64 = 64 * 1024 * 1024;

/// A public key is longer than any secret, and shorter than this.
const LONGEST_SECRET: usize = 64 * 1024;

/// What Stripe's library and most others allow.
const OLD: Duration = Duration::from_secs(300);
