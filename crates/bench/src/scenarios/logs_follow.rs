//! How late lines are for whoever follows a busy log through a filter.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, ensure};
use client::TunnelClient;
use client::logs::client::LogItem;
use client::logs::wire::{Follow, Open, Start};
use client::logs::{Filter, Level, Levels};

use super::Scenario;
use crate::lines::{Source, latency_of};
use crate::report::{Bound, Figure, Row, Unit};
use crate::stage::{ServerEnd, Size, Stage};
use crate::stats::Sample;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "logs-follow",
    about: "100,000 lines a second through a filter that each of them passes",
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Result<Vec<Row>> {
    let database = stage.sqlite_source(1).await?;
    let mut source = Source::busy(RATE)?;
    let server = ServerEnd::start(stage, &database, Some(source.pipe()?)).await?;
    let client = server.connect().await?;
    let heard = follow(&client, stage.size).await?;
    client.disconnect().await;
    drop(source);
    let latencies = Sample::millis(heard.latencies)?;
    let millis = |value| Figure::new(value, Unit::Milliseconds);
    Ok(vec![
        Row::new("lines", Figure::new(heard.rate, Unit::LinesPerSecond))
            .target(Bound::AtLeast(0.98 * f64::from(RATE))),
        Row::new("p50", millis(latencies.median())),
        Row::new("p99", millis(latencies.percentile(99))).target(Bound::AtMost(50.0)),
        Row::new("longest", millis(latencies.most())),
    ])
}

struct Heard {
    latencies: Vec<Duration>,
    rate: f64,
}

/// Follows for a while, after a while that does not count.
///
/// # Errors
/// If a line is missing.
async fn follow(client: &TunnelClient, size: Size) -> Result<Heard> {
    let open = Open {
        start: Start::Tail(0),
        follow: Follow::On,
        filter: Filter {
            levels: Levels::AtLeast(Level::INFO),
            services: vec!["a*".to_owned()],
            grep: vec!["bench-.*[0-9]".to_owned()],
            exclude: vec!["health".to_owned()],
            ..Filter::ALL
        },
    };
    let counted = match size {
        Size::Full => Duration::from_secs(20),
        Size::Quick => Duration::from_secs(4),
    };
    let mut logs = client.stream_logs(open).await?;
    let (mut latencies, mut began) = (Vec::new(), None);
    let start = tokio::time::Instant::now();
    loop {
        let item = logs.next().await?.context("the log has ended")?;
        ensure!(
            !matches!(item, LogItem::Missed(_)),
            "lines are missing: {item:?}"
        );
        let LogItem::Entry(entry) = item else {
            continue;
        };
        let Some(line) = entry.line() else { continue };
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
        let Some(latency) = latency_of(&line.message, now) else {
            continue;
        };
        if start.elapsed() < WARM_UP {
            continue;
        }
        let began = *began.get_or_insert_with(tokio::time::Instant::now);
        latencies.push(latency);
        if began.elapsed() >= counted {
            let rate = latencies.len() as f64 / began.elapsed().as_secs_f64();
            return Ok(Heard { latencies, rate });
        }
    }
}

/// Lines a second.
const RATE: u32 = 100_000;

/// For buffers and windows to find their size.
const WARM_UP: Duration = Duration::from_secs(2);
