//! Makes a log line of bytes: who wrote it, when, how grave it is, and what it says.
//!
//! ```text
//! bytes ── clean ──▶ text ── json | logfmt | prefix ──▶ Found ──▶ Line
//! ```
//! A form of line is a function in [`FORMS`]; the first that knows the line has it. A line that
//! none knows is its own message.

mod clean;
mod found;
mod json;
mod logfmt;
mod prefix;
mod time;

pub(super) use self::clean::clean;
use self::found::Found;
use super::entry::{Line, MAX_LINE, Origin, cut};

/// Reads a line, of which nothing is lost: what is not understood is still in its raw bytes.
///
/// `origin` and `now` stand in for what the line does not say.
pub(super) fn line(raw: Vec<u8>, origin: &Origin, now: u64) -> Line {
    let text = String::from_utf8_lossy(&raw);
    let text = clean(text.strip_suffix('\r').unwrap_or(&text));
    let found = FORMS
        .iter()
        .find_map(|form| form(&text))
        .unwrap_or_default();
    let mut message = match found.message {
        Some(message) => clean(&message).into_owned(),
        None => text.into_owned(),
    };
    cut(&mut message, MAX_LINE);
    Line {
        time: found.time.unwrap_or(now),
        level: found.level.unwrap_or_default(),
        origin: match found.service {
            Some(service) => origin.named(&service),
            None => origin.clone(),
        },
        raw: (message.as_bytes() != raw).then_some(raw),
        message,
        fields: found.fields,
    }
}

/// Reads one form of line; `None` if it is of another.
type Form = fn(&str) -> Option<Found>;

/// The forms that are known, the plainest mark first.
const FORMS: [Form; 3] = [json::read, logfmt::read, prefix::read];

#[cfg(test)]
mod tests;
