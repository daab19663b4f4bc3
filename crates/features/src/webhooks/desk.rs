//! Where providers wait whom a laptop is to answer.
//!
//! ```text
//! entry ── expect ──▶ desk ◀── answer ── a follower's flow
//!   └────── Receipt ◀──┘
//! ```
//! Nothing of this is kept: what becomes of a delivery is in the inbox.

use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use tokio::sync::{broadcast, oneshot};

use super::delivery::{DeliveryId, Receipt};
use super::wire::Watched;

/// Brings the answers of local apps to those who wait for them, and tells followers what only they
/// want to know.
#[derive(Debug)]
pub(crate) struct Desk {
    // Never held across an await.
    inside: Mutex<Inside>,
    repeats: broadcast::Sender<Watched>,
}

#[derive(Debug, Default)]
struct Inside {
    /// How many flows there are of each provider.
    flows: BTreeMap<String, usize>,
    /// Several wait for one delivery whose provider has sent it again meanwhile.
    waiting: BTreeMap<DeliveryId, Vec<oneshot::Sender<Receipt>>>,
    /// The latest answers, for those who are going to wait for them: they were too quick, or the
    /// provider sends again what has just been answered.
    latest: VecDeque<Receipt>,
}

/// Waits for what a local app answers; for ever, if none does. Dropped, it waits no more.
#[derive(Debug)]
#[must_use = "nobody is told of an answer that nobody waits for"]
pub(crate) struct Expected {
    delivery: DeliveryId,
    receipt: oneshot::Receiver<Receipt>,
    desk: Arc<Desk>,
}

/// A flow that stands; dropped when it ends.
#[derive(Debug)]
pub(super) struct Followed {
    provider: String,
    desk: Arc<Desk>,
}

