//! One log line, read and bounded.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::level::Level;

/// A log line with its place in the ring.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Counts the lines of one start of the server from 0, without a hole.
    pub sequence: u64,
    /// What was written.
    pub line: Line,
}

/// A log line, as it was written and as it was understood.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Nanoseconds since 1970: when it was written if the line says, else when it was read.
    pub time: u64,
    /// How grave it is.
    pub level: Level,
    /// Who wrote it.
    pub service: String,
    /// What is shown: text without escape codes.
    pub message: String,
    /// What else the line says, as far as it is short. `truncated` is ours.
    pub fields: BTreeMap<String, String>,
    /// The bytes that were written, where they are not those of the message.
    #[serde(with = "serde_bytes")]
    pub raw: Option<Vec<u8>>,
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
        LINE_COST + self.service.len() + self.message.len() + fields + raw
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
        cut(&mut self.service, MAX_NAME);
        self.fields
            .retain(|name, value| name.len() <= MAX_NAME && value.len() <= MAX_VALUE);
        while self.fields.len() > MAX_FIELDS {
            self.fields.pop_last();
        }
        if self.raw().len() < whole {
            self.mark_truncated(whole);
        }
    }

    /// Notes how many bytes the line had of which only the first are here.
    pub(super) fn mark_truncated(&mut self, whole: usize) {
        if self.fields.len() >= MAX_FIELDS {
            self.fields.pop_last();
        }
        self.fields.insert(TRUNCATED.to_owned(), whole.to_string());
    }
}

/// Shortens a text to at most so many bytes, between two characters.
pub(super) fn cut(text: &mut String, most: usize) {
    text.truncate(text.floor_char_boundary(most));
}

/// The field that says how many bytes a line had that was cut at [`MAX_LINE`].
pub(super) const TRUNCATED: &str = "truncated";

/// What is kept of a line, in bytes. Longer ones are dumps; pipes take 64 KiB at a time.
pub(super) const MAX_LINE: usize = 64 * 1024;

/// The length of a service's or a field's name in bytes: what DNS allows a name's part.
pub(super) const MAX_NAME: usize = 63;

/// The length of a field's value in bytes: a URL, a path, an id. More is in the raw line.
pub(super) const MAX_VALUE: usize = 256;

/// How many fields a line has. More is in the raw line.
pub(super) const MAX_FIELDS: usize = 64;

/// The line's own parts, the reference to it, its place in the ring, and what the allocator adds
/// to the service, the message and the raw bytes.
const LINE_COST: usize = 288;

/// A field's two texts, its share of a tree's node, and what the allocator adds.
const FIELD_COST: usize = 96;

#[cfg(test)]
mod tests {
    use super::*;

    fn line(message: String) -> Line {
        Line {
            time: 0,
            level: Level::INFO,
            service: "api".into(),
            message,
            fields: BTreeMap::new(),
            raw: None,
        }
    }

    #[test]
    fn a_line_over_the_bounds_is_cut_between_characters_and_says_so() {
        let mut line = line(format!("x{}", "ü".repeat(40_000)));
        line.service = "s".repeat(100);
        line.bound();
        assert_eq!(line.message.len(), MAX_LINE - 1);
        assert_eq!(line.fields[TRUNCATED], "80001");
        assert_eq!(line.service.len(), MAX_NAME);
    }

    #[test]
    fn a_line_within_the_bounds_stays_as_it_is() {
        let mut bounded = line("hello".into());
        bounded.fields.insert("path".into(), "/".into());
        let before = bounded.clone();
        bounded.bound();
        assert_eq!(bounded, before);
    }

    #[test]
    fn the_longest_line_is_shorter_than_the_longest_reply() {
        let mut longest = line("x".repeat(MAX_LINE));
        longest.raw = Some(vec![0; MAX_LINE]);
        longest.service = "s".repeat(MAX_NAME);
        for number in 0..MAX_FIELDS {
            let name = format!("{number:0>MAX_NAME$}");
            longest.fields.insert(name, "x".repeat(MAX_VALUE));
        }
        longest.bound();
        assert_eq!(longest.fields.len(), MAX_FIELDS);
        let mut bytes = Vec::new();
        ::wire::encode(&longest, &mut bytes);
        assert!(bytes.len() + 64 < super::super::PROTOCOL.longest_reply as usize);
    }
}
