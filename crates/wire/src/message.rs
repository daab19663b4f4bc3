//! Messages: values in postcard, bounded by the frame that carries them.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Appends `message` to `out`.
///
/// # Panics
/// Never for the messages of this project: postcard fails only on sequences of unknown length,
/// and growing a `Vec` does not fail.
pub fn encode<M: Serialize + ?Sized>(message: &M, out: &mut Vec<u8>) {
    let taken = std::mem::take(out);
    match postcard::to_extend(message, taken) {
        Ok(written) => *out = written,
        Err(error) => unreachable!("a message of our own cannot be encoded: {error}"),
    }
}

/// Reads one message from the front of `bytes`.
///
/// What stands after it is ignored: a newer peer may have appended fields (see `docs/PROTOCOL.md`,
/// "Growth").
///
/// # Errors
/// [`DecodeError`] if the bytes are not such a message. The peer is at fault.
pub fn decode<'a, M: Deserialize<'a>>(bytes: &'a [u8]) -> Result<M, DecodeError> {
    postcard::take_from_bytes(bytes)
        .map(|(message, _newer_fields)| message)
        .map_err(|_| DecodeError {
            wanted: short_type_name::<M>(),
        })
}

/// Bytes that are not the message that was due.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the peer sent something that is not a valid {wanted}")]
pub struct DecodeError {
    wanted: &'static str,
}

fn short_type_name<M>() -> &'static str {
    let full = std::any::type_name::<M>();
    // `a::b::Open` → `Open`; a generic type keeps what stands before its parameters.
    let head = full.split('<').next().unwrap_or(full);
    head.rsplit("::").next().unwrap_or(head)
}
