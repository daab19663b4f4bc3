//! Sessions: an authenticated connection, and the channels that are opened on it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use quinn::{ApplicationClose, Connection, ConnectionError, ConnectionStats, Endpoint};
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use wire::{CloseCode, FeatureVersion, Notice};

use crate::carrier::Carrier;
use crate::carrier::websocket::{Carrying, LinkCount};
use crate::channel::{Channel, ChannelError, Priority};
use crate::control::Control;
use crate::first_call::{Asked, opening, question};
use crate::path::Path;

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
    control: Control,
    asked: Asked,
    /// Holds a token for each channel that this end has open.
    channels: TaskTracker,
    superseded: CancellationToken,
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
        control: Control,
        asked: Asked,
    ) -> Self {
        if let Some(carrying) = &carrying {
            carrying.begin(&connection);
        }
        let channels = TaskTracker::new();
        channels.close();
        Self(Arc::new(Inner {
            connection,
            carrier,
            since: Instant::now(),
            owned,
            carrying,
            control,
            asked,
            channels,
            superseded: CancellationToken::new(),
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
        let counted = self.0.channels.token();
        let mut channel = self.stream(protocol).await?.counted(counted);
        channel.send_frames(opening(protocol, first)?).await?;
        Ok(channel)
    }

    /// Opens a channel and sends all that this end has to say on it: one request.
    ///
    /// The first call of the session's dialler is not sent again, if this is it. Waits while too
    /// many channels are open. Not cancel-safe.
    ///
    /// # Errors
    /// [`ChannelError`] if the session has ended.
    pub async fn ask<M: Serialize + Sync>(
        &self,
        protocol: &Protocol,
        request: &M,
    ) -> Result<Channel, ChannelError> {
        let counted = self.0.channels.token();
        let question = question(protocol, request)?;
        if let Some(asked) = self.0.asked.take(&question) {
            return Ok(asked.counted(counted));
        }
        let mut channel = self.stream(protocol).await?.counted(counted);
        channel.send_last(question).await?;
        Ok(channel)
    }

    async fn stream(&self, protocol: &Protocol) -> Result<Channel, ChannelError> {
        let (send, receive) = self.0.connection.open_bi().await?;
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

    /// Returns the count of the session's links as it changes, if its carrier can be replaced.
    pub(crate) fn links(&self) -> Option<watch::Receiver<LinkCount>> {
        self.0.carrying.as_ref()?.links()
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

    /// Returns how the way to the peer is.
    #[must_use]
    pub fn path(&self) -> Path {
        let carrying = self.0.carrying.as_ref();
        Path {
            certificate_expires: carrying.and_then(Carrying::certificate_expires),
            ..Path::of(&self.0.connection, self.0.since)
        }
    }

    /// Waits until the server says that it is leaving; for ever, if it never does. Cancel-safe.
    pub async fn leaving(&self) {
        match self.0.control.hear().await {
            Some(Notice::Leaving) => {}
            None => std::future::pending().await,
        }
    }

    /// Tells the client something of the whole session. Not cancel-safe.
    pub(crate) async fn tell(&self, notice: Notice) -> Result<(), ChannelError> {
        self.0.control.tell(notice).await
    }

    /// Waits until another session stands in this one's place, which still serves what is open on
    /// it. Cancel-safe.
    pub async fn superseded(&self) {
        self.0.superseded.cancelled().await;
    }

    /// Says that another session stands in this one's place.
    pub(crate) fn supersede(&self) {
        self.0.superseded.cancel();
    }

    /// Waits until none of the channels is open that this end has opened. Cancel-safe.
    pub(crate) async fn idle(&self) {
        self.0.channels.wait().await;
    }

    /// Returns why the session has ended, if it has.
    #[must_use]
    pub fn close_reason(&self) -> Option<ConnectionError> {
        self.0
            .connection
            .close_reason()
            .map(|reason| self.explained(reason))
    }

    /// Waits until the session ends and returns why. Cancel-safe.
    pub async fn closed(&self) -> ConnectionError {
        let reason = self.0.connection.closed().await;
        self.explained(reason)
    }

    /// Tells the end of a session that lost its carrier for good from one that this end has closed.
    fn explained(&self, reason: ConnectionError) -> ConnectionError {
        let carrying = self.0.carrying.as_ref();
        match reason {
            ConnectionError::LocallyClosed if carrying.is_some_and(Carrying::is_lost) => {
                ConnectionError::ApplicationClosed(ApplicationClose {
                    error_code: CloseCode::CARRIER_LOST.0.into(),
                    reason: Bytes::new(),
                })
            }
            reason => reason,
        }
    }

    /// Ends the session and all its channels, and lets the peer know.
    pub async fn close(&self, code: CloseCode) {
        self.0.connection.close(code.0.into(), b"");
        // A WebSocket that ends before QUIC has said why would be taken for one that was lost.
        let carried = self.0.carrying.as_ref().map(Carrying::endpoint);
        match (&self.0.owned, carried) {
            (Owned::Endpoint(endpoint), _) | (Owned::Place { .. }, Some(endpoint)) => {
                flush(endpoint).await;
            }
            (Owned::Place { .. }, None) => {}
        }
        if let Some(carrying) = &self.0.carrying {
            tokio::time::timeout(FLUSH, carrying.close()).await.ok();
        }
    }
}

/// Lets the last packets of an endpoint with one session leave.
pub(crate) async fn flush(endpoint: &Endpoint) {
    // They leave within the first moments; waiting for the end of the draining period (RFC 9000,
    // section 10.2) would only make every command slower.
    tokio::time::timeout(FLUSH, endpoint.wait_idle()).await.ok();
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
