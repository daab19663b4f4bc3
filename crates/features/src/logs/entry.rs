//! What a ring holds: lines, read and bounded, and marks between them.

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::fields::Fields;
use super::level::Level;
use super::mark::Mark;

/// A line or a mark with its place in the ring.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Counts the entries of a ring from 0, without a hole.
    pub sequence: u64,
    /// What it is.
    pub record: Record,
}

/// A line, or what happened between two lines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Record {
    /// Something was written.
    Line(Line),
    /// Something happened to who writes, or to what was written. Passes every filter.
    Mark(Mark),
}

/// Who writes: names that many lines share.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Origin {
    /// The service, or a part of it.
    pub service: Arc<str>,
    /// Which instance of the service; empty if it does not say.
    pub instance: Arc<str>,
}

/// A log line, as it was written and as it was understood.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Nanoseconds since 1970: when it was written if the line says, else when it was read.
    pub time: u64,
    /// How grave it is.
    pub level: Level,
    /// Who wrote it.
    pub origin: Origin,
    /// What is shown: text without escape codes. Stack traces have line feeds.
    pub message: String,
    /// What else the line says, as far as it is short. `truncated` is ours.
    pub fields: Fields,
    /// The bytes that were written, where they are not those of the message.
    #[serde(with = "serde_bytes")]
    pub raw: Option<Vec<u8>>,
}

impl Entry {
    /// Returns the line, if it is one.
    #[must_use]
    pub const fn line(&self) -> Option<&Line> {
        match &self.record {
            Record::Line(line) => Some(line),
            Record::Mark(_) => None,
        }
    }
}

impl Record {
    /// Returns when it was written or happened, in nanoseconds since 1970.
    #[must_use]
    pub const fn time(&self) -> u64 {
        match self {
            Self::Line(line) => line.time,
            Self::Mark(mark) => mark.time,
        }
    }

    /// Returns how much memory it takes, about.
    pub(super) fn cost(&self) -> usize {
        match self {
            Self::Line(line) => line.cost(),
            Self::Mark(_) => LINE_COST,
        }
    }
}

impl Origin {
    /// Names a service and one of its instances.
    #[must_use]
    pub fn new(service: &str, instance: &str) -> Self {
        Self {
            service: shown(service).into(),
            instance: shown(instance).into(),
        }
    }

    /// Names a service of which nobody says which instance it is.
    #[must_use]
    pub fn service(service: &str) -> Self {
        Self::new(service, "")
    }

    /// Returns the same instance under another name, if it is another.
    #[must_use]
    pub fn named(&self, service: &str) -> Self {
        if *self.service == *service {
            return self.clone();
        }
        Self {
            service: shown(service).into(),
            instance: Arc::clone(&self.instance),
        }
    }

    fn bound(&mut self) {
        for name in [&mut self.service, &mut self.instance] {
            if let Cow::Owned(shown) = shown(name) {
                *name = shown.into();
            }
        }
    }
}

impl Line {
    /// Returns the bytes that were written, without the line feed.
    #[must_use]
    pub fn raw(&self) -> &[u8] {
        self.raw.as_deref().unwrap_or(self.message.as_bytes())
    }

    /// Returns how much memory the line takes, about.
    #[must_use]
    pub(super) fn cost(&self) -> usize {
        let fields: usize = self
            .fields
            .iter()
            .map(|(name, value)| name.len() + value.len() + FIELD_COST)
            .sum();
        let raw = self.raw.as_ref().map_or(0, Vec::len);
        LINE_COST + self.message.len() + fields + raw
    }

    /// Cuts what is over the bounds, and says so in [`TRUNCATED`].
    ///
    /// Lines of a feed are within them already; whoever makes lines otherwise need not know them.
    pub(super) fn bound(&mut self) {
        let whole = self.raw().len();
        if let Some(raw) = &mut self.raw {
            raw.truncate(MAX_LINE);
        }
        cut(&mut self.message, MAX_LINE);
        self.origin.bound();
        self.fields
            .retain(|name, value| name.len() <= MAX_NAME && value.len() <= MAX_VALUE);
        self.fields.truncate(MAX_FIELDS);
        if self.raw().len() < whole {
            self.mark_truncated(whole);
        }
    }

