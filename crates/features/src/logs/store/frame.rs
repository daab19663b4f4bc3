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
//! bytes that are no frame the next mark is looked for.

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
        header[8..].copy_from_slice(&checksum(segment, payload));
    }

    /// Returns the entries, if it has any.
    pub(super) fn into_entries(self) -> Vec<Arc<Entry>> {
        match self {
            Self::Entries { entries, .. } => entries,
            Self::Head(_) | Self::End => Vec::new(),
        }
    }

    /// Reads the frame that `bytes` begin with, and returns what follows it.
    fn decode(segment: Name, bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (header, rest) = bytes.split_first_chunk::<HEADER>()?;
        let (mark, header) = header.split_first_chunk::<4>()?;
        let (length, sum) = header.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let (payload, rest) = rest.split_at_checked(length)?;
        let whole = *mark == MARK && checksum(segment, payload) == *sum;
        let frame = whole.then(|| wire::decode(payload).ok())??;
        Some((frame, rest))
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
}

impl<'a> Frames<'a> {
    pub(super) const fn new(segment: Name, bytes: &'a [u8]) -> Self {
        Self {
            segment,
            rest: bytes,
            damaged: 0,
            torn: 0,
        }
    }
}

impl Iterator for Frames<'_> {
    type Item = Frame;

    fn next(&mut self) -> Option<Frame> {
        let before = self.rest.len();
        for at in memmem::find_iter(self.rest, &MARK) {
            if let Some((frame, rest)) = Frame::decode(self.segment, &self.rest[at..]) {
                self.damaged += at;
                self.rest = rest;
                return Some(frame);
            }
        }
        self.rest = &[];
        self.torn += before;
        None
    }
}

fn checksum(segment: Name, payload: &[u8]) -> [u8; 8] {
    let mut context = Context::new(&SHA256);
    context.update(&segment.salt());
    context.update(payload);
    let mut sum = [0; 8];
    sum.copy_from_slice(&context.finish().as_ref()[..8]);
    sum
}

/// No text has these bytes. The last one counts the versions of this format.
const MARK: [u8; 4] = [0xff, b'r', b't', 1];

const HEADER: usize = 16;

#[cfg(test)]
mod tests {
    use super::super::super::wire::Epoch;
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
}
