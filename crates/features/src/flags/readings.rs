//! What each source said last, and what is left out of it. Most of what is read is what was read before: it
//! is neither checked nor spoken of again.

use std::collections::BTreeMap;
use std::sync::Arc;

use tracing::{info, warn};

use super::definition::Definition;
use super::set::{Found, Reading, SourceName};
use super::wire::{Flag, SourceState};
use super::{LONGEST_DEFINITION, LONGEST_KEY, MOST_BYTES, MOST_FLAGS};
use crate::branches::{MOST_BRANCHES, branches};

/// What all sources said last.
#[derive(Debug)]
pub(super) struct Readings {
    kept: BTreeMap<SourceName, Kept>,
    /// Whether there is more than is mirrored.
    too_much: bool,
}

/// What a source said the last time that it was well, and how it is.
#[derive(Debug)]
struct Kept {
    flags: BTreeMap<String, Arc<Flag>>,
    left_out: LeftOut,
    state: SourceState,
}

/// Which flags no mirror would take, and why.
#[derive(Debug, Default, PartialEq, Eq)]
struct LeftOut {
    /// By what is shown of their keys.
    named: BTreeMap<String, &'static str>,
    others: usize,
}

impl Readings {
    /// Makes those of sources of which none has said anything.
    pub(super) fn of(sources: &[SourceName], now: u64) -> Self {
        let kept = |source: &SourceName| {
            let kept = Kept {
                flags: BTreeMap::new(),
                left_out: LeftOut::default(),
                state: SourceState {
                    source: source.name().to_owned(),
                    trouble: Some("it has not been read yet".to_owned()),
                    since: now,
                },
            };
            (*source, kept)
        };
        Self {
            kept: sources.iter().map(kept).collect(),
            too_much: false,
        }
    }

    /// Takes what a source said, and returns whether that is another than before.
    pub(super) fn take(&mut self, source: SourceName, reading: Reading, now: u64) -> bool {
        let kept = self.kept.get_mut(&source);
        kept.is_some_and(|kept| kept.take(source, reading, now))
    }

    /// Returns the flags of all, of which the first source that has one counts.
    pub(super) fn merged(&mut self) -> BTreeMap<String, Arc<Flag>> {
        let mut merged = BTreeMap::new();
        for kept in self.kept.values() {
            for (key, flag) in &kept.flags {
                let place = merged.entry(key.clone());
                place.or_insert_with(|| Arc::clone(flag));
            }
        }
        let before = merged.len();
        keep_within_bounds(&mut merged);
        let too_much = merged.len() < before;
        if too_much && !self.too_much {
            warn!(
                "flags: at most 10,000 flags, 8 MiB and 200,000 objects and lists are mirrored: those \
                 whose keys come last are left out"
            );
        }
        self.too_much = too_much;
        merged
    }

    /// Returns how the sources are.
    pub(super) fn states(&self) -> Vec<SourceState> {
        self.kept.values().map(|it| it.state.clone()).collect()
    }
}

impl Kept {
    fn take(&mut self, source: SourceName, reading: Reading, now: u64) -> bool {
        let name = source.name();
        let mut changed = false;
        let trouble = match reading {
            Ok(found) => {
                let (flags, left_out) = numbered(found, &self.flags, source, now);
                left_out.tell(&self.left_out);
                changed = flags != self.flags;
                self.flags = flags;
                self.left_out = left_out;
                None
            }
            Err(trouble) => Some(trouble),
        };
        if trouble == self.state.trouble {
            return changed;
        }
        match &trouble {
            Some(trouble) => warn!("flags: {name}: {trouble}; what it said before stands"),
            None => info!("flags: {name}: {} flags", self.flags.len()),
        }
        self.state.since = now;
        self.state.trouble = trouble;
        true
    }
}

impl LeftOut {
    fn add(&mut self, key: &str, why: &'static str) {
        match self.named.len() < MOST_NAMED {
            true => drop(self.named.insert(shown(key), why)),
            false => self.others += 1,
        }
    }

    /// Warns of those that were not left out before.
    fn tell(&self, before: &Self) {
        for (key, why) in self.not_in(before) {
            warn!("flags: {key:?} is left out: {why}");
        }
        if self.others > 0 && self.others != before.others {
            warn!("flags: {} more are left out", self.others);
        }
    }

