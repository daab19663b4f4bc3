//! Rewrites the strings, names and numbers of a JSON document in place.
//!
//! The document is read once, byte by byte, and copied only from its first change on: members
//! keep their order, numbers their spelling, and all that is not personal its very bytes.

mod fragment;
mod reader;

use std::borrow::Cow;
use std::ops::Range;

pub(crate) use self::fragment::names_someone;
use self::reader::Reader;
use crate::names::{Meaning, Surroundings, meaning, surroundings};
use crate::persona::{REDACTED, Room};
use crate::rewrite::{Rewriter, Setting};
use crate::scan::{self, Context, Signs};
use crate::{Outcome, Persona};

/// Why a document cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unreadable {
    /// It is not JSON.
    Malformed,
    /// It is nested deeper than is looked.
    TooDeep,
}

/// What happens to the values in some part of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// What looks personal is replaced.
    Scan,
    /// They are personal data of this kind.
    Personal(Persona),
    /// They are people in a part: a text is a name, an object says more of the person.
    Part,
    /// They say nothing.
    Redact,
}

/// A part of a document: what happens in it, and what stands around it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scope {
    pub(crate) rule: Rule,
    pub(crate) around: Surroundings,
    pub(crate) context: Context,
}

/// Appends `text` with what is personal in it replaced, or nothing if it is kept. `nesting` is how
/// many documents this one is in, as a string.
pub(crate) fn rewrite(
    rewriter: &Rewriter<'_>,
    scope: Scope,
    text: &str,
    nesting: usize,
    out: &mut String,
) -> Result<Outcome, Unreadable> {
    if nesting > MAX_NESTING {
        return Err(Unreadable::TooDeep);
    }
    let start = out.len();
    let signs = Signs::of(text);
    let reader = Reader::new(text);
    let mut walk = Walk {
        rewriter,
        reader,
        signs,
        quiet: !signs.are_any()
            && !signs.has(Signs::ESCAPE)
            && memchr::memchr(b'\'', text.as_bytes()).is_none(),
        nesting,
        copied: 0,
        out,
        piece: String::new(),
    };
    let read = walk.value(scope, 0).and_then(|()| walk.reader.end());
    if let Err(unreadable) = read {
        out.truncate(start);
        return Err(unreadable);
    }
    let copied = walk.copied;
    if copied == 0 {
        return Ok(Outcome::Kept);
    }
    out.push_str(&text[copied..]);
    Ok(Outcome::Replaced)
}

/// A walk through a document.
struct Walk<'a, 't> {
    rewriter: &'a Rewriter<'a>,
    reader: Reader<'t>,
    /// The signs of the whole document.
    signs: Signs,
    /// Whether only names are worth a look: no string shows a sign or holds names itself.
    quiet: bool,
    nesting: usize,
    /// How much of the document is in `out`.
    copied: usize,
    out: &'a mut String,
    /// What the next change is written into.
    piece: String,
}

impl Walk<'_, '_> {
    fn value(&mut self, scope: Scope, depth: usize) -> Result<(), Unreadable> {
        if depth > MAX_DEPTH {
            return Err(Unreadable::TooDeep);
        }
        match self.reader.peek()? {
            b'{' => self.object(scope, depth),
            b'[' => self.array(scope, depth),
            b'"' => {
                let string = self.reader.string()?;
                self.string(scope, string)
            }
            b'-' | b'0'..=b'9' => {
                let number = self.reader.number()?;
                self.number(scope, number);
                Ok(())
            }
            _ => {
                let literal = self.reader.literal()?;
                self.literal(scope, literal);
                Ok(())
            }
        }
    }

    fn object(&mut self, mut scope: Scope, depth: usize) -> Result<(), Unreadable> {
        let start = self.reader;
        if scope.rule == Rule::Part {
            scope = Scope {
                rule: Rule::Scan,
                around: Surroundings::People,
                ..scope
            };
        }
        let mut person = None;
        self.reader.open(b'{')?;
        while self.reader.has_next(b'}')? {
            let name = self.reader.string()?;
            self.reader.colon()?;
            let member = self.member(scope, name.clone(), || {
                *person.get_or_insert_with(|| speaks_of_person(start))
            })?;
            // Names are data too, in documents that are looked up by address.
            self.string(
                Scope {
                    rule: Rule::Scan,
                    context: Context::Any,
                    ..scope
                },
                name,
            )?;
            self.value(member, depth + 1)?;
        }
        Ok(())
    }

    fn array(&mut self, scope: Scope, depth: usize) -> Result<(), Unreadable> {
        self.reader.open(b'[')?;
        while self.reader.has_next(b']')? {
            self.value(scope, depth + 1)?;
        }
        Ok(())
    }

