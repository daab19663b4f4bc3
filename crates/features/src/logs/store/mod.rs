//! The ring's copy on a disk, so that what a reader has seen outlives the server.
//!
//! ```text
//! append ── one write ──▶ segment │ segment │ segment ──▶ dropped whole, by age and by size
//!                         (last)
//! ```
//! A folder has one server at a time, and in it a file for each segment: its name says which entry
//! is its first, which start of the server wrote it, and that start's epoch. What is in it are frames
//! (`frame.rs`): a head with the starts of the server so far, then entries, each frame in one write
//! before any reader can have them; an end, if the server stopped in order. A new start begins a
//! new segment and never touches an old one.
//!
//! What is written is safe from the end of the process. From the end of the machine it is safe when
//! the system has written it to the disk, some seconds later; only a start's first head and its end
//! are waited for. A disk that fails is left alone for a while, and then tried again.

mod folder;
mod frame;
mod news;
mod restore;

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Write as _};
use std::mem;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;

use self::folder::{Folder, Name};
use self::frame::Frame;
pub(super) use self::news::News;
pub(super) use self::restore::Restored;
use super::clock::nanos;
use super::config::LogsConfig;
use super::entry::{Entry, Origin, Record};
use super::lineage::{Begun, Lineage};
use super::mark::{Before, Event, Mark};
use super::wire::Epoch;

/// Writes a ring's entries to a folder.
#[derive(Debug)]
pub(super) struct Store {
    folder: Folder,
    bounds: Bounds,
    origin: Origin,
    lineage: Lineage,
    epoch: Epoch,
    /// Counts the starts of the server.
    start: u32,
    /// The sequence of the next entry.
    next: u64,
    /// Those that are not written to any more, the oldest first.
    segments: VecDeque<Segment>,
    writing: Writing,
    /// What is written next; kept for its memory.
    buffer: Vec<u8>,
    /// What is to be said when nobody holds the store's lock.
    news: Vec<News>,
}

/// How much a folder holds.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    /// Nanoseconds.
    retention: u64,
    bytes: u64,
    segment: u64,
}

/// A file of entries.
#[derive(Debug)]
struct Segment {
    name: Name,
    bytes: u64,
    /// When its newest entry came.
    newest: u64,
}

/// The segment that is written to.
#[derive(Debug)]
struct Active {
    file: File,
    segment: Segment,
    /// When it was begun.
    began: u64,
    /// Whether it has entries.
    used: bool,
}

#[derive(Debug)]
enum Writing {
    To(Active),
    /// The disk has failed, at this time; or nothing was written yet.
    Nowhere(u64),
}

/// What an append came to.
#[derive(Debug)]
pub(super) struct Appended {
    /// The sequence of the first record.
    pub(super) sequence: u64,
    /// The records, and a mark if the disk has failed or is back.
    pub(super) entries: Vec<Arc<Entry>>,
}

/// A start of the server, as far as its ring knows.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) store: Store,
    pub(super) restored: Restored,
    pub(super) lineage: Lineage,
    pub(super) before: Before,
    /// Why it is in memory alone, if it is.
    pub(super) lost: Option<Event>,
}

impl Store {
    /// Takes a folder, reads what is in it, and begins to write behind that.
    ///
    /// # Errors
    /// [`StoreError`] if the folder cannot be had. A full disk is none: the ring goes on without it.
    pub(super) fn open(
        path: PathBuf,
        config: &LogsConfig,
        origin: Origin,
        (epoch, now): (Epoch, u64),
    ) -> Result<Opened, StoreError> {
        let folder = Folder::take(path)?;
        let mut restored = Restored::read(&folder, config, now)?;
        let begun = Begun {
            epoch,
            first: restored.kept.next(),
            before: restored.before,
        };
        let lineage = match restored.lineage.take() {
            Some(mut lineage) => {
                lineage.push(begun);
                lineage
            }
            None => Lineage::new(begun),
        };
        let mut store = Self {
            folder,
            bounds: Bounds::of(config),
            origin,
            lineage: lineage.clone(),
            epoch,
            start: restored.starts,
            next: begun.first,
            segments: restored.segments.drain(..).collect(),
            writing: Writing::Nowhere(now),
            buffer: Vec::new(),
            news: Vec::new(),
        };
        let lost = store.begin()?;
        store.tidy(now);
        Ok(Opened {
            store,
            lost,
            restored,
            lineage,
            before: begun.before,
        })
    }

