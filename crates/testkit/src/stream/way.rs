//! One direction of a connection, as a sequence of events in virtual time.
//!
//! ```text
//! write ──▶ unsent ── depart ──▶ flying ── land ──▶ arrived ──▶ read
//!           send buffer, proxy   rate, delay, loss  receive buffer
//!           ◀─────────────────── window, one delay later ───────────
//! ```

use std::collections::VecDeque;
use std::task::Waker;
use std::time::Duration;

use tokio::time::Instant;

use super::Path;
use crate::luck::Luck;

/// One direction of a connection. Whoever looks at it brings it up to date first.
#[derive(Debug)]
pub(super) struct Way {
    /// What the writer has handed over and the link has not taken.
    unsent: VecDeque<u8>,
    /// What is on the link, in the order in which it arrives.
    flying: VecDeque<(Instant, Cargo)>,
    /// What the reader may take.
    arrived: VecDeque<u8>,
    /// How much has departed of which the sender does not know that it was read.
    outstanding: usize,
    /// What travels back to the sender, in the order in which it arrives.
    back: VecDeque<(Instant, News)>,
    /// When the link can take the next segment.
    free: Instant,
    /// All events before this moment have happened.
    now: Instant,
    /// Nothing moves before this moment.
    held: Instant,
    end: Ending,
    reader_is_gone: bool,
    pub(super) reader: Option<Waker>,
    pub(super) writer: Option<Waker>,
}

#[derive(Debug)]
enum Cargo {
    Bytes(Vec<u8>),
    End,
}

#[derive(Debug)]
enum News {
    Read(usize),
    Gone,
}

/// How far the end of what is written has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    /// More may be written.
    Open,
    /// It waits behind what is unsent.
    Written,
    /// It is on the link.
    Departed,
    /// The reader has it before it.
    Arrived,
}

impl Way {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            unsent: VecDeque::new(),
            flying: VecDeque::new(),
            arrived: VecDeque::new(),
            outstanding: 0,
            back: VecDeque::new(),
            free: now,
            now,
            held: now,
            end: Ending::Open,
            reader_is_gone: false,
            reader: None,
            writer: None,
        }
    }

    /// Lets everything happen that was due by `now`.
    pub(super) fn advance(&mut self, now: Instant, path: &Path, luck: &mut Luck) {
        while let Some(due) = self.next_event(path).filter(|&due| due <= now) {
            self.now = self.now.max(due);
            if self.back.front().is_some_and(|&(at, _)| at <= due) {
                self.hear();
            } else if self.flying.front().is_some_and(|&(at, _)| at <= due) {
                self.land();
            } else {
                self.depart(path, luck);
            }
        }
        self.now = now;
    }

    /// Lets nothing move before `until`: what is under way comes so much later.
    pub(super) fn hold(&mut self, until: Instant) {
        let by = until.saturating_duration_since(self.held.max(self.now));
        self.held = self.held.max(until);
        self.free = self.free.max(self.now) + by;
        for (at, _) in &mut self.flying {
            *at += by;
        }
        for (at, _) in &mut self.back {
            *at += by;
        }
    }

    /// Returns how much a writer may hand over now.
    pub(super) fn room(&self, path: &Path) -> usize {
        (path.send_buffer + path.proxy).saturating_sub(self.unsent.len())
    }

    /// Takes what a writer hands over.
    pub(super) fn write(&mut self, bytes: &[u8]) {
        self.unsent.extend(bytes);
        self.wake_reader();
    }

    /// Whether somebody may still write.
    pub(super) fn is_writable(&self) -> bool {
        self.end == Ending::Open && !self.reader_is_gone
    }

    /// Ends what is written.
    pub(super) fn finish(&mut self) {
        if self.end == Ending::Open {
            self.end = Ending::Written;
            self.wake_reader();
        }
    }

    /// Hands over what has arrived, up to `most`; nothing at the end. `None` if there is nothing yet.
    pub(super) fn read(&mut self, most: usize, path: &Path) -> Option<Vec<u8>> {
        if self.arrived.is_empty() {
            return (self.end == Ending::Arrived).then(Vec::new);
        }
        let count = self.arrived.len().min(most);
        let taken = self.arrived.drain(..count).collect();
        self.tell(News::Read(count), path);
        Some(taken)
    }

    /// Tells the writer that nobody reads any more.
    pub(super) fn leave(&mut self, path: &Path) {
        self.tell(News::Gone, path);
    }

    /// Returns when a reader who finds nothing should look again.
    pub(super) fn look_for_bytes(&self, path: &Path) -> Option<Instant> {
        match self.flying.front() {
            Some(&(at, _)) => Some(at),
            None => self.next_event(path),
        }
    }

    /// Returns when a writer who finds no room should look again.
    pub(super) fn look_for_room(&self, path: &Path) -> Option<Instant> {
        let news = self.back.front().map(|&(at, _)| at);
        [news, self.departure(path)].into_iter().flatten().min()
    }

    pub(super) fn wake_all(&mut self) {
        self.wake_reader();
        self.wake_writer();
    }

    fn wake_reader(&mut self) {
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }

    fn wake_writer(&mut self) {
        if let Some(writer) = self.writer.take() {
            writer.wake();
        }
    }

    fn next_event(&self, path: &Path) -> Option<Instant> {
        let lands = self.flying.front().map(|&(at, _)| at);
        [self.look_for_room(path), lands]
            .into_iter()
            .flatten()
            .min()
    }

    fn departure(&self, path: &Path) -> Option<Instant> {
        let departs = if self.unsent.is_empty() {
            self.end == Ending::Written
        } else {
            self.outstanding < path.receive_buffer
        };
        departs.then(|| self.free.max(self.now))
    }

    /// Puts the next segment on the link, or the end.
    fn depart(&mut self, path: &Path, luck: &mut Luck) {
        let window = path.receive_buffer.saturating_sub(self.outstanding);
        let count = self.unsent.len().min(window).min(SEGMENT);
        let cargo = if self.unsent.is_empty() {
            self.end = Ending::Departed;
            Cargo::End
        } else {
            Cargo::Bytes(self.unsent.drain(..count).collect())
        };
        self.outstanding += count;
        self.free = self.now + path.time_on_the_link(count);
        let late = if luck.chance(path.loss) {
            path.delay * 2
        } else {
            Duration::ZERO
        };
        let arrives = self.free + path.delay + late;
        let before = self.flying.back().map(|&(at, _)| at);
        self.flying
            .push_back((before.map_or(arrives, |before| arrives.max(before)), cargo));
        self.wake_writer();
    }

    fn land(&mut self) {
        match self.flying.pop_front() {
            Some((_, Cargo::Bytes(bytes))) => self.arrived.extend(bytes),
            Some((_, Cargo::End)) => self.end = Ending::Arrived,
            None => {}
        }
        self.wake_reader();
    }

    fn tell(&mut self, news: News, path: &Path) {
        let arrives = self.now.max(self.held) + path.delay;
        let before = self.back.back().map_or(arrives, |&(at, _)| at);
        self.back.push_back((arrives.max(before), news));
        self.wake_writer();
    }

    fn hear(&mut self) {
        match self.back.pop_front() {
            Some((_, News::Read(count))) => self.outstanding -= count,
            Some((_, News::Gone)) => self.reader_is_gone = true,
            None => {}
        }
        self.wake_writer();
    }
}

/// What Ethernet leaves of 1,500 bytes to TCP with timestamps.
const SEGMENT: usize = 1_448;
