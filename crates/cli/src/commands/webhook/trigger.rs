//! `tunnel webhook trigger`: a delivery that nobody sent, to try an app with.

use std::time::SystemTime;

use clap::Args;
use features::webhooks::client::{Occasion, Outgoing, SigningPolicy, Target};
use features::webhooks::fixtures::{ALL, Fixture, Fresh};
use features::webhooks::providers::describe;
use features::webhooks::{Delivery, DeliveryId, Origin, Outcome, Verification};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use transport::trust::random_16;

use super::post;
use super::provider::ProviderName;
use super::set::Set;
use crate::context::Context;
use crate::exit::{Exit, Failure};
use crate::laptop::Laptop;
use crate::output::Format;
use crate::output::text::columns;

/// Posts an invented delivery to the local app: no server is asked
///
/// Ids and times are new in each, and it is signed with this laptop's own secret, which `tunnel webhook
/// secret` prints. The exit code is 1 unless the app takes it.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  tunnel webhook trigger --list
  tunnel webhook trigger stripe payment_intent.succeeded --to 3000
  tunnel webhook trigger stripe invoice.paid --to 3000/hooks --set data.object.amount_paid=100
  tunnel webhook trigger github push --to http://localhost:4000/github

With --json: an object as `tunnel webhook --json` has for an answer; with --list, an array of
provider and event.")]
pub(super) struct Arguments {
    /// The provider: stripe, github, shopify, slack or paypal
    #[arg(value_name = "PROVIDER", required_unless_present = "list")]
    provider: Option<ProviderName>,

    /// What happens, in the provider's words
    #[arg(value_name = "EVENT")]
    event: Option<String>,

    /// Lists what there is
    #[arg(long)]
    list: bool,

    /// The local app: PORT, PORT/PATH or http://HOST:PORT/PATH; /api/webhooks/PROVIDER without a path
    #[arg(long, value_name = "APP", visible_alias = "port")]
    to: Option<Target>,

    /// Changes a member of what is sent: outer.inner=value; can be given several times
    #[arg(long, value_name = "NAME=VALUE")]
    set: Vec<Set>,
}

/// Posts a fixture, or lists them.
///
/// # Errors
/// [`Failure`] if there is none of that name, or the app does not take it.
pub(super) async fn run(context: &Context, arguments: &Arguments) -> Result<(), Failure> {
    let provider = match &arguments.provider {
        Some(provider) if !arguments.list => provider,
        provider => return list(context, provider.as_ref()),
    };
    let (fixture, target) = wanted(provider, arguments)?;
    let delivery = make(fixture, target, &arguments.set)?;
    let laptop = Laptop::of(&context.environment)?;
    let posting = post::posting(&laptop, SigningPolicy::Always, None)?;
    let outgoing = Outgoing {
        delivery: delivery.id,
        sequence: delivery.sequence,
        provider: provider.as_str(),
        hmac: None,
        verification: delivery.verification,
        attempt: 1,
        occasion: Occasion::Replay,
        until: None,
        request: delivery.request.clone(),
    };
    let posted = post::once(context, &posting, target.clone(), outgoing, &delivery);
    let receipt = context.interrupt.or(posted).await?;
    if receipt.outcome.is_delivered() {
        return Ok(());
    }
    if let Outcome::Answered(answer) = &receipt.outcome
        && matches!(answer.status, 400 | 401 | 403)
    {
        context.screen.note(&format!(
            "if the app does not take its signature: `tunnel webhook secret {provider}` prints the secret it was signed with"
        ));
    }
    Err(Failure::silent(Exit::Failed))
}

/// Returns what is to be sent, and where.
fn wanted<'a>(
    provider: &ProviderName,
    arguments: &'a Arguments,
) -> Result<(&'static Fixture, &'a Target), Failure> {
    let Some(event) = &arguments.event else {
        return Err(Failure::usage("it is not said what happens").hint(format!(
            "`tunnel webhook trigger {provider} --list` names the events"
        )));
    };
    let fixture = find(provider, event)?;
    let Some(target) = &arguments.to else {
        return Err(Failure::usage("it is not said where it goes").hint(format!(
            "name the local app's port: tunnel webhook trigger {provider} {event} --to 3000"
        )));
    };
    Ok((fixture, target))
}

