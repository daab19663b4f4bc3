//! Numbers as people read them.

use std::time::Duration;

/// Writes a count with its thousands apart: `20,000`.
#[must_use]
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// Writes a count and its noun: `1 row`, `20,000 rows`.
#[must_use]
pub fn counted(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", count(number))
}

/// Writes an amount of bytes in decimal units: `512 B`, `1.2 MB`.
#[must_use]
pub fn bytes(number: u64) -> String {
    let Some(power) = number
        .checked_ilog10()
        .map(|digits| digits / 3)
        .filter(|&power| power > 0)
    else {
        return format!("{number} B");
    };
    let unit = ["kB", "MB", "GB", "TB", "PB", "EB"][power as usize - 1];
    // Tenths: a double holds them exactly enough for a person.
    let tenths = number / 10_u64.pow(power * 3 - 1);
    format!("{}.{} {unit}", tenths / 10, tenths % 10)
}

/// Writes a time: `340 µs`, `2.5 ms`, `1.2 s`, `2 min 5 s`, `3 d 4 h`.
#[must_use]
pub fn time(time: Duration) -> String {
    let seconds = time.as_secs();
    let two = |big: u64, big_unit: &str, small: u64, small_unit: &str| match small {
        0 => format!("{big} {big_unit}"),
        _ => format!("{big} {big_unit} {small} {small_unit}"),
    };
    match seconds {
        0 if time.as_micros() < 1000 => format!("{} µs", time.as_micros()),
        0 => format!("{:.1} ms", time.as_secs_f64() * 1e3),
        1..MINUTE => format!("{:.1} s", time.as_secs_f64()),
        MINUTE..HOUR => two(seconds / MINUTE, "min", seconds % MINUTE, "s"),
        HOUR..DAY => two(seconds / HOUR, "h", seconds % HOUR / MINUTE, "min"),
        _ => two(seconds / DAY, "d", seconds % DAY / HOUR, "h"),
    }
}

/// Writes for how long something has been so: fractions of a second are of no interest.
#[must_use]
pub fn since(time: Duration) -> String {
    match time.as_secs() {
        0 => "less than a second".to_owned(),
        seconds => self::time(Duration::from_secs(seconds)),
    }
}

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_stand_apart() {
        for (number, shown) in [
            (0, "0"),
            (999, "999"),
            (1000, "1,000"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(count(number), shown);
        }
        assert_eq!(
            (counted(1, "row"), counted(2000, "row")),
            ("1 row".into(), "2,000 rows".into())
        );
    }

    #[test]
    fn bytes_have_the_unit_that_fits() {
        for (number, shown) in [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1.0 kB"),
            (1_250_000, "1.2 MB"),
            (u64::MAX, "18.4 EB"),
        ] {
            assert_eq!(bytes(number), shown);
        }
    }

    #[test]
    fn times_have_two_units_at_most() {
        for (millis, shown) in [
            (0, "0 µs"),
            (2, "2.0 ms"),
            (1200, "1.2 s"),
            (60_000, "1 min"),
            (125_000, "2 min 5 s"),
            (3_600_000 * 76, "3 d 4 h"),
        ] {
            assert_eq!(time(Duration::from_millis(millis)), shown);
        }
    }
}
