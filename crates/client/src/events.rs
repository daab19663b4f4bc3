//! What happens on a connection, as one stream that any number of listeners hear.

use tokio::sync::broadcast::{self, error::RecvError};

use crate::event::TunnelEvent;

/// What happens on a connection, in order. Made by
/// [`TunnelClient::events`](crate::TunnelClient::events).
#[derive(Debug)]
pub struct Events(broadcast::Receiver<TunnelEvent>);

/// Tells of events while the connection lasts: the one strong sender is the keeper's, which drops
/// it at the end.
#[derive(Clone, Debug)]
pub(crate) struct Teller(broadcast::WeakSender<TunnelEvent>);

impl Events {
    /// Waits for the next event; `None` when the connection has ended for good. Cancel-safe.
    ///
    /// A listener that falls more than 256 events behind misses the oldest, and hears how many in
    /// their place: [`TunnelEvent::Missed`].
    pub async fn next(&mut self) -> Option<TunnelEvent> {
        match self.0.recv().await {
            Ok(event) => Some(event),
            Err(RecvError::Lagged(count)) => Some(TunnelEvent::Missed { count }),
            Err(RecvError::Closed) => None,
        }
    }
}

impl Teller {
    /// Makes the strong sender, and one that tells while it lives.
    pub(crate) fn pair() -> (broadcast::Sender<TunnelEvent>, Self) {
        let sender = broadcast::Sender::new(EVENTS);
        let teller = Self(sender.downgrade());
        (sender, teller)
    }

    pub(crate) fn tell(&self, event: TunnelEvent) {
        if let Some(sender) = self.0.upgrade() {
            // Nobody need listen.
            sender.send(event).ok();
        }
    }

    /// Returns what is told from now on: nothing, if the connection has ended.
    pub(crate) fn listen(&self) -> Events {
        Events(match self.0.upgrade() {
            Some(sender) => sender.subscribe(),
            None => broadcast::channel(1).1,
        })
    }
}

/// A sync tells of each chunk: some seconds of them.
const EVENTS: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_listener_that_falls_behind_hears_how_many_events_it_missed() {
        let (sender, teller) = Teller::pair();
        let mut slow = teller.listen();
        let told = |attempt| TunnelEvent::Reconnecting {
            attempt,
            delay: std::time::Duration::ZERO,
        };
        let last = u32::try_from(EVENTS).unwrap() + 3;
        for attempt in 1..=last {
            teller.tell(told(attempt));
        }
        drop(sender);
        let first = slow.next().await;
        assert!(
            matches!(first, Some(TunnelEvent::Missed { count: 3 })),
            "{first:?}"
        );
        for kept in 4..=last {
            let next = slow.next().await;
            assert!(
                matches!(next, Some(TunnelEvent::Reconnecting { attempt, .. }) if attempt == kept),
                "{next:?}"
            );
        }
        assert!(slow.next().await.is_none());
        assert!(teller.listen().next().await.is_none());
    }
}
