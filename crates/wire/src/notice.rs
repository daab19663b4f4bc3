//! Notices: what a server says of a whole session, on the stream of the hello.

use serde::{Deserialize, Serialize};

/// A message on a session's control stream: server to client, at any time after the welcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Notice {
    /// The server is told to stop: it takes no new session, and ends this one before long.
    Leaving,
}

impl Notice {
    /// Reads a notice; `None` for one that only a newer end knows, which is to be ignored.
    #[must_use]
    pub fn decode(payload: &[u8]) -> Option<Self> {
        crate::decode(payload).ok()
    }
}

/// A notice is a number; newer ones may say a sentence more.
pub const MAX_NOTICE: u32 = 256;
