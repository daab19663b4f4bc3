//! Why a server does not start.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use features::logs::StoreError;
use features::parts::SectionError;
use thiserror::Error;
use transport::endpoint::BindError;
use transport::trust::{KeyRingError, SecretError};

use crate::front::manners::OriginError;

/// Why a server does not start. The operator, or the machine, is at fault.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ServerError {
    /// The configuration file cannot be read.
    #[error("read {}", .path.display())]
    ConfigFile {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The configuration file is not TOML, or has what nobody knows.
    #[error("{}: {reason}", .path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        reason: String,
    },
    /// A feature's section makes no sense.
    #[error(transparent)]
    Section(#[from] SectionError),
    /// A secret that is missing.
    #[error("the key {key:?} has no secret: {place} is not there")]
    NoSecret {
        /// The key's name.
        key: String,
        /// Where the secret was expected.
        place: String,
    },
    /// A secret that is too weak.
    #[error("the secret of the key {key:?} cannot be used: {source}")]
    Secret {
        /// The key's name.
        key: String,
        /// What is wrong with it.
        source: SecretError,
    },
    /// One name for keys that allow different things.
    #[error("two keys are named {name:?} and do not allow the same: give each a name of its own")]
    SameName {
        /// The name.
        name: String,
    },
    /// One secret for what opens the tunnel and for what may only send lines to it.
    #[error(
        "a sender of log lines has the secret of one of the tunnel's keys: give it one of its own \
         (`tunnel keygen` makes one)"
    )]
    SharedSecret,
    /// Keys that cannot be used together, or none.
    #[error(transparent)]
    Keys(#[from] KeyRingError),
    /// An origin for CORS that is none.
    #[error(transparent)]
    Origin(#[from] OriginError),
    /// The audit log cannot be written to.
    #[error("open the audit log {}", .path.display())]
    Audit {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The system gave no random bytes.
    #[error("the system gave no random bytes for the pseudonym key")]
    NoRandomness,
    /// The folder of the log cannot be had.
    #[error(transparent)]
    Log(#[from] StoreError),
    /// The UDP port cannot be had.
    #[error(transparent)]
    Quic(#[from] BindError),
    /// The TCP port cannot be had.
    #[error("listen for HTTP on TCP {address}")]
    Http {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
}
