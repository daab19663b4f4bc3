//! The pass: what a WebSocket upgrade carries, so that a server knows a client of its own before
//! there is any QUIC between them.
//!
//! ```text
//!  0         1        9      17      33        49    50                     -32
//! ┌─────────┬────────┬──────┬───────┬─────────┬─────┬──────────────────────┬────────┐
//! │ version │ key id │ time │ nonce │ session │ act │ host, to the proof   │ proof  │
//! └─────────┴────────┴──────┴───────┴─────────┴─────┴──────────────────────┴────────┘
//! ```

use thiserror::Error;

use crate::hello::Proof;

/// What a client asks of the server's front, and with which key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pass {
    /// The public name of the key that the proof was made with.
    pub key_id: [u8; 8],
    /// The client's clock, in seconds since 1970.
    pub time: u64,
    /// Random, different for every pass.
    pub nonce: [u8; 16],
    /// The session that the WebSocket shall carry: random, drawn by the client.
    pub session: [u8; 16],
    /// What shall become of the session.
    pub act: Act,
    /// The host as the client dialled it, with the port.
    pub host: String,
}

/// What the WebSocket is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// A new session.
    Open,
    /// A session that has lost its carrier.
    Attach,
}

impl Pass {
    /// Returns the bytes that the proof covers: all that stand before it.
    #[must_use]
    pub fn signed_part(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(FIXED + self.host.len() + PROOF);
        bytes.push(VERSION);
        bytes.extend_from_slice(&self.key_id);
        bytes.extend_from_slice(&self.time.to_be_bytes());
        bytes.extend_from_slice(&self.nonce);
        bytes.extend_from_slice(&self.session);
        bytes.push(match self.act {
            Act::Open => 0,
            Act::Attach => 1,
        });
        // A longer name than DNS knows cannot have been dialled.
        let host = self.host.as_bytes();
        bytes.extend_from_slice(&host[..host.len().min(MAX_HOST)]);
        bytes
    }

    /// Splits what a client sent into the pass, the part that the proof covers, and the proof.
    ///
    /// # Errors
    /// [`PassError`] if the bytes are no pass.
    pub fn decode(bytes: &[u8]) -> Result<(Self, &[u8], Proof), PassError> {
        if bytes.len() > MAX_PASS {
            return Err(PassError::Length);
        }
        let (signed, proof) = bytes.split_last_chunk().ok_or(PassError::Length)?;
        let (&version, rest) = signed.split_first().ok_or(PassError::Length)?;
        if version != VERSION {
            return Err(PassError::Version(version));
        }
        let (&key_id, rest) = rest.split_first_chunk().ok_or(PassError::Length)?;
        let (&time, rest) = rest.split_first_chunk().ok_or(PassError::Length)?;
        let (&nonce, rest) = rest.split_first_chunk().ok_or(PassError::Length)?;
        let (&session, rest) = rest.split_first_chunk().ok_or(PassError::Length)?;
        let (act, host) = rest.split_first().ok_or(PassError::Length)?;
        let pass = Self {
            key_id,
            time: u64::from_be_bytes(time),
            nonce,
            session,
            act: match act {
                0 => Act::Open,
                1 => Act::Attach,
                _ => return Err(PassError::Act),
            },
            host: str::from_utf8(host)
                .map_err(|_| PassError::Host)?
                .to_owned(),
        };
        Ok((pass, signed, *proof))
    }
}

/// Bytes that are no pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PassError {
    /// Too short or too long.
    #[error("a pass has {least} to {MAX_PASS} bytes", least = FIXED + PROOF)]
    Length,
    /// A version of the carrier that this build does not speak.
    #[error("the WebSocket carrier has version {VERSION} here, not {0}")]
    Version(u8),
    /// Neither a new session nor an old one.
    #[error("the pass asks for something unknown")]
    Act,
    /// The host is no text.
    #[error("the host in the pass is no text")]
    Host,
}

/// The version of the WebSocket carrier.
const VERSION: u8 = 1;

/// Bytes before the host.
const FIXED: usize = 1 + 8 + 8 + 16 + 16 + 1;

const PROOF: usize = size_of::<Proof>();

/// A name has at most 253 characters (RFC 1035, section 3.1), a port five and a colon.
const MAX_HOST: usize = 259;

/// The longest pass.
pub const MAX_PASS: usize = FIXED + MAX_HOST + PROOF;

#[cfg(test)]
mod tests {
    use super::*;

    fn pass() -> Pass {
        Pass {
            key_id: [0xaa; 8],
            time: 1_800_000_000,
            nonce: [0xbb; 16],
            session: [0xcc; 16],
            act: Act::Attach,
            host: "app.example.com:443".to_owned(),
        }
    }

    #[test]
    fn a_pass_is_read_as_it_was_written() {
        let mut bytes = pass().signed_part();
        let signed = bytes.clone();
        bytes.extend_from_slice(&[0xdd; 32]);
        assert_eq!(
            Pass::decode(&bytes),
            Ok((pass(), signed.as_slice(), [0xdd; 32]))
        );
    }

    #[test]
    fn what_is_no_pass_says_why() {
        let mut bytes = pass().signed_part();
        bytes.extend_from_slice(&[0; 32]);
        for short in 0..FIXED + PROOF {
            assert_eq!(Pass::decode(&bytes[..short]), Err(PassError::Length));
        }
        let with = |place: usize, byte: u8| {
            let mut bytes = bytes.clone();
            bytes[place] = byte;
            Pass::decode(&bytes).unwrap_err()
        };
        assert_eq!(with(0, 9), PassError::Version(9));
        assert_eq!(with(49, 2), PassError::Act);
        assert_eq!(with(50, 0xff), PassError::Host);
        assert_eq!(Pass::decode(&[1; MAX_PASS + 1]), Err(PassError::Length));
    }

    #[test]
    fn a_host_that_nobody_can_dial_is_cut_to_the_longest_name() {
        let long = Pass {
            host: "x".repeat(10_000),
            ..pass()
        };
        assert_eq!(long.signed_part().len() + PROOF, MAX_PASS);
    }
}
