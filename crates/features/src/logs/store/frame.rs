//! What stands in a segment: frames, each whole or not there.
//!
//! ```text
//!  0        4          8            16
//! ┌────────┬──────────┬────────────┬───────────┐
//! │ mark   │ length   │ checksum   │ payload   │   big endian; the payload in postcard
//! └────────┴──────────┴────────────┴───────────┘
//! ```
//! The checksum is the beginning of SHA-256 over the segment's name and the payload, so that neither
//! a torn frame nor one of elsewhere, such as a log line that looks like one, is taken for one. After
//! bytes that are no frame the next mark is looked for, as long as that takes time in proportion to
//! the segment; what is then not found counts as damaged.

use std::iter;
use std::sync::Arc;

use memchr::memmem;
use ring::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};

use super::super::entry::Entry;
use super::super::lineage::Lineage;
use super::folder::Name;

/// One write to a segment. Variants may be added; one that changes needs another [`MARK`].
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Frame {
    /// Begins a segment: the starts of the server up to the one that writes it.
    Head(Lineage),
    /// Entries that came at one time.
    Entries {
        /// When, in nanoseconds since 1970.
        arrived: u64,
        /// In sequence.
        entries: Vec<Arc<Entry>>,
    },
    /// The server stopped in order.
    End,
}

impl Frame {
    /// Appends the frame's bytes.
    pub(super) fn encode(&self, segment: Name, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&MARK);
        out.extend_from_slice(&[0; HEADER - MARK.len()]);
        wire::encode(self, out);
        let (header, payload) = out[start..].split_at_mut(HEADER);
        header[4..8].copy_from_slice(&(payload.len() as u32).to_be_bytes());
        header[8..].copy_from_slice(&checksum(&segment.salt(), payload));
    }

    /// Returns the entries, if it has any.
    pub(super) fn into_entries(self) -> Vec<Arc<Entry>> {
        match self {
            Self::Entries { entries, .. } => entries,
            Self::Head(_) | Self::End => Vec::new(),
        }
    }
}

/// Reads the frames of a segment, over what is none.
#[derive(Debug)]
pub(super) struct Frames<'a> {
    segment: Name,
    rest: &'a [u8],
    /// How many bytes before the last frame were none, and how many after it.
    pub(super) damaged: usize,
    pub(super) torn: usize,
    /// How many bytes were hashed for what turned out to be none, and how many may be.
    wasted: usize,
    allowed: usize,
}

impl<'a> Frames<'a> {
    pub(super) const fn new(segment: Name, bytes: &'a [u8]) -> Self {
        Self {
            segment,
            rest: bytes,
            damaged: 0,
            torn: 0,
            wasted: 0,
            allowed: bytes.len().saturating_mul(SEARCH),
        }
    }

    /// Reads the frame at a place, and goes on behind it.
    fn read(&mut self, at: usize) -> Option<Frame> {
        let Claim { sum, payload, rest } = Claim::read(self.rest.get(at..)?)?;
        let salt = self.segment.salt();
        let wasted = self.wasted + salt.len() + payload.len();
        if wasted > self.allowed {
            return None;
        }
        if checksum(&salt, payload) != sum {
            self.wasted = wasted;
            return None;
        }
        let frame = wire::decode(payload).ok()?;
        self.damaged += at;
        self.rest = rest;
        Some(frame)
    }
}

impl Iterator for Frames<'_> {
    type Item = Frame;

    fn next(&mut self) -> Option<Frame> {
        let here = self.rest;
        // Where a frame has to be, a header is ours, and what it spans is not searched: a line in it
        // may be full of marks.
        let behind = Claim::read(here).map(|claim| here.len() - claim.rest.len());
        let marks = memmem::find_iter(here, &MARK).filter(|at| *at > 0);
        let mut places = iter::once(0).chain(behind).chain(marks);
        let found = places.find_map(|at| self.read(at));
        if found.is_none() {
            self.rest = &[];
            self.torn += here.len();
        }
        found
    }
}

/// What bytes say that begin with a mark, which need be no frame.
struct Claim<'a> {
    sum: [u8; 8],
    payload: &'a [u8],
    /// What follows.
    rest: &'a [u8],
}

impl<'a> Claim<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let (mark, bytes) = bytes.split_first_chunk::<4>()?;
        let (length, bytes) = bytes.split_first_chunk::<4>()?;
        let (sum, bytes) = bytes.split_first_chunk::<8>()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        if *mark != MARK || length > LONGEST_PAYLOAD {
            return None;
        }
        let (payload, rest) = bytes.split_at_checked(length)?;
        let sum = *sum;
        Some(Self { sum, payload, rest })
    }
}

fn checksum(salt: &[u8], payload: &[u8]) -> [u8; 8] {
    let mut context = Context::new(&SHA256);
    context.update(salt);
    context.update(payload);
    let mut sum = [0; 8];
    sum.copy_from_slice(&context.finish().as_ref()[..8]);
    sum
}

/// No text has these bytes. The last one counts the versions of this format.
const MARK: [u8; 4] = [0xff, b'r', b't', 1];

const HEADER: usize = 16;

/// What one write can have at most, generously: 256 KiB of entries, and the longest line, which has
/// 2 MiB. What claims to be longer is not ours.
const LONGEST_PAYLOAD: usize = 4 * 1024 * 1024;

