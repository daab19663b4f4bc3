//! How far a sync is: what is committed, and the bar that shows it.

use std::fmt::Write;

use client::sync::client::Progress;
use client::sync::target::Mode;
use indicatif::{ProgressBar, ProgressState, ProgressStyle};

use super::place::Place;
use crate::exit::{Exit, Failure};
use crate::output::text::printable;
use crate::output::{Screen, number};

/// Follows a sync and shows how far it is.
#[derive(Debug)]
pub(super) struct Meter<'a> {
    screen: &'a Screen,
    place: &'a Place,
    tally: Tally,
    bar: ProgressBar,
    bytes: u64,
}

/// When rows are committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Commits {
    EachChunk,
    EachTable,
    AtTheEnd,
}

/// Counts rows: those that would stay if the program ended now, and those that would not.
#[derive(Clone, Copy, Debug)]
struct Tally {
    commits: Commits,
    expected: u64,
    committed: u64,
    pending: u64,
}

impl<'a> Meter<'a> {
    pub(super) fn new(screen: &'a Screen, place: &'a Place, mode: Mode) -> Self {
        let commits = match (place, mode) {
            (Place::File(..), _) => Commits::AtTheEnd,
            (Place::Database(_), Mode::Replace) => Commits::EachTable,
            (Place::Database(_), Mode::Merge | Mode::Append) => Commits::EachChunk,
        };
        // There is nothing to draw before it is known how much there is to do.
        let bar = ProgressBar::hidden().with_style(style());
        Self {
            screen,
            place,
            tally: Tally::new(commits),
            bar,
            bytes: 0,
        }
    }

    /// Takes a step of the sync.
    pub(super) fn step(&mut self, step: &Progress) {
        self.tally.step(step);
        match step {
            Progress::Started { resumed, .. } => {
                if *resumed > 0 {
                    let rows = number::counted(*resumed, "row");
                    self.screen
                        .note(&format!("goes on after {rows} that are here already"));
                }
                self.bar.set_length(self.tally.expected);
                self.bar = self.screen.bars().add(self.bar.clone());
                // What was here before says nothing about the rate.
                self.bar.set_position(self.tally.seen());
                self.bar.reset_eta();
            }
            Progress::Differs { name, problem } => {
                let note = format!("{name}: {problem}");
                self.screen.note(&printable(&note));
            }
            Progress::Table { name } => {
                let name = name.to_string();
                let name = printable(&name);
                if self.bar.is_hidden() {
                    self.screen.note(&format!("syncing {name}"));
                }
                self.bar.set_prefix(name.into_owned());
            }
            Progress::Chunk { bytes, .. } => self.bytes += bytes,
            // The session's end is told where its events are.
            Progress::Lost => {}
        }
        self.bar
            .set_length(self.tally.expected.max(self.tally.seen()));
        self.bar.set_message(number::bytes(self.bytes));
        self.bar.set_position(self.tally.seen());
    }

    /// Takes the bar off the screen.
    pub(super) fn clear(&self) {
        self.bar.finish_and_clear();
        self.screen.bars().remove(&self.bar);
    }

    /// Says what an interrupted sync leaves behind.
    pub(super) fn interrupted(&self) -> Failure {
        let message = match (self.tally.commits, self.tally.committed) {
            (Commits::AtTheEnd, _) => {
                format!(
                    "interrupted: {} was not written; the same command begins anew",
                    self.place
                )
            }
            (_, 0) => {
                "interrupted: nothing was committed yet; the same command begins anew".to_owned()
            }
            (_, rows) => {
                let verb = if rows == 1 { "is" } else { "are" };
                let rows = number::counted(rows, "row");
                format!("interrupted: {rows} {verb} committed; the same command goes on from there")
            }
        };
        Failure::new(Exit::Interrupted, message)
    }
}

impl Tally {
    const fn new(commits: Commits) -> Self {
        Self {
            commits,
            expected: 0,
            committed: 0,
            pending: 0,
        }
    }

    fn step(&mut self, step: &Progress) {
        match step {
            Progress::Started { rows, resumed } => {
                self.expected = *rows;
                self.committed = self.committed.max(*resumed);
            }
            Progress::Table { .. } if self.commits == Commits::EachTable => {
                self.committed += std::mem::take(&mut self.pending);
            }
            Progress::Differs { .. } | Progress::Table { .. } => {}
            Progress::Chunk { rows, .. } => match self.commits {
                Commits::EachChunk => self.committed += rows,
                Commits::EachTable | Commits::AtTheEnd => self.pending += rows,
            },
            Progress::Lost => self.pending = 0,
        }
    }

    const fn seen(&self) -> u64 {
        self.committed + self.pending
    }
}

fn style() -> ProgressStyle {
    // indicatif leaves out what it does not know, so a mistake here would be seen at once.
    let style =
        ProgressStyle::with_template(TEMPLATE).unwrap_or_else(|_| ProgressStyle::default_bar());
    style
        .progress_chars("━━╌")
        .with_key("rows", |state: &ProgressState, out: &mut dyn Write| {
            write!(
                out,
                "{}/{}",
                number::count(state.pos()),
                number::count(state.len().unwrap_or(0))
            )
            .ok();
        })
        .with_key("rate", |state: &ProgressState, out: &mut dyn Write| {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a rate is shown, and is never negative"
            )]
            let rate = state.per_sec() as u64;
            write!(out, "{}", number::count(rate)).ok();
        })
        .with_key("left", |state: &ProgressState, out: &mut dyn Write| {
            write!(out, "{} s", state.eta().as_secs()).ok();
        })
}

const TEMPLATE: &str =
    "{prefix} {bar:24} {percent}%  {rows} rows  {rate} rows/s  {msg}  {left} left";

#[cfg(test)]
mod tests {
    use super::*;
    use client::sync::table::TableName;

    fn tally(commits: Commits, steps: &[Progress]) -> (u64, u64) {
        let mut tally = Tally::new(commits);
        steps.iter().for_each(|step| tally.step(step));
        (tally.committed, tally.pending)
    }

    fn chunk(rows: u64) -> Progress {
        Progress::Chunk { rows, bytes: 1 }
    }

    fn table() -> Progress {
        Progress::Table {
            name: TableName {
                schema: None,
                name: "t".to_owned(),
            },
        }
    }

    #[test]
    fn rows_count_as_committed_when_they_would_stay() {
        let started = Progress::Started {
            rows: 100,
            resumed: 10,
        };
        let steps = [started.clone(), table(), chunk(20), table(), chunk(5)];
        assert_eq!(tally(Commits::EachChunk, &steps), (35, 0));
        assert_eq!(tally(Commits::EachTable, &steps), (30, 5));
        assert_eq!(tally(Commits::AtTheEnd, &steps), (10, 25));
        let lost = [started.clone(), table(), chunk(20), Progress::Lost, started];
        assert_eq!(tally(Commits::EachChunk, &lost), (30, 0));
        assert_eq!(tally(Commits::EachTable, &lost), (10, 0));
    }

    #[test]
    fn the_bar_knows_its_parts() {
        assert!(ProgressStyle::with_template(TEMPLATE).is_ok());
    }
}
