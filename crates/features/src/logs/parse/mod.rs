//! Makes a log line of bytes: who wrote it, when, how grave it is, and what it says.
//!
//! ```text
//! bytes ── clean ──▶ text ── json | syslog | logfmt | … | prefix ──▶ Found ──▶ Parsed
//! ```
//! A form of line is a function in [`FORMS`]; the first that knows the line has it. A line that
//! none knows is its own message.

mod access;
mod clean;
mod found;
mod go;
mod json;
mod logfmt;
mod names;
mod prefix;
mod python;
mod ruby;
mod syslog;
mod template;
mod time;

use std::borrow::Cow;

use self::found::Found;
use super::entry::{Line, MAX_LINE, Origin, cut};

pub(super) use self::clean::{clean, code_length, may_steer, steers};
pub(super) use self::found::Shape;
pub(super) use self::time::read as read_time;

/// A line, and what its reader saw of it beside.
#[derive(Debug)]
pub(super) struct Parsed {
    pub(super) line: Line,
    /// Whether more of it may follow in other lines.
    pub(super) shape: Shape,
    /// Whether it says how grave it is.
    pub(super) graded: bool,
}

/// Reads a line, of which nothing is lost: what is not understood is still in its raw bytes.
///
/// `origin` and `now` stand in for what the line does not say.
pub(super) fn line(raw: Vec<u8>, origin: &Origin, now: u64) -> Parsed {
    let text = shown(&raw);
    let found = find(&text, now);
    let origin = match &found.service {
        Some(service) => origin.named(service),
        None => origin.clone(),
    };
    let (shape, graded) = (found.shape, found.level.is_some());
    let (time, level, fields) = (found.time, found.level, found.fields);
    let message = match found.message {
        Some(message) => Some(clean::whole(message).into_owned()),
        None if text.len() == raw.len() && matches!(text, Cow::Borrowed(_)) => None,
        None => Some(text.into_owned()),
    };
    let (message, raw) = parted(message, raw);
    let line = Line {
        time: time.unwrap_or(now),
        level: level.unwrap_or_default(),
        origin,
        message,
        fields,
        raw,
    };
    Parsed {
        line,
        shape,
        graded,
    }
}

/// Returns the text of a line without what would steer a terminal, and without its end.
pub(super) fn shown(raw: &[u8]) -> Cow<'_, str> {
    let raw = raw.strip_suffix(b"\r").unwrap_or(raw);
    // Faster than looking for what is not text, which is rare.
    match std::str::from_utf8(raw) {
        Ok(text) => clean(text),
        Err(_) => Cow::Owned(clean(&String::from_utf8_lossy(raw)).into_owned()),
    }
}

/// Parts what is shown from what is kept beside it: a line that is its own message is kept once.
fn parted(message: Option<String>, raw: Vec<u8>) -> (String, Option<Vec<u8>>) {
    let Some(mut message) = message else {
        return match String::from_utf8(raw) {
            Ok(message) => (message, None),
            Err(error) => (String::new(), Some(error.into_bytes())),
        };
    };
    cut(&mut message, MAX_LINE);
    let raw = (message.as_bytes() != raw).then_some(raw);
    (message, raw)
}

/// Finds what a text says by the first form that knows it.
fn find(text: &str, now: u64) -> Found<'_> {
    let found = FORMS.iter().find_map(|form| form(text, now));
    let mut found = found.unwrap_or_default();
    found.settle();
    found
}

/// Reads one form of line; `None` if it is of another. The time that it is now stands in for what
/// some leave away of theirs.
type Form = for<'t> fn(&'t str, u64) -> Option<Found<'t>>;

/// The forms that are known, the plainest mark first.
const FORMS: [Form; 8] = [
    |text, _| json::read(text),
    syslog::read,
    |text, _| ruby::read(text),
    |text, _| logfmt::read(text),
    |text, _| access::read(text),
    |text, _| python::read(text),
    go::read,
    prefix::read,
];

#[cfg(test)]
mod tests;
