//! A long follow through everything that can happen to it: cuts of the connection, a restart, a kill,
//! and a change of instance. Every line comes once, or a line in its place accounts for it.
//!
//! ```text
//! writer ── numbered lines ──▶ tunnel-server, now this instance and now that
//!                                   ▲ WebSocket
//!                                 relay, cut at random
//!                                   ▲
//!                                 client ──▶ ledger
//! ```

use std::collections::BTreeMap;
use std::process::ChildStdin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use client::logs::client::LogItem;
use client::logs::wire::{Follow, Open, Start};
use client::logs::{Before, Entry, Event, Filter, Record};
use client::{BackoffPolicy, Reconnect, TunnelClient};
use testkit::luck::Luck;
use tokio::task::spawn_blocking;
use transport::choice::CarrierChoice;

use super::Scenario;
use crate::report::{Bound, Figure, Row, Unit};
use crate::run::progress;
use crate::stage::{Instance, Place, Relay, Size, Stage, write_lines};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "follow-through-cuts",
    about: "a long follow through cuts, restarts and a change of instance",
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Result<Vec<Row>> {
    let (lines, cuts) = match stage.size {
        Size::Full => (10_000_000, 200),
        Size::Quick => (1_000_000, 20),
    };
    let here = Place::new(stage, ONE)?;
    let (instance, input) = Instance::start(&here, None)?;
    let relay = Arc::new(Relay::to(instance.port).await?);
    let client = connect(stage, &relay).await?;
    let open = Open {
        start: Start::Oldest,
        follow: Follow::On,
        filter: Filter::ALL,
    };
    let mut logs = client.stream_logs(open).await?;

    let written = Arc::new(AtomicU64::new(0));
    let production = Production {
        lines,
        written: Arc::clone(&written),
        relay: Arc::clone(&relay),
        here,
        there: Place::new(stage, OTHER)?,
    };
    let began = Instant::now();
    let (end, ended) = mpsc::channel();
    let cutting = spawn_blocking({
        let relay = Arc::clone(&relay);
        move || cut_at_random(&relay, cuts, lines, &written, &ended)
    });
    let mut ledger = Ledger::new(lines);
    let producing = spawn_blocking(move || production.run(instance, input));
    while !ledger.is_full() {
        let next = tokio::time::timeout(SILENCE, logs.next()).await;
        let next = next.with_context(|| format!("nothing comes any more: {ledger:?}"))?;
        ledger.enter(&next?.context("the log has ended")?)?;
    }
    let last = producing.await??;
    // Whoever cuts hears that nothing is left to cut.
    end.send(()).ok();
    let done = cutting.await?;
    let took = began.elapsed();
    client.disconnect().await;
    drop(last);
    progress(&format!("  {ledger:?}"));
    Ok(ledger.rows(lines, (done, cuts), took))
}

async fn connect(stage: &Stage, relay: &Relay) -> Result<TunnelClient> {
    let client = TunnelClient::builder()
        .server(format!("http://{}", relay.address()).parse()?)
        .carrier(CarrierChoice::WebSocket)
        .secret(stage.secret().clone())
        .reconnect(Reconnect::On(BackoffPolicy {
            first: Duration::from_millis(100),
            longest: Duration::from_secs(1),
            attempts: None,
        }));
    client
        .connect()
        .await
        .map_err(|error| anyhow::anyhow!("{}", error.chain()))
}

/// Who writes, and where.
struct Production {
    lines: u64,
    written: Arc<AtomicU64>,
    relay: Arc<Relay>,
    here: Place,
    there: Place,
}

impl Production {
    /// Writes a quarter; restarts in order; writes a quarter; is killed in the middle of a line, and
    /// starts anew; writes a quarter; another instance takes over and writes the last. It is returned
    /// and serves on.
    fn run(&self, first: Instance, mut input: ChildStdin) -> Result<Instance> {
        let port = first.port;
        let quarter = self.lines / 4;
        self.write(&mut input, 0..quarter)?;
        drop(input);
        first.stop()?;
        progress("  stopped in order");
        let (second, mut input) = Instance::start(&self.here, Some(port))?;
        self.write(&mut input, quarter..2 * quarter)?;
        second.kill()?;
        progress("  killed");
        let (third, mut input) = Instance::start(&self.here, Some(port))?;
        self.write(&mut input, 2 * quarter..3 * quarter)?;
        let (fourth, mut other) = Instance::start(&self.there, None)?;
        self.relay.turn_to(fourth.port);
        self.write(&mut other, 3 * quarter..self.lines)?;
        drop(input);
        third.stop()?;
        progress("  moved to another instance");
        drop(other);
        self.written.store(u64::MAX, Ordering::Relaxed);
        Ok(fourth)
    }

    fn write(&self, input: &mut ChildStdin, numbers: std::ops::Range<u64>) -> Result<()> {
        let began = Instant::now();
        let start = numbers.start;
        let mut at = start;
        while at < numbers.end {
            let until = (at + PIECE).min(numbers.end);
            write_lines(input, at..until).context("write lines")?;
            at = until;
            self.written.store(at, Ordering::Relaxed);
            let due = Duration::from_secs_f64((at - start) as f64 / RATE);
            std::thread::sleep(due.saturating_sub(began.elapsed()));
        }
        Ok(())
    }
}

/// Cuts so often, spread over all that is written, and returns how often it did.
fn cut_at_random(
    relay: &Relay,
    cuts: u64,
    lines: u64,
    written: &AtomicU64,
    end: &mpsc::Receiver<()>,
) -> u64 {
    let mut luck = Luck::new(SEED);
    let mut places: Vec<_> = (0..cuts).map(|_| luck.below(lines)).collect();
    places.sort_unstable();
    let mut done = 0;
    for place in places {
        while written.load(Ordering::Relaxed) < place {
            if end.recv_timeout(Duration::from_millis(1)).is_ok() {
                return done;
            }
        }
        // One that meets no connection is none.
        while relay.cut() == 0 {
            if end.recv_timeout(Duration::from_millis(1)).is_ok() {
                return done;
            }
        }
        done += 1;
        // A client that is cut before it has said hello, again and again, follows nothing.
        if end.recv_timeout(BETWEEN).is_ok() {
            return done;
        }
    }
    done
}

/// What has come, held against what was written.
#[derive(Debug)]
struct Ledger {
    received: u64,
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
    /// Expects the lines of [`Production::run`].
    fn new(lines: u64) -> Self {
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
    fn is_full(&self) -> bool {
        let ended = |it: &Account| it.due >= it.end;
        let settled = |it: &Account| ended(it) || it.said == Said::Some;
        self.accounts.values().all(settled) && self.accounts.get(OTHER).is_some_and(ended)
    }

    fn rows(&self, lines: u64, cuts: (u64, u64), took: Duration) -> Vec<Row> {
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

    fn enter(&mut self, item: &LogItem) -> Result<()> {
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

/// The instances.
const ONE: &str = "one";
const OTHER: &str = "two";

/// Twice what the first back-off takes.
const BETWEEN: Duration = Duration::from_millis(200);

/// Longer than any back-off.
const SILENCE: Duration = Duration::from_secs(60);

/// Lines a second: what a busy service writes in its worst moment, ten times.
const RATE: f64 = 100_000.0;

/// Lines at once: 10 ms of them.
const PIECE: u64 = 1_000;

const SEED: u64 = 4;

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
