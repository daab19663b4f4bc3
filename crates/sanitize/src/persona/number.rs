//! Numbers that a bank or a state knows somebody by, with check digits that hold.

use super::{Draw, Pseudonyms, Room};
use crate::Persona;
use crate::checks::{luhn_digit, luhn_holds, mod97_digits};

/// Appends a card number that passes Luhn's check, from the ranges that payment processors use for
/// their tests.
pub(super) fn write_card(pseudonyms: &Pseudonyms, value: &str, room: Room, out: &mut String) {
    let value = value.trim();
    let digits = digits_of(value);
    if is_our_card(digits.as_bytes()) {
        out.push_str(value);
        return;
    }
    let mut draw = pseudonyms.draw(Persona::Card, &digits);
    if room.unique() {
        out.push_str(&format!("{TEST_CARD}{:020}", draw.wide() % 10_u128.pow(20)));
        return;
    }
    let length = if (13..=19).contains(&digits.len()) {
        digits.len()
    } else {
        16
    };
    let mut number = if length == 15 { TEST_AMEX } else { TEST_CARD }.to_owned();
    while number.len() < length - 1 {
        number.push(draw.digit());
    }
    number.push(char::from(luhn_digit(number.as_bytes())));
    if length == digits.len() && value.chars().all(|c| !c.is_alphabetic()) {
        write_shaped(value, &number, out);
    } else {
        out.push_str(&number);
    }
}

/// Says whether a card's digits are a pseudonym's.
pub(crate) fn is_our_card(digits: &[u8]) -> bool {
    (13..=19).contains(&digits.len())
        && (digits.starts_with(TEST_CARD.as_bytes()) || digits.starts_with(TEST_AMEX.as_bytes()))
        && luhn_holds(digits)
}

/// Appends an account number that passes the check of its kind, of the same country and length, at
/// a bank of number zero.
pub(super) fn write_iban(pseudonyms: &Pseudonyms, value: &str, room: Room, out: &mut String) {
    let account: String = value
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_uppercase())
        .collect();
    if is_our_iban(account.as_bytes()) {
        out.push_str(value.trim());
        return;
    }
    let mut draw = pseudonyms.draw(Persona::Iban, &account);
    let (country, length) = match *account.as_bytes() {
        [a @ b'A'..=b'Z', b @ b'A'..=b'Z', ..] if (15..=34).contains(&account.len()) => {
            ([a, b], account.len())
        }
        // XX is kept by ISO 3166 for whoever needs a country that is none.
        _ => (*b"XX", 22),
    };
    let mut bban = NO_BANK.to_owned();
    if room.unique() {
        bban.push_str(&draw.token().as_str().to_ascii_uppercase());
    } else {
        while bban.len() < length - 4 {
            bban.push(draw.digit());
        }
    }
    let [tens, ones] = mod97_digits(country, bban.as_bytes()).map(char::from);
    let [a, b] = country.map(char::from);
    let whole = format!("{a}{b}{tens}{ones}{bban}");
    if whole.len() == account.len() {
        write_shaped(value.trim(), &whole, out);
    } else {
        out.push_str(&whole);
    }
}

/// Says whether an account is at the bank that does not exist.
pub(crate) fn is_our_iban(account: &[u8]) -> bool {
    account.len() >= 15 && account[4..].starts_with(NO_BANK.as_bytes())
}

/// Appends a number of the same shape: digits for digits, letters for letters. Six digits and more
/// begin with 000, which no American social security number does.
pub(super) fn write_national_id(
    pseudonyms: &Pseudonyms,
    value: &str,
    room: Room,
    out: &mut String,
) {
    let value = value.trim();
    let plain: String = value
        .chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_uppercase)
        .collect();
    let mut draw = pseudonyms.draw(Persona::NationalId, &plain);
    if room.unique() {
        out.push_str(&format!("000{:020}", draw.wide() % 10_u128.pow(20)));
        return;
    }
    let zeros = if digits_of(value).len() >= 6 { 3 } else { 0 };
    let mut seen = 0;
    for c in value.chars() {
        if c.is_ascii_digit() {
            out.push(if seen < zeros { '0' } else { draw.digit() });
            seen += 1;
        } else if c.is_alphanumeric() {
            let letter = draw.letter();
            out.push(if c.is_lowercase() {
                letter.to_ascii_lowercase()
            } else {
                letter
            });
        } else {
            out.push(c);
        }
    }
}

/// Appends a whole number that says nothing, of as many digits; led by a one, it fits wherever
/// the value fits.
pub(super) fn write_integer(mut draw: Draw, value: &str, room: Room, out: &mut String) {
    if room.unique() {
        out.push_str(&small_number(&draw, value));
        return;
    }
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    out.push('1');
    for _ in 1..digits {
        out.push(draw.digit());
    }
}

/// Returns a number with as many bits of the MAC as the smallest column that could hold `value`.
pub(crate) fn small_number(draw: &Draw, value: &str) -> String {
    let limit: u128 = match value.trim().parse::<i64>().map(i64::unsigned_abs) {
        Ok(number) if number <= i16::MAX.unsigned_abs().into() => i16::MAX as u128,
        Ok(number) if number <= i32::MAX.unsigned_abs().into() => i32::MAX as u128,
        _ => i64::MAX as u128,
    };
    (draw.wide() % limit).to_string()
}

/// Returns a value's digits.
pub(super) fn digits_of(value: &str) -> String {
    value.chars().filter(char::is_ascii_digit).collect()
}

/// Appends `number`, of as many letters and digits as `shape` has, with what stands between them.
pub(super) fn write_shaped(shape: &str, number: &str, out: &mut String) {
    let mut number = number.chars();
    for c in shape.chars() {
        if c.is_ascii_alphanumeric() {
            out.extend(number.next());
        } else {
            out.push(c);
        }
    }
}

/// The first digits of the processors' test cards, and of American Express's.
const TEST_CARD: &str = "424242";
const TEST_AMEX: &str = "378282";

/// What begins the part behind the check digits: no bank has the number zero.
const NO_BANK: &str = "00000";
