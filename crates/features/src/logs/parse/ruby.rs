//! Ruby's Logger, which Rails has: `I, [2026-01-02T03:04:05.678901 #1234]  INFO -- name: message`.

use std::borrow::Cow;

use super::found::Found;
use super::time;
use crate::logs::level::Level;

/// Reads a line that begins with the first letter of its level and a date in brackets.
pub(super) fn read(text: &str) -> Option<Found<'_>> {
    let rest = match text.as_bytes() {
        [
            b'D' | b'I' | b'W' | b'E' | b'F' | b'A',
            b',',
            b' ',
            b'[',
            ..,
        ] => &text[4..],
        _ => return None,
    };
    let (time, rest) = time::leading(rest)?;
    let (pid, rest) = rest.trim_start().strip_prefix('#')?.split_once(']')?;
    let (level, rest) = rest.trim_start().split_once(" -- ")?;
    let (name, message) = match rest.strip_prefix(": ") {
        Some(message) => ("", message),
        None => rest.split_once(": ").or_else(|| rest.split_once(':'))?,
    };
    let mut found = Found {
        time: Some(time),
        level: Some(Level::named(level)?),
        message: Some(Cow::Borrowed(message)),
        ..Found::default()
    };
    found.field("pid", pid);
    if !name.is_empty() {
        found.field("logger", name);
    }
    Some(found)
}
