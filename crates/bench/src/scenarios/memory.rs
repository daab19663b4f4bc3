//! The peak memory of both programs, for a small table and for a large one.

use anyhow::{Context as _, Result};

use super::Scenario;
use crate::memory::{peak, peak_of};
use crate::report::{Bound, Figure, Row, Unit};
use crate::stage::{Prepared, ServerEnd, Stage};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "memory",
    about: "peak memory of tunnel and tunnel-server, for a small table and a large one",
    run: |stage| Box::pin(run(stage)),
};

/// What both ends took at the most, in MiB.
struct Peaks {
    client: f64,
    server: f64,
}

async fn run(stage: &Stage) -> Result<Vec<Row>> {
    let databases = stage.databases().await?;
    let mut lines = Vec::new();
    for target in [Target::Postgres, Target::Sqlite] {
        let mut small = None;
        for rows in [FEW, stage.size.rows()] {
            let production = databases.production(rows).await?;
            let local = match target {
                Target::Postgres => databases.local(Prepared::Empty).await?,
                Target::Sqlite => format!("sqlite://{}", stage.new_file("local.db").display()),
            };
            let peaks = measure(stage, &production, &local).await?;
            let what = |end: &str| format!("{end}, {rows} rows to {}", target.name());
            lines.push(row(
                what("client"),
                peaks.client,
                small.as_ref().map(|small: &Peaks| small.client),
            ));
            lines.push(row(
                what("server"),
                peaks.server,
                small.as_ref().map(|small| small.server),
            ));
            small = Some(peaks);
        }
    }
    Ok(lines)
}

/// Runs both programs, new ones each time: a peak never goes down.
async fn measure(stage: &Stage, production: &str, local: &str) -> Result<Peaks> {
    let server = ServerEnd::start(stage, production, None).await?;
    let tunnel = server
        .tunnel_sync(stage, local)
        .spawn()
        .context("run tunnel")?;
    let client = peak_of(tunnel).await?;
    let server = peak(server.process()?).context("tunnel-server has ended")?;
    Ok(Peaks { client, server })
}

fn row(what: String, peak: f64, small: Option<f64>) -> Row {
    let figure = |value| Figure::new(value, Unit::Mebibytes);
    let row = Row::new(what, figure(peak)).target(Bound::AtMost(64.0));
    match small {
        Some(small) => row.beside(
            format!("{FEW} rows"),
            figure(small),
            Bound::AtMost(MOST_GROWTH),
        ),
        None => row,
    }
}

#[derive(Clone, Copy)]
enum Target {
    Postgres,
    Sqlite,
}

impl Target {
    const fn name(self) -> &'static str {
        match self {
            Self::Postgres => "PostgreSQL",
            Self::Sqlite => "SQLite",
        }
    }
}

const FEW: u64 = 10_000;

/// 10,000 rows are three or four chunks: not every buffer has reached its full size by then.
const MOST_GROWTH: f64 = 1.5;
