//! The client's methods for webhooks.

use features::webhooks::client::{self, Forwarding, Shown, WebhookEvent, WebhookStream};
use features::webhooks::wire::{Follower, List, Listed};
use features::webhooks::{DeliveryId, FEATURE, Receipt};

use crate::client::TunnelClient;
use crate::error::TunnelError;
use crate::event::TunnelEvent;

/// Webhooks that are forwarded. Made by [`TunnelClient::forward_webhooks`]; dropping it ends all at
/// once.
#[derive(Debug)]
pub struct Webhooks {
    stream: WebhookStream,
    client: TunnelClient,
}

impl TunnelClient {
    /// Forwards production's webhooks to local apps, through losses of the session.
    #[must_use]
    pub fn forward_webhooks(&self, forwarding: Forwarding) -> Webhooks {
        Webhooks {
            stream: WebhookStream::open(&self.keeper, forwarding),
            client: self.clone(),
        }
    }

    /// Asks which deliveries the server has, the newest first.
    ///
    /// # Errors
    /// [`TunnelError`] if the server cannot be asked.
    pub async fn webhooks(&self, list: &List) -> Result<Listed, TunnelError> {
        self.ask(&FEATURE, |session| async move {
            client::list(&session, list).await
        })
        .await
    }

    /// Fetches a delivery, and what became of it.
    ///
    /// # Errors
    /// [`TunnelError`] if there is none of this id, or the server cannot be asked.
    pub async fn webhook(&self, id: DeliveryId) -> Result<Shown, TunnelError> {
        self.ask(&FEATURE, |session| async move {
            client::fetch(&session, id).await
        })
        .await
    }

    /// Lets the server keep what became of a delivery that was posted again by hand, with
    /// [`post`](client::post).
    ///
    /// # Errors
    /// [`TunnelError`] if the server does not keep it.
    pub async fn record_webhook(
        &self,
        follower: Follower,
        receipt: Receipt,
    ) -> Result<(), TunnelError> {
        let session = self.keeper.session().await?;
        let recorded = client::record(&session, follower, receipt).await;
        recorded.map_err(|error| self.refused(&FEATURE.protocol, error))
    }
}

impl Webhooks {
    /// Waits for what happens next; `None` when all has ended after [`Webhooks::stop`]. Cancel-safe.
    /// Whoever does not ask holds all up.
    ///
    /// # Errors
    /// [`TunnelError`] if it cannot go on.
    pub async fn next(&mut self) -> Result<Option<WebhookEvent>, TunnelError> {
        let event = self.stream.next().await;
        let event = event.map_err(|error| self.client.refused(&FEATURE.protocol, error))?;
        if let Some(event) = &event {
            self.client.events.tell(TunnelEvent::Webhook(event.clone()));
        }
        Ok(event)
    }

    /// Asks for the end, and returns at once: what is being posted is finished, and what became of it
    /// is kept. [`Webhooks::next`] says what happens until then.
    pub fn stop(&self) {
        self.stream.stop();
    }
}
