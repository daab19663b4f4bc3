//! Finds payment cards, bank accounts and social security numbers.

use std::ops::Range;

use super::bytes::starts;
use super::groups::{Groups, numbers};
use super::{Claims, What, ends_word, word_before};
use crate::Persona;
use crate::checks::{is_issued_card, luhn_holds, mod97_holds};
use crate::persona::{is_our_card, is_our_iban};

/// Claims every number that its form and its check digits give away.
pub(super) fn find(text: &str, claims: &mut Claims) {
    let bytes = text.as_bytes();
    for (start, length) in ibans(bytes) {
        if let Some((what, range)) = iban(bytes, start, length) {
            claims.claim(what, range);
        }
    }
    // Each from left to right, so that no claim goes in front of many.
    claims.settle();
    for groups in numbers(text) {
        if let Some((what, range)) = card(&groups).or_else(|| social_security(text, &groups)) {
            claims.claim(what, range);
        }
    }
}

/// Claims every payment card's number.
pub(super) fn find_cards(text: &str, claims: &mut Claims) {
    for groups in numbers(text) {
        if let Some((what, range)) = card(&groups) {
            claims.claim(what, range);
        }
    }
}

/// Returns where a bank account may begin, and how long it then is.
fn ibans(bytes: &[u8]) -> impl Iterator<Item = (usize, usize)> {
    starts(bytes).filter_map(|start| Some((start, iban_length(bytes, start)?)))
}

/// A card has known first digits, a length that goes with them, and Luhn's check digit. Without
/// all three, one in ten of any numbers would be one.
fn card(groups: &Groups<'_>) -> Option<(What, Range<usize>)> {
    let forms: [&[usize]; 8] = [
        &[4, 4, 4, 4, 3],
        &[4, 4, 4, 4],
        &[4, 6, 5],
        &[4, 6, 4],
        &[14],
        &[15],
        &[16],
        &[19],
    ];
    let count = forms.iter().find(|form| groups.begin_with(form))?.len();
    let mut buffer = [0; 19];
    let digits = groups.copy(count, &mut buffer)?;
    let joined = (0..count - 1).all(|at| groups.between(at).chars().count() == 1);
    let lead = groups.start();
    if !joined || !groups.stand_alone(lead, count) || !is_issued_card(digits) || !luhn_holds(digits)
    {
        return None;
    }
    let what = if is_our_card(digits) {
        What::Nobody
    } else {
        What::Personal(Persona::Card)
    };
    Some((what, groups.range(lead, count)))
}

/// The form of a social security number, whose parts have values that were given out; or nine
/// digits that are called one.
fn social_security(text: &str, groups: &Groups<'_>) -> Option<(What, Range<usize>)> {
    let mut buffer = [0; 19];
    let formed = groups.begin_with(&[3, 2, 4])
        && groups.between(0) == groups.between(1)
        && matches!(
            groups.between(0),
            "-" | " " | "\u{2011}" | "\u{2013}" | "\u{a0}"
        );
    let count = if formed { 3 } else { 1 };
    let digits = groups.copy(count, &mut buffer)?;
    let lead = groups.start();
    let called = || {
        matches!(
            text[word_before(text, lead)].to_ascii_lowercase().as_str(),
            "ssn" | "security"
        )
    };
    let issued = digits.len() == 9
        && !digits.starts_with(b"000")
        && !digits.starts_with(b"666")
        && !digits.starts_with(b"9")
        && &digits[3..5] != b"00"
        && &digits[5..] != b"0000";
    (issued && (formed || called()) && groups.stand_alone(lead, count)).then(|| {
        (
            What::Personal(Persona::NationalId),
            groups.range(lead, count),
        )
    })
}

/// A bank account: a country, its length, and check digits that hold, spaces between or not.
fn iban(bytes: &[u8], start: usize, length: usize) -> Option<(What, Range<usize>)> {
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
    let what = if is_our_iban(account) {
        What::Nobody
    } else {
        What::Personal(Persona::Iban)
    };
    Some((what, start..at))
}

/// Returns how long an account of the country is that the two letters at `start` name.
pub(super) fn iban_length(bytes: &[u8], start: usize) -> Option<usize> {
    let [first, second] = bytes[start..].first_chunk()?;
    let length = LENGTHS[place(*first)?][place(*second)?];
    (length > 0).then_some(usize::from(length))
}

/// Returns the place of a letter in the alphabet.
const fn place(letter: u8) -> Option<usize> {
    match letter.to_ascii_uppercase() {
        upper @ b'A'..=b'Z' => Some((upper - b'A') as usize),
        _ => None,
    }
}

/// The lengths by the two letters of the country, zero where there is none.
static LENGTHS: [[u8; 26]; 26] = {
    let mut lengths = [[0; 26]; 26];
    let mut row = 0;
    while row < IBAN_LENGTHS.len() {
        let (length, countries) = IBAN_LENGTHS[row];
        let countries = countries.as_bytes();
        let mut at = 0;
        while at < countries.len() {
            if let (Some(first), Some(second)) = (place(countries[at]), place(countries[at + 1])) {
                lengths[first][second] = length;
            }
            at += "NO ".len();
        }
        row += 1;
    }
    lengths
};

/// The registry allows 34; the longest in use has 33.
const LONGEST_IBAN: usize = 34;

/// The countries of the IBAN registry, by how long their accounts are.
const IBAN_LENGTHS: &[(u8, &str)] = &[
    (15, "NO"),
    (16, "BE"),
    (18, "DK FI FK FO GL NL SD"),
    (19, "MK SI"),
    (20, "AT BA EE KZ LT LU MN XK"),
    (21, "CH HR LI LV"),
    (22, "BG BH CR DE GB GE IE ME RS VA"),
    (23, "AE GI IL IQ OM SO TL"),
    (24, "AD CZ ES MD PK RO SA SE SK TN VG"),
    (25, "LY PT ST"),
    (26, "IS TR"),
    (27, "BI DJ FR GR IT MC MR SM"),
    (28, "AL AZ BY CY DO GT HN HU LB NI PL SV"),
    (29, "BR EG PS QA UA"),
    (30, "JO KW MU YE"),
    (31, "MT SC"),
    (32, "LC"),
    (33, "RU"),
];
