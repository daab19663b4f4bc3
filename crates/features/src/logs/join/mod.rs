//! Joins what belongs together: a stack trace, and whatever else goes on in the lines after it.
//!
//! ```text
//! bytes of a line ──▶ begins like something that goes on? ── no ──▶ out, at once
//!                            │ yes
//!                            ▼
//!                          held ◀── lines that go on ── until another comes, or none for a moment
//! ```
//! No other line is delayed, and none longer than [`QUIET`] after the last one that belongs to it.

mod trace;

use std::time::Duration;

use tokio::time::Instant;

use self::trace::{Follow, Head, Rise, Trace};
use super::entry::{Line, Origin, Record};
use super::level::Level;
use super::parse::{self, Parsed, Shape, shown};

/// Holds the line that may go on, if there is one.
#[derive(Debug, Default)]
pub(super) struct Joiner {
    state: State,
}

/// Whom lines are of that do not say, and when they were read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading<'o> {
    pub(super) origin: &'o Origin,
    /// Nanoseconds since 1970.
    pub(super) now: u64,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Idle,
    /// A line may go on.
    Holding(Box<Held>),
    /// A line has left, then, that may go on still: what does has its level.
    Left(Trace, Level, Instant),
}

/// A line that may go on.
#[derive(Debug)]
struct Held {
    line: Line,
    /// All that was written, when it is more than a line.
    raw: Option<Vec<u8>>,
    trace: Trace,
    /// Whether a line that goes on makes it an error.
    rise: Rise,
    lines: usize,
    /// Empty lines that are within the trace if it goes on.
    blank: Vec<Vec<u8>>,
    began: Instant,
    /// When the last line came.
    last: Instant,
}

impl Joiner {
    /// Takes the bytes of the next line; what is whole goes out.
    pub(super) fn take(&mut self, raw: Vec<u8>, reading: Reading<'_>, out: &mut Vec<Record>) {
        let Some(raw) = self.offer(raw, reading, out) else {
            return;
        };
        let Parsed {
            mut line,
            shape,
            graded,
        } = parse::line(raw, reading.origin, reading.now);
        let head = match shape {
            Shape::Text => Head::of(&line, graded),
            Shape::Record => None,
        };
        let Some(Head { trace, rise }) = head else {
            out.push(Record::Line(line));
            return;
        };
        if rise == Rise::Now {
            line.level = line.level.max(Level::ERROR);
        }
        self.state = State::Holding(Box::new(Held::new(line, trace, rise)));
    }

    /// Lets go of what is held: nothing that comes belongs to it.
    pub(super) fn release(&mut self, reading: Reading<'_>, out: &mut Vec<Record>) {
        if let State::Holding(held) = std::mem::take(&mut self.state) {
            held.leave(reading, out);
        }
    }

    /// Lets go of what is held, though more of it may come: that is an entry of its own then.
    pub(super) fn part(&mut self, reading: Reading<'_>, out: &mut Vec<Record>) {
        if let State::Holding(held) = &self.state {
            let left = State::Left(held.trace, held.line.level, Instant::now());
            self.release(reading, out);
            self.state = left;
        }
    }

    /// Returns when what is held has waited long enough.
    pub(super) fn due(&self) -> Option<Instant> {
        match &self.state {
            State::Holding(held) => Some((held.last + QUIET).min(held.began + LONGEST)),
            State::Idle | State::Left(..) => None,
        }
    }

    /// Joins a line to the one before if it belongs to it, and returns it if not.
    fn offer(
        &mut self,
        raw: Vec<u8>,
        reading: Reading<'_>,
        out: &mut Vec<Record>,
    ) -> Option<Vec<u8>> {
        if matches!(&self.state, State::Holding(held) if !held.has_room(&raw)) {
            self.part(reading, out);
        }
        let follow = match &mut self.state {
            State::Idle => return Some(raw),
            State::Holding(held) => held.follow(&raw),
            State::Left(_, _, then) if then.elapsed() > LATE => Follow::No,
            State::Left(trace, ..) => trace.follow(&shown(&raw)),
        };
        match (&mut self.state, follow) {
            (State::Holding(held), Follow::Yes) => {
                held.join(&raw);
                None
            }
            (State::Holding(held), Follow::Maybe) => {
                held.blank.push(raw);
                None
            }
            (&mut State::Left(trace, level, _), Follow::Yes) => {
                let mut line = parse::line(raw, reading.origin, reading.now).line;
                line.level = level;
                self.state = State::Holding(Box::new(Held::new(line, trace, Rise::Never)));
                None
            }
            _ => {
                self.release(reading, out);
                Some(raw)
            }
        }
    }
}

impl Held {
    fn new(line: Line, trace: Trace, rise: Rise) -> Self {
        let now = Instant::now();
        Self {
            line,
            raw: None,
            trace,
            rise,
            lines: 1,
            blank: Vec::new(),
            began: now,
            last: now,
        }
    }

    fn follow(&mut self, raw: &[u8]) -> Follow {
        match self.trace.follow(&shown(raw)) {
            Follow::Maybe if self.blank.len() == MOST_BLANK || raw.len() > LONGEST_BLANK => {
                Follow::No
            }
            follow => follow,
        }
    }

    fn join(&mut self, raw: &[u8]) {
        for blank in std::mem::take(&mut self.blank) {
            self.add(&blank);
        }
        self.add(raw);
        self.last = Instant::now();
        if self.rise == Rise::WhenJoined {
            self.line.level = self.line.level.max(Level::ERROR);
        }
    }

    fn add(&mut self, raw: &[u8]) {
        let line = &mut self.line;
        let whole = self.raw.get_or_insert_with(|| {
            let raw = line.raw.take();
            raw.unwrap_or_else(|| line.message.clone().into_bytes())
        });
        whole.push(b'\n');
        whole.extend_from_slice(raw);
        line.message.push('\n');
        line.message.push_str(&shown(raw));
        self.lines += 1;
    }

    fn has_room(&self, raw: &[u8]) -> bool {
        let bytes = self
            .raw
            .as_deref()
            .map_or_else(|| self.line.raw().len(), <[u8]>::len);
        self.lines + self.blank.len() < MOST_LINES && bytes + raw.len() < MOST_BYTES
    }

    fn leave(self, reading: Reading<'_>, out: &mut Vec<Record>) {
        let mut line = self.line;
        if let Some(raw) = self.raw {
            line.raw = (raw != line.message.as_bytes()).then_some(raw);
        }
        out.push(Record::Line(line));
        for blank in self.blank {
            let line = parse::line(blank, reading.origin, reading.now).line;
            out.push(Record::Line(line));
        }
    }
}

/// How long nothing must come until what is held is whole. A program writes its trace at once; and
/// nobody sees a wait of this length.
const QUIET: Duration = Duration::from_millis(50);

/// How long a line is held at most, though more of it comes and comes.
const LONGEST: Duration = Duration::from_millis(250);

/// What comes later than this after a line that has left does not belong to it.
const LATE: Duration = Duration::from_secs(1);

/// Longer than any stack, but one without an end: that comes in parts.
const MOST_LINES: usize = 512;

/// The same in bytes: far from the longest line that the ring takes. A line may be longer by itself.
const MOST_BYTES: usize = 256 * 1024;

/// A trace has two empty lines together at most.
const MOST_BLANK: usize = 2;

/// An empty line has a few spaces.
const LONGEST_BLANK: usize = 80;

#[cfg(test)]
mod tests;
