//! Times as people say them: `15m`, `10:27`, `yesterday`, `2027-02-11`.

use std::str::FromStr;

use jiff::civil::{Date, DateTime, Time};
use jiff::{Span, Timestamp, ZonedDateTime};
use thiserror::Error;

/// A time as it was said. What it means depends on the time and the zone of who says it.
#[derive(Clone, Debug)]
pub(super) enum When {
    /// `2027-02-11T10:27:00Z`: the same everywhere.
    At(Timestamp),
    /// `2027-02-11T10:27`.
    Civil(DateTime),
    /// `2027-02-11`: its beginning.
    Day(Date),
    /// `10:27`: of today, or where that is yet to come and what is wanted is the past, of yesterday.
    Clock(Time),
    /// `15m`, `-15m`, `2h30m`: so long ago.
    Ago(Span),
    /// The beginning of today.
    Today,
    /// The beginning of yesterday.
    Yesterday,
    /// This moment.
    Now,
}

/// Which end of a range a time is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bound {
    /// It begins there.
    Since,
    /// It ends there.
    Until,
}

impl FromStr for When {
    type Err = WhenError;

    fn from_str(text: &str) -> Result<Self, WhenError> {
        let whole = text.trim();
        let said = match whole {
            "now" => Some(Self::Now),
            "today" => Some(Self::Today),
            "yesterday" => Some(Self::Yesterday),
            _ => match whole.strip_prefix('-') {
                Some(ago) => span(ago),
                None => moment(whole).or_else(|| span(whole)),
            },
        };
        said.ok_or_else(|| WhenError::Unknown {
            text: text.to_owned(),
        })
    }
}

fn moment(text: &str) -> Option<When> {
    let day = || text.parse().map(When::Day);
    let at = || text.parse().map(When::At);
    let civil = || text.parse().map(When::Civil);
    let clock = || text.parse().map(When::Clock);
    match (text.len(), text.contains(':')) {
        // A date with a time begins with a date as well: what is longer is asked first.
        (DATE, false) => day().ok(),
        (_, true) => at().or_else(|_| civil()).or_else(|_| clock()).ok(),
        _ => None,
    }
}

fn span(text: &str) -> Option<When> {
    let span = text.parse::<Span>().ok()?;
    // `15m ago` is the same.
    Some(When::Ago(span.abs()))
}

impl When {
    /// Works out which moment is meant, in nanoseconds since 1970.
    ///
    /// # Errors
    /// [`WhenError`] if there is no such time.
    pub(super) fn resolve(&self, now: &ZonedDateTime, bound: Bound) -> Result<u64, WhenError> {
        let timestamp = self
            .timestamp(now, bound)
            .map_err(|_| WhenError::NoSuchTime)?;
        // What is before 1970 is before every line; what is after 2554, behind every one.
        let nanos = timestamp.as_nanosecond().max(0);
        Ok(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    fn timestamp(&self, now: &ZonedDateTime, bound: Bound) -> Result<Timestamp, jiff::Error> {
        let begins = |day: Date| day.to_zoned_datetime(now.time_zone().clone());
        let zoned = match self {
            Self::At(timestamp) => return Ok(*timestamp),
            Self::Now => return Ok(now.timestamp()),
            Self::Ago(span) => now.checked_sub(*span)?,
            Self::Civil(civil) => civil.to_zoned_datetime(now.time_zone().clone())?,
            Self::Day(day) => begins(*day)?,
            Self::Today => begins(now.date())?,
            Self::Yesterday => begins(now.date().yesterday()?)?,
            Self::Clock(time) => {
                let of = |day: Date| {
                    day.to_datetime(*time)
                        .to_zoned_datetime(now.time_zone().clone())
                };
                let today = of(now.date())?;
                match bound {
                    Bound::Since if today > *now => of(now.date().yesterday()?)?,
                    _ => today,
                }
            }
        };
        Ok(zoned.timestamp())
    }
}

/// A time that nobody understands. The user is at fault.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(super) enum WhenError {
    /// It is written in no known way.
    #[error(
        "{text:?} is no time: use 15m or 2h30m for so long ago, 10:27, today, yesterday, 2027-02-11 \
         or 2027-02-11T10:27:00Z"
    )]
    Unknown {
        /// What was written.
        text: String,
    },
    /// The calendar has no such time.
    #[error("the calendar has no such time")]
    NoSuchTime,
}

/// `2027-02-11`.
const DATE: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::tz::TimeZone;

    /// 16:00 in Berlin, on the day after the clocks there went forward.
    fn now() -> ZonedDateTime {
        let berlin = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
        "2027-03-29T14:00:00Z"
            .parse::<Timestamp>()
            .unwrap()
            .to_zoned_datetime(berlin)
    }

    #[track_caller]
    fn check(text: &str, bound: Bound, expected: &str) {
        let nanos = text
            .parse::<When>()
            .unwrap()
            .resolve(&now(), bound)
            .unwrap();
        let timestamp = Timestamp::from_nanosecond(nanos.into()).unwrap();
        assert_eq!(timestamp.to_string(), expected, "{text}");
    }

    #[test]
    fn times_are_understood_as_people_say_them() {
        for (text, moment) in [
            ("now", "2027-03-29T14:00:00Z"),
            ("15m", "2027-03-29T13:45:00Z"),
            ("-15m", "2027-03-29T13:45:00Z"),
            ("2h30m", "2027-03-29T11:30:00Z"),
            ("90 s", "2027-03-29T13:58:30Z"),
            ("1d", "2027-03-28T14:00:00Z"),
            ("1d ago", "2027-03-28T14:00:00Z"),
            ("today", "2027-03-28T22:00:00Z"),
            ("yesterday", "2027-03-27T23:00:00Z"),
            ("2027-03-28", "2027-03-27T23:00:00Z"),
            ("2027-03-29T10:27", "2027-03-29T08:27:00Z"),
            ("2027-03-29 10:27:30.5", "2027-03-29T08:27:30.5Z"),
            ("2027-03-29T10:27:00Z", "2027-03-29T10:27:00Z"),
            ("2027-03-29T10:27:00+05:30", "2027-03-29T04:57:00Z"),
            ("10:27", "2027-03-29T08:27:00Z"),
            ("10:27:30", "2027-03-29T08:27:30Z"),
            ("1969-12-31T00:00:00Z", "1970-01-01T00:00:00Z"),
            ("2999-01-01", "2554-07-21T23:34:33.709551615Z"),
        ] {
            check(text, Bound::Since, moment);
        }
    }

    #[test]
    fn a_time_of_the_day_that_is_yet_to_come_is_yesterdays_where_the_past_is_wanted() {
        check("23:50", Bound::Since, "2027-03-28T21:50:00Z");
        check("23:50", Bound::Until, "2027-03-29T21:50:00Z");
    }

    #[test]
    fn what_is_no_time_is_refused_with_what_would_be() {
        for text in [
            "",
            "-",
            "15",
            "soon",
            "25:00",
            "2027-02-30",
            "-10:27",
            "10:27 yesterday",
            "15m!",
        ] {
            let error = text.parse::<When>().unwrap_err().to_string();
            assert!(
                error.contains("is no time: use 15m or 2h30m"),
                "{text}: {error}"
            );
        }
        let long_ago = "19000y".parse::<When>().unwrap();
        assert_eq!(
            long_ago.resolve(&now(), Bound::Since),
            Err(WhenError::NoSuchTime)
        );
    }
}