    /// Notes how many bytes the line had of which only the first are here.
    pub(super) fn mark_truncated(&mut self, whole: usize) {
        self.fields.truncate(MAX_FIELDS - 1);
        self.fields.set(TRUNCATED, whole.to_string());
    }
}

/// Shortens a text to at most so many bytes, between two characters.
pub(super) fn cut(text: &mut String, most: usize) {
    text.truncate(text.floor_char_boundary(most));
}

/// Returns a name as it may stand beside others: of bounded length, and without what would break the
/// line that it stands in, or turn it around.
fn shown(name: &str) -> Cow<'_, str> {
    let is_fine = |c: char| !c.is_control() && !turns(c);
    if name.len() <= MAX_NAME && name.chars().all(is_fine) {
        return Cow::Borrowed(name);
    }
    let mut shown: String = name.chars().filter(|&c| is_fine(c)).collect();
    cut(&mut shown, MAX_NAME);
    Cow::Owned(shown)
}

/// Whether a character changes the direction of what follows it (Unicode, UAX #9).
const fn turns(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The field that says how many bytes a line had that was cut at [`MAX_LINE`].
pub(super) const TRUNCATED: &str = "truncated";

/// What is kept of a line, in bytes. Longer ones are dumps.
pub(super) const MAX_LINE: usize = 1024 * 1024;

/// The length of a service's or a field's name in bytes: what DNS allows a name's part.
pub(super) const MAX_NAME: usize = 63;

/// The length of a field's value in bytes: a URL, a path, an id. More is in the raw line.
pub(super) const MAX_VALUE: usize = 256;

/// How many fields a line has. More is in the raw line.
pub(super) const MAX_FIELDS: usize = 64;

/// The line's own parts, the reference to it, its place in the ring, and what the allocator adds
/// to the message, the fields and the raw bytes. The names of its origin are shared.
const LINE_COST: usize = 288;

/// A field's two texts, and what the allocator adds.
const FIELD_COST: usize = 80;

#[cfg(test)]
mod tests {
    use super::*;

    fn line(message: String) -> Line {
        Line {
            time: 0,
            level: Level::INFO,
            origin: Origin::service("api"),
            message,
            fields: Fields::default(),
            raw: None,
        }
    }

    #[test]
    fn a_line_over_the_bounds_is_cut_between_characters_and_says_so() {
        let mut line = line(format!("x{}", "ü".repeat(600_000)));
        line.origin = Origin::service(&"s".repeat(100));
        line.bound();
        assert_eq!(line.message.len(), MAX_LINE - 1);
        assert_eq!(&line.fields[TRUNCATED], "1200001");
        assert_eq!(line.origin.service.len(), MAX_NAME);
    }

    #[test]
    fn names_are_one_line_from_left_to_right() {
        let origin = Origin::new("ev\u{1b}[2Jil\nforged", "a\u{202e}b");
        assert_eq!(
            (&*origin.service, &*origin.instance),
            ("ev[2Jilforged", "ab")
        );
        let renamed = origin.named("x\ty");
        assert_eq!(&*renamed.service, "xy");
    }

    #[test]
    fn a_line_within_the_bounds_stays_as_it_is() {
        let mut bounded = line("hello".into());
        bounded.fields.set("path", "/");
        let before = bounded.clone();
        bounded.bound();
        assert_eq!(bounded, before);
    }

    #[test]
    fn the_longest_line_is_shorter_than_the_longest_reply() {
        let mut longest = line("x".repeat(MAX_LINE));
        longest.raw = Some(vec![0; MAX_LINE]);
        longest.origin = Origin::new(&"s".repeat(MAX_NAME), &"i".repeat(MAX_NAME));
        for number in 0..MAX_FIELDS {
            let name = format!("{number:0>MAX_NAME$}");
            longest.fields.set(name, "x".repeat(MAX_VALUE));
        }
        longest.bound();
        assert_eq!(longest.fields.len(), MAX_FIELDS);
        let mut bytes = Vec::new();
        ::wire::encode(&longest, &mut bytes);
        assert!(bytes.len() + 64 < super::super::PROTOCOL.longest_reply as usize);
    }
}
