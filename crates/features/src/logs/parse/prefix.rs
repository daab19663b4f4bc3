//! Plain lines that begin with a time, a level, or both: `2026-01-02T03:04:05Z WARN disk is full`.
//!
//! Between the two, loggers put a process or a thread in brackets, and the whole may stand in
//! brackets too.

use std::borrow::Cow;

use super::found::Found;
use super::time;
use crate::logs::level::Level;

/// Reads a line that begins with a time or a level.
pub(super) fn read(text: &str, _now: u64) -> Option<Found<'_>> {
    let trimmed = text.trim_start();
    let mut found = Found::default();
    let rest = match dated(trimmed) {
        Some((time, Dated::Inside(rest))) => {
            found.time = Some(time);
            inside(rest, &mut found)?
        }
        Some((time, Dated::Behind(rest))) => {
            found.time = Some(time);
            after_time(rest, &mut found)
        }
        None => match time::clock(trimmed) {
            Some(rest) => after_clock(rest, &mut found)?,
            None => match level(trimmed, FIRST, &mut found) {
                Some(rest) => rest,
                None => after_name(trimmed, &mut found)?,
            },
        },
    };
    // A line that is nothing but a level or a time is shown as it is.
    found.message = (!rest.is_empty()).then_some(Cow::Borrowed(rest));
    Some(found)
}

/// What follows a time.
enum Dated<'t> {
    /// Within the brackets that the time is in.
    Inside(&'t str),
    /// Behind the time and its brackets, if there are any.
    Behind(&'t str),
}

/// Splits a time from what follows it.
fn dated(text: &str) -> Option<(u64, Dated<'_>)> {
    let Some(bracketed) = text.strip_prefix('[') else {
        let (time, rest) = time::leading(text)?;
        return Some((time, Dated::Behind(rest.trim_start())));
    };
    let (time, rest) = time::leading(bracketed)?;
    Some(match rest.strip_prefix(']') {
        Some(rest) => (time, Dated::Behind(rest.trim_start())),
        None => (time, Dated::Inside(rest.trim_start())),
    })
}

/// Reads what stands in brackets with a time, as env_logger has it: `[time LEVEL target] message`.
fn inside<'t>(text: &'t str, found: &mut Found<'t>) -> Option<&'t str> {
    let (head, message) = text.split_once(']')?;
    let target = level(head, ANY, found)?;
    if !target.is_empty() {
        found.field("logger", target);
    }
    Some(message.trim_start())
}

/// Reads on behind a time: a level if there is one, then the message.
fn after_time<'t>(text: &'t str, found: &mut Found<'t>) -> &'t str {
    if let Some(rest) = level(text, ANY, found).or_else(|| small(text, found)) {
        return spring(rest, found).unwrap_or(rest);
    }
    let Some((name, rest)) = bracketed(text) else {
        return text;
    };
    let Some(rest) = level(rest, ANY, found) else {
        return text;
    };
    found.field(of_number(name, "thread"), name);
    rest
}

/// Returns what a name in brackets is called: a number is the process.
fn of_number(name: &str, otherwise: &'static str) -> &'static str {
    match name.bytes().all(|byte| byte.is_ascii_digit()) {
        true => "pid",
        false => otherwise,
    }
}

/// Reads on behind a time of day, which says something only before a level.
fn after_clock<'t>(text: &'t str, found: &mut Found<'t>) -> Option<&'t str> {
    let rest = after_time(text.trim_start(), found);
    found.level.map(|_| rest)
}

/// Reads a name in brackets and the level behind it: `[api] WARN: slow`. Without a level it may be
/// anything.
fn after_name<'t>(text: &'t str, found: &mut Found<'t>) -> Option<&'t str> {
    let (name, rest) = bracketed(text)?;
    let rest = level(rest, FIRST, found)?;
    found.field(of_number(name, "logger"), name);
    Some(rest)
}

/// Splits what Spring Boot writes behind its level: `1234 --- [thread] logger : message`.
fn spring<'t>(text: &'t str, found: &mut Found<'t>) -> Option<&'t str> {
    let (pid, rest) = text.split_once(" --- ")?;
    if pid.is_empty() || !pid.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (head, message) = rest.split_once(" : ")?;
    found.field("pid", pid);
    let mut rest = head;
    while let Some((name, after)) = bracketed(rest) {
        // With the application's name there are two; the thread's is the second.
        found.field("thread", name.trim());
        rest = after;
    }
    found.field("logger", rest.trim());
    Some(message)
}

/// Splits `[text]` from what follows it.
fn bracketed(text: &str) -> Option<(&str, &str)> {
    let (name, rest) = text.strip_prefix('[')?.split_once(']')?;
    Some((name, rest.trim_start()))
}

/// Splits `[warn]`, `WARN` or `warn:` from what follows it.
fn level<'t>(text: &'t str, words: &[&str], found: &mut Found<'t>) -> Option<&'t str> {
    let (word, rest) = match text.strip_prefix('[') {
        Some(bracketed) => bracketed.split_once(']')?,
        None => bare(text)?,
    };
    let word = word.trim();
    if word.len() > LONGEST || !words.iter().any(|known| known.eq_ignore_ascii_case(word)) {
        return None;
    }
    found.level = Some(Level::named(word)?);
    if word == EXCEPTION && text.starts_with(word) {
        return Some(text);
    }
    Some(rest.strip_prefix(':').unwrap_or(rest).trim_start())
}

/// Splits a level in small letters from what follows it: only right behind a time is it one.
fn small<'t>(text: &'t str, found: &mut Found<'t>) -> Option<&'t str> {
    let (word, rest) = text.split_once(' ')?;
    if !SMALL.contains(&word) {
        return None;
    }
    found.level = Some(Level::named(word)?);
    Some(rest.trim_start())
}

/// Splits the first word from the rest, if it stands as a level does: in capitals, or before a
/// colon. "Error in line 5" is a sentence.
fn bare(text: &str) -> Option<(&str, &str)> {
    let end = text
        .bytes()
        .position(|byte| !byte.is_ascii_alphabetic())
        .unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    let capitals = word.bytes().all(|byte| byte.is_ascii_uppercase());
    let apart = rest.is_empty() || rest.starts_with(char::is_whitespace);
    (rest.starts_with(':') || (capitals && apart)).then_some((word, rest))
}

/// The words that are a level where a line begins with them. HTTP, LOG or PANIC may begin any.
const FIRST: &[&str] = &[
    "trace", "debug", "info", "warn", "error", "fatal", "warning", "err", "critical", "notice",
    "verbose", "trce", "dbug", "fail", "crit", "severe", "emerg", "alert",
];

/// What Node calls an exception: `Error: no connection`. It is a part of what is said, as in
/// `TypeError: no connection`.
const EXCEPTION: &str = "Error";

/// The words that are a level behind a time in small letters too. Others begin sentences.
const SMALL: &[&str] = &[
    "trace", "debug", "info", "warn", "error", "fatal", "warning", "err", "critical",
];

/// The words that are a level behind a time.
const ANY: &[&str] = &[
    "trace",
    "debug",
    "info",
    "warn",
    "error",
    "fatal",
    "warning",
    "err",
    "critical",
    "notice",
    "verbose",
    "trce",
    "dbug",
    "fail",
    "crit",
    "severe",
    "emerg",
    "alert",
    "log",
    "panic",
    "inf",
    "wrn",
    "dbg",
    "vrb",
    "ftl",
    "dpanic",
    "emergency",
];

/// The longest of them.
const LONGEST: usize = 9;
