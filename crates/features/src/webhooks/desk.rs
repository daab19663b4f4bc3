//! Where providers wait whom a laptop is to answer.
//!
//! ```text
//! entry ── expect ──▶ desk ── deadline ──▶ a follower's flow
//!   └────── Receipt ◀──┴─────◀── answer ────┘
//! ```
//! Whoever expects an answer does so before the delivery can be sent. So a flow that finds nobody here
//! sends a usual delivery: one that another instance has taken, or whose provider has gone.
//! Nothing of this is kept: what becomes of a delivery is in the inbox.

use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::sync::{broadcast, oneshot};
use tokio::time::Instant;

use super::delivery::{DeliveryId, Receipt};
use super::wire::Watched;

/// Brings the answers of local apps to those who wait for them, and tells followers what only they
/// want to know.
#[derive(Debug)]
pub(crate) struct Desk {
    // Never held across an await.
    state: Mutex<DeskState>,
    repeats: broadcast::Sender<Watched>,
}

#[derive(Debug, Default)]
struct DeskState {
    /// How many flows there are of each provider.
    flows: BTreeMap<String, usize>,
    /// Several wait for one delivery whose provider has sent it again meanwhile.
    waiting: BTreeMap<DeliveryId, Vec<Waiter>>,
    /// The latest answers, for those who are going to wait for them: they were too quick, or the
    /// provider sends again what has just been answered.
    latest: VecDeque<Receipt>,
}

/// Somebody who waits.
#[derive(Debug)]
struct Waiter {
    until: Instant,
    answer: oneshot::Sender<Receipt>,
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
            state: Mutex::default(),
            repeats: broadcast::Sender::new(REPEATS),
        })
    }

    /// Whether somebody follows a provider here, so that there may be an answer.
    pub(crate) fn is_followed(&self, provider: &str) -> bool {
        self.state().flows.contains_key(provider)
    }

    /// Waits for the first receipt of a delivery. The answer may have been there already. `until` is
    /// when the caller goes, which flows are told: it drops what it is given here then.
    pub(crate) fn expect(self: &Arc<Self>, delivery: DeliveryId, until: Instant) -> Expected {
        let (answer, receipt) = oneshot::channel();
        let mut state = self.state();
        let mut latest = state.latest.iter().rev();
        match latest.find(|receipt| receipt.delivery == delivery) {
            Some(receipt) => {
                // Its receiver is in our hands.
                answer.send(receipt.clone()).ok();
            }
            None => {
                let waiters = state.waiting.entry(delivery).or_default();
                waiters.push(Waiter { until, answer });
            }
        }
        drop(state);
        Expected {
            delivery,
            receipt,
            desk: Arc::clone(self),
        }
    }

    /// Returns how long somebody waits here for the answer to a delivery; `None` if nobody does.
    pub(super) fn deadline(&self, delivery: DeliveryId) -> Option<Duration> {
        let state = self.state();
        let last = state
            .waiting
            .get(&delivery)?
            .iter()
            .map(|it| it.until)
            .max();
        let left = last?.saturating_duration_since(Instant::now());
        (!left.is_zero()).then_some(left)
    }

    /// Returns what is waited for.
    #[cfg(test)]
    pub(super) fn waiting(&self) -> Vec<DeliveryId> {
        self.state().waiting.keys().copied().collect()
    }

    /// Gives a receipt to whoever waits for it. The first one counts.
    pub(crate) fn answer(&self, receipt: &Receipt) {
        let mut state = self.state();
        let waiting = state.waiting.remove(&receipt.delivery);
        for waiting in waiting.into_iter().flatten() {
            // Whoever has stopped waiting at this moment does not want it.
            waiting.answer.send(receipt.clone()).ok();
        }
        if state.latest.len() == LATEST {
            state.latest.pop_front();
        }
        state.latest.push_back(receipt.clone());
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
        *self.state().flows.entry(provider.to_owned()).or_default() += 1;
        Followed {
            provider: provider.to_owned(),
            desk: Arc::clone(self),
        }
    }

    fn state(&self) -> MutexGuard<'_, DeskState> {
        // Whole after every statement: a panic elsewhere has not broken it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
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
        let mut state = self.desk.state();
        if let Some(waiting) = state.waiting.get_mut(&self.delivery) {
            waiting.retain(|it| !it.answer.is_closed());
            if waiting.is_empty() {
                state.waiting.remove(&self.delivery);
            }
        }
    }
}

impl Drop for Followed {
    fn drop(&mut self) {
        let mut state = self.desk.state();
        if let Some(flows) = state.flows.get_mut(&self.provider) {
            *flows -= 1;
            if *flows == 0 {
                state.flows.remove(&self.provider);
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

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(2)
    }

    #[test]
    fn whoever_waits_gets_the_first_receipt_of_his_delivery_however_early_it_is() {
        let desk = Desk::new();
        desk.answer(&receipt(1));
        let expected = desk.expect(receipt(1).delivery, soon());
        assert_eq!(expected.now_or_never(), Some(receipt(1)));

        let mut expected = desk.expect(receipt(2).delivery, soon());
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
            desk.expect(receipt(1).delivery, soon()),
            desk.expect(receipt(1).delivery, soon()),
        );
        drop(desk.expect(receipt(1).delivery, soon()));
        desk.answer(&receipt(1));
        for expected in [one, other] {
            assert_eq!(expected.now_or_never(), Some(receipt(1)));
        }
        assert!(desk.state().waiting.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_delivery_has_a_deadline_as_long_as_somebody_waits_for_it() {
        let desk = Desk::new();
        let delivery = receipt(1).delivery;
        assert_eq!(desk.deadline(delivery), None);
        let (one, other) = (desk.expect(delivery, soon()), {
            tokio::time::advance(Duration::from_secs(1)).await;
            desk.expect(delivery, soon())
        });
        let (until, sooner) = (Duration::from_secs(2), Duration::from_secs(1));
        assert_eq!(desk.deadline(delivery), Some(until));
        drop(other);
        assert_eq!(desk.deadline(delivery), Some(sooner));
        assert_eq!(desk.deadline(receipt(2).delivery), None);
        tokio::time::advance(sooner).await;
        assert_eq!(desk.deadline(delivery), None);
        drop(one);
        let _third = desk.expect(delivery, soon());
        desk.answer(&receipt(1));
        assert_eq!(desk.deadline(delivery), None);
    }

    #[test]
    fn what_nobody_waits_for_is_bounded() {
        let desk = Desk::new();
        drop(desk.expect(receipt(0).delivery, soon()));
        (0..100).for_each(|id| desk.answer(&receipt(id)));
        let state = desk.state();
        assert_eq!((state.waiting.len(), state.latest.len()), (0, LATEST));
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
