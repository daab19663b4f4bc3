//! The client half of logs: a stream of entries that outlives its sessions.
//!
//! ```text
//! keeper ── session ──▶ flow, from the cursor ──▶ ready ──▶ next()
//!     superseded ─────▶ former flows, to their end ──▲
//! ```

use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::time::Instant;
use transport::channel::{Channel, ChannelError};
use transport::flow::Drain;
use transport::keeper::{GiveUp, Keeper};
use transport::session::Session;
use wire::Fault;

use super::PROTOCOL;
use super::cursors::Cursors;
use super::entry::Entry;
use super::filter::{Filter, FilterError};
use super::former::Formers;
use super::wire::{Cursor, Epoch, Follow, Item, Missed, Open, Start, Stock};

/// Entries as they come, each once, however many sessions it takes.
#[derive(Debug)]
pub struct LogStream {
    keeper: Keeper,
    /// How the flow is opened as long as there is no cursor.
    open: Open,
    /// How far each ring is read; the next flow begins there.
    cursors: Cursors,
    flow: Flow,
    /// Flows of sessions that were superseded.
    formers: Formers,
    /// When a flow may be opened next on a session that has cut one: a server that stops does
    /// that, and so does one that fails each time.
    not_before: Option<Instant>,
    /// Whether the server has said what it has, since the filter is what it is.
    introduced: bool,
    /// The time of the last entry that came.
    last: Option<u64>,
    /// What has come and was not taken yet.
    ready: VecDeque<LogItem>,
}

/// What comes from a [`LogStream`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogItem {
    /// The flow stands for the first time, or for the first time with another filter.
    Opened(Stock),
    /// A line, or a mark between two lines.
    Entry(Arc<Entry>),
    /// Entries are missing here.
    Missed(Missed),
    /// The session was lost, and the flow goes on over another.
    Reconnected {
        /// How long there was none.
        away: Duration,
    },
}

#[derive(Debug)]
enum Flow {
    /// There is none; since when, if there was one before and none has taken its place.
    Lost(Option<Instant>),
    /// It is open and nothing has come yet; since when there was none, if there was one before.
    Opened(Pipe, Option<Instant>),
    /// Items come.
    Pouring(Pipe),
    /// All has come.
    Ended,
}

/// A flow and its session.
#[derive(Debug)]
struct Pipe {
    session: Session,
    drain: Drain<Item>,
}

/// What happens to a stream next.
enum Step {
    /// A flow was opened, or could not be.
    Opened(Session, Result<Channel, ChannelError>),
    /// The flow has brought an item, its end, or a failure.
    Next(Result<Option<Item>, ChannelError>),
    /// A former flow has brought an item, or has ended.
    Former(Option<Item>),
    /// Another session stands in the place of the flow's.
    Superseded,
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
            cursors: Cursors::default(),
            flow: Flow::Lost(None),
            formers: Formers::default(),
            not_before: None,
            introduced: false,
            last: None,
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

    /// Wants other lines from here on: the flow is opened anew at its cursor. What the filter before
    /// this one let pass and has come already stays; no line comes twice, and none is lost.
    ///
    /// # Errors
    /// [`FilterError`] if the filter cannot be applied; then nothing changes.
    pub fn set_filter(&mut self, filter: Filter) -> Result<(), FilterError> {
        filter.compile()?;
        self.open.filter = filter;
        self.introduced = false;
        self.flow = match mem::replace(&mut self.flow, Flow::Ended) {
            Flow::Lost(since) | Flow::Opened(_, since) => Flow::Lost(since),
            Flow::Pouring(_) => Flow::Lost(None),
            Flow::Ended => Flow::Ended,
        };
        Ok(())
    }

    /// Takes one step: opens a flow, or takes the next item. Cancel-safe.
    async fn advance(&mut self) -> Result<(), LogsError> {
        match self.step().await? {
            Step::Opened(session, Ok(channel)) => {
                let since = match self.flow {
                    Flow::Lost(since) => since,
                    _ => None,
                };
                let drain = Drain::new(channel);
                self.flow = Flow::Opened(Pipe { session, drain }, since);
            }
            Step::Next(Ok(Some(item))) => self.take(item),
            Step::Next(Ok(None)) => self.end().await,
            Step::Opened(_, Err(error)) | Step::Next(Err(error)) => self.lose(error)?,
            Step::Former(item) => self.take_former(item),
            Step::Superseded => self.move_on(),
        }
        Ok(())
    }

