//! The times that lines carry, in nanoseconds since 1970.

/// Reads a whole text as a time: RFC 3339 or near it, or a number since 1970.
pub(in crate::logs) fn read(text: &str) -> Option<u64> {
    if let Some((time, rest)) = leading(text) {
        return rest.is_empty().then_some(time);
    }
    match text.parse::<u64>() {
        Ok(number) => number.checked_mul(unit(number as f64)),
        Err(_) => fraction(text),
    }
}

/// Splits a time from a text that begins with one: date, `T` or a space, time of day, fraction
/// and zone if there are any. Without a zone it is UTC, as servers' clocks are.
pub(super) fn leading(text: &str) -> Option<(u64, &str)> {
    let (date, rest) = text.split_at_checked(10)?;
    let days = date_days(date.as_bytes())?;
    of_day(days, rest.strip_prefix(['T', 't', ' '])?)
}

/// Splits a time from a text that begins with one as web servers write it:
/// `02/Jan/2026:03:04:05 +0000`; Django's has a space in the middle.
pub(super) fn of_web_server(text: &str) -> Option<(u64, &str)> {
    let (date, rest) = text.split_at_checked(11)?;
    let &[d0, d1, b'/', m0, m1, m2, b'/', y0, y1, y2, y3] = date.as_bytes() else {
        return None;
    };
    let month = month([m0, m1, m2])?;
    let days = days(digits(&[y0, y1, y2, y3])?, month, digits(&[d0, d1])?)?;
    of_day(days, rest.strip_prefix([':', ' '])?)
}

/// Splits a time from a text that begins with one as syslog had it before it had years:
/// `Jan  2 03:04:05`.
pub(super) fn without_year(text: &str, now: u64) -> Option<(u64, &str)> {
    let (date, rest) = text.split_at_checked(7)?;
    let &[m0, m1, m2, b' ', d0, d1, b' '] = date.as_bytes() else {
        return None;
    };
    let tens = if d0 == b' ' { b'0' } else { d0 };
    recent(month([m0, m1, m2])?, digits(&[tens, d1])?, rest, now)
}

/// Splits a time from a text that begins with one as Google's loggers have it: `0102 03:04:05.678`.
pub(super) fn of_google(text: &str, now: u64) -> Option<(u64, &str)> {
    let (date, rest) = text.split_at_checked(5)?;
    let &[m0, m1, d0, d1, b' '] = date.as_bytes() else {
        return None;
    };
    recent(digits(&[m0, m1])?, digits(&[d0, d1])?, rest, now)
}

/// Splits a time of day, `03:04:05.678`, from a text that begins with one, and forgets it: without
/// a date and a zone it is none.
pub(super) fn clock(text: &str) -> Option<&str> {
    let (clock, rest) = text.split_at_checked(8)?;
    clock_seconds(clock.as_bytes())?;
    Some(nanos(rest).1)
}

/// Reads a time without a year: it is in this one, unless that would be in the future.
fn recent(month: u64, day: u64, clock: &str, now: u64) -> Option<(u64, &str)> {
    let year = year_of(now);
    let of = |year| of_day(days(year, month, day)?, clock);
    match of(year) {
        // Clocks differ, and so do zones, of which nothing is said.
        Some((time, rest)) if time <= now.saturating_add(DAY) => Some((time, rest)),
        _ => of(year.checked_sub(1)?),
    }
}

/// Reads on behind a date: time of day, fraction and zone if there are any.
fn of_day(days: u64, text: &str) -> Option<(u64, &str)> {
    let (clock, rest) = text.split_at_checked(8)?;
    let seconds = clock_seconds(clock.as_bytes())?;
    let (nanos, rest) = nanos(rest);
    let (offset, rest) = zone(rest)?;
    let ends = |c: char| c.is_whitespace() || matches!(c, ',' | ']');
    if !rest.is_empty() && !rest.starts_with(ends) {
        return None;
    }
    let seconds = i64::try_from(days * 86_400 + seconds).ok()? - offset;
    let nanos = u64::try_from(seconds)
        .ok()?
        .checked_mul(1_000_000_000)?
        .checked_add(nanos)?;
    Some((nanos, rest))
}

