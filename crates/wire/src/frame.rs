//! Frames: what a channel is made of.
//!
//! ```text
//!  0        1                 4
//! ┌────────┬─────────────────┬───────────────┐
//! │ kind   │ length, 24 bit  │ payload       │
//! └────────┴─────────────────┴───────────────┘
//! ```
//! The length is big endian and counts the payload alone.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{Status, message};

/// The first four bytes of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// What the payload is.
    pub kind: FrameKind,
    /// The length of the payload in bytes.
    pub length: u32,
}

/// What a frame's payload is. The number is open; an unknown one is an error of the channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FrameKind(pub u8);

impl FrameKind {
    /// One message of the channel's feature.
    pub const MESSAGE: Self = Self(0);
    /// The sender has sent all: no payload. A stream that ends without it was cut.
    pub const END: Self = Self(1);
    /// The sender gives up: a [`Fault`].
    pub const FAULT: Self = Self(2);
}

/// Why an end gives up a channel: a status and a sentence that is safe to show to the peer.
#[derive(Clone, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
#[error("{reason}")]
pub struct Fault {
    /// Whose fault it is, as HTTP would number it.
    pub status: Status,
    /// What happened, why, and what to do, without any value of a user's data.
    pub reason: String,
}

impl Header {
    /// The bytes that a header takes.
    pub const LEN: usize = 4;

    /// Reads a header and refuses a payload of more than `cap` bytes.
    ///
    /// # Errors
    /// [`FrameError::TooLong`]; the peer is at fault and the channel cannot go on.
    pub const fn decode(bytes: [u8; Self::LEN], cap: u32) -> Result<Self, FrameError> {
        let [kind, high, middle, low] = bytes;
        let length = u32::from_be_bytes([0, high, middle, low]);
        if length > cap {
            return Err(FrameError::TooLong { length, cap });
        }
        Ok(Self {
            kind: FrameKind(kind),
            length,
        })
    }
}

impl Fault {
    /// Makes a fault.
    pub fn new(status: Status, reason: impl Into<String>) -> Self {
        Self {
            status,
            reason: reason.into(),
        }
    }
}

/// Appends a frame of `kind` whose payload is `message`.
///
/// # Errors
/// [`FrameError::TooLong`] if the message takes more than `cap` bytes; `out` is as it was.
pub fn encode<M: Serialize + ?Sized>(
    kind: FrameKind,
    message: &M,
    cap: u32,
    out: &mut Vec<u8>,
) -> Result<(), FrameError> {
    let start = out.len();
    out.extend_from_slice(&[kind.0, 0, 0, 0]);
    message::encode(message, out);
    let payload = out.len() - start - Header::LEN;
    let Some(length) = u32::try_from(payload)
        .ok()
        .filter(|&length| length <= cap.min(MAX_PAYLOAD))
    else {
        out.truncate(start);
        let length = u32::try_from(payload).unwrap_or(u32::MAX);
        return Err(FrameError::TooLong { length, cap });
    };
    let [_, high, middle, low] = length.to_be_bytes();
    out.splice(start + 1..start + Header::LEN, [high, middle, low]);
    Ok(())
}

/// Appends a frame of `kind` whose payload is `payload` as it is.
///
/// # Errors
/// [`FrameError::TooLong`] if the payload is longer than 24 bits can count.
pub fn encode_raw(kind: FrameKind, payload: &[u8], out: &mut Vec<u8>) -> Result<(), FrameError> {
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
    if length > MAX_PAYLOAD {
        let cap = MAX_PAYLOAD;
        return Err(FrameError::TooLong { length, cap });
    }
    let [_, high, middle, low] = length.to_be_bytes();
    out.extend_from_slice(&[kind.0, high, middle, low]);
    out.extend_from_slice(payload);
    Ok(())
}

/// Appends the frame that ends a direction of a channel.
pub fn encode_end(out: &mut Vec<u8>) {
    out.extend_from_slice(&[FrameKind::END.0, 0, 0, 0]);
}

/// A frame that may not be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum FrameError {
    /// The payload is longer than the channel allows.
    #[error("a frame of {length} bytes, where at most {cap} are allowed")]
    TooLong {
        /// The payload's length in bytes.
        length: u32,
        /// The bound in bytes.
        cap: u32,
    },
}

/// What 24 bits can count.
pub const MAX_PAYLOAD: u32 = (1 << 24) - 1;
