//! Looks over a whole ring, page by page: where a flow begins, and what there is.
//!
//! The lock is held for a page at a time; all together takes as long as the ring is long.

use std::collections::HashMap;
use std::sync::Arc;

use super::cursors;
use super::entry::{Entry, Line};
use super::filter::{Compare, Filter, Sieve};
use super::lineage::Place;
use super::ring::{PAGE, Ring};
use super::wire::{Cursor, Missed, Names, Start, Stock};

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

    /// Says what there is, and which names of a filter nothing of it has.
    #[must_use]
    pub fn stock(&self, filter: &Filter) -> Stock {
        let (entries, oldest) = self.look(|kept| kept.stock());
        let mut fields = Search::of(wanted_fields(filter));
        let mut services = Search::of(origins(&filter.services, |name| Filter {
            services: vec![name],
            ..Filter::ALL
        }));
        let mut instances = Search::of(origins(&filter.instances, |name| Filter {
            instances: vec![name],
            ..Filter::ALL
        }));
        let mut at = self.look(|kept| kept.first());
        while !(fields.is_over() && services.is_over() && instances.is_over()) {
            let page = self.look(|kept| kept.page(at, PAGE));
            if page.entries.is_empty() {
                break;
            }
            fields.look(&page.entries, |line, see| {
                line.fields.iter().for_each(|(name, _)| see(name));
            });
            services.look(&page.entries, |line, see| see(&line.origin.service));
            instances.look(&page.entries, |line, see| see(&line.origin.instance));
            at = page.until;
        }
        Stock {
            entries,
            oldest,
            fields: fields.names(),
            services: services.names(),
            instances: instances.names(),
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
}

/// Names that a filter wants and that no line has had yet, and those that lines have.
struct Search {
    wanted: Vec<(String, Has)>,
    known: HashMap<String, u64>,
}

/// What tells whether a line has a name.
enum Has {
    /// One of its fields is called so.
    Field,
    /// It is of that service or instance, `*` being any characters.
    Origin(Sieve),
}

impl Search {
    fn of(wanted: Vec<(String, Has)>) -> Self {
        let known = HashMap::new();
        Self { wanted, known }
    }

    const fn is_over(&self) -> bool {
        self.wanted.is_empty()
    }

    /// Looks at lines; `names` sees the names of one. Of very many names not all are counted.
    fn look(&mut self, entries: &[Arc<Entry>], names: impl Fn(&Line, &mut dyn FnMut(&str))) {
        if self.is_over() {
            return;
        }
        let lines = || entries.iter().filter_map(|entry| entry.line());
        for line in lines() {
            names(line, &mut |name| count(name, &mut self.known));
        }
        self.wanted
            .retain(|(name, has)| !lines().any(|line| has.holds(name, line)));
    }

    fn names(self) -> Names {
        if self.is_over() {
            return Names::default();
        }
        Names {
            unknown: self.wanted.into_iter().map(|(name, _)| name).collect(),
            known: commonest(self.known),
        }
    }
}

impl Has {
    fn holds(&self, name: &str, line: &Line) -> bool {
        match self {
            Self::Field => line.fields.get(name).is_some(),
            Self::Origin(sieve) => sieve.wants_line(line),
        }
    }
}

/// Returns the fields that are to be something: a line has others without them.
fn wanted_fields(filter: &Filter) -> Vec<(String, Has)> {
    let tests = filter.fields.iter();
    let wanted = tests.filter(|test| matches!(test.compare, Compare::Is | Compare::Matches));
    let mut wanted: Vec<_> = wanted.map(|test| (test.name.clone(), Has::Field)).collect();
    wanted.dedup_by(|(a, _), (b, _)| a == b);
    wanted
}

/// Returns services or instances; `alone` makes the filter that wants one and nothing else.
fn origins(names: &[String], alone: impl Fn(String) -> Filter) -> Vec<(String, Has)> {
    let origin = |name: &String| {
        // Without an expression every filter can be applied.
        let sieve = alone(name.clone()).compile().ok()?;
        Some((name.clone(), Has::Origin(sieve)))
    };
    names.iter().filter_map(origin).collect()
}

fn count(name: &str, known: &mut HashMap<String, u64>) {
    if name.is_empty() {
        // An instance that nobody names.
    } else if let Some(count) = known.get_mut(name) {
        *count += 1;
    } else if known.len() < MOST_NAMES {
        known.insert(name.to_owned(), 1);
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