/// A number that has a fraction, as zap writes it.
fn fraction(text: &str) -> Option<u64> {
    let number: f64 = text.parse().ok()?;
    let nanos = number * unit(number) as f64;
    // 2554, where 64 bits end; what is not a number is in no range.
    (0.0..1.8e19).contains(&nanos).then_some(nanos as u64)
}

/// Returns how many nanoseconds a number's unit has: its size tells, from 1973 to 5138.
fn unit(number: f64) -> u64 {
    match number {
        ..1e11 => 1_000_000_000,
        ..1e14 => 1_000_000,
        ..1e17 => 1_000,
        _ => 1,
    }
}

/// `2026-01-02`, in days since 1970; Go writes `2026/01/02`.
fn date_days(date: &[u8]) -> Option<u64> {
    let &[y0, y1, y2, y3, b'-' | b'/', m0, m1, b'-' | b'/', d0, d1] = date else {
        return None;
    };
    days(
        digits(&[y0, y1, y2, y3])?,
        digits(&[m0, m1])?,
        digits(&[d0, d1])?,
    )
}

/// Returns the month that three letters stand for, from 1.
fn month(letters: [u8; 3]) -> Option<u64> {
    let at = MONTHS.iter().position(|&known| *known == letters)?;
    Some(at as u64 + 1)
}

fn year_of(time: u64) -> u64 {
    let day = time / DAY;
    // A year has at least 365 days: the guess is the year or one of the next.
    let mut year = 1970 + day / 365;
    while days(year, 1, 1).is_some_and(|first| first > day) {
        year -= 1;
    }
    year
}

fn days(year: u64, month: u64, day: u64) -> Option<u64> {
    if year < 1970 || !(1..=31).contains(&day) {
        return None;
    }
    let before = BEFORE_MONTH.get(usize::try_from(month.checked_sub(1)?).ok()?)?;
    let leap_days = |year: u64| year / 4 - year / 100 + year / 400;
    // A year's own leap day counts from March on.
    let counted = if month > 2 { year } else { year - 1 };
    Some((year - 1970) * 365 + leap_days(counted) - leap_days(1969) + before + day - 1)
}

/// `03:04:05`, in seconds.
fn clock_seconds(clock: &[u8]) -> Option<u64> {
    let &[h0, h1, b':', m0, m1, b':', s0, s1] = clock else {
        return None;
    };
    let (hour, minute, second) = (digits(&[h0, h1])?, digits(&[m0, m1])?, digits(&[s0, s1])?);
    // A leap second is the next one.
    (hour < 24 && minute < 60 && second <= 60).then_some(hour * 3600 + minute * 60 + second)
}

/// Splits `.678` or `,678` from the rest.
fn nanos(text: &str) -> (u64, &str) {
    let Some(fraction) = text.strip_prefix(['.', ',']) else {
        return (0, text);
    };
    let end = fraction
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(fraction.len());
    let (fraction, rest) = fraction.split_at(end);
    let mut nanos = 0;
    let mut unit = 100_000_000;
    for digit in fraction.bytes() {
        nanos += u64::from(digit - b'0') * unit;
        unit /= 10;
    }
    (nanos, rest)
}

/// Splits `Z`, `+01:00`, `-0530` or nothing from the rest, in seconds ahead of UTC.
fn zone(text: &str) -> Option<(i64, &str)> {
    if let Some(rest) = text.strip_prefix(['Z', 'z']) {
        return Some((0, rest));
    }
    if let Some(rest) = text.strip_prefix(" UTC") {
        return Some((0, rest));
    }
    // A sign with a space before it is a zone only if four digits follow.
    let text = match text.as_bytes() {
        [b' ', b'+' | b'-', zone @ ..] if zone.len() >= 4 && digits(&zone[..4]).is_some() => {
            &text[1..]
        }
        _ => text,
    };
    let Some(offset) = text.strip_prefix(['+', '-']) else {
        return Some((0, text));
    };
    let (hours, rest) = offset.split_at_checked(2)?;
    let rest = rest.strip_prefix(':').unwrap_or(rest);
    let (minutes, rest) = rest.split_at_checked(2)?;
    let seconds = digits(hours.as_bytes())? * 3600 + digits(minutes.as_bytes())? * 60;
    let seconds = i64::try_from(seconds).ok()?;
    let ahead = if text.starts_with('-') {
        -seconds
    } else {
        seconds
    };
    Some((ahead, rest))
}

