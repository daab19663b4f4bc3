//! logfmt: `level=info msg="a sentence" path=/`, as logrus, slog, the Heroku router and many others
//! write it.

use std::borrow::Cow;

use super::found::Found;
use crate::logs::level::Level;

/// Reads a line that is made of pairs from its start to its end, one of which is a level or a
/// message. Any other line with an equals sign in it is left to itself.
pub(super) fn read(text: &str) -> Option<Found<'_>> {
    let mut found = Found::record();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (name, after) = rest.split_once('=')?;
        if !is_name(name) {
            return None;
        }
        let (value, after) = value(after)?;
        if name == "at" && found.level.is_none() {
            found.level = Level::named(&value);
        }
        found.take(name, value);
        rest = after;
    }
    (found.level.is_some() || found.message.is_some()).then_some(found)
}

fn is_name(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-@/#".contains(&byte);
    !name.is_empty() && name.bytes().all(fits)
}

/// Splits a value from the pairs that follow it.
fn value(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let (value, rest) = match text.strip_prefix('"') {
        Some(quoted) => unquote(quoted)?,
        None => {
            let end = text.find(char::is_whitespace).unwrap_or(text.len());
            (Cow::Borrowed(&text[..end]), &text[end..])
        }
    };
    let next = rest.trim_start();
    // Two pairs have a space between them.
    (next.is_empty() || next.len() < rest.len()).then_some((value, next))
}

/// Reads up to the closing quote.
fn unquote(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let end = text.find(['"', '\\'])?;
    if text[end..].starts_with('"') {
        return Some((Cow::Borrowed(&text[..end]), &text[end + 1..]));
    }
    let mut value = String::from(&text[..end]);
    let mut characters = text[end..].chars();
    loop {
        match characters.next()? {
            '"' => return Some((Cow::Owned(value), characters.as_str())),
            '\\' => value.push(match characters.next()? {
                'n' => '\n',
                't' => '\t',
                'r' => '\r',
                'x' => code(&mut characters, 2)?,
                'u' => code(&mut characters, 4)?,
                other => other,
            }),
            other => value.push(other),
        }
    }
}

/// Reads a character that is written as a number, as Go writes what cannot be shown.
fn code(characters: &mut std::str::Chars<'_>, digits: usize) -> Option<char> {
    let text = characters.as_str();
    let number = u32::from_str_radix(text.get(..digits)?, 16).ok()?;
    *characters = text[digits..].chars();
    Some(char::from_u32(number).unwrap_or(char::REPLACEMENT_CHARACTER))
}