    fn not_in<'a>(&'a self, before: &'a Self) -> impl Iterator<Item = (&'a String, &'a str)> {
        let new = |(key, why): &(&String, &&'static str)| before.named.get(*key) != Some(*why);
        self.named.iter().filter(new).map(|(key, why)| (key, *why))
    }
}

/// Gives each flag the time since which it is so. One that is as before is the one of before.
fn numbered(
    found: Vec<Found>,
    before: &BTreeMap<String, Arc<Flag>>,
    source: SourceName,
    now: u64,
) -> (BTreeMap<String, Arc<Flag>>, LeftOut) {
    let mut flags = BTreeMap::new();
    let mut left_out = LeftOut::default();
    for Found {
        key,
        definition,
        updated,
    } in found
    {
        let definition = definition.text();
        let old = before.get(&key).filter(|old| old.definition == definition);
        if let Some(old) = old {
            flags.insert(key, Arc::clone(old));
            continue;
        }
        if let Err(why) = check(&key, &definition) {
            left_out.add(&key, why);
            continue;
        }
        let flag = Flag {
            key: key.clone(),
            definition,
            source: source.name().to_owned(),
            updated: updated.unwrap_or(now),
        };
        flags.insert(key, Arc::new(flag));
    }
    (flags, left_out)
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
fn keep_within_bounds(flags: &mut BTreeMap<String, Arc<Flag>>) {
    let (mut count, mut bytes, mut found) = (0, 0, 0);
    flags.retain(|key, flag| {
        count += 1;
        bytes += key.len() + flag.definition.len();
        found += branches(flag.definition.as_bytes());
        count <= MOST_FLAGS && bytes <= MOST_BYTES && found <= MOST_BRANCHES
    });
}

/// Returns as much of a key as it can be found by.
pub(super) fn shown(key: &str) -> String {
    key.chars().take(LONGEST_SHOWN).collect()
}

/// A line of a terminal has room for it.
const LONGEST_SHOWN: usize = 64;

/// How many of a source's flags that are left out are named: enough to see what is wrong with all.
const MOST_NAMED: usize = 100;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(key: &str, value: serde_json::Value) -> Found {
        Found {
            key: key.to_owned(),
            definition: Definition::constant(value),
            updated: None,
        }
    }

    fn read(all: Vec<Found>, before: &BTreeMap<String, Arc<Flag>>) -> BTreeMap<String, Arc<Flag>> {
        numbered(all, before, SourceName::File, 1000).0
    }

    #[test]
    fn what_was_said_before_is_no_change_and_stays_the_flag_that_it_is() {
        let all = || vec![found("A", json!(1)), found("B", json!(2))];
        let mut readings = Readings::of(&[SourceName::File], 1000);
        assert!(readings.take(SourceName::File, Ok(all()), 1000));
        assert!(!readings.take(SourceName::File, Ok(all()), 2000));
        let trouble = || Err("line 3".to_owned());
        assert!(readings.take(SourceName::File, trouble(), 3000));
        assert!(!readings.take(SourceName::File, trouble(), 4000));

        let first = read(all(), &BTreeMap::new());
        let second = read(vec![found("A", json!(1)), found("B", json!(3))], &first);
        assert!(Arc::ptr_eq(&first["A"], &second["A"]));
        assert_ne!(first["B"], second["B"]);
    }

    #[test]
    fn of_what_is_left_out_only_what_is_new_is_spoken_of() {
        let left_out = |keys: &[&str]| {
            let found = keys.iter().map(|key| found(key, json!(1))).collect();
            numbered(found, &BTreeMap::new(), SourceName::File, 1000).1
        };
        let first = left_out(&["a\n", "GOOD"]);
        let new = |now: &LeftOut, before: &LeftOut| {
            let keys = now.not_in(before).map(|(key, _)| key.clone());
            keys.collect::<Vec<_>>()
        };
        assert_eq!(new(&first, &LeftOut::default()), ["a\n"]);
        assert!(new(&first, &first).is_empty());
        assert_eq!(new(&left_out(&["a\n", "b\n"]), &first), ["b\n"]);
        let many: Vec<_> = (0..150).map(|number| format!("{number}\n")).collect();
        let many = left_out(&many.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!((many.named.len(), many.others), (100, 50));
    }
}
