//! The hello: how two ends come to know each other, on the first stream of a session.
//!
//! A hello begins with four fixed bytes and the versions, so that ends of any two versions can
//! read that much of each other and say which versions would do.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{DecodeError, FeatureVersion, Status, message};

/// The first message of a session: client to server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    /// The protocol versions that the client speaks.
    pub versions: Versions,
    /// The rest, in postcard.
    pub body: HelloBody,
    /// HMAC-SHA256 by the client over the connection's exporter and all that stands above.
    pub proof: Proof,
}

/// What a client says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HelloBody {
    /// The public name of the key that the proof was made with.
    pub key_id: [u8; 8],
    /// The client's clock, in seconds since 1970.
    pub time: u64,
    /// Random, different for every hello.
    pub nonce: [u8; 16],
    /// What the client calls itself, for example `development`.
    pub environment: String,
    /// Program and version, for example `tunnel 0.1.0`.
    pub program: String,
    /// The features that the client knows.
    pub features: Vec<FeatureVersion>,
}

/// The answer to a hello.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reply {
    /// The session is open.
    Welcome(Welcome),
    /// The session is refused and will be closed.
    Refused(Refused),
}

/// Opens the session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// What the server says of itself.
    pub body: WelcomeBody,
    /// HMAC-SHA256 by the server over the connection's exporter, the hello and the body.
    pub proof: Proof,
}

/// What a server says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WelcomeBody {
    /// The protocol version that both will speak.
    pub version: u16,
    /// The server's name; the same for all instances of a service.
    pub server_id: String,
    /// This start of this instance.
    pub instance: [u8; 16],
    /// What the server calls itself, for example `production`.
    pub environment: String,
    /// Program and version.
    pub program: String,
    /// The server's clock, in seconds since 1970.
    pub time: u64,
    /// Random, different for every welcome.
    pub nonce: [u8; 16],
    /// The features that the server offers to this key.
    pub features: Vec<FeatureVersion>,
    /// The name of the key, as the server's configuration has it.
    pub key_name: String,
    /// The UDP port where QUIC is offered without another carrier, if it is.
    pub udp_port: Option<u16>,
}

/// Refuses the session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// Why, as HTTP would number it.
    pub status: Status,
    /// A sentence that is safe to show.
    pub reason: String,
    /// The server's clock, so that a client can tell that its own is wrong.
    pub time: u64,
    /// The protocol versions that the server speaks.
    pub versions: Versions,
}

/// A range of protocol versions, both ends of it included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Versions {
    /// The lowest.
    pub lowest: u16,
    /// The highest.
    pub highest: u16,
}

/// A message authentication code that shows that its sender holds the key.
pub type Proof = [u8; 32];

impl Versions {
    /// What this build speaks.
    pub const OURS: Self = Self {
        lowest: 1,
        highest: 1,
    };

    /// Returns the highest version that both ranges hold.
    #[must_use]
    pub fn common(self, other: Self) -> Option<u16> {
        let highest = self.highest.min(other.highest);
        (highest >= self.lowest.max(other.lowest)).then_some(highest)
    }
}

impl Hello {
    /// Returns the payload of the hello's frame.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Self::signed_part(self.versions, &self.body);
        bytes.extend_from_slice(&self.proof);
        bytes
    }

    /// Returns the bytes that the proof covers: the payload without the proof.
    #[must_use]
    pub fn signed_part(versions: Versions, body: &HelloBody) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&versions.lowest.to_be_bytes());
        bytes.extend_from_slice(&versions.highest.to_be_bytes());
        message::encode(body, &mut bytes);
        bytes
    }

    /// Reads a hello.
    ///
    /// # Errors
    /// [`HelloError`]; nothing but the version range of a stranger's hello is ever believed.
    pub fn decode(payload: &[u8]) -> Result<Self, HelloError> {
        let (versions, rest) = split_versions(payload).ok_or(HelloError::NotAHello)?;
        if versions.common(Versions::OURS).is_none() {
            return Err(HelloError::Version { theirs: versions });
        }
        let (body, proof) = rest.split_last_chunk().ok_or(HelloError::NotAHello)?;
        Ok(Self {
            versions,
            body: message::decode(body)?,
            proof: *proof,
        })
    }
}

fn split_versions(payload: &[u8]) -> Option<(Versions, &[u8])> {
    let rest = payload.strip_prefix(MAGIC)?;
    let (&[a, b, c, d], rest) = rest.split_first_chunk()?;
    let versions = Versions {
        lowest: u16::from_be_bytes([a, b]),
        highest: u16::from_be_bytes([c, d]),
    };
    Some((versions, rest))
}

/// A hello that cannot be read. The client is at fault, or is not one of ours.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum HelloError {
    /// The bytes are something else.
    #[error("the first message was no hello")]
    NotAHello,
    /// The two ends have no version in common.
    #[error(
        "the client speaks protocol versions {} to {}, this server {} to {}",
        theirs.lowest, theirs.highest, Versions::OURS.lowest, Versions::OURS.highest
    )]
    Version {
        /// What the client speaks.
        theirs: Versions,
    },
    /// The body is not one.
    #[error(transparent)]
    Body(#[from] DecodeError),
}

/// Begins every hello, of every version.
pub const MAGIC: &[u8; 4] = b"rtun";

/// The application protocol of the QUIC handshake (ALPN). Versions are settled by the hello, so
/// that a mismatch ends in a sentence and not in a TLS alert.
pub const ALPN: &[u8] = b"render-tunnel";

/// Names, six features, a proof: a real hello takes less than 300 bytes.
pub const MAX_HELLO: u32 = 4096;
