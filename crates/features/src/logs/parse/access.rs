//! Requests as web servers log them: CLF and the combined format, Uvicorn's, Django's.
//!
//! ```text
//! 203.0.113.9 - ann [02/Jan/2026:03:04:05 +0000] "GET / HTTP/1.1" 200 12 "referer" "agent"
//! INFO:     203.0.113.9:5000 - "GET / HTTP/1.1" 200 OK
//! [02/Jan/2026 03:04:05] "GET / HTTP/1.1" 200 12
//! ```

use std::borrow::Cow;

use super::found::Found;
use super::time;
use crate::logs::level::Level;

/// Reads a line that is one request; its level is that of its status.
pub(super) fn read(text: &str) -> Option<Found<'_>> {
    let mut found = Found::record();
    let rest = match text.strip_prefix('[') {
        Some(dated) => date(dated, &mut found)?,
        None => common(text, &mut found)?,
    };
    let status = request(rest, &mut found)?;
    found.level = Some(Level::of_status(status));
    Some(found)
}

/// Reads what Uvicorn writes behind its level, if it is a request: who asked, and what.
pub(super) fn uvicorn<'t>(text: &'t str, found: &mut Found<'t>) -> Option<()> {
    let (client, rest) = text.split_once(" - ")?;
    if client.contains(' ') || !rest.starts_with('"') {
        return None;
    }
    request(rest, found)?;
    found.field("client", client);
    Some(())
}

/// Reads up to the request of a line in the common format.
fn common<'t>(text: &'t str, found: &mut Found<'t>) -> Option<&'t str> {
    let at = memchr::memchr(b'[', text.as_bytes())?;
    let (before, dated) = (text[..at].strip_suffix(' ')?, &text[at + 1..]);
    let mut words = before.split(' ');
    let (client, _, user) = (words.next()?, words.next()?, words.next()?);
    if words.next().is_some() || client.is_empty() {
        return None;
    }
    let rest = date(dated, found)?;
    found.field("client", client);
    if user != "-" {
        found.field("user", user);
    }
    Some(rest)
}

fn date<'t>(text: &'t str, found: &mut Found<'t>) -> Option<&'t str> {
    let (time, rest) = time::of_web_server(text)?;
    found.time = Some(time);
    rest.strip_prefix("] ")
}

/// Reads a request and what came of it, and returns the status.
fn request<'t>(text: &'t str, found: &mut Found<'t>) -> Option<u64> {
    let (request, rest) = text.strip_prefix('"')?.split_once("\" ")?;
    let (status, rest) = rest.split_once(' ').unwrap_or((rest, ""));
    let number = status.parse().ok().filter(|_| status.len() == 3)?;
    let mut words = request.split(' ');
    if let (Some(method), Some(path)) = (words.next(), words.next()) {
        found.field("method", method);
        found.field("path", path);
        found.message = Some(Cow::Owned(format!("{method} {path} {status}")));
    }
    found.field("status", status);
    let (bytes, rest) = rest.split_once(' ').unwrap_or((rest, ""));
    if bytes.parse::<u64>().is_ok() {
        found.field("bytes", bytes);
    }
    let mut quoted = rest.split('"').skip(1).step_by(2);
    for name in ["referer", "agent"] {
        match quoted.next() {
            Some("-") | None => {}
            Some(value) => found.field(name, value),
        }
    }
    Some(number)
}
