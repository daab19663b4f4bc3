//! What an app writes, through the wrapper and through `cat`, to the last byte.
//!
//! ```text
//! write-flood ──▶ tunnel-server run ──▶ here
//! write-flood ──▶ cat ────────────────▶ here
//! ```

use std::io::Read;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use tokio::task::spawn_blocking;

use super::Scenario;
use crate::flood::{Flood, LINE};
use crate::report::{Bound, Figure, Row, Unit};
use crate::run::progress;
use crate::stage::{Size, Stage, output_of, wrap};
use crate::stats::Sample;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "app-output",
    about: "what an app writes through the wrapper, beside cat",
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Result<Vec<Row>> {
    let (rounds, lines) = match stage.size {
        Size::Full => (5, 20_000_000),
        Size::Quick => (1, 5_000_000),
    };
    let flood = Flood { lines, rate: None };
    let (mut through, mut by_cat) = (Vec::new(), Vec::new());
    for round in 0..=rounds {
        let rates = [
            measure(wrap(stage, &flood.program()?.each())?, flood).await?,
            cat(flood).await?,
        ];
        // The first warms up.
        if round > 0 {
            through.push(rates[0]);
            by_cat.push(rates[1]);
        }
        progress(&format!("  round {round} of {rounds}"));
    }
    let paced = Flood {
        lines: lines / 4,
        rate: Some(200_000_000),
    };
    let steady = measure(wrap(stage, &paced.program()?.each())?, paced).await?;
    let steady_cat = cat(paced).await?;
    let figure = |sample: &Sample| Figure::median(sample, Unit::MegabytesPerSecond);
    Ok(vec![
        Row::new("as fast as it can, through", figure(&Sample::new(through)?)).beside(
            "cat",
            figure(&Sample::new(by_cat)?),
            Bound::AtLeast(0.8),
        ),
        Row::new(
            "at 200 MB/s, through",
            Unit::MegabytesPerSecond.figure(steady),
        )
        .beside(
            "cat",
            Unit::MegabytesPerSecond.figure(steady_cat),
            Bound::AtLeast(0.8),
        ),
    ])
}

async fn cat(flood: Flood) -> Result<f64> {
    let program = flood.program()?;
    let (mut writer, pipe) = output_of(Command::new(program.path()).args(program.arguments()))?;
    let mut cat = Command::new("cat");
    let rate = measure_command(cat.stdin(pipe), flood).await;
    writer.wait().context("wait for the writer")?;
    rate
}

async fn measure(mut command: Command, flood: Flood) -> Result<f64> {
    measure_command(&mut command, flood).await
}

/// Reads all that a command writes and returns the rate in megabytes a second.
///
/// # Errors
/// If a byte or a line is missing.
async fn measure_command(command: &mut Command, flood: Flood) -> Result<f64> {
    let (mut child, mut pipe) = output_of(command.stderr(Stdio::null()))?;
    let read = spawn_blocking(move || count(&mut pipe)).await??;
    let status = child.wait().context("wait for the end")?;
    ensure!(status.success(), "it ended with {status}");
    let (bytes, lines) = (flood.lines * LINE as u64, flood.lines);
    ensure!(
        (read.bytes, read.lines) == (bytes, lines),
        "{} bytes and {} lines came of {bytes} and {lines}",
        read.bytes,
        read.lines
    );
    Ok(bytes as f64 / 1e6 / read.seconds)
}

struct Counted {
    bytes: u64,
    lines: u64,
    seconds: f64,
}

/// Counts from the first byte on: what comes before is the start of programs.
fn count(pipe: &mut impl Read) -> Result<Counted> {
    let mut buffer = vec![0; 256 * 1024];
    let (mut bytes, mut lines, mut began) = (0, 0, None);
    loop {
        let read = pipe.read(&mut buffer)?;
        let began = *began.get_or_insert_with(Instant::now);
        if read == 0 {
            let seconds = began.elapsed().as_secs_f64();
            return Ok(Counted {
                bytes,
                lines,
                seconds,
            });
        }
        bytes += read as u64;
        lines += memchr::memchr_iter(b'\n', &buffer[..read]).count() as u64;
    }
}
