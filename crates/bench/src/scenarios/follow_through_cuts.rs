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
        Size::Quick => (500_000, 20),
    };
    let here = Place::new(stage, "one")?;
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
        there: Place::new(stage, "two")?,
    };
    let began = Instant::now();
    let (end, ended) = mpsc::channel();
    let cutting = spawn_blocking({
        let relay = Arc::clone(&relay);
        move || cut_at_random(&relay, cuts, lines, &written, &ended)
    });
    let mut ledger = Ledger::default();
    let producing = spawn_blocking(move || production.run(instance, input));
    while !ledger.is_full(lines) {
        let next = tokio::time::timeout(SILENCE, logs.next()).await;
        let next = next.with_context(|| format!("nothing comes any more: {ledger:?}"))?;
        ledger.enter(&next?.context("the log has ended")?)?;
    }
    let last = producing.await??;
    // Whoever cuts hears that nothing is left to cut.
    end.send(()).ok();
    let cuts = cutting.await?;
    let took = began.elapsed();
    client.disconnect().await;
    drop(last);
    progress(&format!("  {ledger:?}"));
    Ok(ledger.rows(lines, cuts, took))
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
        relay.cut();
        done += 1;
    }
    done
}

/// What has come, held against what was written.
#[derive(Debug, Default)]
struct Ledger {
    received: u64,
    twice: u64,
    /// Missing without a word.
    unaccounted: u64,
    /// By instance: the number that is due next.
    due: BTreeMap<String, u64>,
    /// By instance or for all: how many the server has said are missing, since the last line.
    said: u64,
    /// Whether it has said that it does not know how many.
    unknown: bool,
}

impl Ledger {
    /// Whether the last line of each instance has come.
    fn is_full(&self, lines: u64) -> bool {
        let due = |instance| self.due.get(instance).copied().unwrap_or(0);
        due("one") >= lines / 4 * 3 && due("two") >= lines
    }

    fn rows(&self, lines: u64, cuts: u64, took: Duration) -> Vec<Row> {
        let count = |count: u64| Figure::new(count as f64, Unit::Lines);
        let missing = lines - self.received;
        let rate = self.received as f64 / took.as_secs_f64();
        let through = format!("received, of {lines}, through {cuts} cuts");
        vec![
            Row::new(through, count(self.received)),
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
            LogItem::Missed(missed) => match missed.entries {
                Some(entries) => self.said += entries,
                None => self.unknown = true,
            },
            LogItem::Opened(_) | LogItem::Reconnected { .. } => {}
        }
        Ok(())
    }

    fn entry(&mut self, entry: &Entry) -> Result<()> {
        match &entry.record {
            Record::Mark(mark) => match &mark.event {
                Event::ServerStarted {
                    before: Before::CutOff,
                    ..
                } => self.unknown = true,
                Event::Dropped { lines, .. } => self.said += lines,
                _ => {}
            },
            Record::Line(line) => {
                let number = line.message.strip_prefix("line ");
                let number = number.and_then(|it| it.parse().ok());
                let number: u64 = number.with_context(|| format!("what is {line:?}"))?;
                self.line(number, &line.origin.instance);
            }
        }
        Ok(())
    }

    fn line(&mut self, number: u64, instance: &str) {
        let first = *self.due.get(instance).unwrap_or(&number);
        if number < first {
            self.twice += 1;
            return;
        }
        let missing = number - first;
        if missing > 0 && !self.unknown {
            self.unaccounted += missing.saturating_sub(self.said);
            self.said = 0;
        }
        if missing > 0 {
            self.unknown = false;
        }
        self.due.insert(instance.to_owned(), number + 1);
        self.received += 1;
    }
}

/// Longer than any back-off.
const SILENCE: Duration = Duration::from_secs(60);

/// Lines a second: what a busy service writes in its worst moment, ten times.
const RATE: f64 = 100_000.0;

/// Lines at once: 10 ms of them.
const PIECE: u64 = 1_000;

const SEED: u64 = 4;
