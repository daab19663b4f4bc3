//! Why a mirror does not go on.

use thiserror::Error;
use transport::channel::ChannelError;
use transport::keeper::GiveUp;

/// A mirror that does not go on. What it has stays as it is.
#[derive(Debug, Error)]
pub enum FlagsError {
    /// The server refuses, or does not speak as it should.
    #[error(transparent)]
    Server(#[from] ChannelError),
    /// There is no session, and will be none.
    #[error(transparent)]
    GaveUp(#[from] GiveUp),
}
