//! Reads a JSON document without building anything.

use std::borrow::Cow;
use std::ops::Range;

use memchr::memchr2;

use super::Unreadable;
use super::Unreadable::Malformed;

/// A place in a document.
#[derive(Clone, Copy)]
pub(super) struct Reader<'t> {
    text: &'t str,
    at: usize,
    /// Whether a value was read since the last bracket was opened, so that a comma must follow.
    between: bool,
}

impl<'t> Reader<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self {
            text,
            at: 0,
            between: false,
        }
    }

    /// Returns a part of the document.
    pub(super) fn text(&self, range: Range<usize>) -> &'t str {
        &self.text[range]
    }

    /// Returns the first byte of what comes next.
    pub(super) fn peek(&mut self) -> Result<u8, Unreadable> {
        self.space();
        self.byte().ok_or(Malformed)
    }

    /// Opens an object or an array.
    pub(super) fn open(&mut self, bracket: u8) -> Result<(), Unreadable> {
        self.expect(bracket)?;
        self.between = false;
        Ok(())
    }

    /// Says whether another value comes in what was opened, and closes it if none does.
    pub(super) fn has_next(&mut self, bracket: u8) -> Result<bool, Unreadable> {
        let next = self.peek()?;
        if next == bracket {
            self.at += 1;
            self.between = true;
            return Ok(false);
        }
        if self.between {
            self.expect(b',')?;
            self.space();
        }
        Ok(true)
    }

    /// Reads the colon behind a name.
    pub(super) fn colon(&mut self) -> Result<(), Unreadable> {
        self.space();
        self.expect(b':')
    }

    /// Reads a string and returns where its content stands.
    pub(super) fn string(&mut self) -> Result<Range<usize>, Unreadable> {
        self.space();
        self.expect(b'"')?;
        let start = self.at;
        loop {
            let rest = &self.text.as_bytes()[self.at..];
            let next = memchr2(b'"', b'\\', rest).ok_or(Malformed)?;
            self.at += next + 1;
            if rest[next] == b'"' {
                self.between = true;
                return Ok(start..self.at - 1);
            }
            // Whatever is escaped is not the end; what may be is checked where it is decoded.
            self.byte().ok_or(Malformed)?;
            self.at += 1;
        }
    }

    /// Returns the content of a string.
    pub(super) fn decoded(&self, string: Range<usize>) -> Result<Cow<'t, str>, Unreadable> {
        let written = &self.text[string];
        match memchr::memchr(b'\\', written.as_bytes()) {
            None => Ok(Cow::Borrowed(written)),
            Some(_) => unescape(written).map(Cow::Owned).ok_or(Malformed),
        }
    }

    /// Reads a number and returns where it stands.
    pub(super) fn number(&mut self) -> Result<Range<usize>, Unreadable> {
        let start = self.at;
        self.at += usize::from(self.byte() == Some(b'-'));
        if self.byte() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.byte() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.byte(), Some(b'e' | b'E')) {
            self.at += 1;
            self.at += usize::from(matches!(self.byte(), Some(b'+' | b'-')));
            self.digits()?;
        }
        self.between = true;
        Ok(start..self.at)
    }

    /// Reads `true`, `false` or `null` and returns where it stands.
    pub(super) fn literal(&mut self) -> Result<Range<usize>, Unreadable> {
        let start = self.at;
        let rest = &self.text[self.at..];
        let literal = ["true", "false", "null"]
            .into_iter()
            .find(|known| rest.starts_with(known));
        self.at += literal.ok_or(Malformed)?.len();
        self.between = true;
        Ok(start..self.at)
    }

    /// Reads over a value without a look at what is in it, or how it is nested.
    pub(super) fn skip(&mut self) -> Result<(), Unreadable> {
        let mut depth = 0_usize;
        loop {
            match self.peek()? {
                b'{' | b'[' => {
                    depth += 1;
                    self.at += 1;
                }
                b'}' | b']' => {
                    depth = depth.checked_sub(1).ok_or(Malformed)?;
                    self.at += 1;
                }
                b'"' => {
                    self.string()?;
                }
                b',' | b':' if depth > 0 => self.at += 1,
                b'-' | b'0'..=b'9' => {
                    self.number()?;
                }
                _ => {
                    self.literal()?;
                }
            }
            if depth == 0 {
                self.between = true;
                return Ok(());
            }
        }
    }

    /// Checks that nothing is left.
    pub(super) fn end(&mut self) -> Result<(), Unreadable> {
        self.space();
        if self.at == self.text.len() {
            Ok(())
        } else {
            Err(Malformed)
        }
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.byte(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    fn expect(&mut self, byte: u8) -> Result<(), Unreadable> {
        if self.byte() != Some(byte) {
            return Err(Malformed);
        }
        self.at += 1;
        Ok(())
    }

    fn digits(&mut self) -> Result<(), Unreadable> {
        let rest = &self.text.as_bytes()[self.at..];
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += digits;
        if digits > 0 { Ok(()) } else { Err(Malformed) }
    }
}

/// Undoes the escapes of a string, or returns `None` if one of them is none.
fn unescape(written: &str) -> Option<String> {
    let mut content = String::with_capacity(written.len());
    let mut rest = written;
    while let Some((before, after)) = rest.split_once('\\') {
        content.push_str(before);
        let escape = after.chars().next()?;
        rest = &after[escape.len_utf8()..];
        content.push(match escape {
            '"' | '\\' | '/' => escape,
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => code_point(&mut rest)?,
            _ => return None,
        });
    }
    content.push_str(rest);
    Some(content)
}

/// Reads the four digits behind `\u`, and the other half of a pair.
fn code_point(rest: &mut &str) -> Option<char> {
    let unit = |rest: &mut &str| {
        let digits = rest
            .get(..4)
            .filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()))?;
        *rest = &rest[4..];
        u16::from_str_radix(digits, 16).ok()
    };
    let first = unit(rest)?;
    if !(0xd800..=0xdbff).contains(&first) {
        return char::decode_utf16([first]).next()?.ok();
    }
    *rest = rest.strip_prefix("\\u")?;
    char::decode_utf16([first, unit(rest)?]).next()?.ok()
}
