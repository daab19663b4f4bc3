//! Where somebody lives, and where pages about them are.

use super::{Pseudonyms, Room, words};
use crate::Persona;

/// Appends a street with a number; whole addresses become one too.
pub(super) fn write_street(pseudonyms: &Pseudonyms, value: &str, room: Room, out: &mut String) {
    let start = out.len();
    let mut draw = pseudonyms.draw(Persona::Street, value.trim());
    // Numbers of up to two digits are what most houses have.
    let number = draw.below(98) + 1;
    out.push_str(&number.to_string());
    out.push(' ');
    out.push_str(draw.pick(words::STREETS));
    if room.unique() {
        room.write_unique(draw.token().as_str(), ' ', out, start);
    }
}

pub(super) fn write_city(pseudonyms: &Pseudonyms, value: &str, room: Room, out: &mut String) {
    let start = out.len();
    let mut draw = pseudonyms.draw(Persona::City, value.trim());
    out.push_str(draw.pick(words::CITIES));
    if room.unique() {
        room.write_unique(draw.token().as_str(), ' ', out, start);
    }
}

/// Appends a code of the same shape. All-digit codes begin with 000, as none of the United States,
/// Germany or Brazil does; codes with letters begin with Q, as none of Britain or Canada does.
pub(super) fn write_postal_code(
    pseudonyms: &Pseudonyms,
    value: &str,
    room: Room,
    out: &mut String,
) {
    let value = value.trim();
    let mut draw = pseudonyms.draw(Persona::PostalCode, value);
    if room.unique() {
        out.push_str(draw.token().as_str());
        return;
    }
    let mut seen = 0;
    let only_digits = !value.contains(|c: char| c.is_alphabetic());
    for c in value.chars() {
        let drawn = if c.is_ascii_digit() {
            if only_digits && seen < 3 {
                '0'
            } else {
                draw.digit()
            }
        } else if c.is_alphabetic() {
            if seen == 0 { 'Q' } else { draw.letter() }
        } else {
            out.push(c);
            continue;
        };
        seen += 1;
        out.push(drawn);
    }
}

/// Appends a link into a domain which RFC 2606 keeps for examples; the ending of a file stays, so
/// that a picture stays a picture.
pub(super) fn write_url(pseudonyms: &Pseudonyms, value: &str, room: Room, out: &mut String) {
    let value = value.trim();
    let draw = pseudonyms.draw(Persona::Url, value);
    let token = draw.token();
    let ending = ending(value);
    if SITE.len() + token.as_str().len() + ending.len() <= room.chars() {
        out.push_str(SITE);
        out.push_str(token.as_str());
        out.push_str(ending);
    } else {
        out.push_str(token.as_str());
    }
}

const SITE: &str = "https://example.com/u/";

/// Returns the ending of the file that a link leads to, if it is a picture's.
fn ending(value: &str) -> &'static str {
    let path = value.split(['?', '#']).next().unwrap_or_default();
    ["", ".jpg", ".jpeg", ".png", ".gif", ".webp", ".svg", ".bmp"]
        .into_iter()
        .rev()
        .find(|ending| {
            path.len()
                .checked_sub(ending.len())
                .is_some_and(|at| path.as_bytes()[at..].eq_ignore_ascii_case(ending.as_bytes()))
        })
        .unwrap_or_default()
}
