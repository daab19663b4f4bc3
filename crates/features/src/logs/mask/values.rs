//! Values under the names of secrets: `password=…`, `"token": "…"`, `Authorization: Bearer …`.

use std::ops::Range;

use memchr::{memchr2_iter, memmem};

use super::finding::{Finding, Kind, Quote};
use super::names::{is_group, is_secret, may_end};
use super::nested;
use super::view::View;

/// Finds every value under a name of a secret.
pub(super) fn find(view: &View<'_>, findings: &mut Vec<Finding>) {
    let text = view.text();
    // How far the text has been looked through, so that no part of it is looked through again.
    let mut seen = 0;
    for at in memchr2_iter(b'=', b':', text.as_bytes()) {
        if at < seen {
            continue;
        }
        let Some(name) = Name::before(text, at) else {
            continue;
        };
        for (range, quote) in name.values(text, at + 1, &mut seen) {
            seen = seen.max(range.end);
            findings.push(Finding {
                kind: Kind::Token,
                range: view.place(range),
                quote,
            });
        }
    }
    find_arguments(view, findings);
}

/// Finds what follows a name on a command line: `--password hunter2`.
fn find_arguments(view: &View<'_>, findings: &mut Vec<Finding>) {
    let text = view.text();
    let mut behind = 0;
    for at in memmem::find_iter(text.as_bytes(), b"--") {
        if at < behind {
            // Within a name, which is that of a secret by its end, wherever it begins.
            continue;
        }
        let rest = &text[at + 2..];
        let length = rest.bytes().take_while(|&byte| is_of_name(byte)).count();
        behind = at + 2 + length;
        let Some(value) = rest[length..].strip_prefix(' ') else {
            continue;
        };
        if is_secret(&rest[..length])
            && !value.starts_with(['-', ' '])
            && let Some(range) = bare(text, behind + 1, Ends::Space)
        {
            findings.push(Finding::of(Kind::Token, view.place(range)));
        }
    }
}

/// The name of a secret.
#[derive(Clone, Copy, Debug)]
struct Name<'t> {
    text: &'t str,
    /// The quotes around it, if there are any.
    around: Option<Around>,
}

/// The quotes around a name.
#[derive(Clone, Copy, Debug)]
enum Around {
    /// Those of JSON.
    Double(Quote),
    /// Those of Python, which stand in a text of JSON as they are.
    Single,
}

impl<'t> Name<'t> {
    /// Returns the name before a sign at `at`, if it is that of a secret.
    fn before(text: &'t str, at: usize) -> Option<Self> {
        let bytes = text.as_bytes();
        let mut end = at;
        // `password = x`, but not a sentence's end far before.
        if end > 0 && bytes[end - 1] == b' ' {
            end -= 1;
        }
        let mut around = None;
        if end > 0 && matches!(bytes[end - 1], b'"' | b'\'') {
            end -= 1;
            let backslashes = backslashes_before(bytes, end);
            around = Some(match bytes[end] {
                b'"' => Around::Double(Quote { backslashes }),
                _ => Around::Single,
            });
            end -= backslashes;
        }
        let last = bytes[..end].last_chunk()?;
        if !may_end(*last) {
            return None;
        }
        let look = &bytes[end.saturating_sub(LONGEST_NAME)..end];
        let length = look.iter().rev().take_while(|&&b| is_of_name(b)).count();
        let text = &text[end - length..end];
        (is_secret(text) || is_group(text)).then_some(Self { text, around })
    }

    /// Returns the values of the name, which follow its sign.
    fn values(self, text: &str, at: usize, seen: &mut usize) -> Vec<(Range<usize>, Option<Quote>)> {
        let bytes = text.as_bytes();
        // `:=` and `=>` are signs too.
        let at = at + usize::from(matches!(bytes.get(at), Some(b'=' | b'>')));
        let start = at + spaces(&bytes[at..]);
        if let Some(b'[' | b'{') = bytes.get(start) {
            let (values, end) = nested::values(text, start, self.quote());
            *seen = end;
            return values;
        }
        if !is_secret(self.text) {
            // `tokens=5` is a count.
            return Vec::new();
        }
        if let Some(range) = quoted(bytes, start) {
            return if range.is_empty() {
                Vec::new()
            } else {
                vec![(range, None)]
            };
        }
        let sign = bytes[at - 1];
        let value = self.bare_value(text, start, sign == b':' && start > at);
        value
            .map(|range| (range, self.quote()))
            .into_iter()
            .collect()
    }

    /// Returns a value without quotes; `apart` if there is a space before it, as in a sentence.
    fn bare_value(self, text: &str, start: usize, apart: bool) -> Option<Range<usize>> {
        if self.around.is_some() {
            // JSON: a number, or nothing.
            let range = bare(text, start, Ends::Sign)?;
            return (!EMPTY.contains(&&text[range.clone()])).then_some(range);
        }
        if self.ends_with("cookie") {
            return bare(text, start, Ends::Line);
        }
        if self.ends_with("sharedaccesssignature") {
            // It is itself made of names and values.
            return bare(text, start, Ends::Blank);
        }
        let range = bare(text, start, Ends::Space)?;
        let value = &text[range.clone()];
        if self.ends_with("authorization") && value.starts_with("AWS4-") {
            // Amazon's signature is in the last of several parts.
            return bare(text, start, Ends::Line);
        }
        if EMPTY.contains(&value) {
            return None;
        }
        let next = range.end + spaces(&text.as_bytes()[range.end..]);
        let more = text.as_bytes().get(next).filter(|_| next > range.end);
        if self.ends_with("authorization") && SCHEMES.iter().any(|s| s.eq_ignore_ascii_case(value))
        {
            let credentials = bare(text, next, Ends::Space);
            let end = credentials.map_or(range.end, |credentials| credentials.end);
            return Some(range.start..end);
        }
        let sentence = apart
            && more.is_some_and(u8::is_ascii_alphabetic)
            && value.len() <= LONGEST_WORD
            && value.bytes().all(|byte| byte.is_ascii_lowercase());
        // "invalid token: jwt expired" has no token; a password may be any word.
        (!sentence || !(self.ends_with("token") || self.ends_with("secret"))).then_some(range)
    }