    /// Writes records and returns them with their sequences: when this returns, they may be seen.
    pub(super) fn append(
        &mut self,
        now: u64,
        records: impl IntoIterator<Item = Record>,
    ) -> Appended {
        let mut entries = Vec::new();
        if self.is_due(now) {
            entries.extend(self.try_again(now));
        }
        let sequence = self.next;
        for record in records {
            entries.push(self.number(record));
        }
        if let Writing::To(_) = self.writing {
            entries = match self.write(now, entries) {
                (entries, Ok(())) => entries,
                (mut entries, Err(error)) => {
                    entries.push(self.fail(now, error));
                    entries
                }
            };
        }
        Appended { sequence, entries }
    }

    /// Drops what is too old or too much.
    pub(super) fn tidy(&mut self, now: u64) {
        if let Writing::To(active) = &self.writing
            && active.used
            && self.bounds.is_old(active.segment.newest, now)
            && let Err(error) = self.rotate(now, self.next)
        {
            self.news.push(News::NotBegun(error));
        }
        while let Some(oldest) = self.segments.front() {
            let rest = self.bytes() - oldest.bytes;
            if rest < self.bounds.bytes && !self.bounds.is_old(oldest.newest, now) {
                return;
            }
            if let Err(error) = self.folder.remove(oldest.name) {
                self.news.push(News::NotRemoved(error));
            }
            self.segments.pop_front();
        }
    }

    /// Notes that the server ends in order, and waits until everything is on the disk.
    pub(super) fn finish(&mut self) {
        let Writing::To(active) = &mut self.writing else {
            return;
        };
        let mut bytes = Vec::new();
        Frame::End.encode(active.segment.name, &mut bytes);
        let ended = active.file.write_all(&bytes);
        if let Err(error) = ended.and_then(|()| self.sync()) {
            self.news.push(News::NotEnded(error));
        }
    }

    /// Takes what is to be said, for whoever has let go of the store's lock.
    pub(super) fn news(&mut self) -> Vec<News> {
        mem::take(&mut self.news)
    }

    /// Begins the first segment of a start, and sees to it that the start will be known.
    fn begin(&mut self) -> Result<Option<Event>, StoreError> {
        let Writing::Nowhere(now) = self.writing else {
            return Ok(None);
        };
        let begun = self.rotate(now, self.next).and_then(|()| self.sync());
        match begun {
            Ok(()) => Ok(None),
            Err(error) if is_full(&error) => {
                let reason = error.to_string();
                self.news.push(News::Full(error));
                Ok(Some(Event::DiskLost { reason }))
            }
            Err(source) => Err(StoreError::Write {
                path: self.folder.path().to_owned(),
                source,
            }),
        }
    }

    /// Waits until all that was written is on the disk.
    fn sync(&self) -> io::Result<()> {
        if let Writing::To(active) = &self.writing {
            active.file.sync_all()?;
        }
        self.folder.sync()
    }

    /// Ends the segment that is written to, and begins another.
    fn rotate(&mut self, now: u64, first: u64) -> io::Result<()> {
        let name = Name {
            first,
            start: self.start,
            epoch: self.epoch,
        };
        let mut file = self.folder.create(name)?;
        let mut head = Vec::new();
        Frame::Head(self.lineage.clone()).encode(name, &mut head);
        if let Err(error) = file.write_all(&head) {
            // An empty one says nothing; what removes it may fail like what made it.
            self.folder.remove(name).ok();
            return Err(error);
        }
        let segment = Segment {
            name,
            bytes: head.len() as u64,
            newest: now,
        };
        let active = Active {
            file,
            segment,
            began: now,
            used: false,
        };
        self.end_segment(Writing::To(active));
        Ok(())
    }

