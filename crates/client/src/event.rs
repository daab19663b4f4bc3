//! What happens on a connection, as values.

use std::sync::Arc;
use std::time::Duration;

use features::env::client::Finding;
use features::flags::client::Mirrored;
use features::health::client::Health;
use features::logs::Entry;
use features::logs::wire::Missed;
use features::sync::client::{Progress, Summary};
use features::webhooks::client::WebhookEvent;
use transport::carrier::Carrier;
use transport::keeper;
use transport::session::describe_end;

use crate::chain::Chain;

/// Something that happened on a connection.
///
/// The names are those of the package before this one, as `docs/MIGRATING.md` lists them. Other
/// variants may come.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum TunnelEvent {
    /// A session is open and both ends have proved themselves.
    Authenticated {
        /// The server's name.
        server_id: String,
        /// What the server calls itself, for example `production`.
        environment: String,
        /// What carries the session.
        carrier: Carrier,
    },
    /// The WebSocket beneath the session is lost. The session stands still, and another is sought
    /// for it.
    CarrierLost,
    /// The session has a WebSocket again, and goes on with all that is open on it.
    CarrierBack,
    /// The server is leaving: another session is sought, while this one goes on.
    Leaving,
    /// The session has ended.
    Disconnected {
        /// Why, in a few words.
        reason: String,
    },
    /// A new session will be tried.
    Reconnecting {
        /// Counts from 1.
        attempt: u32,
        /// How long until then.
        delay: Duration,
    },
    /// A try failed, or there will be no other; then it is the last event.
    Error {
        /// What happened, with its causes.
        reason: String,
    },
    /// A log line came in.
    Log(Arc<Entry>),
    /// Log lines are missing here: the server had them no longer.
    LogsMissed(Missed),
    /// A sync has come further.
    SyncProgress(Progress),
    /// A sync has come to its end.
    Synced(Arc<Summary>),
    /// Something happened to webhooks that are forwarded.
    Webhook(WebhookEvent),
    /// Environments were compared, variable by variable.
    Environment(Arc<[Finding]>),
    /// The mirror of the server's flags has changed.
    Flags(Arc<Mirrored>),
    /// A health check was answered.
    Health(Arc<Health>),
    /// This listener fell behind, and misses the events that were told here.
    Missed {
        /// How many.
        count: u64,
    },
}

impl From<keeper::Event> for TunnelEvent {
    fn from(event: keeper::Event) -> Self {
        match event {
            keeper::Event::Authenticated { welcome, carrier } => Self::Authenticated {
                server_id: welcome.server_id.clone(),
                environment: welcome.environment.clone(),
                carrier,
            },
            keeper::Event::CarrierLost => Self::CarrierLost,
            keeper::Event::CarrierBack => Self::CarrierBack,
            keeper::Event::Leaving => Self::Leaving,
            keeper::Event::Disconnected(reason) => Self::Disconnected {
                reason: describe_end(&reason),
            },
            keeper::Event::Reconnecting(attempt) => Self::Reconnecting {
                attempt: attempt.number,
                delay: attempt.delay,
            },
            keeper::Event::Failed(error) => Self::Error {
                reason: Chain::of(&*error).to_string(),
            },
            keeper::Event::GaveUp(why) => Self::Error {
                reason: format!("no further try will be made: {}", Chain::of(&why)),
            },
        }
    }
}
