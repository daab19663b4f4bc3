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

mod cuts;
mod ledger;

use std::process::ChildStdin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use client::logs::Filter;
use client::logs::wire::{Follow, Open, Start};
use client::{BackoffPolicy, Events, Logs, Reconnect, TunnelClient, TunnelEvent};
use futures_util::FutureExt as _;
use tokio::task::spawn_blocking;
use transport::choice::CarrierChoice;

use self::cuts::Cuts;
use self::ledger::Ledger;
use super::Scenario;
use crate::report::Row;
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

    let so_far = Arc::new(SoFar::default());
    let production = Production {
        lines,
        so_far: Arc::clone(&so_far),
        relay: Arc::clone(&relay),
        here,
        there: Place::new(stage, OTHER)?,
    };
    let began = Instant::now();
    let (end, ended) = mpsc::channel();
    let cutting = spawn_blocking({
        let (relay, so_far) = (Arc::clone(&relay), Arc::clone(&so_far));
        move || Cuts::draw(cuts, lines).make(&relay, &so_far, &ended)
    });
    let mut ledger = Ledger::new(lines);
    let producing = spawn_blocking(move || production.run(instance, input));
    let followed = follow(&mut logs, client.events(), &mut ledger, &so_far).await;
    if let Err(error) = followed {
        // Why nobody writes any more says more than that nothing comes.
        if producing.is_finished() {
            producing.await??;
        }
        return Err(error);
    }
    let last = producing.await??;
    // Whoever cuts hears that nothing is left to cut.
    drop(end);
    let done = cutting.await?;
    let took = began.elapsed();
    client.disconnect().await;
    drop(last);
    progress(&format!("  {ledger:?}"));
    Ok(ledger.rows(lines, (done, cuts), took))
}

/// Enters what comes until the ledger is full.
async fn follow(
    logs: &mut Logs,
    mut events: Events,
    ledger: &mut Ledger,
    so_far: &SoFar,
) -> Result<()> {
    while !ledger.is_full() {
        let next = tokio::time::timeout(SILENCE, logs.next()).await;
        let next = next.with_context(|| silence(&mut events, ledger, so_far))?;
        ledger.enter(&next?.context("the log has ended")?)?;
        so_far.note_received(ledger.received);
    }
    Ok(())
}

/// Says what is known when nothing comes any more.
fn silence(events: &mut Events, ledger: &Ledger, so_far: &SoFar) -> String {
    let heard = std::iter::from_fn(|| events.next().now_or_never().flatten());
    let last = heard
        .filter(|event| !matches!(event, TunnelEvent::Log(_)))
        .last();
    format!(
        "nothing comes any more, of {} lines that were written; the client's last event was {last:?}; {ledger:?}",
        so_far.written()
    )
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

/// How far a run is.
#[derive(Debug, Default)]
struct SoFar {
    written: AtomicU64,
    received: AtomicU64,
}

impl SoFar {
    fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }

    fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }

    fn note_written(&self, lines: u64) {
        self.written.store(lines, Ordering::Relaxed);
    }

    fn note_received(&self, lines: u64) {
        self.received.store(lines, Ordering::Relaxed);
    }
}

/// Who writes, and where.
struct Production {
    lines: u64,
    so_far: Arc<SoFar>,
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
            self.so_far.note_written(at);
            let due = Duration::from_secs_f64((at - start) as f64 / RATE);
            std::thread::sleep(due.saturating_sub(began.elapsed()));
        }
        Ok(())
    }
}

/// The instances.
const ONE: &str = "one";
const OTHER: &str = "two";

/// Longer than any back-off.
const SILENCE: Duration = Duration::from_secs(60);

/// Lines a second: what a busy service writes in its worst moment, ten times.
const RATE: f64 = 100_000.0;

/// Lines at once: 10 ms of them.
const PIECE: u64 = 1_000;
