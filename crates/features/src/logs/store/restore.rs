//! Reads back what a folder has: the entries that fit into memory, and how the last start ended.

use std::io::{self, Read as _};
use std::sync::Arc;

use tracing::warn;

use super::super::config::LogsConfig;
use super::super::entry::{Entry, Origin, Record};
use super::super::kept::Kept;
use super::super::lineage::{Begun, Lineage};
use super::super::mark::Before;
use super::folder::{Folder, Name};
use super::frame::{self, Frame, Frames};
use super::{LONGEST_SEGMENT, Segment, StoreError};

/// What a folder had.
#[derive(Debug)]
pub(in super::super) struct Restored {
    /// The entries.
    pub(in super::super) kept: Kept,
    /// The starts of the server so far.
    pub(super) lineage: Option<Lineage>,
    /// How many there were.
    pub(super) starts: u32,
    /// How the last one ended.
    pub(super) before: Before,
    pub(super) segments: Vec<Segment>,
    /// The names of services and instances, each once.
    origins: Vec<Origin>,
    /// How many entries are missing between those that are there.
    missing: u64,
}

impl Restored {
    /// Reads a folder, oldest segment first.
    ///
    /// # Errors
    /// [`StoreError`] if the folder cannot be looked into. A segment that cannot be read counts as
    /// empty.
    pub(super) fn read(folder: &Folder, config: &LogsConfig, now: u64) -> Result<Self, StoreError> {
        let names = folder.segments().map_err(|source| StoreError::Folder {
            path: folder.path().to_owned(),
            source,
        })?;
        let first = names.first().map_or(0, |name| name.first);
        let mut restored = Self {
            kept: Kept::from(first),
            lineage: None,
            starts: 0,
            before: Before::Unknown,
            segments: Vec::new(),
            origins: Vec::new(),
            missing: 0,
        };
        for name in names {
            let bytes = read(folder, name).unwrap_or_else(|error| {
                warn!("read the segment {name} of the log: {error}");
                Vec::new()
            });
            restored.take(name, &bytes, now);
            restored.kept.evict(now, config, usize::MAX);
        }
        if restored.missing > 0 {
            let (path, missing) = (folder.path().display(), restored.missing);
            warn!("{missing} entries of the log in {path} cannot be read any more");
        }
        Ok(restored)
    }

    fn take(&mut self, name: Name, bytes: &[u8], now: u64) {
        let mut frames = Frames::new(name, bytes);
        let (mut newest, mut ended, mut known) = (0, false, false);
        for frame in frames.by_ref() {
            ended = frame == Frame::End;
            match frame {
                Frame::Head(lineage) if lineage.has(name.epoch) => {
                    self.lineage = Some(lineage);
                    known = true;
                }
                Frame::Entries { arrived, entries } => {
                    // A clock that was set back would keep them for too long.
                    let arrived = arrived.min(now);
                    newest = arrived.max(newest);
                    entries.into_iter().for_each(|it| self.keep(arrived, it));
                }
                Frame::Head(_) | Frame::End => {}
            }
        }
        if !known {
            self.guess(name);
        }
        self.kept.skip_to(name.first);
        self.starts = self.starts.max(name.start.saturating_add(1));
        self.before = match ended && frames.torn == 0 {
            true => Before::Ended,
            false => Before::CutOff,
        };
        self.segments.push(Segment {
            name,
            bytes: bytes.len() as u64,
            newest: if newest > 0 { newest } else { now },
        });
    }

    /// Adds a start of which nothing is known but that it wrote this segment.
    fn guess(&mut self, name: Name) {
        let begun = Begun {
            epoch: name.epoch,
            first: name.first,
            before: Before::CutOff,
        };
        match &mut self.lineage {
            Some(lineage) if lineage.has(name.epoch) => {}
            Some(lineage) => lineage.push(begun),
            lineage @ None => *lineage = Some(Lineage::new(begun)),
        }
    }

    fn keep(&mut self, arrived: u64, entry: Arc<Entry>) {
        let next = self.kept.next();
        if entry.sequence < next {
            // Nobody wrote that: sequences go up.
            return;
        }
        self.missing += entry.sequence - next;
        let mut entry = Arc::unwrap_or_clone(entry);
        match &mut entry.record {
            Record::Line(line) => self.share(&mut line.origin),
            Record::Mark(mark) => self.share(&mut mark.origin),
        }
        self.kept.push_entry(arrived, Arc::new(entry));
    }

    /// Lets lines share the names of their origin, as they did when they were written.
    fn share(&mut self, origin: &mut Origin) {
        if let Some(known) = self.origins.iter().find(|known| **known == *origin) {
            *origin = known.clone();
        } else if self.origins.len() < ORIGINS {
            self.origins.push(origin.clone());
        }
    }
}

fn read(folder: &Folder, name: Name) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = folder.open(name)?;
    file.take(LONGEST_FILE).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// A segment that is full but for one byte, and then one write. What is longer is not ours.
const LONGEST_FILE: u64 = LONGEST_SEGMENT + frame::LONGEST;

/// More services and instances than one server hears of.
const ORIGINS: usize = 64;
