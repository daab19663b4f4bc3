//! Takes posted lines apart: NDJSON, an array, one object, or plain text.
//!
//! Each line goes through the same parser as the app's output. One that is no JSON object is refused
//! with its number; the others are kept.

use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::logs::Feed;
use crate::logs::sources::json::{Trouble, each};

/// How the lines of a body stand in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// A JSON object a line.
    Ndjson,
    /// An array of objects, an object, or objects one after the other.
    Json,
    /// Lines as they are.
    Text,
}

/// What became of a body, as the sender reads it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Report {
    /// How many lines are in the log.
    pub(super) kept: u64,
    /// How many are not, and never will be: sending them again changes nothing.
    pub(super) refused: u64,
    /// The first of those.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) errors: Vec<Refused>,
    /// That all this became of the body when it came a moment ago: nothing was kept of it again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) repeated: Option<Repeated>,
}

/// Shown as `true`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Repeated;

impl Serialize for Repeated {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bool(true)
    }
}

/// A line that was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Refused {
    /// Which one, counted from 1: the line of the text, or the element of the array.
    pub(super) line: u64,
    /// What is wrong with it.
    pub(super) error: String,
}

impl Shape {
    /// Returns the shape that a content type stands for; lines are lines where nothing is said.
    pub(super) fn of(content_type: Option<&str>) -> Option<Self> {
        let Some(text) = content_type else {
            return Some(Self::Ndjson);
        };
        let essence = text.split(';').next().unwrap_or(text).trim();
        match &*essence.to_ascii_lowercase() {
            ""
            | "application/x-ndjson"
            | "application/ndjson"
            | "application/jsonl"
            | "application/x-jsonlines"
            | "application/stream+json"
            | "application/octet-stream"
            // What curl says of `-d`, whatever it is.
            | "application/x-www-form-urlencoded" => Some(Self::Ndjson),
            "application/json" => Some(Self::Json),
            "text/plain" => Some(Self::Text),
            _ => None,
        }
    }
}

/// Feeds the lines of a body and says what became of them.
pub(super) fn take(body: &[u8], shape: Shape, feed: &mut Feed) -> Report {
    let mut lines = Lines {
        feed,
        at: 0,
        report: Report::default(),
    };
    match shape {
        Shape::Ndjson => lines.ndjson(body),
        Shape::Json => lines.json(body),
        Shape::Text => lines.text(body),
    }
    lines.feed.finish();
    lines.report
}

struct Lines<'f> {
    feed: &'f mut Feed,
    at: u64,
    report: Report,
}

impl Lines<'_> {
    fn text(&mut self, body: &[u8]) {
        for line in body.split(|&byte| byte == b'\n') {
            if !line.trim_ascii().is_empty() {
                self.keep(line);
            }
        }
    }

    fn ndjson(&mut self, body: &[u8]) {
        for line in body.split(|&byte| byte == b'\n') {
            self.at += 1;
            let line = line.trim_ascii();
            if !line.is_empty() {
                self.object(line);
            }
        }
    }

    /// Some senders name NDJSON `application/json` too; what is no JSON as a whole is read so.
    fn json(&mut self, body: &[u8]) {
        let body = body.trim_ascii();
        if body.starts_with(b"[") {
            self.array(body);
        } else if serde_json::from_slice::<IgnoredAny>(body).is_err() {
            self.ndjson(body);
        } else if let Some(logs) = wrapped(body) {
            self.array(logs);
        } else {
            self.at = 1;
            self.object(body);
        }
    }

    fn array(&mut self, body: &[u8]) {
        let ended = each(body, |element| {
            self.at += 1;
            self.object(element.get().as_bytes());
        });
        if let Err(trouble) = ended {
            self.at += 1;
            self.refuse(trouble);
        }
    }

    fn object(&mut self, line: &[u8]) {
        match serde_json::from_slice::<Object>(line) {
            Ok(Object) => self.keep(line),
            Err(error) => self.refuse(Trouble::of(&error)),
        }
    }

    fn keep(&mut self, line: &[u8]) {
        // A line feed in JSON is white space: between quotes it is written as `\n`.
        for piece in line.split_inclusive(|&byte| byte == b'\n') {
            let (kept, space): (_, &[u8]) = match piece.strip_suffix(b"\n") {
                Some(kept) => (kept, b" "),
                None => (piece, b""),
            };
            self.feed.push(kept);
            self.feed.push(space);
        }
        self.feed.push(b"\n");
        self.report.kept += 1;
    }

    fn refuse(&mut self, trouble: Trouble) {
        self.report.refused += 1;
        if self.report.errors.len() < MOST_ERRORS {
            let (line, error) = (self.at, trouble.to_string());
            self.report.errors.push(Refused { line, error });
        }
    }
}

/// An array of lines under a name, as pino-http-send posts it: nothing else is beside it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wrapped<'a> {
    #[serde(borrow)]
    logs: &'a RawValue,
}

fn wrapped(body: &[u8]) -> Option<&[u8]> {
    let Wrapped { logs } = serde_json::from_slice(body).ok()?;
    let logs = logs.get().as_bytes();
    logs.starts_with(b"[").then_some(logs)
}

/// A JSON object, of whatever.
struct Object;

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Whatever;
        impl<'de> Visitor<'de> for Whatever {
            type Value = Object;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Object)
            }
        }
        deserializer.deserialize_map(Whatever)
    }
}

/// A sender that does it wrong does it wrong each time.
const MOST_ERRORS: usize = 20;
