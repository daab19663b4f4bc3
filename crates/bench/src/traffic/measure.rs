//! One measurement: lines alone, then lines beside a bulk flow that takes all it gets.

use std::ops::Range;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::tally::{Clock, Tally};
use super::{Flow, Joined, Means};
use crate::lab::{Lab, Wire};
use crate::stats::Sample;

/// How long each part of a measurement takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    /// Lines alone; nothing if there are to be no lines.
    pub(crate) idle: Option<Duration>,
    /// Bulk that does not count: until the window has found its size.
    pub(crate) warm_up: Duration,
    /// Bulk that counts.
    pub(crate) loaded: Duration,
}

/// What came of a measurement.
#[derive(Clone, Debug)]
pub(crate) struct Measured {
    /// Latencies of lines, one way, in milliseconds; `None` if there were to be no lines.
    pub(crate) lines: Option<Lines>,
    /// What the link carried to the client, headers and all, in bytes a second; `None` on loopback.
    pub(crate) carried: Option<f64>,
    /// What of it was bulk's own, in bytes a second.
    pub(crate) payload: f64,
}

/// Latencies of lines, one way, in milliseconds.
#[derive(Clone, Debug)]
pub(crate) struct Lines {
    pub(crate) idle: Sample,
    pub(crate) loaded: Sample,
}

/// Measures means of transport on two machines.
pub(crate) async fn measure(lab: &Lab, means: Means, times: Times) -> Result<Measured> {
    let longest = times.idle.unwrap_or_default() + times.warm_up + times.loaded + SLACK;
    let measured = tokio::time::timeout(longest, measure_unbounded(lab, means, times));
    measured
        .await
        .with_context(|| format!("nothing moved over {}", means.name()))?
        .with_context(|| format!("measure {}", means.name()))
}

async fn measure_unbounded(lab: &Lab, means: Means, times: Times) -> Result<Measured> {
    let clock = Clock::start();
    let tally = Tally::new(clock);
    let joined = means.join(lab, clock).await?;
    let run = Run {
        lab,
        clock,
        tally: &tally,
        joined: &*joined,
    };
    let idle = match times.idle {
        Some(idle) => Some(run.lines_alone(idle).await?),
        None => None,
    };
    let (loaded, carried) = run.beside_bulk(times).await?;
    let lines = match idle {
        Some(idle) => Some(Lines {
            idle: run.latencies(idle).await?,
            loaded: run.latencies(loaded).await?,
        }),
        None => None,
    };
    Ok(Measured { lines, ..carried })
}

/// What the parts of a measurement share.
struct Run<'a> {
    lab: &'a Lab,
    clock: Clock,
    tally: &'a Tally,
    joined: &'a dyn Joined,
}

impl Run<'_> {
    /// Starts the lines, which go on, and returns when they were alone.
    async fn lines_alone(&self, idle: Duration) -> Result<Range<Duration>> {
        self.start(Flow::Lines);
        tokio::time::sleep(SETTLED).await;
        self.wait(idle).await
    }

    /// Starts bulk, which goes on, and returns when it counted and what it took of the link.
    async fn beside_bulk(&self, times: Times) -> Result<(Range<Duration>, Measured)> {
        self.start(Flow::Bulk);
        tokio::time::sleep(times.warm_up).await;
        let carried = || self.lab.wire.as_ref().map(Wire::carried);
        let (carried_before, bulk_before) = (carried(), self.tally.bulk_bytes());
        let loaded = self.wait(times.loaded).await?;
        let seconds = (loaded.end - loaded.start).as_secs_f64();
        let rate = |before: u64, after: u64| (after - before) as f64 / seconds;
        let measured = Measured {
            lines: None,
            carried: carried_before
                .zip(carried())
                .map(|(before, after)| rate(before, after)),
            payload: rate(bulk_before, self.tally.bulk_bytes()),
        };
        Ok((loaded, measured))
    }

    fn start(&self, flow: Flow) {
        let (receive, tally) = (self.joined.receive(flow, self.tally.clone()), self.tally);
        let tally = tally.clone();
        self.lab.client.start(flow.name(), async move {
            if let Err(error) = receive.await {
                tally.fail(error);
            }
        });
    }

    /// Waits and returns when that was.
    async fn wait(&self, time: Duration) -> Result<Range<Duration>> {
        let since = self.clock.now();
        tokio::time::sleep(time).await;
        self.tally.failure().map_or(Ok(()), Err)?;
        Ok(since..self.clock.now())
    }

    /// Returns the latencies of the lines that were written in a time, all of which have arrived.
    async fn latencies(&self, written: Range<Duration>) -> Result<Sample> {
        while !self.tally.is_past(written.end) {
            self.tally.failure().map_or(Ok(()), Err)?;
            tokio::time::sleep(LOOK).await;
        }
        let lines = self
            .tally
            .lines_that(|arrival| written.contains(&arrival.written));
        if lines.is_empty() {
            bail!("no line arrived");
        }
        Sample::millis(lines.iter().map(super::tally::Arrival::latency))
    }
}

/// The first lines pay for the opening of their channel.
const SETTLED: Duration = Duration::from_millis(500);

const LOOK: Duration = Duration::from_millis(20);

/// For connecting, and for the last lines behind the longest queue.
const SLACK: Duration = Duration::from_secs(20);
