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
fn iban(text: &str, digits: usize) -> Option<(What, Range<usize>)> {
    let bytes = text.as_bytes();
    let start = digits.checked_sub(2)?;
    if !begins_word(bytes, start) {
        return None;
    }
    let country = text.get(start..digits)?;
    let is_country = |known: &str| known.eq_ignore_ascii_case(country);
    let (length, _) = *IBAN_LENGTHS
        .iter()
        .find(|(_, countries)| countries.split(' ').any(is_country))?;
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

/// The registry allows 34; the longest in use has 33.
const LONGEST_IBAN: usize = 34;

/// The countries of the IBAN registry, by how long their accounts are.
const IBAN_LENGTHS: &[(usize, &str)] = &[
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
