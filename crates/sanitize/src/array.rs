//! Rewrites the elements of an array in PostgreSQL's text form, and copies all else as it stands:
//! `{a,"b c",NULL,{"d\"e"}}`, with or without bounds in front (`[0:1]={a,b}`).

use std::borrow::Cow;

use crate::Outcome;

/// The text is no array.
#[derive(Debug)]
pub(crate) struct Malformed;

/// Appends `literal` with each element, however deep, replaced by what `element` writes; appends
/// nothing if every element is kept.
pub(crate) fn rewrite(
    literal: &str,
    out: &mut String,
    mut element: impl FnMut(&str, &mut String) -> Outcome,
) -> Result<Outcome, Malformed> {
    let start = out.len();
    let mut reader = Reader {
        text: literal,
        at: bounds(literal),
        depth: 0,
    };
    let (mut copied, mut piece) = (0, String::new());
    loop {
        match reader.next() {
            Ok(Some(found)) => {
                let content = found.content(literal);
                if content.is_empty() {
                    continue;
                }
                piece.clear();
                let outcome = element(&content, &mut piece);
                if outcome == Outcome::Kept {
                    continue;
                }
                out.push_str(&literal[copied..found.start]);
                copied = found.end;
                if outcome == Outcome::Null {
                    out.push_str("NULL");
                } else {
                    quote(&piece, out);
                }
            }
            Ok(None) => break,
            Err(malformed) => {
                out.truncate(start);
                return Err(malformed);
            }
        }
    }
    if copied == 0 {
        return Ok(Outcome::Kept);
    }
    out.push_str(&literal[copied..]);
    Ok(Outcome::Replaced)
}

/// Where an element stands, its quotes included.
struct Element {
    start: usize,
    end: usize,
}

impl Element {
    /// Returns the element as its type writes it.
    fn content<'t>(&self, literal: &'t str) -> Cow<'t, str> {
        let written = &literal[self.start..self.end];
        let inner = written
            .strip_prefix('"')
            .and_then(|w| w.strip_suffix('"'))
            .unwrap_or(written);
        if !inner.contains('\\') {
            return Cow::Borrowed(inner);
        }
        let mut content = String::with_capacity(inner.len());
        let mut chars = inner.chars();
        while let Some(c) = chars.next() {
            content.extend(if c == '\\' { chars.next() } else { Some(c) });
        }
        Cow::Owned(content)
    }
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
    depth: usize,
}

impl Reader<'_> {
    /// Returns the next element that is not NULL, or `None` at the end of the array.
    fn next(&mut self) -> Result<Option<Element>, Malformed> {
        let bytes = self.text.as_bytes();
        loop {
            match bytes.get(self.at) {
                None => {
                    return if self.depth == 0 && self.text.ends_with('}') {
                        Ok(None)
                    } else {
                        Err(Malformed)
                    };
                }
                Some(b'{') if self.depth < MAX_DEPTH && (self.depth > 0 || self.is_at_front()) => {
                    self.depth += 1;
                    self.at += 1;
                }
                _ if self.depth == 0 => return Err(Malformed),
                Some(b'}') => {
                    self.depth -= 1;
                    self.at += 1;
                    if self.depth == 0 && self.at < bytes.len() {
                        return Err(Malformed);
                    }
                }
                Some(b',' | b' ') => self.at += 1,
                Some(b'"') => return self.quoted().map(Some),
                Some(_) => {
                    let element = self.bare()?;
                    if !self.text[element.start..element.end].eq_ignore_ascii_case("NULL") {
                        return Ok(Some(element));
                    }
                }
            }
        }
    }

    fn is_at_front(&self) -> bool {
        self.at == bounds(self.text)
    }

    fn quoted(&mut self) -> Result<Element, Malformed> {
        let start = self.at;
        self.at += 1;
        loop {
            match self.text.as_bytes().get(self.at) {
                None => return Err(Malformed),
                Some(b'\\') => self.at += 2,
                Some(b'"') => {
                    self.at += 1;
                    return Ok(Element {
                        start,
                        end: self.at,
                    });
                }
                Some(_) => self.at += 1,
            }
        }
    }

    fn bare(&mut self) -> Result<Element, Malformed> {
        let start = self.at;
        loop {
            match self.text.as_bytes().get(self.at) {
                None | Some(b'{' | b'"') => return Err(Malformed),
                Some(b',' | b'}') => {
                    return Ok(Element {
                        start,
                        end: self.at,
                    });
                }
                Some(b'\\') => self.at += 2,
                Some(_) => self.at += 1,
            }
        }
    }
}

/// Returns where the array begins behind its bounds, if it has any.
fn bounds(literal: &str) -> usize {
    let is_bound = |c: char| c.is_ascii_digit() || matches!(c, '[' | ']' | ':' | '-' | '+');
    match literal.split_once('=') {
        Some((bounds, _)) if bounds.starts_with('[') && bounds.chars().all(is_bound) => {
            bounds.len() + 1
        }
        _ => 0,
    }
}

/// Appends an element in quotes, which any element may have.
fn quote(element: &str, out: &mut String) {
    out.push('"');
    for c in element.chars() {
        if matches!(c, '"' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
}

/// PostgreSQL's arrays have at most six dimensions.
const MAX_DEPTH: usize = 6;

#[cfg(test)]
mod tests {
    use super::*;

    /// Replaces `secret`, makes NULL of `null`, keeps the rest.
    fn rewritten(literal: &str) -> Result<Option<String>, Malformed> {
        let mut out = String::new();
        let outcome = rewrite(literal, &mut out, |element, out| match element {
            "secret" | "se\"cret" => {
                out.push_str("a \"b\" \\ c");
                Outcome::Replaced
            }
            "null" => Outcome::Null,
            _ => Outcome::Kept,
        })?;
        Ok((outcome != Outcome::Kept).then_some(out))
    }

    #[test]
    fn elements_are_found_at_any_depth_and_all_else_is_copied() {
        let with = |literal: &str| rewritten(literal).unwrap().unwrap();
        assert_eq!(with("{a,secret}"), r#"{a,"a \"b\" \\ c"}"#);
        assert_eq!(
            with(r#"{"x, }",{"se\"cret"}, NULL}"#),
            r#"{"x, }",{"a \"b\" \\ c"}, NULL}"#
        );
        assert_eq!(with(r#"[0:1]={a,"null"}"#), "[0:1]={a,NULL}");
    }

    #[test]
    fn an_array_of_harmless_elements_is_kept() {
        for literal in ["{}", "{{},{}}", "{NULL,null,a}", r#"{"",b}"#, "[1:2]={a,b}"] {
            assert!(rewritten(literal).unwrap().is_none(), "{literal}");
        }
    }

    #[test]
    fn what_is_no_array_is_refused() {
        let deep = "{".repeat(7) + &"}".repeat(7);
        for literal in [
            "", "a", "{", "{a", r#"{"a}"#, "{a}b", "{a}{b}", "}", "{a\\", "{a\"b\"}", &deep,
        ] {
            assert!(rewritten(literal).is_err(), "{literal}");
        }
    }
}
