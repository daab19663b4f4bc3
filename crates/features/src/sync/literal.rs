//! PostgreSQL's array literals, such as `{1,NULL}` and `{{"a b"},{c}}`, as JSON.

use std::mem;

use memchr::memchr2;
use sanitize::ValueKind;
use thiserror::Error;

use super::json::push_scalar;

/// Appends the JSON form of an array literal whose elements are of `element`.
///
/// Bounds other than the usual, as in `[0:1]={a,b}`, are left out: JSON has none.
///
/// # Errors
/// [`LiteralError`] if the text is not an array as PostgreSQL prints it; `out` is then as it was.
pub fn push_array(
    element: &ValueKind,
    literal: &str,
    out: &mut String,
) -> Result<(), LiteralError> {
    let before = out.len();
    let mut array = Array {
        element,
        rest: without_bounds(literal)?,
        unescaped: String::new(),
        out,
    };
    let mut read = array.read(1);
    if !array.rest.is_empty() {
        read = Err(LiteralError);
    }
    if read.is_err() {
        out.truncate(before);
    }
    read
}

/// A text that is not an array as PostgreSQL prints it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a value is not an array as PostgreSQL prints it")]
pub struct LiteralError;

struct Array<'a, 'o> {
    element: &'a ValueKind,
    rest: &'a str,
    /// What the escapes of one element stand for; kept for its memory.
    unescaped: String,
    out: &'o mut String,
}

impl Array<'_, '_> {
    fn read(&mut self, dimension: u8) -> Result<(), LiteralError> {
        if dimension > MAX_DIMENSIONS || !self.take('{') {
            return Err(LiteralError);
        }
        self.out.push('[');
        if !self.take('}') {
            self.item(dimension)?;
            while self.take(',') {
                self.out.push(',');
                self.item(dimension)?;
            }
            if !self.take('}') {
                return Err(LiteralError);
            }
        }
        self.out.push(']');
        Ok(())
    }

    fn item(&mut self, dimension: u8) -> Result<(), LiteralError> {
        match self.rest.as_bytes().first() {
            Some(b'{') => self.read(dimension + 1),
            Some(b'"') => self.quoted(),
            _ => self.bare(),
        }
    }

    fn bare(&mut self) -> Result<(), LiteralError> {
        let end = memchr2(b',', b'}', self.rest.as_bytes()).ok_or(LiteralError)?;
        let (text, rest) = self.rest.split_at(end);
        self.rest = rest;
        // PostgreSQL quotes elements that are empty or hold any of these.
        if text.is_empty() || text.contains(['"', '{', '\\']) {
            return Err(LiteralError);
        }
        if text.eq_ignore_ascii_case("null") {
            self.out.push_str("null");
        } else {
            push_scalar(self.element, text, self.out);
        }
        Ok(())
    }

    fn quoted(&mut self) -> Result<(), LiteralError> {
        self.rest = &self.rest[1..];
        let mut unescaped = mem::take(&mut self.unescaped);
        unescaped.clear();
        loop {
            let at = memchr2(b'"', b'\\', self.rest.as_bytes()).ok_or(LiteralError)?;
            unescaped.push_str(&self.rest[..at]);
            let stop = self.rest.as_bytes()[at];
            self.rest = &self.rest[at + 1..];
            if stop == b'"' {
                break;
            }
            let escaped = self.rest.chars().next().ok_or(LiteralError)?;
            unescaped.push(escaped);
            self.rest = &self.rest[escaped.len_utf8()..];
        }
        push_scalar(self.element, &unescaped, self.out);
        self.unescaped = unescaped;
        Ok(())
    }

    fn take(&mut self, expected: char) -> bool {
        let rest = self.rest.strip_prefix(expected);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }
}

/// Drops the bounds that PostgreSQL writes before an array which does not begin at 1.
fn without_bounds(literal: &str) -> Result<&str, LiteralError> {
    if !literal.starts_with('[') {
        return Ok(literal);
    }
    let (bounds, array) = literal.split_once('=').ok_or(LiteralError)?;
    let are_bounds = bounds
        .bytes()
        .all(|byte| matches!(byte, b'[' | b']' | b':' | b'-' | b'0'..=b'9'));
    if are_bounds {
        Ok(array)
    } else {
        Err(LiteralError)
    }
}

/// PostgreSQL's own limit.
const MAX_DIMENSIONS: u8 = 6;

#[cfg(test)]
mod tests {
    use super::*;

    fn json(element: &ValueKind, literal: &str) -> String {
        let mut out = String::new();
        push_array(element, literal, &mut out).unwrap();
        out
    }

    #[test]
    fn elements_take_the_form_of_their_kind() {
        assert_eq!(
            json(&ValueKind::Text, "{rust,\"a b\",NULL,\"NULL\",\"\"}"),
            r#"["rust","a b",null,"NULL",""]"#
        );
        assert_eq!(
            json(&ValueKind::Integer, "{1,-2,9223372036854775807}"),
            "[1,-2,9223372036854775807]"
        );
        assert_eq!(json(&ValueKind::Decimal, "{1.50,NaN}"), r#"[1.50,"NaN"]"#);
        assert_eq!(json(&ValueKind::Boolean, "{t,f,NULL}"), "[true,false,null]");
        assert_eq!(
            json(&ValueKind::Json, r#"{"{\"a\": [1, \"\\\\\"]}",1}"#),
            r#"[{"a": [1, "\\"]},1]"#
        );
        assert_eq!(json(&ValueKind::Text, "{}"), "[]");
    }

    #[test]
    fn escapes_and_unicode_come_through() {
        assert_eq!(
            json(&ValueKind::Text, r#"{"a\"b\\c","{x,y}","🦀\🦀"}"#),
            r#"["a\"b\\c","{x,y}","🦀🦀"]"#
        );
        assert_eq!(json(&ValueKind::Text, "{\"a\nb\"}"), r#"["a\nb"]"#);
    }

    #[test]
    fn dimensions_nest_and_bounds_are_left_out() {
        assert_eq!(
            json(&ValueKind::Integer, "{{1,2},{3,NULL}}"),
            "[[1,2],[3,null]]"
        );
        assert_eq!(json(&ValueKind::Integer, "[0:1]={5,6}"), "[5,6]");
        assert_eq!(
            json(&ValueKind::Integer, "[-1:0][2:3]={{1,2},{3,4}}"),
            "[[1,2],[3,4]]"
        );
        assert_eq!(json(&ValueKind::Integer, "{{{{{{1}}}}}}"), "[[[[[[1]]]]]]");
    }

    #[test]
    fn what_is_not_an_array_is_refused_and_leaves_nothing() {
        let malformed = [
            "",
            "{",
            "}",
            "a",
            "{a",
            "{a,}",
            "{,a}",
            "{a}}",
            "{\"a}",
            "{\"a\\",
            "{\"a\"b}",
            "{a\"b\"}",
            "[0:1]{a}",
            "[x]={a}",
            "{{{{{{{1}}}}}}}",
            "{{1},{2}",
        ];
        for literal in malformed {
            let mut out = "before".to_owned();
            assert_eq!(
                push_array(&ValueKind::Text, literal, &mut out),
                Err(LiteralError),
                "{literal}"
            );
            assert_eq!(out, "before");
        }
    }
}
