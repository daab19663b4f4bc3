//! Names of people and of companies, from short lists of words.

use super::{Draw, Pseudonyms, Room, words};
use crate::Persona;

pub(super) fn write_first(pseudonyms: &Pseudonyms, value: &str, room: Room, out: &mut String) {
    write_one(
        pseudonyms.draw(Persona::FirstName, value.trim()),
        words::FIRST,
        room,
        out,
    );
}

pub(super) fn write_last(pseudonyms: &Pseudonyms, value: &str, room: Room, out: &mut String) {
    write_one(
        pseudonyms.draw(Persona::LastName, value.trim()),
        words::LAST,
        room,
        out,
    );
}

/// Appends a full name whose parts are those that columns of their own would get: somebody who
/// is `Ada Keller` in one table stays so in another that splits the name.
pub(super) fn write_full(pseudonyms: &Pseudonyms, value: &str, room: Room, out: &mut String) {
    let start = out.len();
    let value = value.trim();
    let free = Room::FREE;
    match split(value) {
        Some((first, last)) => {
            write_first(pseudonyms, first, free, out);
            out.push(' ');
            write_last(pseudonyms, last, free, out);
        }
        None => write_first(pseudonyms, value, free, out),
    }
    if room.unique() {
        let draw = pseudonyms.draw(Persona::FullName, value);
        room.write_unique(draw.token().as_str(), ' ', out, start);
    }
}

/// Appends a login: `ada_k3j5xq2w7rb4a`. Logins are unique in most tables and written into others
/// which do not know it, so each has a token.
pub(super) fn write_username(pseudonyms: &Pseudonyms, value: &str, room: Room, out: &mut String) {
    let start = out.len();
    let mut draw = pseudonyms.draw(Persona::Username, value.trim());
    out.extend(
        draw.pick(words::FIRST)
            .chars()
            .map(|c| c.to_ascii_lowercase()),
    );
    room.write_unique(draw.token().as_str(), '_', out, start);
}

pub(super) fn write_company(pseudonyms: &Pseudonyms, value: &str, room: Room, out: &mut String) {
    let start = out.len();
    let mut draw = pseudonyms.draw(Persona::Company, value.trim());
    out.push_str(draw.pick(words::COMPANIES));
    out.push(' ');
    out.push_str(draw.pick(words::TRADES));
    if room.unique() {
        room.write_unique(draw.token().as_str(), ' ', out, start);
    }
}

fn write_one(mut draw: Draw, list: &[&str], room: Room, out: &mut String) {
    let start = out.len();
    out.push_str(draw.pick(list));
    if room.unique() {
        room.write_unique(draw.token().as_str(), ' ', out, start);
    }
}

/// Returns the first and the last of a name's parts, in whichever order it is written.
fn split(name: &str) -> Option<(&str, &str)> {
    if let Some((last, first)) = name.split_once(',') {
        return Some((first.split_whitespace().next()?, last.trim()));
    }
    let mut parts = name.split_whitespace();
    Some((parts.next()?, parts.next_back()?))
}
