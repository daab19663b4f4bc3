//! Looks over a whole ring, page by page: where a flow begins, and what there is.
//!
//! The lock is held for a page at a time; all together takes as long as the ring is long.

use std::collections::HashMap;
use std::sync::Arc;

use super::cursors;
use super::entry::Entry;
use super::filter::{Compare, Filter, Sieve};
use super::lineage::Place;
use super::ring::{PAGE, Ring};
use super::wire::{Cursor, Missed, Start, Stock};

/// Where a flow begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Beginning {
    /// The first entry to look at.
    pub at: u64,
    /// What is missing before it.
    pub missed: Option<Missed>,
    /// Where the reader is before it hears that.
    pub reader: Cursor,
}

impl Ring {
    /// Finds where a flow begins.
    #[must_use]
    pub fn begin(&self, start: &Start, sieve: &Sieve) -> Beginning {
        let at = match start {
            Start::At(cursors) => match cursors.first() {
                Some(&last) => return self.resume(last, cursors),
                None => self.floor(sieve),
            },
            Start::Oldest => self.floor(sieve),
            Start::Tail(lines) => self.tail(*lines, sieve),
        };
        self.beginning(at, None)
    }

    /// Says what there is, and which fields a filter names that nothing of it has.
    #[must_use]
    pub fn stock(&self, filter: &Filter) -> Stock {
        let (entries, oldest) = self.look(|kept| kept.stock());
        let (unknown_fields, known_fields) = self.fields(filter);
        Stock {
            entries,
            oldest,
            unknown_fields,
            known_fields,
        }
    }

    /// Goes on where a reader was, of all places the last that is one of this ring's.
    fn resume(&self, last: Cursor, all: &[Cursor]) -> Beginning {
        let (first, next) = self.look(|kept| (kept.first(), kept.next()));
        let known = all.iter().take(cursors::MOST).find_map(|&cursor| {
            let place = self.lineage().find(cursor, next)?;
            Some((cursor, place))
        });
        match known {
            Some((cursor, Place::At(at))) if cursor.epoch == last.epoch => self.beginning(at, None),
            // It has been elsewhere since, and has not seen the end of that.
            Some((_, Place::At(at) | Place::Anew(at))) => self.beginning(at, Some(last)),
            None => self.beginning(first, Some(last)),
        }
    }

    /// Begins at a place, after a gap if the reader was at a cursor from which nothing leads here.
    fn beginning(&self, at: u64, from: Option<Cursor>) -> Beginning {
        let Some(reader) = from else {
            let reader = self.cursor(at);
            return Beginning {
                at,
                missed: None,
                reader,
            };
        };
        let behind = self.look(|kept| kept.page(at, 1));
        let missed = Missed {
            until: behind.entries.first().map(|entry| entry.record.time()),
            ..Missed::ANEW
        };
        Beginning {
            at,
            missed: Some(missed),
            reader,
        }
    }

    /// Returns the first entry that is not before what the filter wants, or the end.
    fn floor(&self, sieve: &Sieve) -> u64 {
        let mut at = self.look(|kept| kept.first());
        if sieve.since() == 0 {
            return at;
        }
        loop {
            let page = self.look(|kept| kept.page(at, PAGE));
            let mut entries = page.entries.iter();
            if let Some(first) = entries.find(|entry| entry.record.time() >= sieve.since()) {
                return first.sequence;
            }
            if page.entries.is_empty() {
                return page.from;
            }
            at = page.until;
        }
    }

    /// Returns the place from which exactly the last so many lines follow that pass the filter
    /// (all, if there are fewer), and then whatever is appended from now on.
    fn tail(&self, lines: u32, sieve: &Sieve) -> u64 {
        let floor = self.floor(sieve);
        let mut left = lines as usize;
        let mut at = self.end();
        while left > 0 && at > floor {
            let page = self.look(|kept| kept.page_before(at, PAGE));
            let is_wanted = |entry: &&Arc<Entry>| {
                entry.line().is_some_and(|line| sieve.wants_line(line)) && entry.sequence >= floor
            };
            let passing: Vec<_> = page.iter().rev().filter(is_wanted).collect();
            if let Some(first) = passing.get(left - 1) {
                return first.sequence;
            }
            left -= passing.len();
            at = page.first().map_or(floor, |first| first.sequence);
        }
        at.max(floor)
    }

    /// Returns the fields that a filter wants and that are unknown; and if there are any, some of
    /// those that are known.
    fn fields(&self, filter: &Filter) -> (Vec<String>, Vec<String>) {
        let mut wanted: Vec<_> = filter
            .fields
            .iter()
            .filter(|test| matches!(test.compare, Compare::Is | Compare::Matches))
            .map(|test| &*test.name)
            .collect();
        wanted.dedup();
        let mut known = HashMap::new();
        let mut at = self.look(|kept| kept.first());
        while !wanted.is_empty() {
            let page = self.look(|kept| kept.page(at, PAGE));
            if page.entries.is_empty() {
                break;
            }
            count(&page.entries, &mut known);
            // Of very many names not all are counted.
            let has = |entry: &Arc<Entry>, name| entry.line()?.fields.get(name).map(drop);
            wanted.retain(|name| !page.entries.iter().any(|it| has(it, name).is_some()));
            at = page.until;
        }
        if wanted.is_empty() {
            return (Vec::new(), Vec::new());
        }
        let unknown = wanted.into_iter().map(str::to_owned).collect();
        (unknown, commonest(known))
    }
}

/// Counts the fields of entries by their names.
fn count(entries: &[Arc<Entry>], known: &mut HashMap<String, u64>) {
    let lines = entries.iter().filter_map(|entry| entry.line());
    for (name, _) in lines.flat_map(|line| line.fields.iter()) {
        if let Some(count) = known.get_mut(name) {
            *count += 1;
        } else if known.len() < MOST_NAMES {
            known.insert(name.to_owned(), 1);
        }
    }
}

/// Returns the commonest names; of two that are as common, the first in the alphabet.
fn commonest(known: HashMap<String, u64>) -> Vec<String> {
    let mut known: Vec<_> = known.into_iter().collect();
    known.sort_unstable_by(|(a, many), (b, more)| more.cmp(many).then_with(|| a.cmp(b)));
    known.truncate(SHOWN);
    known.into_iter().map(|(name, _)| name).collect()
}

/// What somebody reads who has mistyped a name.
const SHOWN: usize = 20;

/// Names that are made up anew for each line would fill the memory: 64 bytes of each.
const MOST_NAMES: usize = 10_000;
