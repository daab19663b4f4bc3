//! Moments and how databases and logs write them, in UTC and since 1970.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use super::draw::Draw;

/// A moment, in milliseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moment(u64);

impl Moment {
    /// When the school opened: 1 January 2021.
    pub(super) const OPENING: Self = Self(1_609_459_200_000);

    /// When the last row was written, 1 September 2026: fixed, so that the content is.
    pub(super) const TODAY: Self = Self(1_788_220_800_000);

    /// Returns the time that the system gives.
    pub(super) fn of(time: SystemTime) -> Self {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }

    /// Returns the milliseconds since 1970.
    pub(super) const fn millis(self) -> u64 {
        self.0
    }

    /// Draws the moment of the row at `place` of `count`: later rows are later.
    pub(super) fn of_row(place: u64, count: u64, draw: &mut Draw) -> Self {
        let step = (Self::TODAY.0 - Self::OPENING.0) / count;
        Self(Self::OPENING.0 + step * place + draw.below(step))
    }

    /// Draws a moment between this one and [`Moment::TODAY`].
    pub(super) fn later(self, draw: &mut Draw) -> Self {
        Self(self.0 + draw.below(Self::TODAY.0.saturating_sub(self.0) + 1))
    }

    /// Writes the moment to the second, as the database has it.
    pub(super) fn to_second(self) -> String {
        format!("{}T{}Z", Day(self.0 / DAY), Clock(self.0 % DAY))
    }

    /// Writes the moment to the millisecond, as logs have it.
    pub(super) fn to_millisecond(self) -> String {
        format!(
            "{}T{}.{:03}Z",
            Day(self.0 / DAY),
            Clock(self.0 % DAY),
            self.0 % 1000
        )
    }
}

/// A day, counted from 1 January 1970.
struct Day(u64);

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // No year is longer, so this is never too late, and a few steps lead to the right one.
        let mut year = 1970 + self.0 / 366;
        while first_day(year + 1) <= self.0 {
            year += 1;
        }
        let mut day = self.0 - first_day(year);
        let mut month = 1;
        while day >= month_length(year, month) {
            day -= month_length(year, month);
            month += 1;
        }
        write!(f, "{year}-{month:02}-{:02}", day + 1)
    }
}

/// A time of day, in milliseconds.
struct Clock(u64);

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0 / 1000;
        write!(
            f,
            "{:02}:{:02}:{:02}",
            seconds / 3600,
            seconds / 60 % 60,
            seconds % 60
        )
    }
}

/// Returns how many days 1 January of a year is after 1970's.
fn first_day(year: u64) -> u64 {
    let past = year - 1;
    // Before 1970 there were 477 leap years.
    (year - 1970) * 365 + past / 4 - past / 100 + past / 400 - 477
}

fn month_length(year: u64, month: u64) -> u64 {
    match month {
        2 => 28 + (first_day(year + 1) - first_day(year) - 365),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// The milliseconds of a day.
const DAY: u64 = 24 * 3600 * 1000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_around_every_corner_of_the_calendar() {
        for (seconds, written) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_709_251_199, "2024-02-29T23:59:59Z"),
            (1_735_689_599, "2024-12-31T23:59:59Z"),
            (1_735_689_600, "2025-01-01T00:00:00Z"),
            (1_772_323_200, "2026-03-01T00:00:00Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(Moment(seconds * 1000).to_second(), written);
        }
        assert_eq!(Moment::OPENING.to_second(), "2021-01-01T00:00:00Z");
        assert_eq!(Moment::TODAY.to_millisecond(), "2026-09-01T00:00:00.000Z");
    }
}
