//! A line as whoever reads it will see it, and where each part of that is in its bytes.

use std::borrow::Cow;
use std::ops::Range;

use crate::logs::parse::{code_length, may_steer, steers};

/// A text, and where in the bytes of a line it stands.
#[derive(Debug)]
pub(super) struct View<'r> {
    text: Cow<'r, str>,
    /// For each byte of the text the bytes that it stands for; `None` if they are the same.
    places: Option<Vec<Range<usize>>>,
}

impl<'r> View<'r> {
    /// Returns a line without escape codes: colours stand even between a name and its value.
    pub(super) fn of(raw: &'r [u8]) -> Self {
        // That of a Windows line is no code, and is on every one.
        let raw = raw.strip_suffix(b"\r").unwrap_or(raw);
        let text = match std::str::from_utf8(raw) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) => Cow::Owned(same_length(raw)),
        };
        let view = Self { text, places: None };
        view.without_codes()
    }

    /// Returns the text without what JSON escapes in it, also where JSON stands in JSON.
    pub(super) fn unescaped(&self) -> View<'_> {
        if memchr::memchr(b'\\', self.text.as_bytes()).is_none() {
            return View {
                text: Cow::Borrowed(&self.text),
                places: self.places.clone(),
            };
        }
        let mut parts = Parts::default();
        let mut at = 0;
        while let Some(next) = self.text[at..].chars().next() {
            let (character, length) = match next {
                '\\' => escape(&self.text[at..]),
                other => (other, other.len_utf8()),
            };
            parts.push(character, self.place(at..at + length));
            at += length;
        }
        parts.into_view().without_codes()
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Whether the text is another than that of the line.
    pub(super) const fn is_changed(&self) -> bool {
        self.places.is_some()
    }

    /// Returns where in the line's bytes a part of the text stands, which is not empty.
    pub(super) fn place(&self, range: Range<usize>) -> Range<usize> {
        match &self.places {
            None => range,
            Some(places) => places[range.start].start..places[range.end - 1].end,
        }
    }

    fn without_codes(self) -> Self {
        if !may_steer(&self.text) || !self.text.contains(steers) {
            return self;
        }
        let mut parts = Parts::default();
        let mut at = 0;
        while let Some(next) = self.text[at..].chars().next() {
            if steers(next) {
                at += code_length(&self.text[at..]);
            } else {
                let end = at + next.len_utf8();
                parts.push(next, self.place(at..end));
                at = end;
            }
        }
        parts.into_view()
    }
}

/// A text in the making.
#[derive(Default)]
struct Parts {
    text: String,
    places: Vec<Range<usize>>,
}

impl Parts {
    fn push(&mut self, character: char, place: Range<usize>) {
        self.text.push(character);
        self.places.resize(self.text.len(), place);
    }

    fn into_view<'r>(self) -> View<'r> {
        View {
            text: Cow::Owned(self.text),
            places: Some(self.places),
        }
    }
}

/// Returns the character that an escape stands for, with which the text begins, and its length.
/// More than one backslash is JSON in JSON: however deep, it means the same to who reads it.
fn escape(text: &str) -> (char, usize) {
    let rest = text.trim_start_matches('\\');
    let backslashes = text.len() - rest.len();
    match rest.as_bytes() {
        [b'n' | b't' | b'r' | b'b' | b'f', ..] => (' ', backslashes + 1),
        [quote @ (b'"' | b'\'' | b'/'), ..] => (char::from(*quote), backslashes + 1),
        [b'u', ..] => match rest.get(1..5).and_then(code) {
            Some(character) => (character, backslashes + 5),
            None => ('\\', backslashes),
        },
        _ => ('\\', backslashes),
    }
}

fn code(digits: &str) -> Option<char> {
    let number = u32::from_str_radix(digits, 16).ok()?;
    // Half of a character beyond the first 65,536: no part of what is looked for.
    Some(char::from_u32(number).unwrap_or('?'))
}

/// Returns a text as long as the bytes, with a mark for each that belongs to no character.
fn same_length(raw: &[u8]) -> String {
    let mut text = String::with_capacity(raw.len());
    for chunk in raw.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| '?'));
    }
    text
}
