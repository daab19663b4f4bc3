//! The client half of logs: a stream of entries that outlives its sessions.

use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::time::Instant;
use transport::channel::ChannelError;
use transport::flow::Drain;
use transport::keeper::{GiveUp, Keeper};
use wire::Fault;

use super::PROTOCOL;
use super::entry::Entry;
use super::wire::{Follow, Item, Missed, Open, Start};

/// Entries as they come, each once, however many sessions it takes.
#[derive(Debug)]
pub struct LogStream {
    keeper: Keeper,
    /// How the flow is opened next: it begins at the cursor of the last item.
    open: Open,
    flow: Flow,
    /// When a flow may be opened next on a session that has cut one: a server that stops does
    /// that, and so does one that fails each time.
    not_before: Option<Instant>,
    /// What has come and was not taken yet.
    ready: VecDeque<LogItem>,
}

/// What comes from a [`LogStream`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogItem {
    /// A line.
    Entry(Arc<Entry>),
    /// Lines are missing here.
    Missed(Missed),
    /// The session was lost, and the flow goes on over another.
    Reconnected {
        /// How long there was none.
        away: Duration,
    },
}

#[derive(Debug)]
enum Flow {
    /// There is none; since when, if there was one before.
    Lost(Option<Instant>),
    /// It is open and nothing has come yet; since when there was none, if there was one before.
    Opened(Drain<Item>, Option<Instant>),
    /// Items come.
    Pouring(Drain<Item>),
    /// All has come.
    Ended,
}

impl LogStream {
    /// Opens a flow and waits until the server has it: what is written from then on will come.
    ///
    /// # Errors
    /// [`LogsError`] if the server refuses, or there is no session to be had.
    pub async fn open(keeper: &Keeper, open: Open) -> Result<Self, LogsError> {
        let mut stream = Self {
            keeper: keeper.clone(),
            open,
            flow: Flow::Lost(None),
            not_before: None,
            ready: VecDeque::new(),
        };
        while matches!(stream.flow, Flow::Lost(_) | Flow::Opened(..)) {
            stream.advance().await?;
        }
        Ok(stream)
    }

    /// Waits for the next item; `None` when a flow that does not follow has ended. Cancel-safe.
    ///
    /// # Errors
    /// [`LogsError`] if the server refuses, or there is no session to be had.
    pub async fn next(&mut self) -> Result<Option<LogItem>, LogsError> {
        loop {
            if let Some(item) = self.ready.pop_front() {
                return Ok(Some(item));
            }
            if matches!(self.flow, Flow::Ended) {
                return Ok(None);
            }
            self.advance().await?;
        }
    }

    /// Takes one step: opens a flow, or takes its next item. Cancel-safe.
    async fn advance(&mut self) -> Result<(), LogsError> {
        match &mut self.flow {
            Flow::Ended => Ok(()),
            &mut Flow::Lost(since) => {
                if let Some(pause) = self.not_before {
                    tokio::time::sleep_until(pause).await;
                    self.not_before = None;
                }
                let session = self.keeper.session().await?;
                match session.open(&PROTOCOL, &self.open).await {
                    Ok(channel) => self.flow = Flow::Opened(Drain::new(channel), since),
                    Err(error) => self.lose(error)?,
                }
                Ok(())
            }
            Flow::Opened(drain, _) | Flow::Pouring(drain) => {
                match drain.next().await {
                    Ok(Some(item)) => self.take(item),
                    Ok(None) => self.end().await,
                    Err(error) => self.lose(error)?,
                }
                Ok(())
            }
        }
    }

    fn take(&mut self, item: Item) {
        self.flow = match mem::replace(&mut self.flow, Flow::Ended) {
            Flow::Opened(drain, since) => {
                let reconnected = since.map(|since| LogItem::Reconnected {
                    away: since.elapsed(),
                });
                self.ready.extend(reconnected);
                Flow::Pouring(drain)
            }
            flow => flow,
        };
        self.open.start = Start::At(item.cursor());
        match item {
            Item::Batch { entries, .. } => {
                self.ready.extend(entries.into_iter().map(LogItem::Entry));
            }
            Item::Missed { missed, .. } => self.ready.push_back(LogItem::Missed(missed)),
            Item::Nothing { .. } => {}
        }
    }

    /// The source has sent all.
    async fn end(&mut self) {
        let flow = mem::replace(&mut self.flow, Flow::Ended);
        match (self.open.follow, flow) {
            (Follow::On, _) => {
                self.not_before = Some(Instant::now() + PAUSE);
                self.flow = Flow::Lost(Some(Instant::now()));
            }
            (Follow::Off, Flow::Opened(drain, _) | Flow::Pouring(drain)) => {
                // Everything is here already.
                drain.finish().await.ok();
            }
            (Follow::Off, Flow::Lost(_) | Flow::Ended) => {}
        }
    }

    /// The flow is gone: for another one to take up, or for good.
    fn lose(&mut self, error: ChannelError) -> Result<(), LogsError> {
        let flow = mem::replace(&mut self.flow, Flow::Ended);
        if !error.is_lost() {
            return Err(match error {
                ChannelError::Fault(fault) => LogsError::Refused(fault),
                error => LogsError::Protocol(error),
            });
        }
        if matches!(error, ChannelError::Cut) {
            self.not_before = Some(Instant::now() + PAUSE);
        }
        self.flow = Flow::Lost(match flow {
            Flow::Lost(since) | Flow::Opened(_, since) => since,
            Flow::Pouring(_) | Flow::Ended => Some(Instant::now()),
        });
        Ok(())
    }
}

/// Why there will be no more entries.
#[derive(Debug, Error)]
pub enum LogsError {
    /// The server refuses.
    #[error(transparent)]
    Refused(Fault),
    /// There is no session and will be none.
    #[error(transparent)]
    GaveUp(#[from] GiveUp),
    /// The server does not speak as it should.
    #[error(transparent)]
    Protocol(ChannelError),
}

/// Short for somebody who watches, and no load for a server that fails.
const PAUSE: Duration = Duration::from_millis(500);
