//! The system's clock, as times are sent and kept. Durations are measured by tokio's.

use std::time::{SystemTime, UNIX_EPOCH};

/// Returns the milliseconds since 1970 by the system's clock.
#[must_use]
pub fn millis() -> u64 {
    millis_at(SystemTime::now())
}

/// Returns the milliseconds since 1970 at a time; 0 for one before, which every clock that shows it has
/// wrong in the same way.
#[must_use]
pub fn millis_at(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Returns the nanoseconds since 1970 by the system's clock; 0 if it stands before.
#[must_use]
pub fn nanos() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    u64::try_from(since.unwrap_or_default().as_nanos()).unwrap_or(u64::MAX)
}
