//! Plain lines that begin with a time, a level, or both: `2026-01-02T03:04:05Z WARN disk is full`.

use super::found::Found;
use super::time;
use crate::logs::level::Level;

/// Reads a line that begins with a time or a level.
pub(super) fn read(text: &str) -> Option<Found> {
    let trimmed = text.trim_start();
    let (time, rest) = match time::leading(trimmed) {
        Some((time, rest)) => (Some(time), rest.trim_start()),
        None => (None, trimmed),
    };
    let (level, rest) = match leading_level(rest) {
        Some((level, rest)) => (Some(level), rest),
        None => (None, rest),
    };
    let known = time.is_some() || level.is_some();
    known.then(|| Found {
        time,
        level,
        // A line that is nothing but a level or a time is shown as it is.
        message: (!rest.is_empty()).then(|| rest.to_owned()),
        ..Found::default()
    })
}

/// Splits `[warn]`, `WARN` or `warn:` from what follows it.
fn leading_level(text: &str) -> Option<(Level, &str)> {
    let (word, rest) = match text.strip_prefix('[') {
        Some(bracketed) => bracketed.split_once(']')?,
        None => bare(text)?,
    };
    let word = word.trim();
    if !LEADING.iter().any(|known| known.eq_ignore_ascii_case(word)) {
        return None;
    }
    let rest = rest.strip_prefix(':').unwrap_or(rest).trim_start();
    Some((Level::named(word)?, rest))
}

/// Splits the first word from the rest, if it stands as a level does: in capitals, or before a
/// colon. "Error in line 5" is a sentence.
fn bare(text: &str) -> Option<(&str, &str)> {
    let end = text
        .find(|c: char| !c.is_ascii_alphabetic())
        .unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    let capitals = word.bytes().all(|byte| byte.is_ascii_uppercase());
    let apart = rest.is_empty() || rest.starts_with(char::is_whitespace);
    (rest.starts_with(':') || (capitals && apart)).then_some((word, rest))
}

/// The words that are a level where a line begins with them. HTTP, LOG or PANIC may begin any.
const LEADING: [&str; 11] = [
    "trace", "debug", "info", "warn", "error", "fatal", "warning", "err", "critical", "notice",
    "verbose",
];
