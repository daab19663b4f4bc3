//! The clock by which entries come and go: it goes on evenly, and reads as a time since 1970.

use std::time::Duration;

use tokio::time::Instant;

use crate::wall_clock;

/// Tells when an entry came. The system's clock may be set back and the steady one says nothing
/// to the next start: this is the first at the beginning, and goes with the second.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    began: Instant,
    at: u64,
}

impl Clock {
    /// Starts at the system's time.
    pub(super) fn start() -> Self {
        Self::start_at(wall_clock::nanos())
    }

    /// Starts at a time in nanoseconds since 1970.
    pub(super) fn start_at(at: u64) -> Self {
        Self {
            began: Instant::now(),
            at,
        }
    }

    /// Returns the time in nanoseconds since 1970.
    pub(super) fn now(&self) -> u64 {
        self.at.saturating_add(nanos(self.began.elapsed()))
    }
}

/// Returns a duration in nanoseconds.
pub(super) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
