//! The preface: the first frame of a channel.

use serde::{Deserialize, Serialize};

/// Says which feature a channel belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preface {
    /// The feature that the channel is for, and the version that the opener speaks: at most what
    /// the peer offered in its hello.
    pub feature: FeatureVersion,
}

/// A feature and its version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeatureVersion {
    /// The feature's name, for example `sync`.
    pub name: String,
    /// Counts up whenever a message of the feature changes its meaning.
    pub version: u16,
}

/// A preface is a name and a number: 256 bytes hold every name that makes sense.
pub const MAX_PREFACE: u32 = 256;
