//! Finds what happened, and the provider's own name for it, in headers and in the body.

use std::fmt;

use percent_encoding::percent_decode;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::fields::text;
use crate::webhooks::Request;

/// Where something is said.
#[derive(Clone, Copy)]
pub(super) enum Place {
    /// Nowhere.
    Nowhere,
    /// In a header.
    Header(&'static str),
    /// In a member of the JSON in the body; [`FIRST`] is the first element of an array.
    Json(&'static [&'static str]),
    /// In a field of the form in the body.
    Form(&'static str),
    /// In a header, and closer in the body, if it is there: `pull_request.opened`.
    Both(&'static str, &'static [&'static str]),
    /// In the first of several that has it.
    Either(&'static [Self]),
}

impl Place {
    /// Returns what is said there, if it can be shown in a line.
    pub(super) fn look(self, request: &Request) -> Option<String> {
        let found = match self {
            Self::Nowhere => None,
            Self::Header(name) => header(request, name),
            Self::Json(path) => json(&request.body, path),
            Self::Form(name) => form(&request.body, name),
            Self::Both(name, path) => {
                let whole = header(request, name)?;
                let part = json(&request.body, path).filter(|part| fits(part));
                Some(part.map_or_else(|| whole.clone(), |part| format!("{whole}.{part}")))
            }
            Self::Either(places) => places.iter().find_map(|place| place.look(request)),
        };
        found.filter(|text| fits(text))
    }
}

/// Whether a text is one that can stand in a line, a column and a terminal.
fn fits(text: &str) -> bool {
    (1..=LONGEST).contains(&text.len()) && !text.chars().any(char::is_control)
}

/// Returns what a header says.
pub(super) fn header(request: &Request, name: &str) -> Option<String> {
    let text = text(request, name).ok().filter(|text| fits(text));
    text.map(str::to_owned)
}

fn form(body: &[u8], name: &str) -> Option<String> {
    pairs(body)
        .find(|(it, _)| it == name.as_bytes())
        .and_then(|(_, value)| String::from_utf8(value).ok())
}

/// Returns the fields of a form, decoded, in their order.
pub(super) fn pairs(body: &[u8]) -> impl Iterator<Item = (Vec<u8>, Vec<u8>)> {
    let fields = body.split(|&byte| byte == b'&');
    fields.filter(|field| !field.is_empty()).map(|field| {
        let equals = memchr::memchr(b'=', field);
        let (name, value) = equals.map_or((field, &b""[..]), |at| (&field[..at], &field[at + 1..]));
        (decoded(name), decoded(value))
    })
}

fn decoded(text: &[u8]) -> Vec<u8> {
    let spaced: Vec<u8> = text
        .iter()
        .map(|&byte| if byte == b'+' { b' ' } else { byte })
        .collect();
    percent_decode(&spaced).collect()
}

/// Returns a text or a number in a JSON text. Of a name that is there twice the last counts, as it
/// does with every SDK.
pub(super) fn json(body: &[u8], path: &[&str]) -> Option<String> {
    let mut found = None;
    let mut reader = serde_json::Deserializer::from_slice(body);
    let finder = Finder {
        path,
        found: &mut found,
    };
    finder.deserialize(&mut reader).ok()?;
    reader.end().ok()?;
    found
}

/// Walks to one place and passes over everything else without keeping it.
struct Finder<'a> {
    path: &'a [&'a str],
    found: &'a mut Option<String>,
}

impl Finder<'_> {
    fn take(self, text: impl fmt::Display) {
        *self.found = self.path.is_empty().then(|| text.to_string());
    }
}

impl<'de> DeserializeSeed<'de> for Finder<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Finder<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.take(text);
        Ok(())
    }

    fn visit_u64<E>(self, number: u64) -> Result<(), E> {
        self.take(number);
        Ok(())
    }

    fn visit_i64<E>(self, number: i64) -> Result<(), E> {
        self.take(number);
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let (next, rest) = self.path.split_first().unzip();
        while let Some(name) = map.next_key::<String>()? {
            match rest {
                Some(path) if next.is_some_and(|next| **next == name) => {
                    let found = &mut *self.found;
                    map.next_value_seed(Finder { path, found })?;
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<(), A::Error> {
        if let Some((&FIRST, path)) = self.path.split_first() {
            let found = &mut *self.found;
            sequence.next_element_seed(Finder { path, found })?;
        }
        while sequence.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }
}

/// The first element of an array.
pub(super) const FIRST: &str = "[0]";

/// Longer than any provider's; what is longer is no name.
const LONGEST: usize = 200;
