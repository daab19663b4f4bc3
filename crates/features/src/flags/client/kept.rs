//! A file in which a set of flags outlives a run: without a connection, the next one begins with it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use tracing::debug;

use super::mirrored::{Entry, Freshness, Mirrored};
use crate::flags::wire::{Flag, SourceState, Version};
use crate::wall_clock;
use crate::whole_file::{Readers, write_whole};

/// Where a set of flags is kept.
#[derive(Clone, Debug)]
pub struct KeptFlags(PathBuf);

/// The form of the file.
#[derive(Debug, Serialize, Deserialize)]
struct Form {
    /// When the set was heard of, in milliseconds since 1970.
    heard: u64,
    version: Option<Version>,
    flags: Vec<Flag>,
    sources: Vec<SourceState>,
}

impl KeptFlags {
    /// Keeps them in a file.
    #[must_use]
    pub const fn at(path: PathBuf) -> Self {
        Self(path)
    }

    /// Returns what was kept; nothing if that is none, or no longer what was written.
    #[must_use]
    pub fn load(&self) -> Option<Mirrored> {
        let mut text = String::new();
        let file = File::open(&self.0).ok()?;
        file.take(LONGEST_FILE).read_to_string(&mut text).ok()?;
        let form: Form = serde_json::from_str(&text)
            .inspect_err(|_| debug!("the flags that were kept are not what was written"))
            .ok()?;
        let flags = form.flags.into_iter().filter_map(|flag| {
            let key = flag.key.clone();
            Some((key, Entry::read(flag)?))
        });
        Some(Mirrored {
            version: form.version,
            flags: flags.collect::<BTreeMap<_, _>>(),
            sources: form.sources,
            freshness: Freshness::Since(form.heard),
        })
    }

    /// Keeps a set. Whoever reads meanwhile has the one before.
    ///
    /// # Errors
    /// [`KeptError`] if it cannot be written.
    pub fn save(&self, mirrored: &Mirrored) -> Result<(), KeptError> {
        let heard = match mirrored.freshness {
            Freshness::Empty => return Ok(()),
            Freshness::Live => wall_clock::millis(),
            Freshness::Since(heard) => heard,
        };
        let form = Form {
            heard,
            version: mirrored.version,
            flags: mirrored.flags.values().map(|it| it.flag.clone()).collect(),
            sources: mirrored.sources.clone(),
        };
        let text = serde_json::to_string(&form).map_err(io::Error::from);
        let written = text.and_then(|text| write_whole(&self.0, text.as_bytes(), Readers::Owner));
        written.map_err(|source| KeptError {
            path: self.0.clone(),
            source,
        })
    }
}

/// A set that cannot be kept.
#[derive(Debug, Error)]
#[error("cannot keep the flags in {}", .path.display())]
pub struct KeptError {
    path: PathBuf,
    source: io::Error,
}

/// What a mirror takes, escaped once more as JSON in JSON is, and with the names of its fields.
const LONGEST_FILE: u64 = 64 * 1024 * 1024;
