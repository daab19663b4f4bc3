//! Gathers what a server says of its flags until a set is whole.

use std::collections::BTreeMap;
use std::sync::Arc;

use tracing::debug;
use transport::channel::ChannelError;

use super::mirrored::{Entry, Freshness, Mirrored};
use crate::branches::{MOST_BRANCHES, branches};
use crate::flags::wire::{Beginning, Flag, Said, SourceState};
use crate::flags::{LONGEST_KEY, MOST_BYTES, MOST_FLAGS};

/// A set that is not whole yet.
#[derive(Debug)]
pub(super) struct Gathered {
    flags: BTreeMap<String, Arc<Entry>>,
    sources: Vec<SourceState>,
    weight: Weight,
    begun: bool,
}

impl Gathered {
    /// Begins with what is there.
    pub(super) fn behind(mirrored: &Mirrored) -> Self {
        let weights = mirrored.flags.values().map(|it| Weight::of(&it.flag));
        Self {
            flags: mirrored.flags.clone(),
            sources: mirrored.sources.clone(),
            weight: weights.fold(Weight::default(), Weight::plus),
            begun: false,
        }
    }

    /// Takes a message, and returns the set if it is whole.
    ///
    /// # Errors
    /// [`ChannelError`] if the server does not speak as it should, or says more than a mirror takes.
    pub(super) fn take(&mut self, said: Said) -> Result<Option<Mirrored>, ChannelError> {
        match said {
            Said::Begins(_) if self.begun => return Err(ChannelError::Missing("a set of flags")),
            Said::Begins(beginning) => self.begin(beginning),
            _ if !self.begun => return Err(ChannelError::Missing("where the flags begin")),
            Said::Flags(flags) => flags.into_iter().try_for_each(|flag| self.put(flag))?,
            Said::Gone(keys) => keys.iter().for_each(|key| self.remove(key)),
            Said::Sources(sources) => {
                let few = sources.len() <= MOST_SOURCES;
                self.sources = sources;
                few.then_some(()).ok_or(TOO_MUCH)?;
            }
            Said::Whole(version) => {
                if self.flags.len() > MOST_FLAGS || self.weight.is_over(1) {
                    return Err(TOO_MUCH);
                }
                return Ok(Some(Mirrored {
                    version: Some(version),
                    flags: self.flags.clone(),
                    sources: self.sources.clone(),
                    freshness: Freshness::Live,
                }));
            }
        }
        Ok(None)
    }

    fn begin(&mut self, beginning: Beginning) {
        self.begun = true;
        if beginning == Beginning::Afresh {
            self.flags.clear();
            self.sources.clear();
            self.weight = Weight::default();
        }
    }

    fn put(&mut self, flag: Flag) -> Result<(), ChannelError> {
        self.remove(&flag.key);
        let weight = self.weight.plus(Weight::of(&flag));
        if self.flags.len() >= MOST_FLAGS * MEANWHILE
            || weight.is_over(MEANWHILE)
            || flag.key.len() > LONGEST_KEY
        {
            return Err(TOO_MUCH);
        }
        let key = flag.key.clone();
        match Entry::read(flag) {
            Some(entry) => {
                self.weight = weight;
                self.flags.insert(key, entry);
            }
            // A newer server may have flags that this version cannot evaluate.
            None => debug!("a flag makes no sense to this version, and is left out"),
        }
        Ok(())
    }

    fn remove(&mut self, key: &str) {
        if let Some(old) = self.flags.remove(key) {
            self.weight = self.weight.minus(Weight::of(&old.flag));
        }
    }
}

/// What flags take, as it is sent and once it is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Weight {
    bytes: usize,
    branches: usize,
}

impl Weight {
    fn of(flag: &Flag) -> Self {
        Self {
            bytes: flag.key.len() + flag.definition.len() + flag.source.len(),
            branches: branches(flag.definition.as_bytes()),
        }
    }