    /// Waits for what happens next, and changes nothing. Cancel-safe.
    async fn step(&mut self) -> Result<Step, GiveUp> {
        let flow = async {
            match &mut self.flow {
                Flow::Lost(_) => {
                    let open = Open {
                        start: match self.cursors.last() {
                            Some(_) => Start::At(self.cursors.to_vec()),
                            None => self.open.start.clone(),
                        },
                        ..self.open.clone()
                    };
                    open_flow(&self.keeper, &open, &mut self.not_before).await
                }
                Flow::Opened(pipe, _) | Flow::Pouring(pipe) => {
                    Ok(pipe.step(self.open.follow).await)
                }
                Flow::Ended => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            // What is older comes first.
            item = self.formers.next() => Ok(Step::Former(item)),
            step = flow => step,
        }
    }

    /// Takes an item of the flow.
    fn take(&mut self, item: Item) {
        self.flow = match mem::replace(&mut self.flow, Flow::Ended) {
            Flow::Opened(pipe, since) => {
                let reconnected = since.map(|since| LogItem::Reconnected {
                    away: since.elapsed(),
                });
                self.ready.extend(reconnected);
                Flow::Pouring(pipe)
            }
            flow => flow,
        };
        let (cursor, seen) = (item.cursor(), self.cursors.seen(item.cursor().epoch));
        match item {
            Item::Opened { stock, cursor } => self.take_opened(stock, cursor),
            Item::Batch { entries, .. } => {
                // The ring is the one that a former flow has read: this one goes on with it.
                self.formers.forget(cursor.epoch);
                self.take_entries(entries, seen);
            }
            Item::Missed { missed, .. } => self.take_missed(missed, cursor, seen),
            Item::Nothing { .. } => {}
        }
        self.cursors.advance(cursor);
    }

    /// The flow stands. Where it goes on with the ring that was read last, though under another
    /// epoch, what was seen of that was seen of this.
    fn take_opened(&mut self, stock: Stock, cursor: Cursor) {
        let before = self.cursors.last();
        if let Some(before) = before.filter(|before| before.epoch != cursor.epoch) {
            self.formers.forget(before.epoch);
            self.cursors.advance(Cursor {
                epoch: cursor.epoch,
                sequence: before.sequence,
            });
        }
        if !mem::replace(&mut self.introduced, true) {
            self.ready.push_back(LogItem::Opened(stock));
        }
    }

    /// Takes entries, but for those that were seen.
    fn take_entries(&mut self, entries: Vec<Arc<Entry>>, seen: Option<u64>) {
        let unseen = |entry: &Arc<Entry>| seen.is_none_or(|seen| entry.sequence >= seen);
        for entry in entries.into_iter().filter(unseen) {
            self.last = Some(entry.record.time());
            self.ready.push_back(LogItem::Entry(entry));
        }
    }

    /// Takes a gap, as far as a former flow has not brought what is missing in this one.
    fn take_missed(&mut self, mut missed: Missed, cursor: Cursor, seen: Option<u64>) {
        if let (Some(entries), Some(seen)) = (&mut missed.entries, seen) {
            *entries = cursor.sequence.saturating_sub(seen).min(*entries);
        }
        if missed.entries == Some(0) {
            return;
        }
        missed.since = missed.since.or(self.last);
        self.ready.push_back(LogItem::Missed(missed));
    }

    /// Takes an item that a former flow has brought, or notes that it has ended.
    fn take_former(&mut self, item: Option<Item>) {
        let Some(item) = item else {
            if let (true, Flow::Lost(since)) = (self.formers.is_empty(), &mut self.flow) {
                since.get_or_insert_with(Instant::now);
            }
            return;
        };
        let (cursor, seen) = (item.cursor(), self.cursors.seen(item.cursor().epoch));
        match item {
            Item::Batch { entries, .. } => self.take_entries(entries, seen),
            Item::Missed { missed, .. } => self.take_missed(missed, cursor, seen),
            Item::Nothing { .. } | Item::Opened { .. } => {}
        }
        self.cursors.advance_beside(cursor);
    }

    /// Opens the flow anew on the session that stands in its own's place, and reads the old one to
    /// its end: another instance does not have what this one has yet to write.
    fn move_on(&mut self) {
        self.flow = match (mem::replace(&mut self.flow, Flow::Ended), self.epoch()) {
            (Flow::Pouring(pipe), Some(epoch)) => {
                self.formers.push(pipe.drain, epoch);
                Flow::Lost(None)
            }
            (Flow::Opened(_, since), _) => Flow::Lost(since),
            _ => Flow::Lost(None),
        };
    }

    /// Returns the epoch of the ring that is read, or was last.
    fn epoch(&self) -> Option<Epoch> {
        Some(self.cursors.last()?.epoch)
    }

    /// The source has sent all.
    async fn end(&mut self) {
        let flow = mem::replace(&mut self.flow, Flow::Ended);
        match (self.open.follow, flow) {
            (Follow::On, _) => {
                self.not_before = Some(Instant::now() + PAUSE);
                self.flow = Flow::Lost(Some(Instant::now()));
            }
            (Follow::Off, Flow::Opened(pipe, _) | Flow::Pouring(pipe)) => {
                // Everything is here already.
                pipe.drain.finish().await.ok();
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

impl Pipe {
    /// Waits for the next item, or, where the flow has no end of its own, until another session
    /// stands in the place of this one. Cancel-safe.
    async fn step(&mut self, follow: Follow) -> Step {
        tokio::select! {
            next = self.drain.next() => Step::Next(next),
            () = self.session.superseded(), if follow == Follow::On => Step::Superseded,
        }
    }
}

/// Waits for a session and opens a flow on it.
async fn open_flow(
    keeper: &Keeper,
    open: &Open,
    not_before: &mut Option<Instant>,
) -> Result<Step, GiveUp> {
    if let Some(pause) = *not_before {
        tokio::time::sleep_until(pause).await;
        *not_before = None;
    }
    let session = keeper.session().await?;
    let opened = session.open(&PROTOCOL, open).await;
    Ok(Step::Opened(session, opened))
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
