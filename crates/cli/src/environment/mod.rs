//! The environment and `.env`: the only place that reads them.

mod file;
mod growth;
mod layers;

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};

use thiserror::Error;

use self::file::EnvFile;
pub use self::file::SkippedLines;
pub use self::layers::LayeredEnvironment;

/// The variables of the process and, under them, those of the nearest `.env`.
///
/// `Debug` shows names only: values may be secrets.
#[derive(Clone, Default)]
pub struct Environment {
    process: BTreeMap<OsString, OsString>,
    file: BTreeMap<String, String>,
    /// Where the file is, and the line of each of its variables.
    found: Option<(PathBuf, BTreeMap<String, usize>)>,
    skipped: Option<SkippedLines>,
}

/// Where a variable comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The process's environment.
    Process,
    /// `.env`.
    File {
        /// The file.
        path: PathBuf,
        /// The line in which the variable begins; the first is 1.
        line: usize,
    },
}

impl Environment {
    /// Reads the process's environment and the `.env` nearest to `folder`, upwards.
    ///
    /// # Errors
    /// [`EnvironmentError`] if there is a `.env` that cannot be read.
    pub fn read(folder: &Path) -> Result<Self, EnvironmentError> {
        let Some(path) = find_upwards(folder, ".env") else {
            return Ok(Self::of_process());
        };
        let file = EnvFile::read(&path)?.strict(&path)?;
        Ok(Self {
            file: file.variables,
            found: Some((path, file.lines)),
            ..Self::of_process()
        })
    }

    /// Reads the same beside an app, whose `.env` it is: what only the app can read of it is skipped.
    ///
    /// # Errors
    /// [`EnvironmentError`] if there is a `.env` that cannot be opened, or a line of it that begins
    /// with `RENDER_TUNNEL_` cannot be read.
    pub fn read_beside_app(folder: &Path) -> Result<Self, EnvironmentError> {
        let (file, skipped) = match find_upwards(folder, ".env") {
            Some(path) => EnvFile::read(&path)?.lenient(&path)?,
            None => Default::default(),
        };
        Ok(Self {
            file: file.variables,
            skipped,
            ..Self::of_process()
        })
    }

    /// Returns the lines of `.env` that were skipped, if there were any.
    #[must_use]
    pub const fn skipped(&self) -> Option<&SkippedLines> {
        self.skipped.as_ref()
    }

    /// Reads the process's environment alone.
    #[must_use]
    pub fn of_process() -> Self {
        Self {
            process: std::env::vars_os().collect(),
            ..Self::default()
        }
    }

    /// Makes an environment of the given variables of the process and of `.env`.
    #[cfg(test)]
    pub(crate) fn of(process: &[(&str, &str)], file: &[(&str, &str)]) -> Self {
        let owned = |&(name, value): &(&str, &str)| (name.to_owned(), value.to_owned());
        Self {
            process: process
                .iter()
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
            file: file.iter().map(owned).collect(),
            found: None,
            skipped: None,
        }
    }

    /// Returns a variable's value; an empty one counts as none, as it does for a shell's `${X:-}`.
    ///
    /// # Errors
    /// [`EnvironmentError::NotText`] if it is not UTF-8.
    pub fn text(&self, name: &str) -> Result<Option<&str>, EnvironmentError> {
        let not_text = || EnvironmentError::NotText {
            name: name.to_owned(),
        };
        let value = match self.process.get(OsStr::new(name)) {
            Some(value) => Some(value.to_str().ok_or_else(not_text)?),
            None => self.file.get(name).map(String::as_str),
        };
        Ok(value.filter(|value| !value.trim().is_empty()))
    }

    /// Returns a variable's value as it was written, an empty one too: to some, empty is an answer.
    #[must_use]
    pub fn as_written(&self, name: &str) -> Option<&str> {
        match self.process.get(OsStr::new(name)) {
            Some(value) => value.to_str(),
            None => self.file.get(name).map(String::as_str),
        }
    }

