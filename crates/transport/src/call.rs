//! Calls: one request, one reply, on a channel of their own. The stream is the correlation.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::channel::ChannelError;
use crate::session::{Protocol, Session};

impl Session {
    /// Asks and waits for the answer.
    ///
    /// The caller bounds the time. Cancel-safe in that a dropped call closes its channel.
    ///
    /// # Errors
    /// [`ChannelError`] if the server refuses, or the session ends first.
    pub async fn call<Q, A>(&self, protocol: &Protocol, request: &Q) -> Result<A, ChannelError>
    where
        Q: Serialize + Sync,
        A: DeserializeOwned,
    {
        let mut channel = self.ask(protocol, request).await?;
        channel
            .receive()
            .await?
            .ok_or(ChannelError::Missing("the answer"))
    }
}