    const fn quote(self) -> Option<Quote> {
        match self.around {
            Some(Around::Double(quote)) => Some(quote),
            Some(Around::Single) | None => None,
        }
    }

    fn ends_with(self, ending: &str) -> bool {
        let start = self.text.len().checked_sub(ending.len());
        start.is_some_and(|start| {
            self.text.as_bytes()[start..].eq_ignore_ascii_case(ending.as_bytes())
        })
    }
}

/// Returns what stands between the quotes that begin at `start`, if any do; to the end of the line
/// if they do not end.
pub(super) fn quoted(bytes: &[u8], start: usize) -> Option<Range<usize>> {
    let level = backslashes_at(bytes, start);
    let mark = *bytes.get(start + level)?;
    if !matches!(mark, b'"' | b'\'' | b'`') {
        return None;
    }
    let start = start + level + 1;
    let within_json = mark != b'"' && bytes.starts_with(b"{\"");
    for at in start..bytes.len() {
        match bytes[at] {
            b'\n' => return Some(start..at),
            // The end of the text of JSON that it stands in: an apostrophe need not have a fellow.
            b'"' if within_json && backslashes_before(bytes, at).is_multiple_of(2) => {
                return Some(start..at);
            }
            byte if byte == mark || (byte == b'"' && level > 0) => {
                let before = backslashes_before(&bytes[start..], at - start);
                let escaped =
                    before >= level && !((before - level) / (level + 1)).is_multiple_of(2);
                if !escaped {
                    return Some(start..at - before.min(level));
                }
            }
            _ => {}
        }
    }
    Some(start..bytes.len())
}

/// What ends a value without quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ends {
    /// A sign of JSON.
    Sign,
    /// A space, or a sign that another name follows.
    Space,
    /// A space.
    Blank,
    /// The line's end.
    Line,
}

/// Returns a value without quotes that begins at `start`, if it is not empty. No value goes beyond
/// the text that it stands in, which ends with a double quote.
fn bare(text: &str, start: usize, ends: Ends) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    let is_end = |at: usize| match bytes[at] {
        b'\n' | b'"' => true,
        b'\\' => matches!(
            bytes[at..].trim_ascii_start(),
            [_, b'n' | b'r' | b't' | b'"', ..]
        ),
        _ if ends == Ends::Line => false,
        b' ' | b'\t' | b'\r' => true,
        _ if ends == Ends::Blank => false,
        b',' | b']' | b'}' if ends == Ends::Sign => true,
        b',' | b';' | b'&' | b'}' | b')' | b'\'' | b'`' => is_last(&bytes[at + 1..]),
        _ => false,
    };
    let end = (start..bytes.len())
        .find(|&at| is_end(at))
        .unwrap_or(bytes.len());
    (end > start).then_some(start..end)
}

/// Says whether a sign ends a value, by what follows it: a space, nothing, or another name. A
/// password may have any sign in it.
fn is_last(rest: &[u8]) -> bool {
    let name = rest.iter().take_while(|&&byte| is_of_name(byte)).count();
    match rest.get(name) {
        None => name == 0,
        Some(b'=' | b':') => name > 0,
        Some(b' ' | b'\n' | b'"' | b'\\' | b',' | b'}' | b')' | b']') => name == 0,
        Some(_) => false,
    }
}

pub(super) fn backslashes_at(bytes: &[u8], at: usize) -> usize {
    let behind = bytes[at..].iter();
    behind.take_while(|&&byte| byte == b'\\').count()
}

fn backslashes_before(bytes: &[u8], at: usize) -> usize {
    let before = bytes[..at].iter().rev();
    before.take_while(|&&byte| byte == b'\\').count()
}

/// Counts the spaces that may stand before a value.
fn spaces(bytes: &[u8]) -> usize {
    let near = bytes.iter().take(MOST_SPACES);
    near.take_while(|byte| matches!(byte, b' ' | b'\t')).count()
}

const fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
}

/// Values that say that there is none.
pub(super) const EMPTY: &[&str] = &["null", "nil", "None", "none", "true", "false", "undefined"];

/// What stands before the credentials in a header.
const SCHEMES: &[&str] = &[
    "basic",
    "bearer",
    "digest",
    "negotiate",
    "token",
    "apikey",
    "sharedaccesssignature",
];

/// Longer than the names of secrets.
const LONGEST_NAME: usize = 64;

/// The longest word that is taken for one of a sentence.
const LONGEST_WORD: usize = 12;

/// Some set values in columns; what is further away belongs to something else.
const MOST_SPACES: usize = 8;
