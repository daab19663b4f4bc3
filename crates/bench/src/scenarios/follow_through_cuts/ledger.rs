//! The ledger of a follow: what has come, held against what was written.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result};
use client::logs::client::LogItem;
use client::logs::{Before, Entry, Event, Record};

use super::{ONE, OTHER};
use crate::report::{Bound, Figure, Row, Unit};

/// What has come, held against what was written.
#[derive(Debug)]
pub(super) struct Ledger {
    pub(super) received: u64,
    twice: u64,
    /// Missing without a word.
    unaccounted: u64,
    /// By instance.
    accounts: BTreeMap<&'static str, Account>,
}

/// What is known of one instance's lines.
#[derive(Debug)]
struct Account {
    /// The number that is due next.
    due: u64,
    /// The number after its last.
    end: u64,
    /// What has been said of the place between the last line and the next.
    said: Said,
}

/// What accounts for lines that are missing in one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    /// So many are.
    Entries(u64),
    /// Nobody knows how many.
    Some,
}

impl Ledger {
    /// Expects the lines of [`Production::run`](super::Production::run).
    pub(super) fn new(lines: u64) -> Self {
        let account = |due, end| Account {
            due,
            end,
            said: Said::Entries(0),
        };
        let turn = lines / 4 * 3;
        Self {
            received: 0,
            twice: 0,
            unaccounted: 0,
            accounts: [(ONE, account(0, turn)), (OTHER, account(turn, lines))].into(),
        }
    }

    /// Whether the last line of each instance has come. A cut at the moment of the change leads the
    /// client to the new instance at once: then what the old one had left is accounted for by a line.
    pub(super) fn is_full(&self) -> bool {
        let ended = |it: &Account| it.due >= it.end;
        let settled = |it: &Account| ended(it) || it.said == Said::Some;
        self.accounts.values().all(settled) && self.accounts.get(OTHER).is_some_and(ended)
    }

    pub(super) fn rows(&self, lines: u64, cuts: (u64, u64), took: Duration) -> Vec<Row> {
        let count = |count: u64| Figure::new(count as f64, Unit::Lines);
        let (done, wanted) = cuts;
        let missing = lines - self.received;
        let rate = self.received as f64 / took.as_secs_f64();
        vec![
            Row::new("cuts", Figure::new(done as f64, Unit::Cuts))
                .target(Bound::AtLeast(wanted as f64)),
            Row::new(format!("received, of {lines}"), count(self.received)),
            Row::new("came twice", count(self.twice)).target(Bound::AtMost(0.0)),
            Row::new(
                "missing, and accounted for",
                count(missing - self.unaccounted),
            ),
            Row::new("missing without a word", count(self.unaccounted)).target(Bound::AtMost(0.0)),
            Row::new("in all", Figure::new(rate, Unit::LinesPerSecond)),
        ]
    }

    pub(super) fn enter(&mut self, item: &LogItem) -> Result<()> {
        match item {
            LogItem::Entry(entry) => self.entry(entry)?,
            // It does not say of which instance.
            LogItem::Missed(missed) => {
                let said = missed.entries.map_or(Said::Some, Said::Entries);
                self.accounts.values_mut().for_each(|it| it.hear(said));
            }
            LogItem::Opened(_) | LogItem::Reconnected { .. } => {}
        }
        Ok(())
    }

    fn entry(&mut self, entry: &Entry) -> Result<()> {
        match &entry.record {
            Record::Mark(mark) => {
                let said = match &mark.event {
                    Event::ServerStarted {
                        before: Before::CutOff,
                        ..
                    } => Said::Some,
                    Event::Dropped { lines, .. } => Said::Entries(*lines),
                    _ => return Ok(()),
                };
                self.account(&mark.origin.instance)?.hear(said);
            }
            Record::Line(line) => {
                let number = line.message.strip_prefix("line ");
                let number = number.and_then(|it| it.parse().ok());
                let number: u64 = number.with_context(|| format!("what is {line:?}"))?;
                let account = self.account(&line.origin.instance)?;
                match account.line(number) {
                    None => self.twice += 1,
                    Some(unaccounted) => {
                        self.received += 1;
                        self.unaccounted += unaccounted;
                    }
                }
            }
        }
        Ok(())
    }

    fn account(&mut self, instance: &str) -> Result<&mut Account> {
        let account = self.accounts.get_mut(instance);
        account.with_context(|| format!("who is {instance:?}?"))
    }
}

impl Account {
    fn hear(&mut self, said: Said) {
        self.said = match (self.said, said) {
            (Said::Entries(before), Said::Entries(more)) => Said::Entries(before + more),
            _ => Said::Some,
        };
    }

    /// Enters a line and returns how many are missing before it without a word; `None` if it comes
    /// again. What was said is said of this place alone.
    fn line(&mut self, number: u64) -> Option<u64> {
        let missing = number.checked_sub(self.due)?;
        self.due = number + 1;
        match std::mem::replace(&mut self.said, Said::Entries(0)) {
            Said::Entries(said) => Some(missing.saturating_sub(said)),
            Said::Some => Some(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_said_accounts_for_the_place_in_which_it_was_said_alone() {
        let mut account = Account {
            due: 0,
            end: 100,
            said: Said::Entries(0),
        };
        assert_eq!(account.line(0), Some(0));
        assert_eq!(account.line(0), None);
        account.hear(Said::Entries(2));
        account.hear(Said::Entries(1));
        assert_eq!(account.line(5), Some(1));
        account.hear(Said::Some);
        assert_eq!(account.line(6), Some(0));
        assert_eq!(account.line(8), Some(1));
    }
}
