//! Python's logging: `WARNING:root:message`, and `2026-01-02 03:04:05,678 - name - LEVEL - message`.

use std::borrow::Cow;

use super::found::Found;
use super::{access, time};
use crate::logs::level::Level;

/// Reads a line of one of the two forms, or of Uvicorn's.
pub(super) fn read(text: &str) -> Option<Found<'_>> {
    match text.as_bytes().first()? {
        b'A'..=b'Z' => basic(text),
        b'0'..=b'9' => dashed(text),
        _ => None,
    }
}

/// `LEVEL:name:message`, or `LEVEL:     host:port - "GET / HTTP/1.1" 200 OK`.
fn basic(text: &str) -> Option<Found<'_>> {
    let (word, rest) = text.split_once(':')?;
    if word.len() > LONGEST_NAME || !word.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return None;
    }
    let level = Level::named(word)?;
    let mut found = Found {
        level: Some(level),
        ..Found::default()
    };
    if rest.starts_with(' ') {
        access::uvicorn(rest.trim_start(), &mut found)?;
        return Some(found);
    }
    let (name, message) = rest.split_once(':')?;
    if !is_name(name) || message.starts_with("//") {
        return None;
    }
    found.field("logger", name);
    found.message = Some(Cow::Borrowed(message));
    Some(found)
}

fn dashed(text: &str) -> Option<Found<'_>> {
    let (time, rest) = time::leading(text)?;
    let mut parts = rest.strip_prefix(" - ")?.splitn(3, " - ");
    let (name, level, message) = (parts.next()?, parts.next()?, parts.next()?);
    if !is_name(name) {
        return None;
    }
    let mut found = Found {
        time: Some(time),
        level: Some(Level::named(level)?),
        message: Some(Cow::Borrowed(message)),
        ..Found::default()
    };
    found.field("logger", name);
    Some(found)
}

/// Whether a text is the name of a logger, which is that of a module.
fn is_name(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    !name.is_empty() && name.len() <= LONGEST_NAME && name.bytes().all(fits)
}

/// Longer than modules are called, and a bound on what is looked at.
const LONGEST_NAME: usize = 100;