fn find(provider: &ProviderName, event: &str) -> Result<&'static Fixture, Failure> {
    if let Some(fixture) = Fixture::find(provider.as_str(), event) {
        return Ok(fixture);
    }
    let theirs = || ALL.iter().filter(|it| it.provider == provider.as_str());
    if theirs().next().is_none() {
        let known = "there are those of stripe, github, shopify, slack and paypal";
        let failure = Failure::usage(format!("there are no fixtures of {provider}"));
        return Err(match provider.meant() {
            Some(meant) => failure.hint(format!("did you mean {meant}?")),
            None => failure.hint(known),
        });
    }
    let near = theirs().max_by(|one, other| {
        let likeness = |it: &Fixture| strsim::jaro_winkler(it.event, event);
        likeness(one).total_cmp(&likeness(other))
    });
    let near = near.map_or(String::new(), |it| format!("the nearest is {}; ", it.event));
    Err(
        Failure::usage(format!("there is no fixture of {provider}'s {event:?}")).hint(format!(
            "{near}`tunnel webhook trigger {provider} --list` names them all"
        )),
    )
}

/// Makes a delivery of a fixture.
fn make(fixture: &Fixture, target: &Target, changes: &[Set]) -> Result<Delivery, Failure> {
    let random = || random_16().map_err(|error| Failure::failed(error.to_string()));
    let fresh = Fresh {
        seed: random()?,
        now: SystemTime::now(),
    };
    let document = changed(&fixture.document(&fresh), changes)?;
    let path = format!("/api/webhooks/{}", fixture.provider);
    let request = fixture.request(&fresh, &document, &path, origin(target));
    let described = describe(fixture.provider, &request, None);
    let now = u64::try_from(Timestamp::now().as_millisecond()).unwrap_or(0);
    Ok(Delivery {
        id: DeliveryId::new(now, u128::from_be_bytes(random()?)),
        sequence: 0,
        received: now,
        provider: fixture.provider.to_owned(),
        event: described.event.or_else(|| Some(fixture.event.to_owned())),
        event_id: described.event_id,
        // It is not its provider's, however it is signed.
        verification: Verification::NoSecret,
        answered: None,
        repeats: 0,
        request,
    })
}

fn origin(target: &Target) -> Origin {
    Origin {
        scheme: "http".to_owned(),
        host: format!("{}:{}", target.host(), target.port()),
        client: [127, 0, 0, 1].into(),
    }
}

fn changed(document: &str, changes: &[Set]) -> Result<String, Failure> {
    if changes.is_empty() {
        return Ok(document.to_owned());
    }
    let no_json = |error| Failure::failed(format!("the fixture is no JSON: {error}"));
    let mut value: Value = serde_json::from_str(document).map_err(no_json)?;
    for change in changes {
        change
            .apply(&mut value)
            .map_err(|error| Failure::usage(format!("--set: {error}")))?;
    }
    serde_json::to_string_pretty(&value).map_err(no_json)
}

fn list(context: &Context, provider: Option<&ProviderName>) -> Result<(), Failure> {
    #[derive(Serialize)]
    struct Listed {
        provider: &'static str,
        event: &'static str,
    }
    let wanted = |it: &&Fixture| provider.is_none_or(|name| name.as_str() == it.provider);
    let fixtures = ALL.iter().filter(wanted);
    if context.screen.format() == Format::Json {
        let all = fixtures.map(|it| Listed {
            provider: it.provider,
            event: it.event,
        });
        return context.screen.json(&all.collect::<Vec<_>>());
    }
    let rows: Vec<_> = fixtures
        .map(|it| [it.provider.to_owned(), it.event.to_owned()])
        .collect();
    context.screen.data(&columns(&rows))
}
