//! A link: one WebSocket, and the task that moves packets between it and the queues.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Sink, StreamExt};
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinHandle;
use tokio::time::{Instant, Interval, MissedTickBehavior};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::{CapacityError, ProtocolError};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode as WebSocketClose;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error as WebSocketError, Message};
use tracing::debug;

use super::queues::{LinkId, Queues, Standing};
use crate::tasks::Tasks;

/// Why a link has ended.
#[derive(Debug, Error)]
pub enum LinkEnd {
    /// The session is over, or another link carries it.
    #[error("it is not needed any more")]
    Done,
    /// The peer, or a proxy on the way, closed it.
    #[error("the other side closed it{}", .0.map(|code| format!(" with code {code}")).unwrap_or_default())]
    Closed(Option<u16>),
    /// Nothing came for so long that the way must be dead.
    #[error("nothing was heard for {} seconds", SILENCE.as_secs())]
    Silent,
    /// The peer sent what no tunnel sends.
    #[error("the other side sent {0}")]
    Unusable(Unusable),
    /// The connection failed.
    #[error("the WebSocket failed: {0}")]
    Failed(Box<WebSocketError>),
}

/// What no tunnel sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Unusable {
    /// A message without a packet in it.
    #[error("an empty message")]
    Empty,
    /// A message that no packet is as long as.
    #[error("a message that is too long")]
    TooLong,
    /// A message that is not binary.
    #[error("text")]
    Text,
    /// Bytes that WebSockets do not know.
    #[error("what is no WebSocket frame")]
    NoFrame,
}

/// Gives a session another link, and carries packets over it for as long as it lasts.
pub(super) fn spawn<S>(
    tasks: &Tasks,
    queues: &Queues,
    socket: WebSocketStream<S>,
) -> JoinHandle<LinkEnd>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let carried = carry(socket, queues.clone(), queues.attach());
    tasks.spawn("websocket", async move {
        let end = carried.await;
        debug!("a WebSocket ended: {end}");
        end
    })
}

/// Carries packets until the link ends, and says why.
pub(super) async fn carry<S>(mut socket: WebSocketStream<S>, queues: Queues, id: LinkId) -> LinkEnd
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut link = Link {
        socket: &mut socket,
        queues: &queues,
        id,
        pulse: Pulse::new(),
        trial: None,
        carries: false,
    };
    let end = std::future::poll_fn(|cx| link.poll(cx)).await;
    queues.leave(id);
    // The peer may be gone: it is told if it hears it.
    tokio::time::timeout(CLOSING, socket.close(Some(end.close_frame())))
        .await
        .ok();
    end
}

/// Returns the settings of a WebSocket that carries packets.
pub(super) fn settings() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(WRITE_BUFFER)
        .max_write_buffer_size(WRITE_BUFFER + 2 * MAX_PACKET)
        .max_message_size(Some(MAX_PACKET))
        .max_frame_size(Some(MAX_PACKET))
}

struct Link<'a, S> {
    socket: &'a mut WebSocketStream<S>,
    queues: &'a Queues,
    id: LinkId,
    pulse: Pulse,
    trial: Option<Trial>,
    /// Whether it has begun to carry the session.
    carries: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Link<'_, S> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<LinkEnd> {
        match self.stand(cx) {
            Standing::Over => return Poll::Ready(LinkEnd::Done),
            Standing::Current if !self.carries => {
                self.carries = true;
                self.queues.stir(self.id);
            }
            Standing::Current | Standing::Candidate => {}
        }
        let moved = self
            .receive(cx)
            .and_then(|()| self.pulse(cx))
            .and_then(|()| self.send(cx));
        match moved {
            Err(end) => Poll::Ready(end),
            Ok(Sent::All) if self.queues.is_spent() => Poll::Ready(LinkEnd::Done),
            Ok(_) => Poll::Pending,
        }
    }

    /// Returns what the link is to the session. Whether QUIC has taken a candidate's packets is not
    /// told, so a candidate looks again from time to time, but not for ever: meanwhile nothing is
    /// read from the link that carries the session.
    fn stand(&mut self, cx: &mut Context<'_>) -> Standing {
        loop {
            let standing = self.queues.poll_standing(self.id, cx);
            if standing != Standing::Candidate {
                self.trial = None;
                return standing;
            }
            let trial = self.trial.get_or_insert_with(Trial::begin);
            if trial.began.elapsed() >= LONGEST_TRIAL {
                return Standing::Over;
            }
            if trial.looks.poll_tick(cx).is_pending() {
                return standing;
            }
        }
    }

    /// Reads while there is room; what is not read is the peer's to keep.
    fn receive(&mut self, cx: &mut Context<'_>) -> Result<(), LinkEnd> {
        while self.queues.poll_room(self.id, cx).is_ready() {
            let message = match self.socket.poll_next_unpin(cx) {
                Poll::Pending => return Ok(()),
                Poll::Ready(None) => return Err(LinkEnd::Closed(None)),
                Poll::Ready(Some(message)) => message?,
            };
            self.pulse.heard = Instant::now();
            if let Some(packet) = packet_of(message)? {
                self.queues.deliver(packet);
            }
        }
        // Who is not listened to is not silent.
        self.pulse.heard = Instant::now();
        Ok(())
    }

    fn send(&mut self, cx: &mut Context<'_>) -> Result<Sent, LinkEnd> {
        let mut socket = Pin::new(&mut *self.socket);
        loop {
            match socket.as_mut().poll_ready(cx)? {
                Poll::Pending => return Ok(Sent::Part),
                Poll::Ready(()) => {}
            }
            let Poll::Ready(packet) = self.queues.poll_take(self.id, cx) else {
                break;
            };
            socket.as_mut().start_send(Message::Binary(packet))?;
        }
        Ok(match socket.poll_flush(cx)? {
            Poll::Ready(()) => Sent::All,
            Poll::Pending => Sent::Part,
        })
    }

    /// Asks whether the peer is there when it has said nothing for a while. When the session is over,
    /// a peer that speaks but does not read what is left is not waited for.
    fn pulse(&mut self, cx: &mut Context<'_>) -> Result<(), LinkEnd> {
        while self.pulse.ticks.poll_tick(cx).is_ready() {
            if self.queues.is_finished() {
                let since = *self.pulse.finished.get_or_insert_with(Instant::now);
                if since.elapsed() >= LAST_WORDS {
                    return Err(LinkEnd::Done);
                }
            }
            let silence = self.pulse.heard.elapsed();
            if silence >= SILENCE {
                return Err(LinkEnd::Silent);
            }
            let mut socket = Pin::new(&mut *self.socket);
            if silence >= PULSE && socket.as_mut().poll_ready(cx)?.is_ready() {
                socket.start_send(Message::Ping(Bytes::new()))?;
            }
        }
        Ok(())
    }
}

