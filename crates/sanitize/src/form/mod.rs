//! Says whether a value is written as its kind is, byte by byte: in SQLite a column's type holds
//! nobody to it, and a telephone number has no other letters than a day has.

use crate::ValueKind;

/// Says whether a value has the form of its kind, so that it can be nothing else. What has not is
/// not wrong, only unknown.
pub(crate) fn is_of_kind(kind: &ValueKind, value: &str) -> bool {
    match kind {
        ValueKind::Boolean => is_boolean(value),
        ValueKind::Integer => is_integer(value),
        ValueKind::Decimal => is_decimal(value),
        ValueKind::Date | ValueKind::Timestamp => is_moment(value),
        ValueKind::Time => is_time(value),
        ValueKind::Uuid => is_uuid(value),
        // Kinds with words in them; a search keeps all that is of them.
        ValueKind::Interval | ValueKind::Enum => false,
        // Text of any form is theirs.
        ValueKind::Text
        | ValueKind::Json
        | ValueKind::Bytes
        | ValueKind::Network
        | ValueKind::Array(_)
        | ValueKind::Opaque => true,
    }
}

/// `42`, `-7`.
pub(crate) fn is_integer(value: &str) -> bool {
    let mut rest = Rest::of(value);
    rest.sign();
    rest.digits() > 0 && rest.is_empty()
}

/// `1.50`, `.5`, `-1e-5`, and what PostgreSQL has beside numbers: `NaN`, `-Infinity`.
pub(crate) fn is_decimal(value: &str) -> bool {
    let mut rest = Rest::of(value);
    rest.sign();
    if matches!(rest.0, b"NaN" | b"Infinity" | b"inf" | b"Inf") {
        return true;
    }
    let mut digits = rest.digits();
    if rest.take(b'.') {
        digits += rest.digits();
    }
    if digits == 0 {
        return false;
    }
    if rest.take(b'e') || rest.take(b'E') {
        rest.sign();
        digits = rest.digits();
    }
    digits > 0 && rest.is_empty()
}

/// `2024-01-15`, `2024-01-15 10:30:00.123456+00`, `0044-03-15 BC`, `infinity`.
pub(crate) fn is_moment(value: &str) -> bool {
    let mut rest = Rest::of(value);
    if matches!(rest.0, b"infinity" | b"-infinity") {
        return true;
    }
    if !rest.day() {
        return false;
    }
    let apart = rest.take(b'T') || (!rest.is(b" BC") && rest.take(b' '));
    if apart && !rest.time() {
        return false;
    }
    rest.is_empty() || rest.is(b" BC")
}

fn is_time(value: &str) -> bool {
    let mut rest = Rest::of(value);
    rest.time() && rest.is_empty()
}

/// As PostgreSQL and SQLite write it, and as people write it into SQLite.
fn is_boolean(value: &str) -> bool {
    let words = [
        "t", "f", "true", "false", "1", "0", "y", "n", "yes", "no", "on", "off",
    ];
    words.iter().any(|word| value.eq_ignore_ascii_case(word))
}

/// `550e8400-e29b-41d4-a716-446655440000`.
fn is_uuid(value: &str) -> bool {
    let is_placed = |(at, byte): (usize, u8)| match at {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    };
    value.len() == 36 && value.bytes().enumerate().all(is_placed)
}

/// What is left to read of a value.
struct Rest<'v>(&'v [u8]);

impl<'v> Rest<'v> {
    fn of(value: &'v str) -> Self {
        Self(value.as_bytes())
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn is(&self, rest: &[u8]) -> bool {
        self.0 == rest
    }

    fn take(&mut self, byte: u8) -> bool {
        let taken = self.0.first() == Some(&byte);
        self.0 = &self.0[usize::from(taken)..];
        taken
    }

    fn sign(&mut self) -> bool {
        self.take(b'-') || self.take(b'+')
    }

    /// Takes digits, and returns how many there were.
    fn digits(&mut self) -> usize {
        let count = self
            .0
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        self.0 = &self.0[count..];
        count
    }

    /// Takes two digits of a number from `least` to `most`.
    fn two(&mut self, least: u8, most: u8) -> bool {
        let Some((&[tens, ones], rest)) = self.0.split_first_chunk() else {
            return false;
        };
        if !tens.is_ascii_digit() || !ones.is_ascii_digit() {
            return false;
        }
        self.0 = rest;
        (least..=most).contains(&((tens - b'0') * 10 + ones - b'0'))
    }

    /// Takes a day of a year of four digits, or of more where four do not do.
    fn day(&mut self) -> bool {
        let padded = self.0.first() == Some(&b'0');
        let year = self.digits();
        let is_year = year == 4 || (!padded && (5..=LONGEST_YEAR).contains(&year));
        is_year && self.take(b'-') && self.two(1, 12) && self.take(b'-') && self.two(1, 31)
    }

    /// Takes a time of day, with its zone if it has one.
    fn time(&mut self) -> bool {
        // PostgreSQL has an hour 24 and a second 60.
        if !(self.two(0, 24) && self.take(b':') && self.two(0, 59)) {
            return false;
        }
        if self.take(b':') && !self.second() {
            return false;
        }
        if self.take(b'Z') || !self.sign() {
            return true;
        }
        // The widest offset in use is 14 hours; PostgreSQL takes up to 15:59:59.
        let mut zone = self.two(0, 15);
        for _ in ["minutes", "seconds"] {
            if zone && !self.is_empty() && !self.is(b" BC") {
                self.take(b':');
                zone = self.two(0, 59);
            }
        }
        zone
    }

    fn second(&mut self) -> bool {
        let whole = self.two(0, 60);
        let fraction = !self.take(b'.') || (1..=LONGEST_FRACTION).contains(&self.digits());
        whole && fraction
    }
}

/// PostgreSQL's days end in the year 5874897.
const LONGEST_YEAR: usize = 7;

/// Nanoseconds; databases stop at micro.
const LONGEST_FRACTION: usize = 9;

#[cfg(test)]
mod tests;
