//! What the server knows of flags: what each source says, and the set that comes of it, with a version.
//!
//! ```text
//! sources ── Reading ──▶ Book ── merged, compared ──▶ Arc<Set> ──▶ each watch
//! ```

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;
use tracing::{info, warn};

use super::definition::Definition;
use super::wire::{Beginning, Flag, SourceState, Version};
use super::{LONGEST_DEFINITION, LONGEST_KEY, MOST_BYTES, MOST_FLAGS};

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
        let number = self.version.number + 1;
        let mut next = self.clone();
        let kept = |key: &String| merged.contains_key(key);
        let gone: Vec<_> = self
            .flags
            .keys()
            .filter(|key| !kept(key))
            .cloned()
            .collect();
        let mut changed = !gone.is_empty();
        for key in gone {
            next.flags.remove(&key);
            next.gone.insert(key, number);
        }
        for (key, flag) in merged {
            if self.flags.get(&key).is_some_and(|old| *old.flag == *flag) {
                continue;
            }
            changed = true;
            next.gone.remove(&key);
            next.flags.insert(key, Numbered { flag, at: number });
        }
        if next.gone.len() > MOST_FLAGS {
            next.gone.clear();
            next.forgotten = number;
        }
        if sources != self.sources {
            changed = true;
            next.sources = sources;
            next.sources_at = number;
        }
        next.version.number = number;
        changed.then_some(next)
    }
}

/// Keeps what all sources say.
pub(super) struct Book {
    readings: Mutex<BTreeMap<SourceName, Kept>>,
    /// Book --the newest set--> each watch
    set: watch::Sender<Arc<Set>>,
    clock: Clock,
}

/// Tells the milliseconds since 1970.
pub(super) type Clock = Arc<dyn Fn() -> u64 + Send + Sync>;

/// What a source said the last time that it was well, and how it is.
#[derive(Debug)]
struct Kept {
    flags: BTreeMap<String, Arc<Flag>>,
    state: SourceState,
}

impl Book {
    /// Makes one for these sources, of which none has said anything.
    pub(super) fn new(set: [u8; 8], sources: &[SourceName], clock: Clock) -> Self {
        let now = clock();
        let kept = |source: &SourceName| {
            let state = SourceState {
                source: source.name().to_owned(),
                trouble: Some("it has not been read yet".to_owned()),
                since: now,
            };
            let flags = BTreeMap::new();
            (*source, Kept { flags, state })
        };
        Self {
            readings: Mutex::new(sources.iter().map(kept).collect()),
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
        // The map is whole after every statement: a panic elsewhere has not broken it.
        let mut readings = self.readings.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(kept) = readings.get_mut(&source) else {
            return;
        };
        kept.take(source, reading, (self.clock)());
        let mut merged = BTreeMap::new();
        for kept in readings.values() {
            for (key, flag) in &kept.flags {
                let place = merged.entry(key.clone());
                place.or_insert_with(|| Arc::clone(flag));
            }
        }
        let merged = within_bounds(merged);
        let sources = readings.values().map(|it| it.state.clone()).collect();
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

impl Kept {
    fn take(&mut self, source: SourceName, reading: Reading, now: u64) {
        let name = source.name();
        let trouble = match reading {
            Ok(found) => {
                self.flags = numbered(found, &self.flags, source, now);
                None
            }
            Err(trouble) => Some(trouble),
        };
        if trouble == self.state.trouble {
            return;
        }
        match &trouble {
            Some(trouble) => warn!("flags: {name}: {trouble}; what it said before stands"),
            None => info!("flags: {name}: {} flags", self.flags.len()),
        }
        self.state.since = now;
        self.state.trouble = trouble;
    }
}

/// Gives each flag the time since which it is so.
fn numbered(
    found: Vec<Found>,
    before: &BTreeMap<String, Arc<Flag>>,
    source: SourceName,
    now: u64,
) -> BTreeMap<String, Arc<Flag>> {
    let mut flags = BTreeMap::new();
    for Found {
        key,
        definition,
        updated,
    } in found
    {
        let definition = definition.text();
        if let Err(why) = check(&key, &definition) {
            let shown: String = key.chars().take(LONGEST_SHOWN).collect();
            warn!("flags: {shown:?} is left out: {why}");
            continue;
        }
        let old = before.get(&key).filter(|old| old.definition == definition);
        let updated = old.map(|old| old.updated).or(updated).unwrap_or(now);
        let flag = Flag {
            key: key.clone(),
            definition,
            source: source.name().to_owned(),
            updated,
        };
        flags.insert(key, Arc::new(flag));
    }
    flags
}

/// Refuses what no mirror would take.
fn check(key: &str, definition: &str) -> Result<(), &'static str> {
    if !(1..=LONGEST_KEY).contains(&key.len()) || key.chars().any(char::is_control) {
        return Err("a key has 1 to 256 bytes, and no control characters");
    }
    if definition.len() > LONGEST_DEFINITION {
        return Err("it has over 256 KiB");
    }
    // What a `$ref` stands for may have made it deeper than JSON is read.
    Definition::parse(definition)
        .map(drop)
        .map_err(|_| "it is too deep")
}

/// Leaves out what is too much.
fn within_bounds(mut flags: BTreeMap<String, Arc<Flag>>) -> BTreeMap<String, Arc<Flag>> {
    let (mut count, mut bytes) = (0, 0);
    let before = flags.len();
    flags.retain(|key, flag| {
        count += 1;
        bytes += key.len() + flag.definition.len();
        count <= MOST_FLAGS && bytes <= MOST_BYTES
    });
    if flags.len() < before {
        let left_out = before - flags.len();
        warn!("flags: {left_out} are left out: at most 10,000 flags and 8 MiB are mirrored");
    }
    flags
}

impl fmt::Debug for Book {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Book")
            .field("version", &self.set.borrow().version)
            .finish_non_exhaustive()
    }
}

/// Enough of a key to find it by.
const LONGEST_SHOWN: usize = 64;
