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
        if self.flags.len() >= MOST_FLAGS || weight.is_too_much() || flag.key.len() > LONGEST_KEY {
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

    const fn is_too_much(self) -> bool {
        self.bytes > MOST_BYTES + SOURCE_NAMES || self.branches > MOST_BRANCHES
    }
}

const TOO_MUCH: ChannelError =
    ChannelError::Missing("at most 10,000 flags, 8 MiB and 200,000 objects and lists of them");

/// The names of sources beside what the server counts.
const SOURCE_NAMES: usize = MOST_FLAGS * 32;

/// There are five kinds.
const MOST_SOURCES: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

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
    #[test]
    fn more_objects_and_lists_than_a_mirror_takes_are_refused_whatever_their_length() {
        let mut gathered = Gathered::behind(&Mirrored::empty());
        gathered.take(Said::Begins(Beginning::Afresh)).unwrap();
        let mut flag = |number: usize| {
            let lists = "[],".repeat(80_000);
            gathered.take(Said::Flags(vec![Flag {
                key: format!("flag-{number}"),
                definition: format!("{{\"state\":\"ENABLED\",\"variants\":{{\"on\":[{lists}1]}}}}"),
                source: "file".to_owned(),
                updated: 1,
            }]))
        };
        flag(1).unwrap();
        flag(2).unwrap();
        assert!(matches!(flag(3), Err(ChannelError::Missing(_))));
    }
}
