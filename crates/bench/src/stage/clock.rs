//! How long work takes.

use std::time::{Duration, Instant};

use anyhow::Result;

/// What came of work, and how long it took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timed<T> {
    pub(crate) value: T,
    pub(crate) took: Duration,
}

/// Runs work that may fail, by the clock.
pub(crate) async fn timed<T>(work: impl Future<Output = Result<T>>) -> Result<Timed<T>> {
    let began = Instant::now();
    let value = work.await?;
    Ok(Timed {
        value,
        took: began.elapsed(),
    })
}

impl<T> Timed<T> {
    /// Returns how many of so many rows or bytes it were in a second.
    pub(crate) fn rate(&self, many: u64) -> f64 {
        many as f64 / self.took.as_secs_f64()
    }
}