    fn end_segment(&mut self, next: Writing) {
        if let Writing::To(before) = mem::replace(&mut self.writing, next) {
            self.segments.push_back(before.segment);
        }
    }

    fn write(&mut self, now: u64, entries: Vec<Arc<Entry>>) -> (Vec<Arc<Entry>>, io::Result<()>) {
        let Some(first) = entries.first().map(|entry| entry.sequence) else {
            return (entries, Ok(()));
        };
        if self.is_full(now)
            && let Err(error) = self.rotate(now, first)
        {
            return (entries, Err(error));
        }
        let Writing::To(active) = &mut self.writing else {
            return (entries, Ok(()));
        };
        let frame = Frame::Entries {
            arrived: now,
            entries,
        };
        self.buffer.clear();
        frame.encode(active.segment.name, &mut self.buffer);
        let written = active.file.write_all(&self.buffer);
        active.segment.bytes += self.buffer.len() as u64;
        active.segment.newest = active.segment.newest.max(now);
        active.used = true;
        self.tidy(now);
        (frame.into_entries(), written)
    }

    /// Whether the next write goes into another segment.
    fn is_full(&self, now: u64) -> bool {
        let Writing::To(active) = &self.writing else {
            return false;
        };
        let age = now.saturating_sub(active.began);
        let old = age > self.bounds.retention / SEGMENTS;
        active.used && (old || active.segment.bytes >= self.bounds.segment)
    }

    /// Gives the disk up for a while.
    fn fail(&mut self, now: u64, error: io::Error) -> Arc<Entry> {
        self.end_segment(Writing::Nowhere(now));
        let reason = error.to_string();
        self.news.push(News::Lost(error));
        let mark = self.mark(now, Event::DiskLost { reason });
        self.number(mark)
    }

    fn is_due(&self, now: u64) -> bool {
        matches!(self.writing, Writing::Nowhere(since) if now.saturating_sub(since) >= nanos(RETRY))
    }

    /// Tries whether the disk is well again. What it does not have is missing at the next start.
    fn try_again(&mut self, now: u64) -> Option<Arc<Entry>> {
        self.tidy(now);
        if self.rotate(now, self.next).is_err() {
            self.writing = Writing::Nowhere(now);
            return None;
        }
        self.news.push(News::Back);
        let mark = self.mark(now, Event::DiskBack);
        Some(self.number(mark))
    }

    fn mark(&self, now: u64, event: Event) -> Record {
        Record::Mark(Mark {
            time: now,
            origin: self.origin.clone(),
            event,
        })
    }

    fn number(&mut self, record: Record) -> Arc<Entry> {
        let sequence = self.next;
        self.next += 1;
        Arc::new(Entry { sequence, record })
    }

    fn bytes(&self) -> u64 {
        let old: u64 = self.segments.iter().map(|segment| segment.bytes).sum();
        match &self.writing {
            Writing::To(active) => old + active.segment.bytes,
            Writing::Nowhere(_) => old,
        }
    }
}

impl Bounds {
    fn of(config: &LogsConfig) -> Self {
        let bytes = config.max_bytes as u64;
        Self {
            retention: nanos(config.retention),
            bytes,
            segment: (bytes / SEGMENTS).min(LONGEST_SEGMENT),
        }
    }

    const fn is_old(self, newest: u64, now: u64) -> bool {
        now.saturating_sub(newest) > self.retention
    }
}

fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}

/// A folder that cannot be used. The operator is at fault, or the machine.
#[derive(Debug, Error)]
pub enum StoreError {
    /// It cannot be made, or not be looked into.
    #[error("open the folder of the log, {}", .path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Another server writes there.
    #[error("another server keeps its log in {}: each needs a folder of its own", .path.display())]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// It cannot be written to.
    #[error("write to the folder of the log, {}", .path.display())]
    Write {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// How many segments a full folder has, about: with one that is dropped an eighth goes.
const SEGMENTS: u64 = 8;

/// A start reads one segment at a time into memory.
const LONGEST_SEGMENT: u64 = 8 * 1024 * 1024;

/// How long a disk that has failed is left alone: somebody may make room meanwhile.
const RETRY: Duration = Duration::from_secs(60);
