//! Log lines while a sync keeps the machine busy, beside a bare pipe at the same time.
//!
//! ```text
//! write-lines ──▶ tunnel-server ══ one session, with a sync in it ══▶ tunnel connect ──▶ here
//! write-lines ─────────────────────────────────────────────────────────────────────────▶ here
//! ```

use std::ops::Range;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::task::spawn_blocking;

use super::Scenario;
use crate::lines::{self, Arrival, Heard, Source};
use crate::report::{Bound, Figure, Row, Unit};
use crate::run::progress;
use crate::stage::{Prepared, ServerEnd, Size, Stage};
use crate::stats::Sample;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "logs-under-sync",
    about: "log lines during a sync in the same session, beside a bare pipe at the same time",
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Result<Vec<Row>> {
    let databases = stage.databases().await?;
    let production = databases.production(stage.size.rows()).await?;
    let (mut tunnelled, mut piped) = (Source::ticking()?, Source::ticking()?);
    let server = ServerEnd::start(stage, &production, Some(tunnelled.pipe()?)).await?;
    let pipe = piped.pipe()?;
    let through_pipe = spawn_blocking(|| lines::read(pipe, |_| false));

    let (mut busy, mut through_tunnel, mut loaded) = (Vec::new(), Vec::new(), Duration::ZERO);
    while loaded < least_load(stage.size) {
        let heard =
            connect_and_sync(stage, &server, &databases.local(Prepared::Empty).await?).await?;
        let since = heard
            .since()
            .context("no log line arrived during the sync")?;
        loaded += heard.until - since;
        progress(&format!("  {:.1} s under load", loaded.as_secs_f64()));
        let under_load = since..heard.until;
        // What came first, the tail, was written under another load.
        let arrivals = heard.arrivals.into_iter();
        through_tunnel.extend(arrivals.filter(|arrival| under_load.contains(&arrival.written)));
        busy.push(under_load);
    }
    drop(piped);
    let tunnel = Latencies::during(&busy, &through_tunnel)?;
    let pipe = Latencies::during(&busy, &through_pipe.await??.arrivals)?;

    let row = |what, value: fn(&Sample) -> f64, most: Option<Bound>| {
        let row = Row::new(
            format!("{what} of {} lines", tunnel.all.len()),
            tunnel.figure(value)?,
        );
        anyhow::Ok(match stage.way() {
            None => row.beside("bare pipe", pipe.figure(value)?, most),
            Some(way) => row.beside("the link's delay", Figure::millis(way.delay), None),
        })
    };
    Ok(vec![
        row("p50", Sample::median, None)?,
        row(
            "p99",
            |sample| sample.percentile(99),
            Some(Bound::AtMost(3.0)),
        )?,
        row("longest", Sample::most, None)?,
    ])
}

/// Runs `tunnel connect` with logs and a sync, and hears its lines until the sync is done.
async fn connect_and_sync(stage: &Stage, server: &ServerEnd, local: &str) -> Result<Heard> {
    let mut tunnel = server.tunnel(stage).into_std();
    let tunnel = tunnel.args(["connect", "--logs", "--sync", "courses", "--json"]);
    let mut tunnel = Source::of(tunnel.env("DATABASE_URL", local))?;
    let pipe = tunnel.pipe()?;
    // Lines that were written before the session was open count as little as those after the sync.
    spawn_blocking(|| lines::read(pipe, |line| line.contains(r#""type":"sync""#))).await?
}

/// The latencies of lines that were written under load.
struct Latencies {
    all: Sample,
    of_each_sync: Vec<Sample>,
}

impl Latencies {
    fn during(busy: &[Range<Duration>], arrivals: &[Arrival]) -> Result<Self> {
        let within = |range: &Range<Duration>| {
            let arrivals = arrivals
                .iter()
                .filter(|arrival| range.contains(&arrival.written));
            arrivals.map(|arrival| arrival.latency).collect::<Vec<_>>()
        };
        let latencies: Vec<_> = busy.iter().map(within).collect();
        Ok(Self {
            all: Sample::millis(latencies.iter().flatten().copied())?,
            of_each_sync: latencies
                .into_iter()
                .map(Sample::millis)
                .collect::<Result<_>>()?,
        })
    }

    /// Returns a value of all lines, and how far it lies apart from sync to sync.
    fn figure(&self, value: fn(&Sample) -> f64) -> Result<Figure> {
        let each = Sample::new(self.of_each_sync.iter().map(value).collect())?;
        Ok(Figure::new(value(&self.all), Unit::Milliseconds).among(&each))
    }
}

/// How long there is load: two thousand lines, of which twenty are slower than the p99; quickly,
/// five hundred.
const fn least_load(size: Size) -> Duration {
    match size {
        Size::Full => Duration::from_secs(20),
        Size::Quick => Duration::from_secs(5),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lines_that_were_written_under_load_count() {
        let at = |millis| Arrival {
            number: 0,
            written: Duration::from_millis(millis),
            latency: Duration::from_millis(millis),
        };
        let busy =
            [10, 50].map(|from| Duration::from_millis(from)..Duration::from_millis(from + 10));
        let latencies = Latencies::during(&busy, &[9, 10, 19, 20, 55].map(at)).unwrap();
        assert_eq!(latencies.all, Sample::new(vec![10.0, 19.0, 55.0]).unwrap());
        assert_eq!(
            latencies.figure(Sample::most).unwrap().spread(),
            "19.0–55.0"
        );
    }
}