    /// Returns where a variable comes from that [`Environment::text`] has a value of.
    #[must_use]
    pub fn source(&self, name: &str) -> Option<Source> {
        self.text(name).ok()??;
        if self.process.contains_key(OsStr::new(name)) {
            return Some(Source::Process);
        }
        let (path, lines) = self.found.as_ref()?;
        Some(Source::File {
            path: path.clone(),
            line: *lines.get(name)?,
        })
    }

    /// Returns the names of the process's variables, which a program that it starts has as well.
    pub fn of_children(&self) -> impl Iterator<Item = &OsStr> {
        self.process.keys().map(OsString::as_os_str)
    }

    /// Returns the names of all variables that are text, of the process and of `.env`.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let process = self.process.keys().filter_map(|name| name.to_str());
        process.chain(self.file.keys().map(String::as_str))
    }

    /// Whether a variable is there and not blank. One that is no text is there.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        let is_blank = |value: &str| value.trim().is_empty();
        let process = self.process.get(OsStr::new(name));
        let process = process.map(|value| value.to_str().is_some_and(is_blank));
        let file = || self.file.get(name).map(|value| is_blank(value));
        process.or_else(file) == Some(false)
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { process, file, .. } = self;
        f.debug_struct("Environment")
            .field("process", &process.keys())
            .field("file", &file.keys())
            .finish_non_exhaustive()
    }
}

/// Returns the file of that name in `folder` or the nearest folder above it.
#[must_use]
pub fn find_upwards(folder: &Path, name: &str) -> Option<PathBuf> {
    folder
        .ancestors()
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
}

/// Variables that cannot be read. The user is at fault; no value is in the message.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum EnvironmentError {
    /// The file cannot be read.
    #[error("cannot read {}: {reason}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// A line of the file makes no sense.
    #[error("{}, line {line}: it is not NAME=value, or has a quote that does not end", .path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line's number, from 1.
        line: usize,
    },
    /// A variable of other than text.
    #[error("the environment variable {name} is not UTF-8 text")]
    NotText {
        /// The variable.
        name: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_process_comes_before_the_file_and_empty_is_none() {
        let environment = Environment::of(
            &[("A", "process"), ("B", "")],
            &[("A", "file"), ("B", "file"), ("C", "file")],
        );
        assert_eq!(environment.text("A"), Ok(Some("process")));
        // Set and empty: whoever set it meant to have none.
        assert_eq!(environment.text("B"), Ok(None));
        assert_eq!(environment.text("C"), Ok(Some("file")));
        assert_eq!(environment.text("D"), Ok(None));
    }

    #[test]
    fn the_nearest_file_upwards_is_read() {
        let root = tempfile::tempdir().unwrap();
        let (near, deep) = (root.path().join("near"), root.path().join("near/deep"));
        std::fs::create_dir_all(&deep).unwrap();
        std::fs::write(root.path().join(".env"), "NAME=far\n").unwrap();
        std::fs::write(near.join(".env"), "export NAME='near'\n").unwrap();
        let environment = Environment::read(&deep).unwrap();
        assert_eq!(environment.text("NAME"), Ok(Some("near")));
        let (path, line) = (near.join(".env"), 1);
        assert_eq!(
            environment.source("NAME"),
            Some(Source::File { path, line })
        );
        assert_eq!(environment.source("OTHER"), None);
    }

    #[test]
    fn neither_debug_nor_an_error_shows_a_value() {
        let root = tempfile::tempdir().unwrap();
        std::fs::write(root.path().join(".env"), "SECRET='s3cr3t\n").unwrap();
        let error = Environment::read(root.path()).unwrap_err();
        assert!(matches!(error, EnvironmentError::Line { line: 1, .. }));
        assert!(!error.to_string().contains("s3cr3t"));
        let environment = Environment::of(&[("SECRET", "s3cr3t")], &[("OTHER", "s3cr3t")]);
        assert!(!format!("{environment:?}").contains("s3cr3t"));
    }
}
