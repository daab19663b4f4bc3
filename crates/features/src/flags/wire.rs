//! The messages of flags. `docs/PROTOCOL.md` gives their bytes.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Opens a channel of flags.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Open {
    /// A flow of [`Said`]: the flags that there are, and then what changes.
    Watch {
        /// What the client has already, if it has anything.
        known: Option<Version>,
    },
}

/// A version of a server's set of flags.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// Tells a set from others: chance, drawn when the server starts.
    pub set: [u8; 8],
    /// Counts its changes.
    pub number: u64,
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}-{}", u64::from_be_bytes(self.set), self.number)
    }
}

/// What a server says of its flags. What is between two [`Said::Whole`]s is one change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Said {
    /// The flow begins.
    Begins(Beginning),
    /// These are new, or others than before.
    Flags(Vec<Flag>),
    /// These are there no more.
    Gone(Vec<String>),
    /// How all sources are, those that matter most first.
    Sources(Vec<SourceState>),
    /// The set is whole, and of this version.
    Whole(Version),
}

/// Where a flow begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Beginning {
    /// With all flags: what the client has is another set's, or too old.
    Afresh,
    /// Behind what the client has.
    Behind,
}

/// A flag.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flag {
    /// Its name.
    pub key: String,
    /// What it is: JSON, as in a file of flagd's, with each `$ref` replaced by what it stands for.
    pub definition: String,
    /// The name of the source that it is from.
    pub source: String,
    /// Since when it is so, as far as its source knows, in milliseconds since 1970.
    pub updated: u64,
}

/// How a source of flags is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceState {
    /// Its name.
    pub source: String,
    /// What is wrong with it, without any value. Its flags are those of the last time that it was well.
    pub trouble: Option<String>,
    /// Since when it is so, in milliseconds since 1970.
    pub since: u64,
}
