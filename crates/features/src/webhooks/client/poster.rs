//! The poster of a provider: takes its deliveries in their order, one after the other, to the local
//! app, until each is taken or has failed.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};
use transport::tasks::Tasks;

use super::event::WebhookEvent;
use super::forwarding::Teller;
use super::hand::{Hand, Parcel};
use super::journal::Journal;
use super::outlet::{Outgoing, Outlet, Posted};
use super::retry::{Next, Tries};
use super::signer::Occasion;
use super::{Signed, request_of};
use crate::webhooks::delivery::{NotDelivered, Receipt, Verification};
use crate::webhooks::wire::{Ack, Head};

/// Posts what is in hand of one provider.
pub(super) struct Poster<'a> {
    pub(super) hand: &'a Hand,
    pub(super) journal: Journal,
    pub(super) outlet: Outlet,
    pub(super) teller: Teller,
    /// Tells when to end.
    pub(super) tasks: Tasks,
}

/// Whether a poster goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mood {
    GoesOn,
    /// It was told to stop.
    Ends,
}

impl Poster<'_> {
    /// Posts until it is told to stop; then ends what has begun, and waits for its acks to be kept.
    pub(super) async fn run(mut self) {
        loop {
            let parcel = tokio::select! {
                biased;
                () = self.tasks.stopping() => break,
                parcel = self.hand.next() => parcel,
            };
            if self.deliver(parcel).await == Mood::Ends {
                break;
            }
        }
        tokio::time::timeout(LAST_ACKS, self.hand.all_kept())
            .await
            .ok();
    }

    /// Tries until a delivery is taken or has failed.
    async fn deliver(&mut self, parcel: Parcel) -> Mood {
        let head = &parcel.head;
        if let Some(receipt) = self.journal.finished(head.id) {
            // A run before this one posted it, and was killed before the server knew.
            self.hand.ack(parcel.epoch, Ack::Done(receipt)).await;
            return Mood::GoesOn;
        }
        self.teller
            .tell(WebhookEvent::Arrived(Arc::clone(head)))
            .await;
        let first = head
            .attempt
            .max(self.journal.begun(head.id).saturating_add(1));
        if matches!(head.verification, Verification::Refused(_)) {
            // Anybody may have made it up. It is posted where somebody has looked and asks for it.
            let receipt = self.outlet.left_out(head.id, head.sequence, first);
            self.settle(head, receipt, Signed::AsItCame).await;
            return Mood::GoesOn;
        }
        let (mut attempt, mut tries) = (first, Tries::new());
        // Whom nobody waits for any more is one like others.
        let until = parcel.until.filter(|until| *until > Instant::now());
        let mut away = Away::default();
        loop {
            let Posted { receipt, signed } = self.try_once(&parcel, attempt, until).await;
            let next = match until {
                Some(_) => Next::Done,
                None => tries.next(&receipt.outcome, self.outlet.now()),
            };
            let (delay, ack) = match next {
                Next::Done => {
                    self.goes_on(&mut away, head).await;
                    self.settle(&parcel, receipt, signed).await;
                    return Mood::GoesOn;
                }
                Next::Again(delay) => {
                    self.goes_on(&mut away, head).await;
                    attempt += 1;
                    (delay, Some(receipt))
                }
                Next::Wait(delay, why) => {
                    self.wait(&mut away, head, why).await;
                    (delay, None)
                }
            };
            if let Some(receipt) = ack {
                self.retry(&parcel, receipt, delay).await;
            }
            if self.rest(delay).await == Mood::Ends {
                return Mood::Ends;
            }
        }
    }

    async fn try_once(&mut self, parcel: &Parcel, attempt: u32, until: Option<Instant>) -> Posted {
        let head = &parcel.head;
        let outgoing = Outgoing {
            delivery: head.id,
            sequence: head.sequence,
            provider: &head.provider,
            hmac: parcel.hmac.as_deref(),
            verification: head.verification,
            attempt,
            occasion: Occasion::Live,
            until,
            request: request_of(head, &parcel.body),
        };
        self.journal.begin(head.id, attempt);
        let posted = self.outlet.post(outgoing).await;
        // It would be the same at each try: a path that is none, such as `*`.
        posted.unwrap_or_else(|_| Posted {
            receipt: self.outlet.left_out(head.id, head.sequence, attempt),
            signed: Signed::AsItCame,
        })
    }

    /// Ends with the last try: what became of it is in the journal and among the acks before anybody is
    /// told.
    async fn settle(&mut self, parcel: &Parcel, receipt: Receipt, signed: Signed) {
        let told = Arc::new(receipt.clone());
        self.journal.note(&receipt);
        self.hand.ack(parcel.epoch, Ack::Done(receipt)).await;
        let event = WebhookEvent::Answered {
            head: Arc::clone(&parcel.head),
            receipt: told,
            signed,
        };
        self.teller.tell(event).await;
        // Lets the flow send the receipt before the next delivery is posted, if it can.
        tokio::task::yield_now().await;
    }

    async fn retry(&mut self, parcel: &Parcel, receipt: Receipt, delay: Duration) {
        let told = Arc::new(receipt.clone());
        self.hand.ack(parcel.epoch, Ack::Tried(receipt)).await;
        let event = WebhookEvent::Retrying {
            head: Arc::clone(&parcel.head),
            receipt: told,
            delay,
        };
        self.teller.tell(event).await;
    }

    /// Says that nobody listens, once.
    async fn wait(&mut self, away: &mut Away, head: &Head, why: NotDelivered) {
        if away.0.is_some() {
            return;
        }
        away.0 = Some(Instant::now());
        let event = WebhookEvent::Waiting {
            provider: head.provider.clone(),
            target: self.outlet.target().clone(),
            why,
        };
        self.teller.tell(event).await;
    }

    /// Says that somebody listens again, if it was said that nobody does.
    async fn goes_on(&mut self, away: &mut Away, head: &Head) {
        if let Some(since) = away.0.take() {
            let event = WebhookEvent::GoesOn {
                provider: head.provider.clone(),
                away: since.elapsed(),
            };
            self.teller.tell(event).await;
        }
    }

    async fn rest(&mut self, delay: Duration) -> Mood {
        tokio::select! {
            () = sleep(delay) => Mood::GoesOn,
            () = self.tasks.stopping() => Mood::Ends,
        }
    }
}

/// Since when nobody listens, if it is so.
#[derive(Debug, Default)]
struct Away(Option<Instant>);

/// What a server needs to keep some receipts, and the way to it twice. Those that it has not kept by
/// then it will know of as deliveries that were offered.
const LAST_ACKS: Duration = Duration::from_secs(2);
