//! Takes messages out of a stream of bytes: counted, as RFC 5425 has it, or each with a line feed at
//! its end, as many send them (RFC 6587). Each message says by its first character which it is.

use thiserror::Error;

use crate::logs::entry::MAX_LINE;

/// Takes messages out of a stream of bytes.
#[derive(Debug, Default)]
pub(super) struct Frames {
    buffer: Vec<u8>,
    /// How many bytes of the message that has begun are known to hold no end of a line.
    searched: usize,
    /// How many bytes are still to come of a message of which the first are not kept any more.
    skip: Skip,
}

/// What of a message that is too long is passed over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Skip {
    #[default]
    Nothing,
    /// So many bytes.
    Bytes(usize),
    /// Up to the next line feed.
    Line,
}

/// What the buffer begins with.
enum Head {
    /// Not enough to say.
    Short,
    /// A message behind so many bytes of its length.
    Counted { digits: usize, length: usize },
    /// A message up to a line feed.
    Line,
}

impl Frames {
    /// Takes the next bytes.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// Whether a message has begun that has not ended.
    pub(super) const fn begun(&self) -> bool {
        !self.buffer.is_empty() || !matches!(self.skip, Skip::Nothing)
    }

    /// Returns the next message that is whole. One that is too long is cut at a line's length.
    ///
    /// # Errors
    /// [`FrameError`] if the stream cannot be read any further.
    pub(super) fn next(&mut self) -> Result<Option<Vec<u8>>, FrameError> {
        self.pass_over();
        if self.skip != Skip::Nothing {
            return Ok(None);
        }
        match self.head()? {
            Head::Short => Ok(None),
            Head::Counted { digits, length } => Ok(self.counted(digits, length)),
            Head::Line => Ok(self.line()),
        }
    }

    /// Returns what came at the end of the stream without a line feed.
    pub(super) fn finish(mut self) -> Option<Vec<u8>> {
        self.pass_over();
        let ended = matches!(self.head(), Ok(Head::Line)) && self.skip == Skip::Nothing;
        (ended && !self.buffer.is_empty()).then_some(self.buffer)
    }

    fn pass_over(&mut self) {
        match self.skip {
            Skip::Nothing => {}
            Skip::Bytes(left) => {
                let passed = left.min(self.buffer.len());
                self.buffer.drain(..passed);
                self.skip = match left - passed {
                    0 => Skip::Nothing,
                    left => Skip::Bytes(left),
                };
            }
            Skip::Line => {
                if let Some(end) = end_of_line(&self.buffer) {
                    self.buffer.drain(..=end);
                    self.skip = Skip::Nothing;
                } else {
                    self.buffer.clear();
                }
            }
        }
        if self.skip == Skip::Nothing {
            let blank = |byte: &&u8| matches!(byte, b'\n' | b'\r' | b' ' | 0);
            let blanks = self.buffer.iter().take_while(blank).count();
            self.buffer.drain(..blanks);
        }
    }

    fn head(&self) -> Result<Head, FrameError> {
        let digits = self
            .buffer
            .iter()
            .take(MOST_SCANNED)
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        match self.buffer.get(digits) {
            None if digits > MOST_DIGITS => Err(FrameError::Length),
            None => Ok(Head::Short),
            Some(b' ') if digits > 0 => {
                let number = std::str::from_utf8(&self.buffer[..digits]).ok();
                let length: Option<usize> = number.and_then(|it| it.parse().ok());
                let length = length.filter(|&it| it > 0 && it <= LONGEST);
                let length = length.ok_or(FrameError::Length)?;
                Ok(Head::Counted { digits, length })
            }
            Some(_) => Ok(Head::Line),
        }
    }

    fn counted(&mut self, digits: usize, length: usize) -> Option<Vec<u8>> {
        let start = digits + 1;
        let kept = length.min(MOST);
        let message = self.buffer.get(start..start + kept)?.to_vec();
        self.buffer.drain(..start + kept);
        if length > kept {
            self.skip = Skip::Bytes(length - kept);
        }
        Some(message)
    }

