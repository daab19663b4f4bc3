//! The greeting: how every connection on a control socket begins, both ways, in every version.
//!
//! ```text
//!  0        4            6          7
//! ┌────────┬────────────┬──────────┬─────────────────┐
//! │ "rtcs" │ protocol   │ length   │ program version │
//! └────────┴────────────┴──────────┴─────────────────┘
//! ```
//! Its form never changes, so that programs of any two versions can tell that they differ.

use bytes::{Buf, BytesMut};

use super::talk::TalkError;

/// What each end says of itself first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Greeting {
    /// The number of the control socket's protocol.
    pub(super) protocol: u16,
    /// The version of the program.
    pub(super) version: String,
}

impl Greeting {
    /// Makes the greeting of a program of this version.
    pub(super) fn of(version: &str) -> Self {
        Self {
            protocol: PROTOCOL,
            version: version.chars().take(LONGEST).collect(),
        }
    }

    /// Returns its bytes.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&self.protocol.to_be_bytes());
        let version = self.version.as_bytes();
        let length = u8::try_from(version.len()).unwrap_or(u8::MAX);
        bytes.push(length);
        bytes.extend_from_slice(&version[..length.into()]);
        bytes
    }

    /// Takes a greeting from the front of `buffer`; `None` while it is not whole.
    ///
    /// # Errors
    /// [`TalkError::NotAGreeting`], as soon as that is certain.
    pub(super) fn take(buffer: &mut BytesMut) -> Result<Option<Self>, TalkError> {
        let begun = buffer.len().min(MAGIC.len());
        if buffer[..begun] != MAGIC[..begun] {
            return Err(TalkError::NotAGreeting);
        }
        let Some(&[_, _, _, _, high, low, length]) = buffer.first_chunk() else {
            return Ok(None);
        };
        let end = HEAD + usize::from(length);
        if buffer.len() < end {
            return Ok(None);
        }
        let version = String::from_utf8_lossy(&buffer[HEAD..end]).into_owned();
        buffer.advance(end);
        Ok(Some(Self {
            protocol: u16::from_be_bytes([high, low]),
            version,
        }))
    }
}

/// The protocol of the messages that follow. Counts up whenever one of them changes its meaning.
pub(super) const PROTOCOL: u16 = 1;

const MAGIC: [u8; 4] = *b"rtcs";

/// What stands before the version.
const HEAD: usize = 7;

/// A version is `0.1.0`, with a word more before a release: four bytes a character still fit a byte's
/// count.
const LONGEST: usize = 60;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_greeting_has_these_bytes() {
        let bytes = Greeting::of("0.1.0").encode();
        // magic, protocol, length, version
        assert_eq!(bytes, b"rtcs\x00\x01\x050.1.0");
    }

    #[test]
    fn a_greeting_that_dribbles_in_is_taken_when_it_is_whole() {
        let bytes = Greeting::of("0.1.0").encode();
        let mut buffer = BytesMut::new();
        for (position, byte) in bytes.iter().enumerate() {
            assert_eq!(Greeting::take(&mut buffer).unwrap(), None, "{position}");
            buffer.extend_from_slice(&[*byte]);
        }
        buffer.extend_from_slice(b"more");
        let taken = Greeting::take(&mut buffer).unwrap().unwrap();
        assert_eq!((taken, &buffer[..]), (Greeting::of("0.1.0"), &b"more"[..]));
    }

    #[test]
    fn whatever_else_speaks_is_known_by_its_first_byte() {
        let mut buffer = BytesMut::from(&b"HTTP"[..]);
        let refused = Greeting::take(&mut buffer);
        assert!(matches!(refused, Err(TalkError::NotAGreeting)));
    }

    #[test]
    fn a_version_of_any_length_fits() {
        let bytes = Greeting::of(&"\u{1f980}".repeat(300)).encode();
        let mut buffer = BytesMut::from(&bytes[..]);
        assert!(Greeting::take(&mut buffer).unwrap().is_some());
        assert!(buffer.is_empty());
    }
}
