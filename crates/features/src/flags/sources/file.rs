//! A file of flagd's: read when it changes.

use std::collections::BTreeSet;
use std::fs::{self, File, Metadata};
use std::io::{self, Read as _};
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::future::BoxFuture;
use serde_json::{Map, Value};
use tokio::time::Instant;

use super::Polled;
use crate::branches::{MOST_BRANCHES, branches};
use crate::flags::MOST_BYTES;
use crate::flags::definition::Definition;
use crate::flags::readings::shown;
use crate::flags::set::{Found, Reading};

/// A file, and which state of it was read last.
#[derive(Debug)]
pub(super) struct FileSource {
    path: PathBuf,
    /// `None` if there is no file.
    read: Option<Stamp>,
    /// When that state, which made no sense, is looked into again: whoever writes it may not be done.
    again: Option<Instant>,
}

/// What tells a state of a file from others.
#[derive(Debug, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    length: u64,
    #[cfg(unix)]
    number: u64,
}

impl Polled for FileSource {
    fn poll(&mut self) -> BoxFuture<'_, Option<Reading>> {
        let reading = self.read();
        Box::pin(async { reading })
    }
}

impl FileSource {
    pub(super) const fn new(path: PathBuf) -> Self {
        Self {
            path,
            read: None,
            again: None,
        }
    }

    /// Reads it if it may be another than the last time.
    pub(super) fn read(&mut self) -> Option<Reading> {
        let metadata = match fs::metadata(&self.path) {
            Ok(metadata) => metadata,
            Err(error) => {
                self.read = None;
                return Some(Err(format!("the file cannot be read: {}", error.kind())));
            }
        };
        let stamp = Stamp::of(&metadata);
        let is_time = self.again.is_some_and(|again| again <= Instant::now());
        if self.read.as_ref() == Some(&stamp) && !is_time {
            return None;
        }
        let changed = metadata.modified().ok().and_then(millis);
        let reading = self.text().and_then(|text| parse(&text, changed));
        self.read = Some(stamp);
        self.again = reading.is_err().then(|| Instant::now() + AGAIN);
        Some(reading)
    }

    fn text(&self) -> Result<String, String> {
        let unread = |error: io::Error| format!("the file cannot be read: {}", error.kind());
        let file = File::open(&self.path).map_err(unread)?;
        let mut text = String::new();
        let limited = file.take(LONGEST_FILE + 1).read_to_string(&mut text);
        limited.map_err(unread)?;
        if text.len() as u64 > LONGEST_FILE {
            return Err("the file has over 16 MiB".to_owned());
        }
        Ok(text)
    }
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        Self {
            modified: metadata.modified().ok(),
            length: metadata.len(),
            #[cfg(unix)]
            number: std::os::unix::fs::MetadataExt::ino(metadata),
        }
    }
}

/// Reads the flags in a file of flagd's. One that makes no sense makes no sense of all: half of a set would
/// be another.
pub(super) fn parse(text: &str, changed: Option<u64>) -> Reading {
    if branches(text.as_bytes()) > MOST_BRANCHES {
        return Err("the file has over 200,000 objects and lists".to_owned());
    }
    let whole: Value = serde_json::from_str(text).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        format!("the file is no JSON: line {line}, column {column}")
    })?;
    let flags = whole.get("flags").and_then(Value::as_object);
    let flags = flags.ok_or("the file has no \"flags\" as flagd has them")?;
    let nothing = Map::new();
    let evaluators = whole.get("$evaluators").and_then(Value::as_object);
    let mut references = References {
        evaluators: evaluators.unwrap_or(&nothing),
        within: BTreeSet::new(),
        bytes: 0,
        branches: 0,
        depth: 0,
    };
    let mut found = Vec::with_capacity(flags.len());
    for (key, flag) in flags {
        let wrong = |why: &dyn std::fmt::Display| {
            format!("the flag {:?} makes no sense: {why}", shown(key))
        };
        let flag = references.resolve(flag).map_err(|why| wrong(&why))?;
        found.push(Found {
            key: key.clone(),
            definition: Definition::take(flag).map_err(|error| wrong(&error))?,
            updated: changed,
        });
    }
    Ok(found)
}

/// Puts what a `{"$ref": NAME}` stands for in its place.
struct References<'a> {
    evaluators: &'a Map<String, Value>,
    /// Whose text is being put in: one that is within itself has no end.
    within: BTreeSet<&'a str>,
    bytes: usize,
    branches: usize,
    depth: usize,
}

impl<'a> References<'a> {
    fn resolve(&mut self, value: &'a Value) -> Result<Value, &'static str> {
        self.bytes += LEAST;
        if self.bytes > MOST_BYTES {
            return Err("its $ref are of more than 8 MiB");
        }
        self.branches += usize::from(value.is_object() || value.is_array());
        if self.branches > MOST_BRANCHES {
            return Err("its $ref are of more than 200,000 objects and lists");
        }
        if self.depth >= DEEPEST {
            return Err("its $ref make it too deep");
        }
        self.depth += 1;
        let resolved = self.resolve_within(value);
        self.depth -= 1;
        resolved
    }

    fn resolve_within(&mut self, value: &'a Value) -> Result<Value, &'static str> {
        match value {
            Value::Object(fields) => match fields.get("$ref") {
                Some(Value::String(name)) if fields.len() == 1 => self.evaluator(name),
                _ => {
                    let resolved = fields
                        .iter()
                        .map(|(name, it)| Ok((name.clone(), self.resolve(it)?)));
                    Ok(Value::Object(
                        resolved.collect::<Result<_, &'static str>>()?,
                    ))
                }
            },
            Value::Array(values) => {
                let resolved = values.iter().map(|value| self.resolve(value));
                Ok(Value::Array(resolved.collect::<Result<_, _>>()?))
            }
            Value::String(text) => {
                self.bytes += text.len();
                Ok(value.clone())
            }
            value => Ok(value.clone()),
        }
    }

    fn evaluator(&mut self, name: &'a str) -> Result<Value, &'static str> {
        let evaluators = self.evaluators;
        let value = evaluators.get(name).ok_or("a $ref names no evaluator")?;
        if self.within.len() >= MOST_WITHIN || !self.within.insert(name) {
            return Err("a $ref is within itself, or in 16 others");
        }
        let resolved = self.resolve(value);
        self.within.remove(name);
        resolved
    }
}

/// Returns a time in milliseconds since 1970.
fn millis(time: SystemTime) -> Option<u64> {
    let since = time.duration_since(UNIX_EPOCH).ok()?;
    u64::try_from(since.as_millis()).ok()
}

/// How soon a change of the file is seen: at once to a person, and nothing to a system.
pub(super) const LOOK: Duration = Duration::from_millis(200);

/// How soon a file that makes no sense is read once more, though it looks the same: reading 16 MiB takes a
/// good part of a second.
const AGAIN: Duration = Duration::from_secs(2);

/// Twice what is mirrored: what is more is a mistake.
const LONGEST_FILE: u64 = 16 * 1024 * 1024;

/// Each adds to the depth of what is read.
const MOST_WITHIN: usize = 16;

/// As deep as JSON is read from text: what is deeper no mirror could read.
const DEEPEST: usize = 120;

/// What a value of JSON takes at the least, with what is around it.
const LEAST: usize = 4;
