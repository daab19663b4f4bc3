//! syslog lines: RFC 5424, and what was there before it, RFC 3164.
//!
//! ```text
//! <165>1 2026-01-02T03:04:05.678Z host app 1234 ID47 [exampleSDID@32473 iut="3"] message
//! <34>Jan  2 03:04:05 host app[1234]: message
//! Jan  2 03:04:05 host app[1234]: message
//! ```
//! What an app wrote is the message, in a form of its own: that is read too.

use std::borrow::Cow;

use super::found::Found;
use super::{json, logfmt, time};
use crate::logs::level::Level;

/// Reads a line that begins with a priority, or with a date as syslog had it.
pub(super) fn read(text: &str, now: u64) -> Option<Found<'_>> {
    let (level, rest) = match text.as_bytes().first()? {
        b'<' => priority(text)?,
        b'A'..=b'Z' => (None, text),
        _ => return None,
    };
    let mut found = Found {
        level,
        ..Found::default()
    };
    let message = match rest.strip_prefix("1 ") {
        Some(rest) if level.is_some() => header(rest, &mut found)?,
        _ => old_header(rest, now, &mut found)?,
    };
    let inner = json::read(message).or_else(|| logfmt::read(message));
    found.message = Some(Cow::Borrowed(message));
    if let Some(mut inner) = inner {
        inner.settle();
        found.refine(inner);
    }
    Some(found)
}

/// Splits `<34>`: eight times the facility, and the severity.
fn priority(text: &str) -> Option<(Option<Level>, &str)> {
    let (number, rest) = text.strip_prefix('<')?.split_once('>')?;
    let number: u64 = number.parse().ok().filter(|_| number.len() <= 3)?;
    Some((Level::of_severity(number % 8), rest))
}

/// Reads the header of RFC 5424 behind its version, and returns the message.
fn header<'t>(text: &'t str, found: &mut Found<'t>) -> Option<&'t str> {
    let mut parts = text.splitn(6, ' ');
    found.time = match parts.next()? {
        "-" => None,
        time => Some(time::read(time)?),
    };
    let names = ["host", "app", "pid", "id"];
    for name in names {
        let value = parts.next()?;
        match name {
            _ if value == "-" => {}
            "app" => found.service = Some(Cow::Borrowed(value)),
            _ => found.field(name, value),
        }
    }
    let rest = parts.next()?;
    let message = match rest.strip_prefix('-') {
        Some(message) => message,
        None => elements(rest, found)?,
    };
    let message = message.strip_prefix(' ').unwrap_or(message);
    // Says that it is UTF-8, which everything is.
    Some(message.strip_prefix('\u{feff}').unwrap_or(message))
}

/// Reads structured data, `[id name="value" …]…`, and returns what follows it.
fn elements<'t>(mut text: &'t str, found: &mut Found<'t>) -> Option<&'t str> {
    while let Some(element) = text.strip_prefix('[') {
        let end = element.find([' ', ']'])?;
        text = &element[end..];
        while let Some(parameter) = text.strip_prefix(' ') {
            let (name, quoted) = parameter.split_once("=\"")?;
            let (value, rest) = quoted_value(quoted)?;
            found.field(name, &value);
            text = rest;
        }
        text = text.strip_prefix(']')?;
    }
    Some(text)
}

/// Splits a value from what follows its closing quote; quotes and brackets in it have a backslash.
fn quoted_value(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.chars();
    loop {
        match characters.next()? {
            '"' => return Some((value, characters.as_str())),
            '\\' => match characters.next()? {
                escaped @ ('"' | '\\' | ']') => value.push(escaped),
                other => value.extend(['\\', other]),
            },
            other => value.push(other),
        }
    }
}

/// Reads the header of RFC 3164, and returns the message.
fn old_header<'t>(text: &'t str, now: u64, found: &mut Found<'t>) -> Option<&'t str> {
    let (time, rest) = time::without_year(text, now)?;
    let (host, rest) = rest.trim_start().split_once(' ')?;
    let (tag, message) = rest.split_once(": ")?;
    let (service, pid) = match tag.split_once('[') {
        Some((service, pid)) => (service, pid.strip_suffix(']')?),
        None => (tag, ""),
    };
    if service.is_empty() || service.contains(' ') {
        return None;
    }
    found.time = Some(time);
    found.service = Some(Cow::Borrowed(service));
    found.field("host", host);
    if !pid.is_empty() {
        found.field("pid", pid);
    }
    Some(message)
}
