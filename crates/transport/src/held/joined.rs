//! A command's side of a held session: what its holder says of it, and how channels are opened.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::BytesMut;
use quinn::ConnectionError;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::greeting::Greeting;
use super::pieces::{PieceReader, PieceWriter, Reader, Writer};
use super::place::Place;
use super::talk::{Talk, framed};
use super::wire::{End, FromHolder, Session, ToHolder};
use crate::channel::{ChannelError, Priority};
use crate::keeper::Snapshot;
use crate::tasks::Tasks;
use crate::trust::Binding;

/// A session that another process holds.
#[derive(Debug)]
pub(crate) struct Joined {
    place: Place,
    version: String,
    number: u64,
    binding: Binding,
    /// the listening task --what the holder says--> whoever asks
    heard: watch::Receiver<Heard>,
    /// What the channels of this end have received.
    received: Arc<AtomicU64>,
    /// This end wants no more of it.
    closed: CancellationToken,
    listening: Tasks,
}

/// What the holder has said so far.
#[derive(Clone, Debug)]
struct Heard {
    snapshot: Snapshot,
    at: Instant,
    leaving: bool,
    ended: Option<ConnectionError>,
}

impl Joined {
    /// Begins to listen to the holder.
    pub(super) fn new(place: Place, version: &str, session: &Session, talk: Talk) -> Self {
        let (say, heard) = watch::channel(Heard {
            snapshot: session.snapshot,
            at: Instant::now(),
            leaving: false,
            ended: None,
        });
        let closed = CancellationToken::new();
        let listening = Tasks::new();
        listening.spawn("held session", listen(talk, say, listening.clone()));
        Self {
            place,
            version: version.to_owned(),
            number: session.number,
            binding: session.binding,
            heard,
            received: Arc::default(),
            closed,
            listening,
        }
    }

    /// Opens a connection that is a channel. Nothing is sent before its first bytes.
    pub(crate) async fn open(&self, priority: Priority) -> Result<(Writer, Reader), ChannelError> {
        if let Some(reason) = self.close_reason() {
            return Err(reason.into());
        }
        let open = ToHolder::Open {
            session: self.number,
            priority,
        };
        let mut first = Greeting::of(&self.version).encode();
        // A holder that is gone is a session that is lost.
        first.extend(framed(&open).map_err(|_| ChannelError::Cut)?);
        let connected = self.place.connect().await.ok().flatten();
        let stream = connected.ok_or(ChannelError::Cut)?;
        let (read, write) = stream.into_split();
        let over = CancellationToken::new();
        let writer = Writer::new(
            PieceWriter::new(write, &first),
            self.closed.clone(),
            over.clone(),
        );
        let reader = Reader::new(
            PieceReader::new(read, BytesMut::new()),
            Arc::clone(&self.received),
            self.closed.clone(),
            over,
        );
        Ok((writer, reader))
    }

    /// Returns how the holder's connection is, as it last said.
    pub(crate) fn snapshot(&self) -> Snapshot {
        let heard = self.heard.borrow();
        Snapshot {
            connected: heard.snapshot.connected + heard.at.elapsed(),
            ..heard.snapshot
        }
    }

    pub(crate) const fn binding(&self) -> [u8; 32] {
        self.binding.0
    }

    pub(crate) fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }

    /// Waits until the holder has another session in this one's place; for ever, if it never has.
    pub(crate) async fn leaving(&self) {
        let mut heard = self.heard.clone();
        if heard.wait_for(|heard| heard.leaving).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    pub(crate) fn close_reason(&self) -> Option<ConnectionError> {
        if self.closed.is_cancelled() {
            return Some(ConnectionError::LocallyClosed);
        }
        self.heard.borrow().ended.clone()
    }

    pub(crate) async fn closed(&self) -> ConnectionError {
        let mut heard = self.heard.clone();
        let ended = async {
            match heard.wait_for(|heard| heard.ended.is_some()).await {
                Ok(heard) => heard.ended.clone(),
                // Whoever listens says why it ends, and is gone only if it was told to be.
                Err(_) => None,
            }
        };
        tokio::select! {
            ended = ended => ended.unwrap_or(ConnectionError::LocallyClosed),
            () = self.closed.cancelled() => ConnectionError::LocallyClosed,
        }
    }

    pub(crate) fn close(&self) {
        self.closed.cancel();
        self.listening.stop();
    }
}

impl Drop for Joined {
    fn drop(&mut self) {
        // Channels that are open go on, as they do on a connection of one's own.
        self.listening.stop();
    }
}

/// Takes in what the holder says until the session ends, for either side.
async fn listen(mut talk: Talk, say: watch::Sender<Heard>, owner: Tasks) {
    loop {
        let heard = tokio::select! {
            heard = talk.hear::<FromHolder>() => heard,
            () = owner.stopping() => return,
        };
        let end = match heard {
            Ok(FromHolder::Snapshot(snapshot)) => {
                say.send_modify(|heard| {
                    heard.snapshot = *snapshot;
                    heard.at = Instant::now();
                });
                continue;
            }
            Ok(FromHolder::Leaving) => {
                say.send_modify(|heard| heard.leaving = true);
                continue;
            }
            Ok(FromHolder::Ended(end)) => end,
            // A holder that says nothing more, or nonsense, is of no use.
            Ok(_) | Err(_) => End::HolderGone,
        };
        say.send_modify(|heard| heard.ended = Some(end.into()));
        return;
    }
}
