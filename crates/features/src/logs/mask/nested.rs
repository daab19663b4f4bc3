//! What stands in an object or an array under the name of a secret: every text and number in it.

use std::ops::Range;

use super::finding::Quote;
use super::values::{EMPTY, backslashes_at, quoted};

/// A value, and the quotes that its mask needs.
type Value = (Range<usize>, Option<Quote>);

/// Returns the values in what the bracket at `start` opens, and where that ends. Names stay; `quote`
/// is what stands around the name before it, in JSON.
pub(super) fn values(text: &str, start: usize, quote: Option<Quote>) -> (Vec<Value>, usize) {
    let mut walk = Walk {
        text,
        at: start,
        quote,
        open: Vec::new(),
        found: Vec::new(),
    };
    while walk.step().is_some() {}
    (walk.found, walk.at)
}

/// One way through the text, in which each byte is passed once.
struct Walk<'t> {
    text: &'t str,
    at: usize,
    quote: Option<Quote>,
    /// The brackets that are open.
    open: Vec<u8>,
    found: Vec<Value>,
}

impl Walk<'_> {
    /// Passes whatever stands next; `None` at the end.
    fn step(&mut self) -> Option<()> {
        let bytes = self.text.as_bytes();
        match *bytes.get(self.at)? {
            bracket @ (b'{' | b'[') => self.open.push(bracket),
            b'}' | b']' => {
                self.open.pop();
                if self.open.is_empty() {
                    self.at += 1;
                    return None;
                }
            }
            b'"' | b'\'' | b'`' => return self.quoted(),
            b'\\' => return self.escape(),
            b'\n' if self.quote.is_none() => return None,
            b'=' => self.at += usize::from(bytes.get(self.at + 1) == Some(&b'>')),
            b',' | b':' | b';' | b'(' | b')' => {}
            byte if byte.is_ascii_whitespace() => {}
            _ => {
                self.bare();
                return Some(());
            }
        }
        self.at += 1;
        Some(())
    }

    fn quoted(&mut self) -> Option<()> {
        let bytes = self.text.as_bytes();
        let level = backslashes_at(bytes, self.at);
        let mark = self.at + level;
        let ends = bytes[mark] == b'"'
            && match self.quote {
                Some(Quote { backslashes }) => level < backslashes,
                None => closes(&bytes[mark + 1..]),
            };
        if ends {
            return None;
        }
        let range = quoted(bytes, self.at)?;
        let end = range.end + backslashes_at(bytes, range.end);
        let last = bytes.get(end).copied();
        if last == Some(b'"') && bytes[mark] != b'"' {
            // The text of JSON that an apostrophe stands in is over.
            self.at = end;
        } else {
            self.at = (end + 1).min(bytes.len());
        }
        if !range.is_empty() && !self.is_name() {
            self.found.push((range, None));
        }
        Some(())
    }

    /// Passes backslashes: those of a quote, or of a line's end in a text.
    fn escape(&mut self) -> Option<()> {
        let bytes = self.text.as_bytes();
        let behind = self.at + backslashes_at(bytes, self.at);
        match bytes.get(behind) {
            Some(b'"' | b'\'' | b'`') => return self.quoted(),
            Some(b'n') if self.quote.is_none() => return None,
            Some(b'n' | b'r' | b't') => self.at = behind + 1,
            _ => self.at = behind,
        }
        Some(())
    }

    fn bare(&mut self) {
        let bytes = self.text.as_bytes();
        let in_object = self.open.last() == Some(&b'{');
        let ends = |byte: &u8| match byte {
            b',' | b'{' | b'}' | b'[' | b']' | b'"' | b'\\' => true,
            b':' | b'=' => in_object,
            byte => byte.is_ascii_whitespace(),
        };
        let start = self.at;
        let length = bytes[start..].iter().position(ends);
        self.at = length.map_or(bytes.len(), |length| start + length);
        let range = start..self.at;
        if !self.is_name() && !EMPTY.contains(&&self.text[range.clone()]) {
            self.found.push((range, self.quote));
        }
    }

    /// Says whether what was passed last is the name of something in an object.
    fn is_name(&self) -> bool {
        let behind = self.text.as_bytes()[self.at..].iter();
        let mut behind = behind.take(MOST_SPACES).skip_while(|&&byte| byte == b' ');
        self.open.last() == Some(&b'{') && matches!(behind.next(), Some(b':' | b'='))
    }
}

/// Says whether a quote ends the text of JSON around what it stands in, by what follows it.
fn closes(rest: &[u8]) -> bool {
    let mut behind = rest.iter().take(MOST_SPACES).skip_while(|&&b| b == b' ');
    matches!(behind.next(), None | Some(b',' | b'}' | b']' | b':'))
}

/// How many spaces may stand between a name and its sign.
const MOST_SPACES: usize = 8;
