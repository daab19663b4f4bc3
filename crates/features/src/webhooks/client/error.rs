//! Why there is nothing more of webhooks.

use thiserror::Error;
use transport::channel::ChannelError;
use transport::keeper::GiveUp;

/// Why there is nothing more of webhooks.
#[derive(Debug, Error)]
pub enum WebhooksError {
    /// The server refuses, or does not speak as it should.
    #[error(transparent)]
    Server(#[from] ChannelError),
    /// There is no session and will be none.
    #[error(transparent)]
    GaveUp(#[from] GiveUp),
}
