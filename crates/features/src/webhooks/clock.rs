//! The clock on the wall, which whoever needs it is given.

use std::sync::Arc;
use std::time::SystemTime;

/// Tells the time of day. Durations are measured by another clock.
pub type Clock = Arc<dyn Fn() -> SystemTime + Send + Sync>;

/// Returns the system's clock.
#[must_use]
pub fn system_clock() -> Clock {
    Arc::new(SystemTime::now)
}
