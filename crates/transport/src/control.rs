//! The control stream of a session: the stream of the hello, which stays open after the welcome.
//!
//! ```text
//! client ◀── Notice… ── server
//! ```

use tokio::sync::Mutex;
use wire::Notice;

use crate::channel::{Channel, ChannelError, Priority, Receiver, Sender};

/// One end of a control stream.
#[derive(Debug)]
pub(crate) enum Control {
    /// The client's: it hears notices.
    Hears(Mutex<Receiver>),
    /// The server's: it sends them.
    Sends(Mutex<Sender>),
}

impl Control {
    /// Keeps what a client needs of the hello's channel.
    pub(crate) fn of_client(hello: Channel) -> Self {
        // The client has said all: its direction ends with its sender.
        let (_, mut receiver) = hello.into_halves();
        receiver.set_cap(wire::notice::MAX_NOTICE);
        Self::Hears(Mutex::new(receiver))
    }

    /// Keeps what a server needs of the hello's channel.
    pub(crate) fn of_server(hello: Channel) -> Self {
        // What a client may still send here is not read.
        hello.set_priority(Priority::Call);
        let (sender, _) = hello.into_halves();
        Self::Sends(Mutex::new(sender))
    }

    /// Waits for the next notice; `None` when there will be none. Cancel-safe.
    pub(crate) async fn hear(&self) -> Option<Notice> {
        let Self::Hears(receiver) = self else {
            return None;
        };
        let mut receiver = receiver.lock().await;
        loop {
            let payload = receiver.receive_payload().await.ok()??;
            // What only a newer server says is for newer clients.
            if let Some(notice) = Notice::decode(&payload) {
                return Some(notice);
            }
        }
    }

    /// Sends a notice. Not cancel-safe.
    pub(crate) async fn tell(&self, notice: Notice) -> Result<(), ChannelError> {
        match self {
            Self::Sends(sender) => sender.lock().await.send(&notice).await,
            Self::Hears(_) => Err(ChannelError::Closed),
        }
    }
}
