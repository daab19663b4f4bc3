//! Times of log lines, in UTC.

use std::fmt;

/// A moment, as nanoseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment(pub u64);

/// The time of the day: `HH:MM:SS.mmm`.
#[derive(Clone, Copy, Debug)]
pub struct TimeOfDay(pub Moment);

/// The day alone: `2027-02-11`.
#[derive(Clone, Copy, Debug)]
pub struct Day(pub Moment);

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(Moment(nanos)) = *self;
        let (year, month, day) = date(nanos / NANOS / DAY);
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

/// The whole moment, as RFC 3339 has it.
impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}T{}Z", Day(*self), TimeOfDay(*self))
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(Moment(nanos)) = *self;
        let (seconds, millis) = (nanos / NANOS % DAY, nanos % NANOS / 1_000_000);
        let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        write!(f, "{hour:02}:{minute:02}:{second:02}.{millis:03}")
    }
}

/// Counts a date from the days since 1970: whole eras of 400 years, which are all of one length,
/// then the years of an era that begins in March, so that the leap day is a year's last.
const fn date(days: u64) -> (u64, u64, u64) {
    // From the 1st of March of the year 0.
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    // Months from March on, of 30.6 days each.
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, next_year) = if month < 10 {
        (month + 3, 0)
    } else {
        (month - 9, 1)
    };
    (era * 400 + year + next_year, month, day)
}

const NANOS: u64 = 1_000_000_000;
const DAY: u64 = 24 * 60 * 60;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_those_of_the_calendar() {
        for (seconds, shown) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_399, "2000-02-28T23:59:59.000Z"),
            (951_782_400, "2000-02-29T00:00:00.000Z"),
            (1_709_251_200, "2024-03-01T00:00:00.000Z"),
            (1_735_689_599, "2024-12-31T23:59:59.000Z"),
            (4_107_542_400, "2100-03-01T00:00:00.000Z"),
        ] {
            assert_eq!(Moment(seconds * NANOS).to_string(), shown);
        }
        assert_eq!(TimeOfDay(Moment(1_002_000_000)).to_string(), "00:00:01.002");
    }
}