fn digits(text: &[u8]) -> Option<u64> {
    text.iter().try_fold(0, |number, byte| {
        byte.is_ascii_digit()
            .then(|| number * 10 + u64::from(byte - b'0'))
    })
}

/// The months as loggers write them.
const MONTHS: [&[u8; 3]; 12] = [
    b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec",
];

/// A day in nanoseconds.
const DAY: u64 = 86_400 * 1_000_000_000;

/// How many days of a common year are over before each month.
const BEFORE_MONTH: [u64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn dates_are_counted_in_days_with_leap_years() {
        // From `date -u +%s`.
        let seconds = |text| read(text).map(|nanos| nanos / SECOND);
        assert_eq!(seconds("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(seconds("2000-02-29T12:00:00Z"), Some(951_825_600));
        assert_eq!(seconds("2000-03-01T00:00:00Z"), Some(951_868_800));
        assert_eq!(seconds("2026-07-04T03:04:05Z"), Some(1_783_134_245));
        assert_eq!(seconds("2100-03-01T00:00:00Z"), Some(4_107_542_400));
    }

    #[test]
    fn fractions_and_zones_are_read() {
        let base = read("2026-07-04T03:04:05Z").unwrap();
        assert_eq!(read("2026-07-04 03:04:05,678"), Some(base + 678_000_000));
        assert_eq!(read("2026-07-04T03:04:05.000000001Z"), Some(base + 1));
        assert_eq!(read("2026-07-04T04:04:05+01:00"), Some(base));
        assert_eq!(read("2026-07-03T21:34:05-0530"), Some(base));
    }

    #[test]
    fn numbers_are_read_by_their_size() {
        let time = 1_783_134_245 * SECOND;
        for text in [
            "1783134245",
            "1783134245000",
            "1783134245000000",
            "1783134245000000000",
        ] {
            assert_eq!(read(text), Some(time), "{text}");
        }
        let zap = read("1783134245.5").unwrap();
        assert!(zap.abs_diff(time + SECOND / 2) < 1000, "{zap}");
    }

    #[test]
    fn times_of_other_programs_are_read() {
        let base = read("2026-07-04T03:04:05Z").unwrap();
        let web = of_web_server("04/Jul/2026:05:04:05 +0200] \"GET");
        assert_eq!(web, Some((base, "] \"GET")));
        let django = of_web_server("04/Jul/2026 03:04:05] x");
        assert_eq!(django, Some((base, "] x")));
        assert_eq!(leading("2026/07/04 03:04:05 x"), Some((base, " x")));
        assert_eq!(leading("2026-07-04 03:04:05 +0000] x"), Some((base, "] x")));
        assert_eq!(leading("2026-07-04 03:04:05 UTC [1]"), Some((base, " [1]")));
        assert_eq!(
            leading("2026-07-04 03:04:05 - name"),
            Some((base, " - name"))
        );
        assert_eq!(
            of_google("0704 03:04:05.5 7", base),
            Some((base + SECOND / 2, " 7"))
        );
    }

    #[test]
    fn a_time_without_a_year_is_the_last_that_was() {
        let now = read("2026-01-02T00:00:00Z").unwrap();
        let time = |text| without_year(text, now).map(|(time, _)| time);
        assert_eq!(time("Jan  1 23:00:00 host"), read("2026-01-01T23:00:00Z"));
        assert_eq!(time("Dec 31 23:00:00 host"), read("2025-12-31T23:00:00Z"));
        assert_eq!(time("Jan  2 03:00:00 host"), read("2026-01-02T03:00:00Z"));
        assert_eq!(time("Jam  2 03:00:00 host"), None);
        assert_eq!(year_of(read("2024-12-31T23:59:59Z").unwrap()), 2024);
        assert_eq!(year_of(0), 1970);
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "now",
            "-5",
            "NaN",
            "1e300",
            "2026-13-01T00:00:00Z",
            "2026-01-02",
            "1969-12-31T00:00:00Z",
            "2026-01-02T25:00:00Z",
            "2026-01-02T03:04:05Zulu",
            "1970-01-01T00:00:00+01:00",
            "ü026-01-02T03:04:05Z",
        ] {
            assert_eq!(read(text), None, "{text:?}");
        }
    }
}
