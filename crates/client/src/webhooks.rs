//! Webhooks: deliveries as they come, and questions about those that came.

use features::webhooks;
use features::webhooks::client::{
    Forwarding, Shown, WebhookEvent, WebhookStream, WebhooksError, fetch, list, record,
};
use features::webhooks::wire::{Follower, List, Listed};
use features::webhooks::{DeliveryId, Receipt};

use crate::client::TunnelClient;
use crate::error::TunnelError;

/// Deliveries on their way to local apps. Made by [`TunnelClient::forward_webhooks`].
#[derive(Debug)]
pub struct Webhooks {
    stream: WebhookStream,
    client: TunnelClient,
}

impl TunnelClient {
    /// Brings deliveries to local apps. That survives losses of the session.
    #[must_use]
    pub fn forward_webhooks(&self, forwarding: Forwarding) -> Webhooks {
        Webhooks {
            stream: WebhookStream::open(&self.keeper, forwarding),
            client: self.clone(),
        }
    }

    /// Asks which deliveries the server has.
    ///
    /// # Errors
    /// [`TunnelError`] if the server refuses.
    pub async fn webhooks(&self, query: &List) -> Result<Listed, TunnelError> {
        let session = self.keeper.session().await?;
        list(&session, query)
            .await
            .map_err(|error| self.refused(&webhooks::FEATURE.protocol, error))
    }

    /// Fetches a delivery, and what became of it.
    ///
    /// # Errors
    /// [`TunnelError`] if there is none of this id, or the server refuses.
    pub async fn webhook(&self, id: DeliveryId) -> Result<Shown, TunnelError> {
        let session = self.keeper.session().await?;
        fetch(&session, id)
            .await
            .map_err(|error| self.refused(&webhooks::FEATURE.protocol, error))
    }

    /// Lets the server keep what became of a delivery that was sent again by hand.
    ///
    /// # Errors
    /// [`TunnelError`] if the server refuses.
    pub async fn record_webhook(
        &self,
        follower: Follower,
        receipt: Receipt,
    ) -> Result<(), TunnelError> {
        let session = self.keeper.session().await?;
        record(&session, follower, receipt)
            .await
            .map_err(|error| self.refused(&webhooks::FEATURE.protocol, error))
    }
}

impl Webhooks {
    /// Waits for what happens next; `None` when all has ended after [`Webhooks::stop`]. Cancel-safe.
    /// Whoever does not ask holds all up.
    ///
    /// # Errors
    /// [`TunnelError`] if there will be no more.
    pub async fn next(&mut self) -> Result<Option<WebhookEvent>, TunnelError> {
        self.stream
            .next()
            .await
            .map_err(|error| self.client.refused(&webhooks::FEATURE.protocol, error))
    }

    /// Asks for the end, and returns at once: what is being posted is finished, and what became of it
    /// is kept.
    pub fn stop(&self) {
        self.stream.stop();
    }
}

impl From<WebhooksError> for TunnelError {
    fn from(error: WebhooksError) -> Self {
        match error {
            WebhooksError::Server(error) => error.into(),
            WebhooksError::GaveUp(error) => error.into(),
        }
    }
}
