//! NDJSON: pino, bunyan, winston, zap, slog, `tracing`, journald, GCP, ECS, Serilog and the like.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::found::Found;
use super::names::{Part, part};
use crate::logs::entry::MAX_NAME;

/// Reads a line that is one JSON object. Nested objects become fields with dots in their names,
/// arrays their text.
pub(super) fn read(text: &str) -> Option<Found<'_>> {
    if !text.starts_with('{') {
        return None;
    }
    let mut object = Object {
        found: Found::record(),
        path: String::new(),
        depth: 0,
        within: Within::Line,
    };
    object.read(text).ok()?;
    Some(object.found)
}

/// Reads the members of an object, and of those in it.
struct Object<'t> {
    found: Found<'t>,
    /// The names of the objects around, each with its dot.
    path: String,
    depth: usize,
    within: Within,
}

/// Whose names stand in an object.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Within {
    /// The logger's.
    Line,
    /// The program's own.
    Fields,
}

impl<'t> Object<'t> {
    fn read(&mut self, text: &'t str) -> Result<(), serde_json::Error> {
        let mut reader = serde_json::Deserializer::from_str(text);
        reader.deserialize_map(&mut *self)?;
        reader.end()
    }

    /// Takes a member by its text, in which a number is as it was written.
    fn member(&mut self, name: &str, value: &'t str) -> Result<(), serde_json::Error> {
        match value.as_bytes() {
            [b'{', ..] if self.depth < DEEPEST => self.nested(name, value),
            [b'n', ..] => Ok(()),
            [b'"', middle @ .., b'"'] if !middle.contains(&b'\\') => {
                self.take(name, Cow::Borrowed(&value[1..value.len() - 1]));
                Ok(())
            }
            [b'"', ..] => {
                self.take(name, Cow::Owned(serde_json::from_str(value)?));
                Ok(())
            }
            _ => {
                self.take(name, Cow::Borrowed(value));
                Ok(())
            }
        }
    }

    fn nested(&mut self, name: &str, value: &'t str) -> Result<(), serde_json::Error> {
        let (length, within) = (self.path.len(), self.within);
        if part(name) == Part::Wrapper && self.depth == 0 {
            self.within = Within::Fields;
        } else {
            self.path.push_str(name);
            self.path.push('.');
        }
        self.depth += 1;
        let read = self.read(value);
        self.depth -= 1;
        self.path.truncate(length);
        self.within = within;
        read
    }

    fn take(&mut self, name: &str, value: Cow<'t, str>) {
        if self.path.len() + name.len() > MAX_NAME {
            // No field has so long a name: it is in the raw line.
            return;
        }
        let length = self.path.len();
        let mut path = std::mem::take(&mut self.path);
        let name = if length == 0 {
            name
        } else {
            path.push_str(name);
            &path
        };
        match self.within {
            Within::Line => self.found.take(name, value),
            Within::Fields => self.found.take_own(name, value),
        }
        path.truncate(length);
        self.path = path;
    }
}

impl<'t> Visitor<'t> for &mut Object<'t> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'t>>(self, mut members: A) -> Result<(), A::Error> {
        while let Some(Name(name)) = members.next_key()? {
            if name.len() > MAX_NAME {
                members.next_value::<IgnoredAny>()?;
                continue;
            }
            let value: &'t RawValue = members.next_value()?;
            self.member(&name, value.get()).map_err(A::Error::custom)?;
        }
        Ok(())
    }
}

/// The name of a member, which is copied only if it has escapes.
#[derive(serde::Deserialize)]
struct Name<'t>(#[serde(borrow)] Cow<'t, str>);

/// What a logger nests deeper than this is data: its text is a field's value.
const DEEPEST: usize = 4;
