//! What happens while deliveries are forwarded.

use std::sync::Arc;
use std::time::Duration;

use wire::Fault;

use super::carry::Signed;
use super::target::Target;
use crate::webhooks::delivery::{DeliveryId, NotDelivered, Receipt};
use crate::webhooks::wire::{Head, Missing, ProviderState};

/// What happens while deliveries are forwarded. Those of one provider come in their order.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum WebhookEvent {
    /// The server tells of its webhooks.
    Watching {
        /// What others have to put before a provider's path, if the server knows it.
        url: Option<String>,
    },
    /// There is this provider, or it is treated otherwise from now on.
    Provider(Arc<ProviderState>),
    /// The flow of a provider stands for the first time.
    Opened {
        /// How the provider is treated.
        provider: Arc<ProviderState>,
        /// Where its deliveries go.
        target: Target,
        /// How many wait for this follower.
        waiting: u64,
        /// How many were there before it, if it is new to the server.
        before: u64,
    },
    /// A delivery is here, and is posted next.
    Arrived(Arc<Head>),
    /// It was the last try, whatever came of it.
    Answered {
        /// Of which delivery.
        head: Arc<Head>,
        /// What became of it.
        receipt: Arc<Receipt>,
        /// Whose signature it bore.
        signed: Signed,
    },
    /// A try has failed, and another follows.
    Retrying {
        /// Of which delivery.
        head: Arc<Head>,
        /// What became of this try.
        receipt: Arc<Receipt>,
        /// How long until the next.
        delay: Duration,
    },
    /// Nobody listens at a provider's local app: its deliveries wait until somebody does.
    Waiting {
        /// Whose.
        provider: String,
        /// Where.
        target: Target,
        /// What happened.
        why: NotDelivered,
    },
    /// Somebody listens there again.
    GoesOn {
        /// Whose.
        provider: String,
        /// How long it was not so.
        away: Duration,
    },
    /// Deliveries are missing here.
    Missed {
        /// Whose.
        provider: String,
        /// How many.
        count: u64,
        /// Why.
        why: Missing,
    },
    /// The server has another inbox than before, or an older state of it. What the former had and had
    /// not brought here is gone, and nobody knows how much that is. The flow goes on with what is in
    /// the new one.
    OtherInbox {
        /// Whose flow.
        provider: String,
    },
    /// A provider has sent a delivery again that is here, and it was not taken a second time.
    Repeated {
        /// Whose.
        provider: String,
        /// Which.
        delivery: DeliveryId,
    },
    /// The session was lost, and a provider's flow goes on over another.
    Reconnected {
        /// Whose.
        provider: String,
        /// How long there was none.
        away: Duration,
    },
    /// There will be no more of a provider: the server says why. A status of 409 says that a newer
    /// run of the same follower has taken its place.
    Refused {
        /// Whose.
        provider: String,
        /// Why.
        fault: Fault,
    },
}
