//! What the server knows of flags: what each source says, and the set that comes of it, with a version.
//!
//! ```text
//! sources ── Reading ──▶ Book ── merged, compared ──▶ Arc<Set> ──▶ each watch
//! ```

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use super::MOST_FLAGS;
use super::definition::Definition;
use super::readings::Readings;
use super::wire::{Beginning, Flag, SourceState, Version};

/// A source of flags. Where two have the same flag, the one that comes first here counts: what somebody
/// sets beside a deployment is meant to be stronger than what is kept elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum SourceName {
    Environment,
    File,
    Database,
    Ofrep,
    Unleash,
}

impl SourceName {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Environment => "environment",
            Self::File => "file",
            Self::Database => "database",
            Self::Ofrep => "ofrep",
            Self::Unleash => "unleash",
        }
    }
}

/// A flag as its source says it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Found {
    pub(super) key: String,
    pub(super) definition: Definition,
    /// Since when it is so, if the source knows, in milliseconds since 1970.
    pub(super) updated: Option<u64>,
}

/// What a source said when it was asked.
pub(super) type Reading = Result<Vec<Found>, String>;

/// All flags at a version.
#[derive(Clone, Debug)]
pub(super) struct Set {
    pub(super) version: Version,
    pub(super) flags: BTreeMap<String, Numbered>,
    pub(super) sources: Vec<SourceState>,
    /// Those that are there no more, and since which version.
    gone: BTreeMap<String, u64>,
    /// What went before this version is no longer known.
    forgotten: u64,
    /// The version of the sources' states.
    sources_at: u64,
}

/// A flag, and since which version it is so.
#[derive(Clone, Debug)]
pub(super) struct Numbered {
    pub(super) flag: Arc<Flag>,
    at: u64,
}

/// What is new for somebody.
#[derive(Debug)]
pub(super) struct News {
    pub(super) beginning: Beginning,
    pub(super) flags: Vec<Arc<Flag>>,
    pub(super) gone: Vec<String>,
    pub(super) sources: Option<Vec<SourceState>>,
}

impl Set {
    fn empty(set: [u8; 8]) -> Self {
        Self {
            version: Version { set, number: 0 },
            flags: BTreeMap::new(),
            sources: Vec::new(),
            gone: BTreeMap::new(),
            forgotten: 0,
            sources_at: 0,
        }
    }

    /// Returns what somebody has to hear who knows a version.
    pub(super) fn news(&self, known: Option<Version>) -> News {
        let is_ours = |known: &Version| {
            known.set == self.version.set
                && (self.forgotten..=self.version.number).contains(&known.number)
        };
        let Some(known) = known.filter(is_ours) else {
            return News {
                beginning: Beginning::Afresh,
                flags: self.flags.values().map(|it| Arc::clone(&it.flag)).collect(),
                gone: Vec::new(),
                sources: Some(self.sources.clone()),
            };
        };
        let number = known.number;
        let newer = self.flags.values().filter(|it| it.at > number);
        let gone = self.gone.iter().filter(|(_, at)| **at > number);
        News {
            beginning: Beginning::Behind,
            flags: newer.map(|it| Arc::clone(&it.flag)).collect(),
            gone: gone.map(|(key, _)| key.clone()).collect(),
            sources: (self.sources_at > number).then(|| self.sources.clone()),
        }
    }

    /// Makes the set that comes of what is there now; `None` if nothing has changed.
    fn next(&self, merged: BTreeMap<String, Arc<Flag>>, sources: Vec<SourceState>) -> Option<Self> {
        let is_same = |(key, flag): (&String, &Arc<Flag>)| {
            self.flags.get(key).is_some_and(|old| old.flag == *flag)
        };
        let same_flags = merged.len() == self.flags.len() && merged.iter().all(is_same);
        if same_flags && sources == self.sources {
            return None;
        }
        let number = self.version.number + 1;
        let mut next = self.clone();
        let kept = |key: &String| merged.contains_key(key);
        let gone: Vec<_> = self
            .flags
            .keys()
            .filter(|key| !kept(key))
            .cloned()
            .collect();
        for key in gone {
            next.flags.remove(&key);
            next.gone.insert(key, number);
        }
        for (key, flag) in merged {
            if is_same((&key, &flag)) {
                continue;
            }
            next.gone.remove(&key);
            next.flags.insert(key, Numbered { flag, at: number });
        }
        if next.gone.len() > MOST_FLAGS {
            next.gone.clear();
            next.forgotten = number;
        }
        if sources != self.sources {
            next.sources = sources;
            next.sources_at = number;
        }
        next.version.number = number;
        Some(next)
    }
}

/// Keeps what all sources say.
pub(super) struct Book {
    readings: Mutex<Readings>,
    /// Book --the newest set--> each watch
    set: watch::Sender<Arc<Set>>,
    clock: Clock,
}

/// Tells the milliseconds since 1970.
pub(super) type Clock = Arc<dyn Fn() -> u64 + Send + Sync>;

impl Book {
    /// Makes one for these sources, of which none has said anything.
    pub(super) fn new(set: [u8; 8], sources: &[SourceName], clock: Clock) -> Self {
        Self {
            readings: Mutex::new(Readings::of(sources, clock())),
            set: watch::Sender::new(Arc::new(Set::empty(set))),
            clock,
        }
    }

    /// Returns the newest set, and each that follows.
    pub(super) fn watch(&self) -> watch::Receiver<Arc<Set>> {
        self.set.subscribe()
    }

    /// Takes what a source said. Where it has failed, what it said before stands.
    pub(super) fn take(&self, source: SourceName, reading: Reading) {
        // They are whole after every statement: a panic elsewhere has not broken them.
        let mut readings = self.readings.lock().unwrap_or_else(PoisonError::into_inner);
        if !readings.take(source, reading, (self.clock)()) {
            return;
        }
        let (merged, sources) = (readings.merged(), readings.states());
        self.set
            .send_if_modified(|set| match set.next(merged, sources) {
                Some(next) => {
                    *set = Arc::new(next);
                    true
                }
                None => false,
            });
    }
}

impl fmt::Debug for Book {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Book")
            .field("version", &self.set.borrow().version)
            .finish_non_exhaustive()
    }
}
