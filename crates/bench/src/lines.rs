//! Log lines with the time of their writing in them.
//!
//! A process of its own writes them, so that it waits for nobody: it --lines--> a server end or,
//! as the baseline, a bare pipe.

use std::io::{self, BufRead as _, BufReader, Read, Write as _};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, ensure};

/// A line that has arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Arrival {
    /// Counts the lines of one writer from 0.
    pub(crate) number: u64,
    /// When the line was written, since 1970.
    pub(crate) written: Duration,
    /// How long it was on its way.
    pub(crate) latency: Duration,
}

/// A process whose output is read; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Source(Child);

impl Source {
    /// Starts this program once more, to write a line every ten milliseconds.
    pub(crate) fn ticking() -> Result<Self> {
        let program = std::env::current_exe().context("find this program")?;
        Self::of(Command::new(program).arg("write-lines"))
    }

    /// Starts this program once more, to write so many lines a second as a logger in Node does.
    pub(crate) fn busy(rate: u32) -> Result<Self> {
        let program = std::env::current_exe().context("find this program")?;
        Self::of(Command::new(program).args(["write-lines", &rate.to_string()]))
    }

    /// Starts a program.
    pub(crate) fn of(command: &mut Command) -> Result<Self> {
        let command = command.stdin(Stdio::null()).stdout(Stdio::piped());
        let child = command
            .spawn()
            .with_context(|| format!("start {}", command.get_program().display()))?;
        Ok(Self(child))
    }

    /// Returns the pipe that the lines come out of.
    pub(crate) fn pipe(&mut self) -> Result<ChildStdout> {
        self.0.stdout.take().context("the pipe is taken already")
    }

    /// Waits until it ends by itself. Blocks.
    pub(crate) fn wait(mut self) -> Result<()> {
        let status = self.0.wait().context("wait for a program")?;
        ensure!(status.success(), "it ended with {status}");
        Ok(())
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        // It may have ended by itself, when its reader did.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// What has come out of a pipe.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    /// The lines that tell when they were written, each of them once.
    pub(crate) arrivals: Vec<Arrival>,
    /// When the reading ended, since 1970.
    pub(crate) until: Duration,
}

impl Heard {
    /// Returns when the first line arrived.
    pub(crate) fn since(&self) -> Option<Duration> {
        self.arrivals
            .first()
            .map(|first| first.written + first.latency)
    }
}

/// Reads until a line says that it is over, and on until every line written before that has
/// arrived; or until there are no more. Blocks.
///
/// # Errors
/// If lines are missing or come twice.
pub(crate) fn read(pipe: impl Read, is_over: impl Fn(&str) -> bool) -> Result<Heard> {
    let mut arrivals: Vec<Arrival> = Vec::new();
    let mut over = None;
    for line in BufReader::new(pipe).lines().map_while(io::Result::ok) {
        let at = now();
        if let Some(arrival) = arrival(&line, at) {
            let due = arrivals
                .last()
                .map_or(arrival.number, |last| last.number + 1);
            ensure!(
                arrival.number == due,
                "line {} arrived where {due} was due",
                arrival.number
            );
            if over.is_some_and(|over| arrival.written > over) {
                break;
            }
            arrivals.push(arrival);
        } else if is_over(&line) {
            over = Some(at);
        }
    }
    Ok(Heard {
        arrivals,
        until: over.unwrap_or_else(now),
    })
}

/// Writes lines until nobody reads them.
pub(crate) fn write() -> Result<()> {
    let mut out = io::stdout().lock();
    let began = std::time::Instant::now();
    for number in 0.. {
        let due = began + PERIOD * number;
        std::thread::sleep(due.saturating_duration_since(std::time::Instant::now()));
        match writeln!(out, "{MARK}{number} {}", now().as_nanos()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => break,
            written => written?,
        }
    }
    Ok(())
}

/// Writes so many lines a second, in JSON, until nobody reads them.
pub(crate) fn write_busily(rate: u32) -> Result<()> {
    let mut out = io::stdout().lock();
    let began = std::time::Instant::now();
    let each = u64::from(rate / 1000).max(1);
    for piece in 0.. {
        let due = began + Duration::from_secs_f64((piece * each) as f64 / f64::from(rate));
        std::thread::sleep(due.saturating_duration_since(std::time::Instant::now()));
        let mut text = String::new();
        for number in piece * each..(piece + 1) * each {
            use std::fmt::Write as _;
            let now = now();
            let (millis, nanos) = (now.as_millis(), now.as_nanos());
            // A string takes everything.
            writeln!(
                text,
                r#"{{"level":30,"time":{millis},"pid":1,"hostname":"api","path":"/","msg":"{MARK}{number} {nanos}"}}"#
            )
            .ok();
        }
        match out.write_all(text.as_bytes()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => break,
            written => written?,
        }
    }
    Ok(())
}

/// Returns how long a line was on its way that is here now; `None` if it does not tell.
pub(crate) fn latency_of(line: &str, now: Duration) -> Option<Duration> {
    arrival(line, now).map(|it| it.latency)
}

/// Reads a line that has arrived at a moment, bare or within what a program writes around it;
/// `None` if it does not tell when it was written.
fn arrival(line: &str, at: Duration) -> Option<Arrival> {
    let (_, told) = line.split_once(MARK)?;
    let mut numbers = told
        .split(|c: char| !c.is_ascii_digit())
        .filter(|digits| !digits.is_empty());
    let number = numbers.next()?.parse().ok()?;
    let written = Duration::from_nanos(numbers.next()?.parse().ok()?);
    // Between two processes no clock but the wall's is the same; a step back is no latency.
    Some(Arrival {
        number,
        written,
        latency: at.saturating_sub(written),
    })
}

/// Returns the time since 1970.
fn now() -> Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}

/// A hundred lines a second, as a busy service writes.
const PERIOD: Duration = Duration::from_millis(10);

/// What a line that tells when it was written begins with, among others.
const MARK: &str = "bench-tick ";

#[cfg(test)]
mod tests {
    use super::*;

    const LATER: Duration = Duration::from_millis(8);

    #[test]
    fn a_line_tells_when_it_was_written_bare_or_in_json() {
        for line in [
            "bench-tick 7 5000000",
            r#"{"type":"entry","message":"bench-tick 7 5000000","fields":{}}"#,
        ] {
            let arrival = arrival(line, LATER).unwrap();
            assert_eq!(
                (arrival.number, arrival.latency),
                (7, Duration::from_millis(3)),
                "{line}"
            );
        }
    }

    #[test]
    fn other_lines_tell_nothing() {
        for line in ["", "bench-tick ", "bench-tick 1", "tock 1 2"] {
            assert_eq!(arrival(line, LATER), None, "{line:?}");
        }
    }

    #[test]
    fn reading_goes_on_until_all_that_was_written_before_the_end_is_there() {
        let far = u64::MAX;
        let text = format!(
            "hello\nbench-tick 4 1\nover\nbench-tick 5 2\nbench-tick 6 {far}\nbench-tick 7 {far}\n"
        );
        let heard = |is_over: fn(&str) -> bool| read(text.as_bytes(), is_over).unwrap();
        assert_eq!(heard(|line| line == "over").arrivals.len(), 2);
        assert_eq!(heard(|_| false).arrivals.len(), 4);
    }

    #[test]
    fn lines_that_are_missing_or_come_twice_are_an_error() {
        for text in [
            "bench-tick 4 1\nbench-tick 6 2\n",
            "bench-tick 4 1\nbench-tick 4 1\n",
        ] {
            assert!(read(text.as_bytes(), |_| false).is_err(), "{text:?}");
        }
    }
}
