//! Sessions: an authenticated connection, and the channels that are opened on it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use quinn::{ApplicationClose, Connection, ConnectionError, Endpoint};
#[cfg(unix)]
use quinn::{RecvStream, SendStream};
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
#[cfg(unix)]
use tokio_util::task::task_tracker::TaskTrackerToken;
use wire::{CloseCode, FeatureVersion, Notice};

use crate::carrier::Carrier;
use crate::carrier::websocket::{Carrying, LinkCount};
use crate::channel::{Channel, ChannelError, Priority};
use crate::control::Control;
use crate::first_call::{Asked, opening, question};
#[cfg(unix)]
use crate::held::Joined;
use crate::keeper::Snapshot;
use crate::path::Path;
use crate::router::DRAIN;
use crate::trust::Binding;

/// One authenticated connection. Clones are the same session.
#[derive(Clone, Debug)]
pub struct Session(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    kind: Kind,
    since: Instant,
    /// Holds a token for each channel that this end has open.
    channels: TaskTracker,
    superseded: CancellationToken,
}

/// Whose the connection is.
#[derive(Debug)]
enum Kind {
    Own(Box<Own>),
    /// Another process holds it.
    #[cfg(unix)]
    Held(Joined),
}

/// A connection of this process.
#[derive(Debug)]
struct Own {
    connection: Connection,
    binding: Binding,
    carrier: Carrier,
    owned: Owned,
    carrying: Option<Carrying>,
    control: Control,
    asked: Asked,
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
        binding: Binding,
        carrier: Carrier,
        owned: Owned,
        carrying: Option<Carrying>,
        control: Control,
        asked: Asked,
    ) -> Self {
        let own = Own {
            connection,
            binding,
            carrier,
            owned,
            carrying,
            control,
            asked,
        };
        Self::of(Kind::Own(Box::new(own)), Instant::now())
    }

    /// Makes a session of one that another process holds.
    #[cfg(unix)]
    pub(crate) fn held(joined: Joined) -> Self {
        let now = Instant::now();
        // A clock that began later has no such moment.
        let since = now.checked_sub(joined.snapshot().connected);
        Self::of(Kind::Held(joined), since.unwrap_or(now))
    }

    fn of(kind: Kind, since: Instant) -> Self {
        let channels = TaskTracker::new();
        channels.close();
        Self(Arc::new(Inner {
            kind,
            since,
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
        if let Kind::Own(own) = &self.0.kind
            && let Some(asked) = own.asked.take(&question)
        {
            return Ok(asked.counted(counted));
        }
        let mut channel = self.stream(protocol).await?.counted(counted);
        channel.send_last(question).await?;
        Ok(channel)
    }

    async fn stream(&self, protocol: &Protocol) -> Result<Channel, ChannelError> {
        match &self.0.kind {
            Kind::Own(own) => {
                let (send, receive) = own.connection.open_bi().await?;
                let channel = Channel::new(send, receive, protocol.longest_reply);
                channel.set_priority(protocol.priority);
                Ok(channel)
            }
            #[cfg(unix)]
            Kind::Held(joined) => {
                let (writer, reader) = joined.open(protocol.priority).await?;
                Ok(Channel::held(writer, reader, protocol.longest_reply))
            }
        }
    }

    /// Opens a channel for another process, which alone knows what its bytes mean. Waits while too
    /// many channels are open.
    #[cfg(unix)]
    pub(crate) async fn stream_of_bytes(
        &self,
        priority: Priority,
    ) -> Result<(SendStream, RecvStream, TaskTrackerToken), ChannelError> {
        let counted = self.0.channels.token();
        let Kind::Own(own) = &self.0.kind else {
            // Nobody holds what somebody else holds.
            return Err(ChannelError::Closed);
        };
        let (send, receive) = own.connection.open_bi().await?;
        // Fails only when the stream is closed.
        send.set_priority(priority.number()).ok();
        Ok((send, receive, counted))
    }

    /// Returns what both ends of this session know, nobody else does, and no other session has: 32 bytes
    /// of the exporter of TLS, for features whose cryptography must be of this session alone.
    #[must_use]
    pub fn binding(&self) -> [u8; 32] {
        match &self.0.kind {
            Kind::Own(own) => own.binding.0,
            #[cfg(unix)]
            Kind::Held(joined) => joined.binding(),
        }
    }

    /// Waits for the peer to open a channel. Cancel-safe.
    pub(crate) async fn accept(&self) -> Result<Channel, ConnectionError> {
        match &self.0.kind {
            Kind::Own(own) => {
                let (send, receive) = own.connection.accept_bi().await?;
                Ok(Channel::new(send, receive, wire::preface::MAX_PREFACE))
            }
            // A server opens none.
            #[cfg(unix)]
            Kind::Held(joined) => Err(joined.closed().await),
        }
    }

    /// Returns the connection, if it is this process's.
    pub(crate) fn connection(&self) -> Option<&Connection> {
        match &self.0.kind {
            Kind::Own(own) => Some(&own.connection),
            #[cfg(unix)]
            Kind::Held(_) => None,
        }
    }

    /// Whether both are the same session.
    #[cfg(unix)]
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Whether another process holds the session.
    #[must_use]
    pub fn is_held(&self) -> bool {
        !matches!(self.0.kind, Kind::Own(_))
    }

    /// Returns what the process that holds the session has last said of it; `None` if it is this one.
    pub(crate) fn held_snapshot(&self) -> Option<Snapshot> {
        match &self.0.kind {
            Kind::Own(_) => None,
            #[cfg(unix)]
            Kind::Held(joined) => Some(joined.snapshot()),
        }
    }

    /// Returns what carries the session.
    #[must_use]
    pub fn carrier(&self) -> Carrier {
        match &self.0.kind {
            Kind::Own(own) => own.carrier,
            #[cfg(unix)]
            Kind::Held(joined) => joined.snapshot().carrier,
        }
    }

    /// Returns the count of the session's links as it changes, if its carrier can be replaced.
    pub(crate) fn links(&self) -> Option<watch::Receiver<LinkCount>> {
        match &self.0.kind {
            Kind::Own(own) => own.carrying.as_ref()?.links(),
            // The holder tells its own user.
            #[cfg(unix)]
            Kind::Held(_) => None,
        }
    }

    /// Returns when the session began.
    #[must_use]
    pub fn since(&self) -> Instant {
        self.0.since
    }

    /// Returns how many bytes this process has received over the session: all packets of its own one,
    /// the channels alone of one that another holds.
    #[must_use]
    pub fn received_bytes(&self) -> u64 {
        match &self.0.kind {
            Kind::Own(own) => own.connection.stats().udp_rx.bytes,
            #[cfg(unix)]
            Kind::Held(joined) => joined.received(),
        }
    }

    /// Returns how the way to the peer is.
    #[must_use]
    pub fn path(&self) -> Path {
        match &self.0.kind {
            Kind::Own(own) => Path {
                certificate_expires: own
                    .carrying
                    .as_ref()
                    .and_then(Carrying::certificate_expires),
                ..Path::of(&own.connection, self.0.since)
            },
            #[cfg(unix)]
            Kind::Held(joined) => joined.snapshot().path,
        }
    }

    /// Waits until the server says that it is leaving, or the holder that it has another session; for
    /// ever, if they never do. Cancel-safe.
    pub async fn leaving(&self) {
        match &self.0.kind {
            Kind::Own(own) => match own.control.hear().await {
                Some(Notice::Leaving) => {}
                None => std::future::pending().await,
            },
            #[cfg(unix)]
            Kind::Held(joined) => joined.leaving().await,
        }
    }

    /// Tells the client something of the whole session. Not cancel-safe.
    pub(crate) async fn tell(&self, notice: Notice) -> Result<(), ChannelError> {
        match &self.0.kind {
            Kind::Own(own) => own.control.tell(notice).await,
            #[cfg(unix)]
            Kind::Held(_) => Err(ChannelError::Closed),
        }
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
        match &self.0.kind {
            Kind::Own(own) => own
                .connection
                .close_reason()
                .map(|reason| own.explained(reason)),
            #[cfg(unix)]
            Kind::Held(joined) => joined.close_reason(),
        }
    }

    /// Waits until the session ends and returns why. Cancel-safe.
    pub async fn closed(&self) -> ConnectionError {
        match &self.0.kind {
            Kind::Own(own) => {
                let reason = own.connection.closed().await;
                own.explained(reason)
            }
            #[cfg(unix)]
            Kind::Held(joined) => joined.closed().await,
        }
    }

    /// Whether the session has ended, or does so within the time that its server takes to stop: a
    /// channel that is cut while its session lives on was given up by the server, and would be again.
    /// Cancel-safe.
    pub async fn is_ending(&self) -> bool {
        tokio::time::timeout(2 * DRAIN, self.closed()).await.is_ok()
    }

    /// Ends the session and all its channels, and lets the peer know. One that another process holds
    /// ends for this process alone.
    pub async fn close(&self, code: CloseCode) {
        match &self.0.kind {
            Kind::Own(own) => own.close(code).await,
            #[cfg(unix)]
            Kind::Held(joined) => joined.close(),
        }
    }
}

impl Own {
    /// Tells the end of a session that lost its carrier for good from one that this end has closed.
    fn explained(&self, reason: ConnectionError) -> ConnectionError {
        let carrying = self.carrying.as_ref();
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

    async fn close(&self, code: CloseCode) {
        self.connection.close(code.0.into(), b"");
        // A WebSocket that ends before QUIC has said why would be taken for one that was lost.
        let carried = self.carrying.as_ref().map(Carrying::endpoint);
        match (&self.owned, carried) {
            (Owned::Endpoint(endpoint), _) | (Owned::Place { .. }, Some(endpoint)) => {
                flush(endpoint).await;
            }
            (Owned::Place { .. }, None) => {}
        }
        if let Some(carrying) = &self.carrying {
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
