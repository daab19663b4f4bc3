//! What a developer wants of a flag instead of production's value: kept in a file, of the flag's own kind.

use std::collections::BTreeMap;
use std::fs::{self, File, Metadata};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

use super::client::Mirrored;
use super::definition::{Kind, read_value};
use super::{LONGEST_DEFINITION, LONGEST_KEY, MOST_FLAGS};
use crate::whole_file::{Readers, write_whole};

/// Values in place of production's, by the keys of their flags.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Overrides {
    #[serde(default)]
    overrides: BTreeMap<String, Value>,
}

/// The file of a project's overrides.
#[derive(Clone, Debug)]
pub struct OverrideFile {
    path: PathBuf,
}

/// Tells a state of the file from others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp(Option<(Option<SystemTime>, u64, u64)>);

impl Overrides {
    /// Returns what a flag is overridden with.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.overrides.get(key)
    }

    /// Returns all, in the order of their keys.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.overrides
            .iter()
            .map(|(key, value)| (key.as_str(), value))
    }

    /// Overrides a flag with what a user has typed, read as a value of the flag's kind.
    ///
    /// # Errors
    /// [`OverrideError`] if production has no such flag, or it cannot have this value.
    pub fn set(
        &mut self,
        key: &str,
        typed: &str,
        flags: &Mirrored,
    ) -> Result<Value, OverrideError> {
        let entry = flags.flags.get(key).ok_or_else(|| OverrideError::Unknown {
            key: key.to_owned(),
            near: near(key, flags),
        })?;
        if typed.len() > LONGEST_DEFINITION {
            return Err(OverrideError::TooLong);
        }
        let kind = entry.definition.kind();
        let value = typed_as(typed, kind).ok_or_else(|| OverrideError::Kind {
            key: key.to_owned(),
            kind,
        })?;
        self.overrides.insert(key.to_owned(), value.clone());
        Ok(value)
    }

    /// Lets a flag be production's again, and returns what it was overridden with.
    pub fn unset(&mut self, key: &str) -> Option<Value> {
        self.overrides.remove(key)
    }

    fn check(self) -> Result<Self, OverridesError> {
        let too_long = |key: &String| key.len() > LONGEST_KEY;
        if self.overrides.len() > MOST_FLAGS || self.overrides.keys().any(too_long) {
            return Err(OverridesError::TooMuch);
        }
        Ok(self)
    }
}

/// Reads what was typed as a value of a kind.
fn typed_as(typed: &str, kind: Kind) -> Option<Value> {
    if kind == Kind::String {
        return Some(Value::String(typed.to_owned()));
    }
    let value = match kind {
        // 1 and 0 are numbers where numbers are wanted.
        Kind::Number => serde_json::from_str(typed.trim()).ok()?,
        _ => read_value(typed),
    };
    (Kind::of(&value) == Some(kind)).then_some(value)
}

/// Returns keys that a user may have meant.
fn near(key: &str, flags: &Mirrored) -> Vec<String> {
    let likeness = |other: &str| strsim::jaro_winkler(&key.to_lowercase(), &other.to_lowercase());
    let alike = flags.flags.keys().map(|other| (likeness(other), other));
    let mut alike: Vec<_> = alike.filter(|(likeness, _)| *likeness > ALIKE).collect();
    alike.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    alike
        .into_iter()
        .take(MOST_NEAR)
        .map(|(_, key)| key.clone())
        .collect()
}

impl OverrideFile {
    /// Keeps overrides in a file.
    #[must_use]
    pub const fn at(path: PathBuf) -> Self {
        Self { path }
    }

    /// Returns where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns what tells this state of the file from others.
    #[must_use]
    pub fn stamp(&self) -> Stamp {
        let state = |it: Metadata| {
            #[cfg(unix)]
            let number = std::os::unix::fs::MetadataExt::ino(&it);
            #[cfg(not(unix))]
            let number = 0;
            (it.modified().ok(), it.len(), number)
        };
        Stamp(fs::metadata(&self.path).ok().map(state))
    }

    /// Reads the overrides; none if there is no file.
    ///
    /// # Errors
    /// [`OverridesError`] if it makes no sense.
    pub fn read(&self) -> Result<Overrides, OverridesError> {
        let mut text = String::new();
        match File::open(&self.path) {
            Ok(file) => file.take(LONGEST_FILE).read_to_string(&mut text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Overrides::default());
            }
            Err(error) => Err(error),
        }?;
        let overrides: Overrides = serde_json::from_str(&text).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            OverridesError::Form { line, column }
        })?;
        overrides.check()
    }

    /// Changes the overrides. Two programs that do so at once do it one after the other.
    ///
    /// # Errors
    /// What the change refuses, or [`OverridesError`] if the file cannot be read or written.
    pub fn change<T, E: From<OverridesError>>(
        &self,
        change: impl FnOnce(&mut Overrides) -> Result<T, E>,
    ) -> Result<T, E> {
        let lock = lock_file(&self.path.with_extension("lock")).map_err(OverridesError::from)?;
        // It ends with the file.
        lock.lock().map_err(OverridesError::from)?;
        let mut overrides = self.read()?;
        let done = change(&mut overrides)?;
        let text = serde_json::to_string_pretty(&overrides).map_err(io::Error::from);
        text.and_then(|text| {
            write_whole(&self.path, format!("{text}\n").as_bytes(), Readers::Owner)
        })
        .map_err(OverridesError::from)?;
        Ok(done)
    }
}

/// Opens the file that is locked, which has nothing in it.
fn lock_file(path: &Path) -> io::Result<File> {
    // A link that came with somebody's repository may lead to a file of the user's.
    if fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink()) {
        return Err(io::Error::other(format!("{} is a link", path.display())));
    }
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(false).open(path)
}

/// A value that a flag cannot have. The user is at fault; the value is not in it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum OverrideError {
    /// Production has no flag of this key.
    #[error("production has no flag {key:?}")]
    Unknown {
        /// What was typed.
        key: String,
        /// What may have been meant.
        near: Vec<String>,
    },
    /// It is of another kind.
    #[error("{key} is a {}, and this is none", .kind.name())]
    Kind {
        /// The flag.
        key: String,
        /// What its values are.
        kind: Kind,
    },
    /// It is longer than any flag's.
    #[error("a value has at most 256 KiB")]
    TooLong,
}

/// A file of overrides that cannot be used.
#[derive(Debug, Error)]
pub enum OverridesError {
    /// It cannot be read or written.
    #[error("the file of overrides cannot be used")]
    File(#[from] io::Error),
    /// It is not what was written there.
    #[error("the file of overrides makes no sense: line {line}, column {column}")]
    Form {
        /// Where, from 1.
        line: usize,
        /// Where, from 1.
        column: usize,
    },
    /// It has more than a mirror has flags.
    #[error("the file of overrides has more than there can be flags")]
    TooMuch,
}

/// As alike as a key and the same with a slip of the finger.
const ALIKE: f64 = 0.85;

/// More are no help.
const MOST_NEAR: usize = 3;

/// Every flag overridden with a short value, or some with long ones.
const LONGEST_FILE: u64 = 16 * 1024 * 1024;
