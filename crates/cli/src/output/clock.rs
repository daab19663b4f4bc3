//! Times of log lines, in the zone that the user wants.

use std::fmt;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// A moment, as nanoseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment(pub u64);

/// The day alone, in UTC: `2027-02-11`.
#[derive(Clone, Copy, Debug)]
pub struct Day(pub Moment);

/// Tells the day and the time of the day. Lines come in order, mostly: what was worked out for a
/// second is kept for the next line.
#[derive(Clone, Debug)]
pub struct Clock {
    zone: TimeZone,
    /// Which second the rest is of.
    second: u64,
    day: Date,
    /// `HH:MM:SS`.
    time: [u8; 8],
}

impl Moment {
    /// Returns the same moment as the calendar's library has it.
    #[must_use]
    pub fn timestamp(self) -> Timestamp {
        // Every `u64` is before the year 2555, and the library's end is far beyond.
        Timestamp::from_nanosecond(i128::from(self.0)).unwrap_or(Timestamp::MAX)
    }
}

/// The whole moment in UTC, as RFC 3339 has it: to the millisecond, or where that is not all of
/// it, to the nanosecond.
impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let timestamp = self.timestamp();
        match self.0 % MILLI {
            0 => write!(f, "{timestamp:.3}"),
            _ => write!(f, "{timestamp:.9}"),
        }
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(moment) = self;
        write!(
            f,
            "{}",
            TimeZone::UTC.to_datetime(moment.timestamp()).date()
        )
    }
}

impl Clock {
    /// Makes a clock of a zone.
    #[must_use]
    pub fn new(zone: TimeZone) -> Self {
        let mut clock = Self {
            zone,
            second: 0,
            day: Date::ZERO,
            time: *b"00:00:00",
        };
        clock.work_out();
        clock
    }

    /// Returns the day of a moment.
    pub fn day(&mut self, moment: Moment) -> Date {
        self.turn(moment);
        self.day
    }

    /// Writes the time of the day: `HH:MM:SS.mmm`.
    pub fn write(&mut self, moment: Moment, out: &mut Vec<u8>) {
        self.turn(moment);
        out.extend_from_slice(&self.time);
        // Below 1000.
        let millis = (moment.0 % NANOS / MILLI) as u16;
        let digit = |of: u16| b'0' + (of % 10) as u8;
        out.extend_from_slice(&[b'.', digit(millis / 100), digit(millis / 10), digit(millis)]);
    }

    /// Returns the time of the day as text.
    pub fn text(&mut self, moment: Moment) -> String {
        let mut text = Vec::new();
        self.write(moment, &mut text);
        String::from_utf8_lossy(&text).into_owned()
    }

    fn turn(&mut self, moment: Moment) {
        let second = moment.0 / NANOS;
        if second != self.second {
            self.second = second;
            self.work_out();
        }
    }

    fn work_out(&mut self) {
        let moment = Moment(self.second * NANOS);
        let civil = self.zone.to_datetime(moment.timestamp());
        self.day = civil.date();
        for (at, part) in [(0, civil.hour()), (3, civil.minute()), (6, civil.second())] {
            // Hours, minutes and seconds are neither negative nor above 59.
            let part = part.unsigned_abs();
            self.time[at] = b'0' + part / 10;
            self.time[at + 1] = b'0' + part % 10;
        }
    }
}

const NANOS: u64 = 1_000_000_000;
const MILLI: u64 = 1_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    /// By its rule: not every machine that tests has a database of zones.
    fn berlin() -> TimeZone {
        TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap()
    }

    fn moment(text: &str) -> Moment {
        let nanos = text.parse::<Timestamp>().unwrap().as_nanosecond();
        Moment(nanos.try_into().unwrap())
    }

    #[test]
    fn moments_are_those_of_the_calendar_and_as_exact_as_they_need_to_be() {
        for (seconds, shown) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_399, "2000-02-28T23:59:59.000Z"),
            (951_782_400, "2000-02-29T00:00:00.000Z"),
            (4_107_542_400, "2100-03-01T00:00:00.000Z"),
        ] {
            assert_eq!(Moment(seconds * NANOS).to_string(), shown);
        }
        assert_eq!(
            Moment(1_002_000_000).to_string(),
            "1970-01-01T00:00:01.002Z"
        );
        assert_eq!(
            Moment(1_002_000_001).to_string(),
            "1970-01-01T00:00:01.002000001Z"
        );
        assert_eq!(Day(Moment(951_782_400 * NANOS)).to_string(), "2000-02-29");
        assert_eq!(&Moment(u64::MAX).to_string()[..4], "2554");
    }

    #[test]
    fn a_clock_tells_the_time_of_its_zone_through_the_change_to_summer() {
        // On the 28th of March 2027 at 01:00 UTC the clocks of Berlin went from 02:00 to 03:00.
        let change = moment("2027-03-28T01:00:00Z");
        let before = Moment(change.0 - MILLI);
        let mut berlin = Clock::new(berlin());
        assert_eq!(berlin.text(before), "01:59:59.999");
        assert_eq!(berlin.text(change), "03:00:00.000");
        assert_eq!(berlin.text(before), "01:59:59.999");
        let mut utc = Clock::new(TimeZone::UTC);
        assert_eq!(utc.text(change), "01:00:00.000");
        assert_eq!(utc.text(Moment(0)), "00:00:00.000");
    }

    #[test]
    fn the_day_is_the_zones() {
        let late = moment("2027-02-11T23:30:00Z");
        let mut berlin = Clock::new(berlin());
        assert_eq!(berlin.day(late).to_string(), "2027-02-12");
        assert_eq!(
            Clock::new(TimeZone::UTC).day(late).to_string(),
            "2027-02-11"
        );
    }
}
