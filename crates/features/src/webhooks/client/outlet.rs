//! The way out: makes a request for the local app, signs it anew if need be, posts it, and writes the
//! receipt.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::carry::{CarryError, Label, Signed, prepare};
use super::local::LocalApp;
use super::signer::{Occasion, Signer, Whose};
use super::target::Target;
use crate::wall_clock::millis_at;
use crate::webhooks::clock::Clock;
use crate::webhooks::config::HmacConfig;
use crate::webhooks::delivery::{
    DeliveryId, NotDelivered, Outcome, Receipt, Request, Verification,
};

/// How requests get to local apps.
#[derive(Clone)]
pub struct Posting {
    /// Signs them anew.
    pub signer: Arc<Signer>,
    /// How long a local app may take for its answer.
    pub longest: Duration,
    /// The clock of receipts and signatures.
    pub clock: Clock,
}

/// Posts to one local app.
pub(super) struct Outlet {
    app: LocalApp,
    posting: Posting,
}

/// What is posted.
#[derive(Clone, Debug)]
pub struct Outgoing<'a> {
    /// Which delivery it is.
    pub delivery: DeliveryId,
    /// Its place in the inbox; 0 if it is in none.
    pub sequence: u64,
    /// Whose it is.
    pub provider: &'a str,
    /// How its provider signs, if it is not built in.
    pub hmac: Option<&'a HmacConfig>,
    /// Whether it is its provider's.
    pub verification: Verification,
    /// Which try this is.
    pub attempt: u32,
    /// Why it is posted.
    pub occasion: Occasion,
    /// When its provider hears what the local app says.
    pub until: Option<Instant>,
    /// The request.
    pub request: Request,
}

/// What came of a try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posted {
    /// The receipt.
    pub receipt: Receipt,
    /// Whose signature the request bore.
    pub signed: Signed,
}

/// Posts a request once, over a connection of its own.
///
/// # Errors
/// [`CarryError`] if it is no HTTP.
pub async fn post(
    posting: &Posting,
    target: Target,
    outgoing: Outgoing<'_>,
) -> Result<Posted, CarryError> {
    Outlet::new(target, posting.clone()).post(outgoing).await
}

impl Outlet {
    pub(super) const fn new(target: Target, posting: Posting) -> Self {
        Self {
            app: LocalApp::new(target),
            posting,
        }
    }

    pub(super) const fn target(&self) -> &Target {
        self.app.target()
    }

    pub(super) fn now(&self) -> u64 {
        millis_at((self.posting.clock)())
    }

    /// Tries once.
    pub(super) async fn post(&mut self, outgoing: Outgoing<'_>) -> Result<Posted, CarryError> {
        let Outgoing {
            delivery,
            sequence,
            attempt,
            verification,
            mut request,
            ..
        } = outgoing;
        let whose = Whose {
            provider: outgoing.provider,
            hmac: outgoing.hmac,
            occasion: outgoing.occasion,
            verification,
        };
        let (signer, now) = (&self.posting.signer, (self.posting.clock)());
        let signed = signer.apply(&whose, &mut request, self.app.target(), now);
        let label = Label {
            delivery,
            attempt,
            verification,
            signed,
        };
        let prepared = prepare(&request, self.app.target(), &label)?;
        let began = Instant::now();
        let left = outgoing.until.map(|until| until.duration_since(began));
        let longest = left.unwrap_or(self.posting.longest);
        let outcome = self.app.post(prepared, longest).await;
        let receipt = Receipt {
            delivery,
            sequence,
            attempt,
            at: self.now(),
            took: began.elapsed(),
            outcome,
        };
        Ok(Posted { receipt, signed })
    }

    /// Writes the receipt of a delivery that cannot be posted.
    pub(super) fn left_out(&self, delivery: DeliveryId, sequence: u64, attempt: u32) -> Receipt {
        Receipt {
            delivery,
            sequence,
            attempt,
            at: self.now(),
            took: Duration::ZERO,
            outcome: Outcome::NotDelivered(NotDelivered::LeftOut),
        }
    }
}

impl std::fmt::Debug for Posting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Posting")
            .field("signer", &self.signer)
            .field("longest", &self.longest)
            .finish_non_exhaustive()
    }
}

/// How long a local app may take: somebody may stand in its debugger, and the next one waits.
pub const LONGEST_ANSWER: Duration = Duration::from_secs(30);
