//! Sessions: an authenticated connection, and the channels that are opened on it.

use std::sync::Arc;
use std::time::Duration;

use quinn::{Connection, ConnectionError, ConnectionStats, Endpoint};
use serde::Serialize;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;
use wire::{CloseCode, FeatureVersion, FrameKind, Preface, frame};

use crate::carrier::Carrier;
use crate::carrier::websocket::Carrying;
use crate::channel::{Channel, ChannelError, Priority};

/// One authenticated connection. Clones are the same session.
#[derive(Clone, Debug)]
pub struct Session(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    connection: Connection,
    carrier: Carrier,
    since: Instant,
    owned: Owned,
    carrying: Option<Carrying>,
}

/// What lives and ends with a session.
#[derive(Debug)]
pub(crate) enum Owned {
    /// A client's endpoint.
    Endpoint(Endpoint),
    /// A server's permission to have so many sessions.
    Place { _held: OwnedSemaphorePermit },
}

/// How channels of a feature are opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Protocol {
    /// The feature's name.
    pub feature: &'static str,
    /// The version that this build speaks.
    pub version: u16,
    /// When its messages go.
    pub priority: Priority,
    /// The longest message that the server half takes, in bytes.
    pub longest_request: u32,
    /// The longest message that the client half takes, in bytes.
    pub longest_reply: u32,
}

impl Protocol {
    /// Returns what goes into a hello or a preface.
    #[must_use]
    pub fn feature_version(&self) -> FeatureVersion {
        FeatureVersion {
            name: self.feature.to_owned(),
            version: self.version,
        }
    }
}

impl Session {
    pub(crate) fn new(
        connection: Connection,
        carrier: Carrier,
        owned: Owned,
        carrying: Option<Carrying>,
    ) -> Self {
        if let Some(carrying) = &carrying {
            carrying.begin(&connection);
        }
        let since = Instant::now();
        Self(Arc::new(Inner {
            connection,
            carrier,
            since,
            owned,
            carrying,
        }))
    }

    /// Opens a channel and sends its first message.
    ///
    /// Waits while too many channels are open. Not cancel-safe.
    ///
    /// # Errors
    /// [`ChannelError`] if the session has ended.
    pub async fn open<M: Serialize + Sync>(
        &self,
        protocol: &Protocol,
        first: &M,
    ) -> Result<Channel, ChannelError> {
        let mut bytes = Vec::new();
        let preface = Preface {
            feature: protocol.feature_version(),
        };
        // In one write: the server has the question as soon as it knows for whom it is.
        frame::encode(
            FrameKind::MESSAGE,
            &preface,
            wire::preface::MAX_PREFACE,
            &mut bytes,
        )?;
        frame::encode(
            FrameKind::MESSAGE,
            first,
            protocol.longest_request,
            &mut bytes,
        )?;
        let (mut send, receive) = self.0.connection.open_bi().await?;
        send.write_chunk(bytes.into()).await?;
        let channel = Channel::new(send, receive, protocol.longest_reply);
        channel.set_priority(protocol.priority);
        Ok(channel)
    }

    pub(crate) fn connection(&self) -> &Connection {
        &self.0.connection
    }

    /// Waits for the peer to open a channel. Cancel-safe.
    pub(crate) async fn accept(&self) -> Result<Channel, ConnectionError> {
        let (send, receive) = self.0.connection.accept_bi().await?;
        Ok(Channel::new(send, receive, wire::preface::MAX_PREFACE))
    }

    /// Returns what carries the session.
    #[must_use]
    pub fn carrier(&self) -> Carrier {
        self.0.carrier
    }

    /// Returns when the session began.
    #[must_use]
    pub fn since(&self) -> Instant {
        self.0.since
    }

    /// Returns the counters of the connection.
    #[must_use]
    pub fn stats(&self) -> ConnectionStats {
        self.0.connection.stats()
    }

    /// Returns why the session has ended, if it has.
    #[must_use]
    pub fn close_reason(&self) -> Option<ConnectionError> {
        self.0.connection.close_reason()
    }

    /// Waits until the session ends and returns why. Cancel-safe.
    pub async fn closed(&self) -> ConnectionError {
        self.0.connection.closed().await
    }

    /// Ends the session and all its channels, and lets the peer know.
    pub async fn close(&self, code: CloseCode) {
        self.0.connection.close(code.0.into(), b"");
        if let Owned::Endpoint(endpoint) = &self.0.owned {
            // The packet leaves within the first moments; waiting for the end of the draining
            // period (RFC 9000, section 10.2) would only make every command slower.
            tokio::time::timeout(FLUSH, endpoint.wait_idle()).await.ok();
        }
        if let Some(carrying) = &self.0.carrying {
            tokio::time::timeout(FLUSH, carrying.close()).await.ok();
        }
    }
}

/// Returns the code that the peer closed the session with, if it did.
#[must_use]
pub fn close_code(reason: &ConnectionError) -> Option<CloseCode> {
    match reason {
        ConnectionError::ApplicationClosed(closed) => u32::try_from(closed.error_code.into_inner())
            .ok()
            .map(CloseCode),
        _ => None,
    }
}

/// Says in a few words why a session ended.
#[must_use]
pub fn describe_end(reason: &ConnectionError) -> String {
    match (close_code(reason), reason) {
        (Some(code), _) => code.to_string(),
        (None, ConnectionError::TimedOut) => "no answer from the other end".to_owned(),
        (None, ConnectionError::LocallyClosed) => "closed by this end".to_owned(),
        (None, ConnectionError::Reset) => "the other end has forgotten the session".to_owned(),
        (None, other) => other.to_string(),
    }
}

/// Many times what the system takes to send one packet.
const FLUSH: Duration = Duration::from_millis(10);
