//! Posts a delivery to a local app once, outside of any flow, and shows what comes of it.

use std::sync::Arc;
use std::time::Duration;

use clap::ValueEnum;
use features::webhooks::client::{
    LONGEST_ANSWER, Outgoing, Posted, Posting, Signer, SigningPolicy, Target, WebhookEvent, post,
};
use features::webhooks::providers::OwnSecrets;
use features::webhooks::wire::Head;
use features::webhooks::{Delivery, Receipt, system_clock};
use jiff::Timestamp;

use crate::context::Context;
use crate::exit::Failure;
use crate::laptop::Laptop;
use crate::output::Format;
use crate::output::clock::Moment;
use crate::output::webhook::{EventJson, Live};

/// When deliveries are signed anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Sign {
    /// All of a provider whose secret `tunnel webhook secret` has shown on this laptop, else as `late`
    Auto,
    /// All
    Always,
    /// Those that came too long ago for the provider's own library to take them
    Late,
    /// None
    Never,
}

impl From<Sign> for SigningPolicy {
    fn from(sign: Sign) -> Self {
        match sign {
            Sign::Auto => Self::Auto,
            Sign::Always => Self::Always,
            Sign::Late => Self::Late,
            Sign::Never => Self::Never,
        }
    }
}

/// Puts together how deliveries get to local apps from this laptop.
pub(super) fn posting(
    laptop: &Laptop,
    policy: SigningPolicy,
    longest: Option<Duration>,
) -> Result<Posting, Failure> {
    let signer = Signer {
        policy,
        secrets: OwnSecrets::new(&*laptop.seed()?),
        asked: laptop.asked(),
    };
    Ok(Posting {
        signer: Arc::new(signer),
        longest: longest.unwrap_or(LONGEST_ANSWER),
        clock: system_clock(),
    })
}

/// Posts a delivery once, and shows it as it goes and is answered.
///
/// # Errors
/// [`Failure`] if it is no HTTP any more, or it cannot be shown.
pub(super) async fn once(
    context: &Context,
    posting: &Posting,
    target: Target,
    outgoing: Outgoing<'_>,
    delivery: &Delivery,
) -> Result<Receipt, Failure> {
    let head = Arc::new(head_of(delivery, &outgoing));
    let mut live = Live::new(context.screen.out());
    if context.screen.format() == Format::Human {
        let arrived = WebhookEvent::Arrived(Arc::clone(&head));
        context.screen.data(&live.lines(&arrived, now()))?;
    }
    let posted = post(posting, target, outgoing).await;
    let Posted { receipt, signed } =
        posted.map_err(|error| Failure::usage(format!("it cannot be sent: {error}")))?;
    let event = WebhookEvent::Answered {
        head,
        receipt: Arc::new(receipt.clone()),
        signed,
    };
    show(context, &mut live, &event)?;
    Ok(receipt)
}

/// Shows an event.
///
/// # Errors
/// [`Failure`] if it cannot be written.
pub(super) fn show(
    context: &Context,
    live: &mut Live,
    event: &WebhookEvent,
) -> Result<(), Failure> {
    match context.screen.format() {
        Format::Human => context.screen.data(&live.lines(event, now())),
        Format::Json => match EventJson::of(event) {
            Some(event) => context.screen.json(&event),
            None => Ok(()),
        },
    }
}

/// Returns the moment.
fn now() -> Moment {
    Moment(u64::try_from(Timestamp::now().as_nanosecond()).unwrap_or(0))
}

/// Returns what stands for a delivery in events.
fn head_of(delivery: &Delivery, outgoing: &Outgoing<'_>) -> Head {
    let request = &outgoing.request;
    Head {
        method: request.method.clone(),
        target: request.target.clone(),
        headers: request.headers.clone(),
        origin: request.origin.clone(),
        length: request.body.len() as u64,
        ..Head::of(delivery)
    }
}
