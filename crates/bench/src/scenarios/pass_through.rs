//! What the wrapper costs the requests of an app: a small server in Node, by itself and wrapped, in
//! turn, under `wrk`.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tokio::process::Command;

use super::Scenario;
use crate::report::{Bound, Figure, Row, Unit};
use crate::run::{Skipped, progress};
use crate::stage::{App, Size, Stage};
use crate::stats::Sample;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "pass-through",
    about: "an app's requests through the wrapper, beside the app by itself",
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Result<Vec<Row>> {
    let app = ["node", "-e", APP];
    let alone = App::alone(stage, &app).await;
    let alone =
        alone.map_err(|error| Skipped(format!("an app in Node does not start: {error:#}")))?;
    let wrapped = App::wrapped(stage, &app).await?;
    let (rounds, time) = match stage.size {
        Size::Full => (5, Duration::from_secs(4)),
        Size::Quick => (1, Duration::from_secs(2)),
    };
    let mut direct = Rounds::default();
    let mut through = Rounds::default();
    for round in 0..=rounds {
        for (rounds, app) in [(&mut direct, &alone), (&mut through, &wrapped)] {
            let one = wrk(app, 1, time).await?;
            let many = wrk(app, MANY, time).await?;
            // The first warms up.
            if round > 0 {
                rounds.latency.push(one.median.as_secs_f64() * 1e3);
                rounds.slow.push(one.slow.as_secs_f64() * 1e3);
                rounds.requests.push(many.requests);
            }
        }
        progress(&format!("  round {round} of {rounds}"));
    }
    let (one, by_itself) = (Sample::new(through.latency)?, Sample::new(direct.latency)?);
    let added = Figure::new(one.median() - by_itself.median(), Unit::Milliseconds);
    let slower = Sample::new(through.slow)?.median() - Sample::new(direct.slow)?.median();
    let slower = Figure::new(slower, Unit::Milliseconds);
    let (many, alone) = (
        Sample::new(through.requests)?,
        Sample::new(direct.requests)?,
    );
    let figure = |sample: &Sample| Figure::median(sample, Unit::RequestsPerSecond);
    Ok(vec![
        Row::new(
            "p50 of one connection, through",
            Figure::median(&one, Unit::Milliseconds),
        )
        .beside(
            "the app by itself",
            Figure::median(&by_itself, Unit::Milliseconds),
            None,
        ),
        Row::new("p50 added", added).target(Bound::AtMost(0.3)),
        // What a probe of the platform may find added.
        Row::new("p99 added", slower).target(Bound::AtMost(5.0)),
        Row::new(format!("{MANY} connections, through"), figure(&many)).beside(
            "the app by itself",
            figure(&alone),
            Bound::AtLeast(0.5),
        ),
    ])
}

#[derive(Debug, Default)]
struct Rounds {
    latency: Vec<f64>,
    slow: Vec<f64>,
    requests: Vec<f64>,
}

/// What `wrk` reports.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Report {
    median: Duration,
    slow: Duration,
    requests: f64,
}

async fn wrk(app: &App, connections: u32, time: Duration) -> Result<Report> {
    let run = Command::new("wrk")
        .args(["--latency", "--threads", "1"])
        .args(["--connections", &connections.to_string()])
        .args(["--duration", &format!("{}s", time.as_secs())])
        .arg(app.url())
        .output();
    let output = run
        .await
        .map_err(|error| Skipped(format!("wrk cannot be run: {error}")))?;
    let text = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() || text.contains("Non-2xx") || text.contains("Socket errors") {
        bail!(
            "wrk failed: {text}{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    parse(&text).with_context(|| format!("wrk says what nobody understands: {text}"))
}

fn parse(text: &str) -> Option<Report> {
    let after = |mark: &str| {
        let line = text
            .lines()
            .find_map(|line| line.trim().strip_prefix(mark))?;
        Some(line.trim())
    };
    Some(Report {
        median: duration(after("50%")?)?,
        slow: duration(after("99%")?)?,
        requests: after("Requests/sec:")?.parse().ok()?,
    })
}

fn duration(text: &str) -> Option<Duration> {
    let (unit, seconds) = [("us", 1e-6), ("ms", 1e-3), ("s", 1.0)]
        .into_iter()
        .find(|(unit, _)| text.ends_with(unit))?;
    let number: f64 = text.strip_suffix(unit)?.parse().ok()?;
    Some(Duration::from_secs_f64(number * seconds))
}

/// Enough to keep both cores busy.
const MANY: u32 = 32;

/// As small as a server can be: what is measured is not to be the app.
const APP: &str = "require('http').createServer((_, answer) => answer.end('hello\\n'))\
                   .listen(process.env.PORT, '127.0.0.1')";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_has_its_median_and_its_rate() {
        let text = "  Latency Distribution\n     50%   91.00us\n     99%    1.2ms\n\
                    Requests/sec:  10234.56\nTransfer/sec:      1.2MB\n";
        let report = Report {
            median: Duration::from_micros(91),
            slow: Duration::from_micros(1200),
            requests: 10_234.56,
        };
        assert_eq!(parse(text), Some(report));
        assert_eq!(parse("unable to connect"), None);
        assert_eq!(duration("1.50ms"), Some(Duration::from_micros(1500)));
        assert_eq!(duration("2.00s"), Some(Duration::from_secs(2)));
    }
}