    fn line(&mut self) -> Option<Vec<u8>> {
        let end = end_of_line(&self.buffer[self.searched..]).map(|end| self.searched + end);
        self.searched = 0;
        match end {
            Some(end) if end <= MOST => {
                let mut message: Vec<u8> = self.buffer.drain(..=end).collect();
                message.pop();
                Some(message)
            }
            _ if self.buffer.len() > MOST => {
                self.skip = Skip::Line;
                Some(self.buffer.drain(..MOST).collect())
            }
            _ => {
                self.searched = self.buffer.len();
                None
            }
        }
    }
}

/// Some end a message with a zero instead of a line feed.
fn end_of_line(bytes: &[u8]) -> Option<usize> {
    memchr::memchr2(b'\n', 0, bytes)
}

/// A stream whose messages cannot be told apart any more. The sender is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(super) enum FrameError {
    #[error("the length of a message makes no sense")]
    Length,
}

/// What is kept of a message: a line, and the names before it.
const MOST: usize = MAX_LINE + 8 * 1024;

/// A message that says that it is longer is none: the stream has lost its step.
const LONGEST: usize = 64 * 1024 * 1024;

/// As many as [`LONGEST`] has.
const MOST_DIGITS: usize = 8;

/// Longer than any length that makes sense, and short enough to be looked at whenever a byte comes.
const MOST_SCANNED: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn all(frames: &mut Frames) -> Vec<String> {
        let next = || frames.next().expect("a stream in step");
        let messages = std::iter::from_fn(next);
        messages.map(|it| String::from_utf8(it).unwrap()).collect()
    }

    #[test]
    fn messages_of_both_kinds_are_taken_out_in_whatever_pieces() {
        let stream = b"5 <1>ab<2>line\n\n<3>two words\r\n11 <4>\nin\nside7 <5>zero<6>nul\0";
        let expected = [
            "<1>ab",
            "<2>line",
            "<3>two words\r",
            "<4>\nin\nside",
            "<5>zero",
            "<6>nul",
        ];
        for size in 1..stream.len() {
            let mut frames = Frames::default();
            let mut messages = Vec::new();
            for piece in stream.chunks(size) {
                frames.push(piece);
                messages.extend(all(&mut frames));
            }
            assert_eq!(messages, expected, "pieces of {size}");
            assert!(!frames.begun());
        }
    }

    #[test]
    fn a_message_that_is_too_long_is_cut_and_the_next_is_whole() {
        let long = "x".repeat(MOST + 10);
        for stream in [
            format!("{} {long}2 <>", long.len()),
            format!("<{long}\n<>\n"),
        ] {
            let mut frames = Frames::default();
            let mut lengths = Vec::new();
            for piece in stream.as_bytes().chunks(60_000) {
                frames.push(piece);
                lengths.extend(all(&mut frames).iter().map(String::len));
                assert!(frames.buffer.len() <= MOST + 60_000);
            }
            assert_eq!(lengths, [MOST, 2]);
        }
    }

    #[test]
    fn a_length_that_makes_no_sense_ends_the_stream() {
        for stream in [
            "0 x",
            "99999999999 x",
            "123456789012",
            "99999999999999999999999 x",
        ] {
            let mut frames = Frames::default();
            frames.push(stream.as_bytes());
            assert_eq!(frames.next(), Err(FrameError::Length), "{stream}");
        }
    }

    #[test]
    fn bytes_that_come_one_by_one_are_searched_once() {
        let mut frames = Frames::default();
        let digits = "1".repeat(MOST_SCANNED);
        frames.push(format!("{digits}{digits}x").as_bytes());
        for _ in 0..1000 {
            assert_eq!(frames.next(), Ok(None));
            assert_eq!(frames.searched, frames.buffer.len());
            frames.push(b"x");
        }
        frames.push(b"\n<>\n");
        let lengths: Vec<_> = all(&mut frames).iter().map(String::len).collect();
        assert_eq!(lengths, [2 * MOST_SCANNED + 1001, 2]);
    }

    #[test]
    fn what_ends_without_a_line_feed_is_a_message_and_half_a_counted_one_is_not() {
        let finished = |stream: &str| {
            let mut frames = Frames::default();
            frames.push(stream.as_bytes());
            assert_eq!(frames.next(), Ok(None));
            frames.finish()
        };
        assert_eq!(finished("<1>half").unwrap(), b"<1>half");
        assert_eq!(finished("9 <1>half"), None);
        assert_eq!(finished(""), None);
    }
}