/// The longest frame.
pub(super) const LONGEST: u64 = (HEADER + LONGEST_PAYLOAD) as u64;

/// How often a segment's length is hashed at most for what is no frame. Frames that are damaged hash
/// it once; the rest is for lengths that are damaged. What somebody wrote into a line, marks that
/// each claim the bytes of thousands after them, would be hashed for minutes.
const SEARCH: usize = 4;

#[cfg(test)]
mod tests {
    use super::super::super::entry::{Line, Origin, Record};
    use super::super::super::wire::Epoch;
    use super::super::super::{Fields, Level};
    use super::*;

    const NAME: Name = Name {
        first: 7,
        start: 0,
        epoch: Epoch(9),
    };

    fn frames(bytes: &[u8]) -> (usize, usize, usize) {
        let mut frames = Frames::new(NAME, bytes);
        let count = frames.by_ref().count();
        (count, frames.damaged, frames.torn)
    }

    fn three() -> Vec<u8> {
        let mut bytes = Vec::new();
        for arrived in [1, 2, 3] {
            let entries = Vec::new();
            Frame::Entries { arrived, entries }.encode(NAME, &mut bytes);
        }
        bytes
    }

    #[test]
    fn a_frame_has_these_bytes() {
        let mut bytes = Vec::new();
        Frame::End.encode(NAME, &mut bytes);
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(&hex[..16], "ff72740100000001");
        assert_eq!(&hex[32..], "02");
        assert_eq!(Frames::new(NAME, &bytes).next(), Some(Frame::End));
    }

    #[test]
    fn a_frame_that_is_cut_anywhere_is_not_there() {
        let bytes = three();
        assert_eq!(frames(&bytes), (3, 0, 0));
        let frame = bytes.len() / 3;
        for cut in 0..frame {
            assert_eq!(frames(&bytes[..2 * frame + cut]), (2, 0, cut));
        }
    }

    #[test]
    fn a_byte_that_is_another_costs_its_frame_alone() {
        let bytes = three();
        let frame = bytes.len() / 3;
        for at in frame..2 * frame {
            let mut bytes = bytes.clone();
            bytes[at] ^= 0x10;
            assert_eq!(frames(&bytes), (2, frame, 0), "{at}");
        }
    }

    #[test]
    fn a_frame_of_another_segment_is_none() {
        let bytes = three();
        let other = Name { start: 1, ..NAME };
        assert_eq!(Frames::new(other, &bytes).count(), 0);
    }

    /// A line may be these bytes: marks, each of which claims the 300 KiB that follow.
    fn marks(length: usize) -> Vec<u8> {
        let mark = b"\xffrt\x01\x00\x04\xb0\x00";
        mark.iter().copied().cycle().take(length).collect()
    }

    /// Returns the frame of a line that is nothing but such marks.
    fn hostile(length: usize) -> Vec<u8> {
        let line = Line {
            time: 1,
            level: Level::default(),
            origin: Origin::service("app"),
            message: String::new(),
            fields: Fields::default(),
            raw: Some(marks(length)),
        };
        let record = Record::Line(line);
        let entries = vec![Arc::new(Entry {
            sequence: 7,
            record,
        })];
        let mut bytes = Vec::new();
        Frame::Entries {
            arrived: 1,
            entries,
        }
        .encode(NAME, &mut bytes);
        bytes
    }

    #[test]
    fn what_is_hashed_grows_with_the_segment_whatever_its_marks_claim() {
        let mut bytes = three();
        bytes.extend(marks(4 << 20));
        bytes.extend(three());
        let mut frames = Frames::new(NAME, &bytes);
        let count = frames.by_ref().count();
        assert!(frames.wasted > bytes.len(), "the marks were tried");
        assert!(frames.wasted <= 4 * bytes.len(), "{}", frames.wasted);
        // What is left of it is enough for short frames.
        assert_eq!((count, frames.damaged, frames.torn), (6, 4 << 20, 0));
    }

    #[test]
    fn what_is_not_found_in_time_is_torn() {
        let mut bytes = three();
        let head = bytes.len();
        bytes.extend(marks(1 << 20));
        bytes.extend(hostile(1 << 20));
        assert_eq!(frames(&bytes), (3, 0, bytes.len() - head));
    }

    #[test]
    fn a_damaged_line_of_marks_is_passed_over() {
        let mut bytes = three();
        let (first, hostile) = (bytes.len(), hostile(1 << 20));
        bytes.extend(&hostile);
        bytes.extend(three());
        assert_eq!(frames(&bytes), (7, 0, 0));
        bytes[first + 100_000] ^= 0x10;
        let mut frames = Frames::new(NAME, &bytes);
        assert_eq!(frames.by_ref().count(), 6);
        assert_eq!((frames.damaged, frames.torn), (hostile.len(), 0));
        assert_eq!(frames.wasted, hostile.len() - HEADER + NAME.salt().len());
    }

    #[test]
    fn a_frame_that_claims_more_than_a_write_has_is_not_hashed() {
        let length = LONGEST_PAYLOAD + 1;
        let mut bytes = MARK.to_vec();
        bytes.extend((length as u32).to_be_bytes());
        bytes.resize(HEADER + length, 0);
        let mut frames = Frames::new(NAME, &bytes);
        assert_eq!(frames.by_ref().count(), 0);
        assert_eq!((frames.wasted, frames.torn), (0, bytes.len()));
    }
}
