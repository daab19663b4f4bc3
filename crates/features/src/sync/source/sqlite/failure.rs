//! From SQLite's errors to ours: by their code alone, because their text may quote a row.

use std::path::Path;

use super::super::ReadError;

/// Says why `deed` failed.
pub(super) fn failed(path: &Path, deed: &'static str, error: &rusqlite::Error) -> ReadError {
    let code = error.sqlite_error().map(|error| error.extended_code);
    let path = path.to_path_buf();
    // The last byte is the kind of error, the rest says more of it.
    match code.map(|code| code & 0xff) {
        Some(BUSY | LOCKED) => ReadError::Locked {
            what: path.display().to_string(),
        },
        Some(CANNOT_OPEN | PERMISSION | AUTHORIZATION | INPUT_OUTPUT) => {
            ReadError::Unreadable { path }
        }
        Some(NOT_A_DATABASE | CORRUPT) => ReadError::NotADatabase { path },
        _ => ReadError::Failed {
            database: path.display().to_string(),
            deed,
            code: code.map_or_else(|| "client".to_owned(), |code| code.to_string()),
        },
    }
}

/// Says that the thread that asked came to an end without an answer.
pub(super) fn stopped(path: &Path, deed: &'static str) -> ReadError {
    ReadError::Failed {
        database: path.display().to_string(),
        deed,
        code: "stopped".into(),
    }
}

const PERMISSION: i32 = 3;
const BUSY: i32 = 5;
const LOCKED: i32 = 6;
const INPUT_OUTPUT: i32 = 10;
const CORRUPT: i32 = 11;
const CANNOT_OPEN: i32 = 14;
const AUTHORIZATION: i32 = 23;
const NOT_A_DATABASE: i32 = 26;