    const fn plus(self, other: Self) -> Self {
        Self {
            bytes: self.bytes.saturating_add(other.bytes),
            branches: self.branches.saturating_add(other.branches),
        }
    }

    const fn minus(self, other: Self) -> Self {
        Self {
            bytes: self.bytes.saturating_sub(other.bytes),
            branches: self.branches.saturating_sub(other.branches),
        }
    }

    /// Whether it is more than so many sets of the largest.
    const fn is_over(self, sets: usize) -> bool {
        self.bytes > sets * (MOST_BYTES + SOURCE_NAMES) || self.branches > sets * MOST_BRANCHES
    }
}

const TOO_MUCH: ChannelError =
    ChannelError::TooMuch("10,000 flags, 8 MiB, or 200,000 objects and lists of them");

/// How many sets a set that changes may be meanwhile: one that is all there may be replaced by another, flag
/// by flag.
const MEANWHILE: usize = 2;

/// The names of sources beside what the server counts.
const SOURCE_NAMES: usize = MOST_FLAGS * 32;

/// There are five kinds.
const MOST_SOURCES: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flags::wire::Version;

    #[test]
    fn a_flag_that_makes_no_sense_takes_no_room_however_often_it_changes() {
        let mut gathered = Gathered::behind(&Mirrored::empty());
        gathered.take(Said::Begins(Beginning::Afresh)).unwrap();
        for number in 0..50 {
            let flag = Flag {
                key: "newer".to_owned(),
                definition: "?".repeat(256 * 1024),
                source: "file".to_owned(),
                updated: number,
            };
            gathered.take(Said::Flags(vec![flag])).unwrap();
        }
        assert_eq!(gathered.weight, Weight::default());
    }
    fn flag(key: &str, lists: usize) -> Flag {
        let lists = "[],".repeat(lists);
        Flag {
            key: key.to_owned(),
            definition: format!("{{\"state\":\"ENABLED\",\"variants\":{{\"on\":[{lists}1]}}}}"),
            source: "file".to_owned(),
            updated: 1,
        }
    }

    fn whole(number: u64) -> Said {
        Said::Whole(Version {
            set: [1; 8],
            number,
        })
    }

    #[test]
    fn more_objects_and_lists_than_a_mirror_takes_are_refused_whatever_their_length() {
        let mut gathered = Gathered::behind(&Mirrored::empty());
        gathered.take(Said::Begins(Beginning::Afresh)).unwrap();
        for key in ["one", "two", "three"] {
            gathered.take(Said::Flags(vec![flag(key, 80_000)])).unwrap();
        }
        assert!(gathered.take(whole(1)).is_err());
        for key in ["four", "five"] {
            let taken = gathered.take(Said::Flags(vec![flag(key, 80_000)]));
            assert_eq!(taken.is_ok(), key == "four");
        }
    }

    #[test]
    fn a_set_that_is_all_there_may_be_is_replaced_by_another() {
        let mut gathered = Gathered::behind(&Mirrored::empty());
        gathered.take(Said::Begins(Beginning::Afresh)).unwrap();
        let keys = |word: &str| -> Vec<String> {
            let keys = 0..MOST_FLAGS;
            keys.map(|number| format!("{word}-{number}")).collect()
        };
        for key in keys("old") {
            gathered.take(Said::Flags(vec![flag(&key, 0)])).unwrap();
        }
        let old = gathered.take(whole(1)).unwrap().unwrap();
        let mut gathered = Gathered::behind(&old);
        gathered.take(Said::Begins(Beginning::Behind)).unwrap();
        // In whichever order.
        for key in keys("new") {
            gathered.take(Said::Flags(vec![flag(&key, 0)])).unwrap();
        }
        gathered.take(Said::Gone(keys("old"))).unwrap();
        let new = gathered.take(whole(2)).unwrap().unwrap();
        assert_eq!(new.flags.len(), MOST_FLAGS);
        assert!(new.flags.keys().all(|key| key.starts_with("new-")));
    }
}
