//! How far a sync is: what is committed, and the bar that shows it.

use std::fmt::Write;

use client::sync::client::Progress;
use client::sync::target::{Commits, Mode};
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
    mode: Mode,
    tally: Tally,
    bar: ProgressBar,
    bytes: u64,
}

/// Counts rows: those that would stay if the program ended now, and those that would not.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    /// When those of the table are committed that has begun.
    commits: Option<Commits>,
    expected: u64,
    committed: u64,
    pending: u64,
}

impl<'a> Meter<'a> {
    pub(super) fn new(screen: &'a Screen, place: &'a Place, mode: Mode) -> Self {
        // There is nothing to draw before it is known how much there is to do.
        let bar = ProgressBar::hidden().with_style(style());
        Self {
            screen,
            place,
            mode,
            tally: Tally::default(),
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
            Progress::Table { name, .. } => {
                let name = name.to_string();
                let name = printable(&name);
                if self.bar.is_hidden() {
                    self.screen.note(&format!("syncing {name}"));
                }
                self.bar.set_prefix(name.into_owned());
            }
            Progress::Chunk { bytes, .. } => self.bytes += bytes,
            // The session's end is told where its events are.
            Progress::TableDone { .. } | Progress::Lost => {}
            Progress::Anew => self
                .screen
                .note("the server does not know where to go on: what is not whole begins anew"),
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
        let (place, rows) = (self.place, self.tally.committed);
        let counted = number::counted(rows, "row");
        let verb = if rows == 1 { "is" } else { "are" };
        let message = match (place, self.mode, rows) {
            (Place::File(..), ..) => {
                format!("{place} was not written; the same command begins anew")
            }
            (_, _, 0) => "nothing was committed yet; the same command begins anew".to_owned(),
            (_, Mode::Replace, _) => {
                format!("{counted} {verb} committed; the same command begins anew")
            }
            (_, Mode::Merge | Mode::Append, _) => {
                format!("{counted} {verb} committed; the same command goes on from there")
            }
        };
        Failure::new(Exit::Interrupted, format!("interrupted: {message}"))
    }
}

impl Tally {
    fn step(&mut self, step: &Progress) {
        match step {
            // Says the truth anew after each loss, so nothing is added up.
            Progress::Started { rows, resumed } => {
                self.expected = *rows;
                self.committed = *resumed;
                self.pending = 0;
            }
            Progress::Table { commits, .. } => self.commits = Some(*commits),
            Progress::Chunk { rows, .. } if self.commits == Some(Commits::EachChunk) => {
                self.committed += rows;
            }
            Progress::Chunk { rows, .. } => self.pending += rows,
            Progress::TableDone { .. } if self.commits == Some(Commits::EachTable) => {
                self.committed += std::mem::take(&mut self.pending);
            }
            Progress::Differs { .. } | Progress::TableDone { .. } => {}
            Progress::Lost | Progress::Anew => self.pending = 0,
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

    fn tally(steps: &[Progress]) -> (u64, u64) {
        let mut tally = Tally::default();
        steps.iter().for_each(|step| tally.step(step));
        (tally.committed, tally.pending)
    }

    fn started(resumed: u64) -> Progress {
        Progress::Started { rows: 100, resumed }
    }

    fn chunk(rows: u64) -> Progress {
        Progress::Chunk { rows, bytes: 1 }
    }

    fn name() -> TableName {
        TableName {
            schema: None,
            name: "t".to_owned(),
        }
    }

    fn table(commits: Commits) -> Progress {
        Progress::Table {
            name: name(),
            commits,
        }
    }

    fn done() -> Progress {
        Progress::TableDone { name: name() }
    }

    #[test]
    fn rows_count_as_committed_when_they_would_stay() {
        for (commits, counted) in [
            (Commits::EachChunk, (35, 0)),
            (Commits::EachTable, (30, 5)),
            (Commits::AtTheEnd, (10, 25)),
        ] {
            let one = [started(10), table(commits), chunk(20), done()];
            let two = [table(commits), chunk(5)];
            assert_eq!(tally(&[one.as_slice(), &two].concat()), counted);
        }
    }

    #[test]
    fn each_table_counts_by_its_own_rule() {
        let steps = [
            started(0),
            table(Commits::EachChunk),
            chunk(20),
            done(),
            table(Commits::EachTable),
            chunk(5),
        ];
        assert_eq!(tally(&steps), (20, 5));
    }

    #[test]
    fn after_a_loss_or_a_stale_cursor_only_what_is_here_counts() {
        let lost = |commits, resumed| {
            let lost = [table(commits), chunk(20), Progress::Lost, started(resumed)];
            tally(&[[started(10)].as_slice(), &lost].concat())
        };
        assert_eq!(lost(Commits::EachChunk, 30), (30, 0));
        assert_eq!(lost(Commits::EachTable, 10), (10, 0));
        let anew = [
            started(60),
            Progress::Anew,
            started(0),
            table(Commits::EachChunk),
            chunk(20),
        ];
        assert_eq!(tally(&anew), (20, 0));
    }

    #[test]
    fn the_bar_knows_its_parts() {
        assert!(ProgressStyle::with_template(TEMPLATE).is_ok());
    }
}