/// Whether everything that was taken has been handed to the system.
enum Sent {
    All,
    Part,
}

/// A candidate's time to prove itself.
struct Trial {
    began: Instant,
    looks: Interval,
}

impl Trial {
    fn begin() -> Self {
        Self {
            began: Instant::now(),
            looks: tokio::time::interval(TRIAL),
        }
    }
}

struct Pulse {
    ticks: Interval,
    heard: Instant,
    /// When the session was first seen to be over.
    finished: Option<Instant>,
}

impl Pulse {
    fn new() -> Self {
        let heard = Instant::now();
        let mut ticks = tokio::time::interval_at(heard + PULSE, PULSE);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            ticks,
            heard,
            finished: None,
        }
    }
}

/// Returns the packet in a message, if it carries one. Every length is checked here, before QUIC.
fn packet_of(message: Message) -> Result<Option<Bytes>, LinkEnd> {
    match message {
        Message::Binary(packet) if packet.is_empty() => Err(LinkEnd::Unusable(Unusable::Empty)),
        Message::Binary(packet) if packet.len() > MAX_PACKET => {
            Err(LinkEnd::Unusable(Unusable::TooLong))
        }
        Message::Binary(packet) => Ok(Some(packet)),
        Message::Text(_) => Err(LinkEnd::Unusable(Unusable::Text)),
        Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => Ok(None),
        Message::Close(frame) => Err(LinkEnd::Closed(frame.map(|frame| frame.code.into()))),
    }
}

impl From<WebSocketError> for LinkEnd {
    fn from(error: WebSocketError) -> Self {
        match error {
            // The last is a connection that ends without a close frame, as one that is cut does.
            WebSocketError::ConnectionClosed
            | WebSocketError::AlreadyClosed
            | WebSocketError::Protocol(ProtocolError::ResetWithoutClosingHandshake) => {
                Self::Closed(None)
            }
            WebSocketError::Capacity(CapacityError::MessageTooLong { .. }) => {
                Self::Unusable(Unusable::TooLong)
            }
            WebSocketError::Protocol(_) | WebSocketError::Utf8(_) => {
                Self::Unusable(Unusable::NoFrame)
            }
            other => Self::Failed(Box::new(other)),
        }
    }
}

impl LinkEnd {
    fn close_frame(&self) -> CloseFrame {
        let code = match self {
            Self::Done | Self::Closed(_) => WebSocketClose::Normal,
            Self::Unusable(Unusable::Text) => WebSocketClose::Unsupported,
            Self::Unusable(Unusable::TooLong) => WebSocketClose::Size,
            Self::Unusable(Unusable::Empty | Unusable::NoFrame) => WebSocketClose::Protocol,
            Self::Silent | Self::Failed(_) => WebSocketClose::Away,
        };
        CloseFrame {
            code,
            reason: "".into(),
        }
    }
}

/// As a length.
const MAX_PACKET: usize = super::MAX_PACKET as usize;

/// Two packets with their headers. Read in one go from the system, and held while idle.
const READ_BUFFER: usize = 2 * MAX_PACKET + 64;

/// What goes to the system in one go. Its content can no longer be overtaken.
const WRITE_BUFFER: usize = 2 * MAX_PACKET + 64;

/// How often a silent peer is asked. Three questions fit into [`SILENCE`].
const PULSE: Duration = Duration::from_millis(2_500);

/// With the time until the next pulse, a link that is dead is known within ten seconds.
const SILENCE: Duration = Duration::from_millis(7_500);

/// How often a candidate looks whether it has proved itself: no part of a round trip.
const TRIAL: Duration = Duration::from_millis(5);

/// A client's first packet follows its upgrade at once, and a packet that is lost comes again within
/// a second or two. Well below QUIC's idle timeout, so that a session outlives a link that was opened
/// in its name and brings nothing.
const LONGEST_TRIAL: Duration = Duration::from_secs(5);

/// What is left are a few packets: on a link of 100 kbit/s they leave in time.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// A close frame takes one packet.
const CLOSING: Duration = Duration::from_millis(500);
