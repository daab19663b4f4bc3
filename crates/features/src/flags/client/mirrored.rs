//! What a mirror shows.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::flags::definition::Definition;
use crate::flags::wire::{Flag, SourceState, Version};

/// All flags of a server, as they were when they were heard last.
#[derive(Clone, Debug, PartialEq)]
pub struct Mirrored {
    /// The version that the server gave them; `None` if nothing was ever heard.
    pub version: Option<Version>,
    /// The flags by their keys.
    pub flags: BTreeMap<String, Arc<Entry>>,
    /// How the server's sources are, those that matter most first.
    pub sources: Vec<SourceState>,
    /// Whether they are so now.
    pub freshness: Freshness,
}

/// A flag, and what it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// As the server said it.
    pub flag: Flag,
    /// The same, read.
    pub definition: Definition,
}

/// How old a mirror is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// Nothing was ever heard.
    Empty,
    /// It hears of every change.
    Live,
    /// It has heard nothing since this time, in milliseconds since 1970.
    Since(u64),
}

impl Mirrored {
    /// Returns what is shown before anything was heard.
    #[must_use]
    pub const fn empty() -> Self {
        Self {
            version: None,
            flags: BTreeMap::new(),
            sources: Vec::new(),
            freshness: Freshness::Empty,
        }
    }
}

impl Entry {
    /// Reads a flag; `None` if its definition makes no sense to this version.
    pub(super) fn read(flag: Flag) -> Option<Arc<Self>> {
        let definition = Definition::parse(&flag.definition).ok()?;
        Some(Arc::new(Self { flag, definition }))
    }
}