    /// Returns the scope of the member that the reader is at.
    fn member(
        &mut self,
        scope: Scope,
        name: Range<usize>,
        person: impl FnOnce() -> Surroundings,
    ) -> Result<Scope, Unreadable> {
        let name = self.reader.decoded(name)?;
        let mut around = Surroundings::Other;
        if matches!(self.reader.peek()?, b'{' | b'[') {
            around = surroundings(&name);
        }
        let mut member = Scope {
            around,
            context: Context::Any,
            ..scope
        };
        if scope.rule == Rule::Redact {
            return Ok(member);
        }
        match meaning(&name, scope.around) {
            Some(Meaning::Secret | Meaning::Sensitive) => member.rule = Rule::Redact,
            Some(Meaning::Personal(persona)) => member.rule = Rule::Personal(persona),
            Some(Meaning::Part) => member.rule = Rule::Part,
            // Within a name's or a company's parts it is one of them.
            Some(Meaning::Ambiguous) if scope.rule == Rule::Scan => {
                if person() == Surroundings::People {
                    member.rule = Rule::Personal(Persona::FullName);
                }
            }
            Some(Meaning::Version) => member.context = Context::Version,
            Some(Meaning::Plain) => member.rule = Rule::Scan,
            Some(Meaning::Ambiguous) | None => {}
        }
        Ok(member)
    }

    /// Rewrites a string; `string` is what stands between its quotes.
    fn string(&mut self, scope: Scope, string: Range<usize>) -> Result<(), Unreadable> {
        let quiet = || self.quiet && !self.reader.text(string.clone()).starts_with('{');
        if string.is_empty() || (scope.rule == Rule::Scan && quiet()) {
            return Ok(());
        }
        let content = self.reader.decoded(string.clone())?;
        self.piece.clear();
        let pseudonyms = self.rewriter.pseudonyms;
        let setting = Setting {
            room: Room::FREE,
            context: scope.context,
            nesting: self.nesting + 1,
        };
        let outcome = match scope.rule {
            Rule::Scan => self.rewriter.text(&content, setting, &mut self.piece),
            Rule::Personal(persona) => {
                pseudonyms.write(persona, &content, Room::FREE, &mut self.piece);
                Outcome::Replaced
            }
            Rule::Part => {
                pseudonyms.write(Persona::FullName, &content, Room::FREE, &mut self.piece);
                Outcome::Replaced
            }
            Rule::Redact => {
                self.piece.push_str(REDACTED);
                Outcome::Replaced
            }
        };
        if outcome != Outcome::Kept && self.piece != content {
            self.copy_until(string.start, string.end);
            escape(&self.piece, self.out);
        }
        Ok(())
    }

    /// Rewrites a number.
    fn number(&mut self, scope: Scope, number: Range<usize>) {
        let written = self.reader.text(number.clone());
        self.piece.clear();
        match scope.rule {
            Rule::Redact => self.piece.push('0'),
            Rule::Personal(persona) => {
                self.rewriter
                    .write_number(persona, written, &mut self.piece);
            }
            Rule::Scan | Rule::Part => {
                let found = if self.signs.has(Signs::DIGITS) {
                    scan::number(written, scope.context)
                } else {
                    None
                };
                if let Some(persona) = found {
                    self.rewriter
                        .write_number(persona, written, &mut self.piece);
                }
            }
        }
        if !self.piece.is_empty() && self.piece != written {
            self.copy_until(number.start, number.end);
            self.out.push_str(&self.piece);
        }
    }

    /// Rewrites `true`, which under a name such as `hiv_positive` says all.
    fn literal(&mut self, scope: Scope, literal: Range<usize>) {
        if scope.rule == Rule::Redact && self.reader.text(literal.clone()) == "true" {
            self.copy_until(literal.start, literal.end);
            self.out.push_str("false");
        }
    }

    /// Copies what stands before a change, and goes on behind it.
    fn copy_until(&mut self, start: usize, end: usize) {
        self.out.push_str(self.reader.text(self.copied..start));
        self.copied = end;
    }
}

/// Says whether the object at the reader has a member that only people have. What cannot be read
/// is refused when the walk comes to it.
fn speaks_of_person(mut reader: Reader<'_>) -> Surroundings {
    let mut look = || -> Result<Surroundings, Unreadable> {
        reader.open(b'{')?;
        while reader.has_next(b'}')? {
            let name = reader.string()?;
            let name: Cow<'_, str> = reader.decoded(name)?;
            let personal = matches!(
                meaning(&name, Surroundings::Other),
                Some(Meaning::Personal(
                    Persona::Email
                        | Persona::FirstName
                        | Persona::LastName
                        | Persona::Phone
                        | Persona::BirthDate
                        | Persona::NationalId
                        | Persona::Username
                ))
            );
            if personal {
                return Ok(Surroundings::People);
            }
            reader.colon()?;
            reader.skip()?;
        }
        Ok(Surroundings::Other)
    };
    look().unwrap_or(Surroundings::Other)
}

/// Appends what stands between the quotes of a string.
fn escape(content: &str, out: &mut String) {
    for c in content.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
}

/// How deep a document may be nested. Deeper ones come from machines and would cost stack.
const MAX_DEPTH: usize = 128;

/// How many documents may be in each other as strings, each of which doubles the escapes.
const MAX_NESTING: usize = 4;

#[cfg(test)]
mod tests;
