//! Finds payment cards, bank accounts and social security numbers.

use std::ops::Range;

use super::groups::{Groups, starts};
use super::{Claims, What, begins_word, ends_word, word_before};
use crate::Persona;
use crate::checks::{is_issued_card, luhn_holds, mod97_holds};
use crate::persona::{is_our_card, is_our_iban};

/// Claims every number that its form and its check digits give away.
pub(super) fn find(text: &str, claims: &mut Claims) {
    for start in starts(text) {
        if let Some((what, range)) = iban(text, start) {
            claims.claim(what, range);
            continue;
        }
        let groups = Groups::at(text, start);
        if let Some((what, range)) = card(&groups).or_else(|| social_security(text, &groups)) {
            claims.claim(what, range);
        }
    }
}

/// A card has known first digits, a length that goes with them, and Luhn's check digit. Without
/// all three, one in ten of any numbers would be one.
fn card(groups: &Groups<'_>) -> Option<(What, Range<usize>)> {
    let forms: [&[usize]; 8] =
        [&[4, 4, 4, 4, 3], &[4, 4, 4, 4], &[4, 6, 5], &[4, 6, 4], &[14], &[15], &[16], &[19]];
    let count = forms.iter().find(|form| groups.begin_with(form))?.len();
    let mut buffer = [0; 19];
    let digits = groups.copy(count, &mut buffer)?;
    let joined = (0..count - 1).all(|at| groups.between(at).chars().count() == 1);
    let lead = groups.start();
    if !joined || !groups.stand_alone(lead, count) || !is_issued_card(digits) || !luhn_holds(digits) {
        return None;
    }
    let what = if is_our_card(digits) { What::Nobody } else { What::Personal(Persona::Card) };
    Some((what, groups.range(lead, count)))
}

/// The form of a social security number, whose parts have values that were given out; or nine
/// digits that are called one.
fn social_security(text: &str, groups: &Groups<'_>) -> Option<(What, Range<usize>)> {
    let mut buffer = [0; 19];
    let formed = groups.begin_with(&[3, 2, 4])
        && groups.between(0) == groups.between(1)
        && matches!(groups.between(0), "-" | " " | "\u{2011}" | "\u{2013}" | "\u{a0}");
    let count = if formed { 3 } else { 1 };
    let digits = groups.copy(count, &mut buffer)?;
    let lead = groups.start();
    let called = || matches!(text[word_before(text, lead)].to_ascii_lowercase().as_str(), "ssn" | "security");
    let issued = digits.len() == 9
        && !digits.starts_with(b"000")
        && !digits.starts_with(b"666")
        && !digits.starts_with(b"9")
        && &digits[3..5] != b"00"
        && &digits[5..] != b"0000";
    (issued && (formed || called()) && groups.stand_alone(lead, count))
        .then(|| (What::Personal(Persona::NationalId), groups.range(lead, count)))
}

/// A bank account: a country, its length, and check digits that hold, spaces between or not.
fn iban(text: &str, digits: usize) -> Option<(What, Range<usize>)> {
    let bytes = text.as_bytes();
    let start = digits.checked_sub(2)?;
    let country = [bytes[start].to_ascii_uppercase(), bytes[start + 1].to_ascii_uppercase()];
    let length = IBAN_LENGTHS.iter().find(|(of, _)| **of == country)?.1;
    if !begins_word(bytes, start) {
        return None;
    }
    let mut account = [0; LONGEST_IBAN];
    let (mut taken, mut at) = (0, start);
    while taken < length {
        match *bytes.get(at)? {
            b' ' | b'-' if bytes[at - 1].is_ascii_alphanumeric() => {}
            byte if byte.is_ascii_alphanumeric() => {
                account[taken] = byte;
                taken += 1;
            }
            _ => return None,
        }
        at += 1;
    }
    let account = &account[..length];
    if !ends_word(bytes, at) || !mod97_holds(account) {
        return None;
    }
    let what = if is_our_iban(account) { What::Nobody } else { What::Personal(Persona::Iban) };
    Some((what, start..at))
}

/// The registry allows 34; the longest in use has 33.
const LONGEST_IBAN: usize = 34;

/// How long an account is in each country of the IBAN registry.
const IBAN_LENGTHS: &[(&[u8; 2], usize)] = &[
    (b"AD", 24), (b"AE", 23), (b"AL", 28), (b"AT", 20), (b"AZ", 28), (b"BA", 20),
    (b"BE", 16), (b"BG", 22), (b"BH", 22), (b"BI", 27), (b"BR", 29), (b"BY", 28),
    (b"CH", 21), (b"CR", 22), (b"CY", 28), (b"CZ", 24), (b"DE", 22), (b"DJ", 27),
    (b"DK", 18), (b"DO", 28), (b"EE", 20), (b"EG", 29), (b"ES", 24), (b"FI", 18),
    (b"FK", 18), (b"FO", 18), (b"FR", 27), (b"GB", 22), (b"GE", 22), (b"GI", 23),
    (b"GL", 18), (b"GR", 27), (b"GT", 28), (b"HN", 28), (b"HR", 21), (b"HU", 28),
    (b"IE", 22), (b"IL", 23), (b"IQ", 23), (b"IS", 26), (b"IT", 27), (b"JO", 30),
    (b"KW", 30), (b"KZ", 20), (b"LB", 28), (b"LC", 32), (b"LI", 21), (b"LT", 20),
    (b"LU", 20), (b"LV", 21), (b"LY", 25), (b"MC", 27), (b"MD", 24), (b"ME", 22),
    (b"MK", 19), (b"MN", 20), (b"MR", 27), (b"MT", 31), (b"MU", 30), (b"NI", 28),
    (b"NL", 18), (b"NO", 15), (b"OM", 23), (b"PK", 24), (b"PL", 28), (b"PS", 29),
    (b"PT", 25), (b"QA", 29), (b"RO", 24), (b"RS", 22), (b"RU", 33), (b"SA", 24),
    (b"SC", 31), (b"SD", 18), (b"SE", 24), (b"SI", 19), (b"SK", 24), (b"SM", 27),
    (b"SO", 23), (b"ST", 25), (b"SV", 28), (b"TL", 23), (b"TN", 24), (b"TR", 26),
    (b"UA", 29), (b"VA", 22), (b"VG", 24), (b"XK", 20), (b"YE", 30),
];