impl Desk {
    /// Makes a desk at which nobody waits.
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            inside: Mutex::default(),
            repeats: broadcast::Sender::new(REPEATS),
        })
    }

    /// Whether somebody follows a provider here, so that there may be an answer.
    pub(crate) fn is_followed(&self, provider: &str) -> bool {
        self.inside().flows.contains_key(provider)
    }

    /// Waits for the first receipt of a delivery. The answer may have been there already.
    pub(crate) fn expect(self: &Arc<Self>, delivery: DeliveryId) -> Expected {
        let (answer, receipt) = oneshot::channel();
        let mut inside = self.inside();
        let mut latest = inside.latest.iter().rev();
        match latest.find(|receipt| receipt.delivery == delivery) {
            Some(receipt) => {
                // Its receiver is in our hands.
                answer.send(receipt.clone()).ok();
            }
            None => inside.waiting.entry(delivery).or_default().push(answer),
        }
        drop(inside);
        Expected {
            delivery,
            receipt,
            desk: Arc::clone(self),
        }
    }

    /// Gives a receipt to whoever waits for it. The first one counts.
    pub(crate) fn answer(&self, receipt: &Receipt) {
        let mut inside = self.inside();
        let waiting = inside.waiting.remove(&receipt.delivery);
        for waiting in waiting.into_iter().flatten() {
            // Whoever has stopped waiting at this moment does not want it.
            waiting.send(receipt.clone()).ok();
        }
        if inside.latest.len() == LATEST {
            inside.latest.pop_front();
        }
        inside.latest.push_back(receipt.clone());
    }

    /// Tells those who watch that a provider has sent a delivery again which is in the inbox.
    pub(crate) fn note_repeat(&self, provider: &str, delivery: DeliveryId) {
        let provider = provider.to_owned();
        // Nobody need watch.
        self.repeats
            .send(Watched::Repeated { delivery, provider })
            .ok();
    }

    /// Hears of repeats from now on.
    pub(super) fn repeats(&self) -> broadcast::Receiver<Watched> {
        self.repeats.subscribe()
    }

    /// Notes that a flow stands, until the result is dropped.
    pub(super) fn follow(self: &Arc<Self>, provider: &str) -> Followed {
        *self.inside().flows.entry(provider.to_owned()).or_default() += 1;
        Followed {
            provider: provider.to_owned(),
            desk: Arc::clone(self),
        }
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        // Whole after every statement: a panic elsewhere has not broken it.
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Future for Expected {
    type Output = Receipt;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Receipt> {
        match Pin::new(&mut self.receipt).poll(cx) {
            Poll::Ready(Ok(receipt)) => Poll::Ready(receipt),
            // The desk keeps the other end until it has an answer.
            Poll::Ready(Err(_)) | Poll::Pending => Poll::Pending,
        }
    }
}

impl Drop for Expected {
    fn drop(&mut self) {
        self.receipt.close();
        let mut inside = self.desk.inside();
        if let Some(waiting) = inside.waiting.get_mut(&self.delivery) {
            waiting.retain(|it| !it.is_closed());
            if waiting.is_empty() {
                inside.waiting.remove(&self.delivery);
            }
        }
    }
}

impl Drop for Followed {
    fn drop(&mut self) {
        let mut inside = self.desk.inside();
        if let Some(flows) = inside.flows.get_mut(&self.provider) {
            *flows -= 1;
            if *flows == 0 {
                inside.flows.remove(&self.provider);
            }
        }
    }
}

/// An answer is early by the time in which a task is woken, and is in the inbox some milliseconds later;
/// each may hold 80 KiB.
const LATEST: usize = 16;

/// Repeats are told for the eye: who falls behind misses the oldest.
const REPEATS: usize = 64;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::FutureExt as _;

    use super::super::delivery::{NotDelivered, Outcome};
    use super::*;

    fn receipt(id: u128) -> Receipt {
        Receipt {
            delivery: DeliveryId::new(1, id),
            sequence: 1,
            attempt: 1,
            at: 1,
            took: Duration::ZERO,
            outcome: Outcome::NotDelivered(NotDelivered::Closed),
        }
    }

    #[test]
    fn whoever_waits_gets_the_first_receipt_of_his_delivery_however_early_it_is() {
        let desk = Desk::new();
        desk.answer(&receipt(1));
        let expected = desk.expect(receipt(1).delivery);
        assert_eq!(expected.now_or_never(), Some(receipt(1)));

        let mut expected = desk.expect(receipt(2).delivery);
        assert_eq!((&mut expected).now_or_never(), None);
        desk.answer(&receipt(3));
        assert_eq!((&mut expected).now_or_never(), None);
        desk.answer(&receipt(2));
        assert_eq!(expected.now_or_never(), Some(receipt(2)));
    }

    #[test]
    fn all_who_wait_for_a_delivery_get_its_receipt() {
        let desk = Desk::new();
        let (one, other) = (
            desk.expect(receipt(1).delivery),
            desk.expect(receipt(1).delivery),
        );
        drop(desk.expect(receipt(1).delivery));
        desk.answer(&receipt(1));
        for expected in [one, other] {
            assert_eq!(expected.now_or_never(), Some(receipt(1)));
        }
        assert!(desk.inside().waiting.is_empty());
    }

    #[test]
    fn what_nobody_waits_for_is_bounded() {
        let desk = Desk::new();
        drop(desk.expect(receipt(0).delivery));
        (0..100).for_each(|id| desk.answer(&receipt(id)));
        let inside = desk.inside();
        assert_eq!((inside.waiting.len(), inside.latest.len()), (0, LATEST));
    }

    #[test]
    fn a_provider_is_followed_as_long_as_one_of_its_flows_stands() {
        let desk = Desk::new();
        let (one, other) = (desk.follow("slack"), desk.follow("slack"));
        drop(one);
        assert!(desk.is_followed("slack") && !desk.is_followed("zoom"));
        drop(other);
        assert!(!desk.is_followed("slack"));
    }
}
