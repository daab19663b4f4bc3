//! Telephone numbers that ring nowhere: `555-01xx`, which North America keeps for fiction, and
//! `+999`, the country code that belongs to no country.

use super::number::{digits_of, small_number, write_shaped};
use super::{Draw, Pseudonyms, Room};
use crate::Persona;

/// Appends the pseudonym of a number, in the shape that it was written in.
pub(super) fn write(pseudonyms: &Pseudonyms, value: &str, room: Room, out: &mut String) {
    let value = value.trim();
    if is_ours(value) {
        out.push_str(value);
        return;
    }
    let digits = digits_of(value);
    let mut draw = pseudonyms.draw(Persona::Phone, subscriber(&digits));
    if room.unique() {
        // No numbering plan has room for 64 bits; a text column mostly has, so the number is
        // longer than any that can be dialled.
        out.push_str(&format!("+999{:020}", draw.wide() % 10_u128.pow(20)));
    } else if digits.len() < SHORTEST || !value.chars().all(is_punctuation) {
        let number = Plan::America.number(10, &mut draw);
        out.push_str(&format!(
            "+1 {} {} {}",
            &number[..3],
            &number[3..6],
            &number[6..]
        ));
    } else {
        let number = Plan::of(value, &digits).number(digits.len(), &mut draw);
        write_shaped(value, &number, out);
    }
}

/// Appends the pseudonym of a number in a column of whole numbers: no larger than its like.
pub(super) fn write_integer(pseudonyms: &Pseudonyms, value: &str, room: Room, out: &mut String) {
    let digits = digits_of(value);
    let mut draw = pseudonyms.draw(Persona::Phone, subscriber(&digits));
    if room.unique() || digits.len() < SHORTEST {
        out.push_str(&small_number(&draw, value));
    } else if is_american(&digits) {
        // Area codes from 201 to 213 keep ten digits within 32 bits.
        let area = 201 + draw.below(13);
        out.push_str(&format!("{area}55501{}{}", draw.digit(), draw.digit()));
    } else {
        // 18 digits are what 64 bits always hold.
        out.push_str(&Plan::International.number(digits.len().min(18), &mut draw));
    }
}

/// Says whether a number is a pseudonym, or anybody's fiction.
pub(crate) fn is_ours(value: &str) -> bool {
    let digits = digits_of(value);
    let fiction = |number: &str| number.starts_with("55501");
    match digits.len() {
        _ if value.starts_with('+') && digits.starts_with("999") => true,
        _ if digits.starts_with("00999") => true,
        7 => fiction(&digits),
        10 => is_american(&digits) && fiction(&digits[3..]),
        11 => digits.starts_with('1') && is_american(&digits[1..]) && fiction(&digits[4..]),
        _ => false,
    }
}

/// Says whether ten digits have the form of a North American number.
pub(crate) fn is_american(digits: &str) -> bool {
    let at = |index: usize| digits.as_bytes()[index];
    digits.len() == 10
        && at(0) >= b'2'
        && at(1) != b'9'
        && at(3) >= b'2'
        // 211 to 911 are services.
        && &digits[1..3] != "11"
        && &digits[4..6] != "11"
}

/// The part of the numbering plan that a number is from, by which an unassigned one is chosen.
#[derive(Clone, Copy)]
enum Plan {
    /// Ten digits in North America.
    America,
    /// The same behind their country code.
    AmericaWithCode,
    /// Seven digits in one area of North America.
    Local,
    /// Behind a plus.
    International,
    /// Anything else. It gets what a caller abroad would dial for `+999`: 00 begins nobody's
    /// national number where it leads abroad.
    National,
}

impl Plan {
    fn of(value: &str, digits: &str) -> Self {
        match digits.len() {
            11 if digits.starts_with('1') && is_american(&digits[1..]) => Self::AmericaWithCode,
            _ if value.contains('+') => Self::International,
            10 if is_american(digits) => Self::America,
            7 => Self::Local,
            _ => Self::National,
        }
    }

    /// Returns an unassigned number of `length` digits.
    fn number(self, length: usize, draw: &mut Draw) -> String {
        let mut number = match self {
            Self::America => area(draw) + "55501",
            Self::AmericaWithCode => "1".to_owned() + &area(draw) + "55501",
            Self::Local => "55501".to_owned(),
            Self::International => "999".to_owned(),
            Self::National => "00999".to_owned(),
        };
        while number.len() < length {
            number.push(draw.digit());
        }
        number
    }
}

/// Returns an area code that is neither a service nor kept for later.
fn area(draw: &mut Draw) -> String {
    let [first, second, third] = [2 + draw.below(8), draw.below(9), 2 + draw.below(8)];
    format!("{first}{second}{third}")
}

/// Returns the digits that a subscriber is told by, whether or not the country is written: with
/// them `+1 212 555 0199` and `(212) 555-0199` get the same number.
fn subscriber(digits: &str) -> &str {
    match digits.strip_prefix('1') {
        Some(number) if is_american(number) => number,
        _ => digits,
    }
}

/// What stands between digits; anything else in a value might be somebody's name.
fn is_punctuation(c: char) -> bool {
    c.is_ascii_digit() || matches!(c, ' ' | '+' | '-' | '.' | '/' | '(' | ')' | '\u{a0}')
}

/// Fewer digits than any subscriber has.
const SHORTEST: usize = 7;
