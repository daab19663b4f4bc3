//! The bytes of both flows, and when they are due.

use std::time::Duration;

use anyhow::Result;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::Instant;

use super::Flow;
use super::tally::{Clock, Tally};

/// A line: when it was written, in nanoseconds, and what fills it up.
pub(super) type Line = [u8; LINE];

/// Makes a line.
pub(super) fn line(written: Duration) -> Line {
    let mut line = [b'.'; LINE];
    let nanos = u64::try_from(written.as_nanos()).unwrap_or(u64::MAX);
    line[..8].copy_from_slice(&nanos.to_be_bytes());
    line
}

/// Tells when a line was written; `None` if it is none.
pub(super) fn written(line: &[u8]) -> Option<Duration> {
    line.first_chunk()
        .map(|nanos| Duration::from_nanos(u64::from_be_bytes(*nanos)))
}

/// Says when lines are due.
pub(super) struct Ticks {
    clock: Clock,
    due: Instant,
}

impl Ticks {
    pub(super) fn start(clock: Clock) -> Self {
        Self {
            clock,
            due: Instant::now(),
        }
    }

    /// Waits until the next line is due, and returns when it is written.
    ///
    /// A line that comes late because the one before it had to wait was written in time: the wait
    /// is part of its latency.
    pub(super) async fn next(&mut self) -> Duration {
        self.due += PERIOD;
        let late = self.due.elapsed();
        if late.is_zero() {
            tokio::time::sleep_until(self.due).await;
        }
        self.clock.now().saturating_sub(late)
    }
}

/// Sends a flow until nobody takes it.
pub(super) async fn push(
    flow: Flow,
    clock: Clock,
    to: &mut (impl AsyncWrite + Unpin),
) -> Result<()> {
    match flow {
        Flow::Lines => {
            let mut ticks = Ticks::start(clock);
            loop {
                to.write_all(&line(ticks.next().await)).await?;
                to.flush().await?;
            }
        }
        Flow::Bulk => loop {
            to.write_all(&BULK).await?;
        },
    }
}

/// Tallies a flow until it ends.
pub(super) async fn pull(
    flow: Flow,
    tally: &Tally,
    from: &mut (impl AsyncRead + Unpin),
) -> Result<()> {
    match flow {
        Flow::Lines => {
            let mut line = [0; LINE];
            loop {
                from.read_exact(&mut line).await?;
                if let Some(written) = written(&line) {
                    tally.line(written);
                }
            }
        }
        Flow::Bulk => {
            let mut buffer = vec![0; BULK.len()];
            loop {
                match from.read(&mut buffer).await? {
                    0 => return Ok(()),
                    length => tally.bulk(length),
                }
            }
        }
    }
}

/// Asks for a flow, where there is nothing but a stream of bytes.
pub(super) async fn ask(flow: Flow, of: &mut (impl AsyncWrite + Unpin)) -> Result<()> {
    of.write_u8(u8::from(flow == Flow::Bulk)).await?;
    Ok(of.flush().await?)
}

/// Hears which flow is asked for.
pub(super) async fn asked(by: &mut (impl AsyncRead + Unpin)) -> Result<Flow> {
    Ok(match by.read_u8().await? {
        0 => Flow::Lines,
        _ => Flow::Bulk,
    })
}

/// What is sent at a time. Any content does: nothing on the way compresses it.
pub(super) static BULK: [u8; 64 * 1024] = [0x5a; 64 * 1024];

/// What a line of a log takes.
const LINE: usize = 200;

/// A hundred lines a second, as a busy service writes.
const PERIOD: Duration = Duration::from_millis(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_tells_when_it_was_written() {
        let at = Duration::from_millis(1234);
        assert_eq!(written(&line(at)), Some(at));
        assert_eq!(written(b"short"), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_flow_is_asked_for_and_arrives() {
        let (mut server, mut client) = tokio::io::duplex(64);
        let clock = Clock::start();
        let tally = Tally::new(clock);
        let serve = async {
            let flow = asked(&mut server).await?;
            tokio::time::timeout(PERIOD * 9 / 2, push(flow, clock, &mut server))
                .await
                .ok();
            drop(server);
            anyhow::Ok(flow)
        };
        let receive = async {
            ask(Flow::Lines, &mut client).await?;
            // Ends with the server.
            pull(Flow::Lines, &tally, &mut client).await.ok();
            anyhow::Ok(())
        };
        let (flow, received) = tokio::join!(serve, receive);
        assert_eq!(flow.unwrap(), Flow::Lines);
        received.unwrap();
        assert_eq!(tally.lines_that(|_| true).len(), 4);
    }
}
