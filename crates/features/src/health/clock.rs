//! Two clocks, and how far they are apart.

use std::time::Duration;

/// How far the server's clock is from this end's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockOffset {
    /// How many milliseconds the server's is ahead; less than nothing if it is behind.
    pub server_ahead: i64,
    /// How wrong that can be, where the way there is not as long as the way back.
    pub within: Duration,
}

impl ClockOffset {
    /// Compares the server's clock in an answer with this end's when the answer came, after a way of
    /// this length there and back. Clocks are in milliseconds since 1970.
    #[must_use]
    pub fn of(server: u64, here: u64, round_trip: Duration) -> Self {
        let within = round_trip / 2;
        let travelled = i64::try_from(within.as_millis()).unwrap_or(i64::MAX);
        let ahead = server.cast_signed().saturating_sub(here.cast_signed());
        Self {
            server_ahead: ahead.saturating_add(travelled),
            within,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_of_the_answer_is_taken_off() {
        let far = Duration::from_millis(100);
        let ahead = |server, here| ClockOffset::of(server, here, far).server_ahead;
        assert_eq!(ahead(10_000, 10_050), 0);
        assert_eq!(ahead(12_000, 10_050), 2_000);
        assert_eq!(ahead(8_000, 10_050), -2_000);
        assert_eq!(ClockOffset::of(0, 0, far).within, far / 2);
        // A server may say anything.
        assert_eq!(ahead(u64::MAX, 0), 49);
    }
}
