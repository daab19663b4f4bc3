//! The clock on the wall, which whoever needs it is given.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// Tells the time of day. Durations are measured by another clock.
pub type Clock = Arc<dyn Fn() -> SystemTime + Send + Sync>;

/// Returns the system's clock.
#[must_use]
pub fn wall_clock() -> Clock {
    Arc::new(SystemTime::now)
}

/// Returns the milliseconds since 1970.
pub(super) fn millis(time: SystemTime) -> u64 {
    // Before 1970 every clock is wrong in the same way.
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Returns the milliseconds since 1970 by the system's clock.
pub(super) fn now() -> u64 {
    millis(SystemTime::now())
}
