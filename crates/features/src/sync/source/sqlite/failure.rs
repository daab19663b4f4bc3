//! From SQLite's errors to ours: by their code alone, because their text may quote a row.

use std::path::Path;

use super::super::ReadError;

/// Says why `deed` failed.
pub(super) fn failed(path: &Path, deed: &'static str, error: &sqlx::Error) -> ReadError {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    let number: Option<u32> = code.and_then(|code| code.parse().ok());
    let path = path.to_path_buf();
    // The last byte is the kind of error, the rest says more of it.
    match number.map(|number| number & 0xff) {
        Some(BUSY | LOCKED) => ReadError::Locked { what: path.display().to_string() },
        Some(CANNOT_OPEN | PERMISSION | AUTHORIZATION | INPUT_OUTPUT) => ReadError::Unreadable { path },
        Some(NOT_A_DATABASE | CORRUPT) => ReadError::NotADatabase { path },
        _ => ReadError::Failed {
            database: path.display().to_string(),
            deed,
            code: number.map_or_else(|| "client".to_owned(), |number| number.to_string()),
        },
    }
}

const PERMISSION: u32 = 3;
const BUSY: u32 = 5;
const LOCKED: u32 = 6;
const INPUT_OUTPUT: u32 = 10;
const CORRUPT: u32 = 11;
const CANNOT_OPEN: u32 = 14;
const AUTHORIZATION: u32 = 23;
const NOT_A_DATABASE: u32 = 26;
