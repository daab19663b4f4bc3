//! Lines as the user wants them: a text with names in braces.

use std::io::Write as _;
use std::str::FromStr;

use client::logs::Line;
use thiserror::Error;

use super::super::clock::Moment;
use super::super::style::Ink;
use super::brush::Colour;
use super::page::Page;
use super::renderer::Scribe;
use super::{pretty, safe};

/// A text in which names in braces stand for the parts of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Part(Part),
    Field(String),
}

/// A part of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Time,
    Date,
    Timestamp,
    Level,
    Service,
    Instance,
    Message,
    Fields,
    Raw,
    Sequence,
}

impl FromStr for Template {
    type Err = TemplateError;

    fn from_str(text: &str) -> Result<Self, TemplateError> {
        let mut pieces = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            plain.push_str(&unescaped(&rest[..at]));
            let brace = &rest[at..=at];
            rest = &rest[at + 1..];
            if let Some(behind) = rest.strip_prefix(brace) {
                plain.push_str(brace);
                rest = behind;
                continue;
            }
            let (name, behind) = match (brace, rest.split_once('}')) {
                ("{", Some(name)) => name,
                ("{", None) => {
                    return Err(TemplateError::Open {
                        rest: rest.to_owned(),
                    });
                }
                _ => return Err(TemplateError::Closing),
            };
            if !plain.is_empty() {
                pieces.push(Piece::Text(std::mem::take(&mut plain)));
            }
            pieces.push(Piece::named(name)?);
            rest = behind;
        }
        plain.push_str(&unescaped(rest));
        if !plain.is_empty() {
            pieces.push(Piece::Text(plain));
        }
        Ok(Self(pieces))
    }
}

/// Returns a text with a tab for `\t`, a line feed for `\n` and a backslash for two: shells hand them
/// on as they were typed. Any other backslash is itself.
fn unescaped(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        plain.push_str(&rest[..at]);
        let (meant, length) = match rest.as_bytes().get(at + 1) {
            Some(b't') => ('\t', 2),
            Some(b'n') => ('\n', 2),
            Some(b'\\') => ('\\', 2),
            _ => ('\\', 1),
        };
        plain.push(meant);
        rest = &rest[at + length..];
    }
    plain.push_str(rest);
    plain
}

impl Piece {
    fn named(name: &str) -> Result<Self, TemplateError> {
        if let Some(field) = name
            .strip_prefix("field.")
            .filter(|field| !field.is_empty())
        {
            return Ok(Self::Field(field.to_owned()));
        }
        let part = PARTS.iter().find(|(known, _)| *known == name);
        part.map(|(_, part)| Self::Part(*part))
            .ok_or_else(|| TemplateError::Unknown {
                name: name.to_owned(),
            })
    }
}

impl Template {
    /// Adds a line.
    pub(super) fn line(&self, line: &Line, sequence: u64, scribe: &mut Scribe, page: &mut Page) {
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => page.out.extend_from_slice(text.as_bytes()),
                Piece::Field(name) => {
                    safe::write(line.fields.get(name).unwrap_or_default(), &mut page.out);
                }
                Piece::Part(part) => part.write(line, sequence, scribe, &mut page.out),
            }
        }
        page.out.push(b'\n');
    }
}

impl Part {
    fn write(self, line: &Line, sequence: u64, scribe: &mut Scribe, out: &mut Vec<u8>) {
        let (brush, time) = (scribe.brush, Moment(line.time));
        match self {
            Self::Time => {
                let faint = Colour::Ink(Ink::Faint);
                brush.paint(faint, out, |out| scribe.clock.write(time, out));
            }
            // A buffer takes every write.
            Self::Date => write!(out, "{}", scribe.clock.day(time)).unwrap_or_default(),
            Self::Timestamp => write!(out, "{time}").unwrap_or_default(),
            Self::Sequence => write!(out, "{sequence}").unwrap_or_default(),
            Self::Level => {
                let word = pretty::word(line.level);
                brush.paint(Colour::of(line.level), out, |out| {
                    out.extend_from_slice(word);
                });
            }
            Self::Service => {
                let service = &line.origin.service;
                brush.paint(Colour::of_name(service), out, |out| {
                    safe::write(service, out);
                });
            }
            Self::Instance => safe::write(&line.origin.instance, out),
            Self::Message => safe::write(&line.message, out),
            Self::Raw => safe::write(&String::from_utf8_lossy(line.raw()), out),
            Self::Fields => {
                let shown = line
                    .fields
                    .iter()
                    .filter(|(name, _)| scribe.fields.shows(name));
                for (number, (name, value)) in shown.enumerate() {
                    if number > 0 {
                        out.push(b' ');
                    }
                    pretty::field(name, value, brush, out);
                }
            }
        }
    }
}

/// A template that makes no sense. The user is at fault.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TemplateError {
    /// It has a name that is none.
    #[error("there is no {{{name}}}{}: use {}", nearest(name), known())]
    Unknown {
        /// Which.
        name: String,
    },
    /// A brace is not closed.
    #[error("{{{rest} is not closed: write {{{{ for a brace")]
    Open {
        /// What follows it.
        rest: String,
    },
    /// A brace closes what was not opened.
    #[error("a }} closes nothing: write }}}} for a brace")]
    Closing,
}

fn nearest(name: &str) -> String {
    let near = |known: &&(&str, Part)| strsim::osa_distance(known.0, name) <= TYPO;
    match PARTS.iter().find(near) {
        Some((known, _)) => format!(", but {{{known}}}"),
        None => format!(", unless it is {{field.{name}}}"),
    }
}

fn known() -> String {
    let names = PARTS.iter().map(|(name, _)| format!("{{{name}}}"));
    names
        .chain(["{field.NAME}".to_owned()])
        .collect::<Vec<_>>()
        .join(", ")
}

/// What can be in braces, beside `field.NAME`.
const PARTS: [(&str, Part); 10] = [
    ("time", Part::Time),
    ("date", Part::Date),
    ("timestamp", Part::Timestamp),
    ("level", Part::Level),
    ("service", Part::Service),
    ("instance", Part::Instance),
    ("message", Part::Message),
    ("fields", Part::Fields),
    ("raw", Part::Raw),
    ("sequence", Part::Sequence),
];

/// So many slips of a finger still mean the name.
const TYPO: usize = 2;
