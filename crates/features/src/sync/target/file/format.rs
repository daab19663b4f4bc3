//! The file that a user names, and its format.

use std::path::{Path, PathBuf};

use crate::sync::target::WriteError;

/// A file to write, in the format that its extension names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputFile {
    path: PathBuf,
    format: Format,
}

/// The format of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// `.json`.
    Json,
    /// `.ndjson` and `.jsonl`.
    Ndjson,
    /// `.csv`.
    Csv,
}

impl OutputFile {
    /// Takes the format of a file from its extension: `.json`, `.ndjson`, `.jsonl` or `.csv`.
    ///
    /// # Errors
    /// [`WriteError::Format`] if it is none of these.
    pub fn new(path: impl Into<PathBuf>) -> Result<Self, WriteError> {
        let path = path.into();
        let extension = path
            .extension()
            .and_then(|extension| extension.to_str())
            .map(str::to_ascii_lowercase);
        let format = match extension.as_deref() {
            Some("json") => Format::Json,
            Some("ndjson" | "jsonl") => Format::Ndjson,
            Some("csv") => Format::Csv,
            _ => return Err(WriteError::Format { path }),
        };
        Ok(Self { path, format })
    }

    /// Returns where the file will be.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(super) const fn format(&self) -> Format {
        self.format
    }
}
