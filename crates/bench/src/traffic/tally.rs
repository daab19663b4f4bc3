//! What has arrived, and when it was written.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Tells the time to both ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock(Instant);

impl Clock {
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn now(self) -> Duration {
        self.0.elapsed()
    }

    /// Tells when a moment was.
    pub(crate) fn at(self, moment: Instant) -> Duration {
        moment.saturating_duration_since(self.0)
    }
}

/// Counts what arrives. Clones are the same tally.
#[derive(Clone, Debug)]
pub(crate) struct Tally(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    clock: Clock,
    // Never held across an await.
    lines: Mutex<Vec<Arrival>>,
    bulk: AtomicU64,
    failure: Mutex<Option<anyhow::Error>>,
}

/// A line that has arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Arrival {
    pub(crate) written: Duration,
    pub(crate) arrived: Duration,
}

impl Arrival {
    pub(crate) fn latency(&self) -> Duration {
        self.arrived.saturating_sub(self.written)
    }
}

impl Tally {
    pub(crate) fn new(clock: Clock) -> Self {
        Self(Arc::new(Inner {
            clock,
            lines: Mutex::default(),
            bulk: AtomicU64::new(0),
            failure: Mutex::default(),
        }))
    }

    /// Counts a line.
    pub(super) fn line(&self, written: Duration) {
        let arrived = self.0.clock.now();
        self.lines().push(Arrival { written, arrived });
    }

    /// Counts bytes of bulk.
    pub(super) fn bulk(&self, bytes: usize) {
        self.0.bulk.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Keeps why a flow has ended.
    pub(super) fn fail(&self, error: anyhow::Error) {
        *lock(&self.0.failure) = Some(error);
    }

    /// Returns, once, why a flow has ended, if one has.
    pub(super) fn failure(&self) -> Option<anyhow::Error> {
        lock(&self.0.failure).take()
    }

    /// Returns how many bytes of bulk have arrived.
    pub(crate) fn bulk_bytes(&self) -> u64 {
        self.0.bulk.load(Ordering::Relaxed)
    }

    /// Returns the lines that fit, in the order of their arrival.
    pub(crate) fn lines_that(&self, fit: impl Fn(&Arrival) -> bool) -> Vec<Arrival> {
        self.lines().iter().copied().filter(fit).collect()
    }

    /// Whether a line has arrived that was written after a moment, and so every line before it.
    pub(crate) fn is_past(&self, moment: Duration) -> bool {
        self.lines()
            .last()
            .is_some_and(|last| last.written > moment)
    }

    fn lines(&self) -> MutexGuard<'_, Vec<Arrival>> {
        lock(&self.0.lines)
    }
}

/// Locks what is whole after every statement: a panic elsewhere has not broken it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
