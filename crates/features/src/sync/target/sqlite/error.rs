//! What SQLite refused. Of its words only names of tables, columns and constraints are kept.

use std::path::Path;

use rusqlite::Error;

use crate::sync::table::Table;
use crate::sync::target::error::{DUPLICATE, WriteError};

/// What was being done when SQLite refused it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deed<'a> {
    /// The database's file.
    pub(super) file: &'a Path,
    /// The table that it was about.
    pub(super) table: &'a Table,
    /// What was done, in the imperative.
    pub(super) deed: &'static str,
}

impl Deed<'_> {
    /// Returns the error that says what was refused.
    pub(super) fn refused(self, error: &Error) -> WriteError {
        let code = code(error);
        let table = self.table.name.to_string();
        let named = message(error).split_once(": ").map(|(_, name)| name);
        let constraint = named.map(str::to_owned);
        match code {
            CONSTRAINT_PRIMARY_KEY | CONSTRAINT_UNIQUE | CONSTRAINT_ROWID => {
                WriteError::Duplicate {
                    table,
                    constraint,
                    advice: DUPLICATE,
                }
            }
            CONSTRAINT_FOREIGN_KEY => WriteError::Reference {
                table,
                constraint: None,
            },
            CONSTRAINT_NOT_NULL => {
                let reason = "it is NULL, which the local column does not allow";
                WriteError::Value {
                    table,
                    column: self.column(error),
                    reason,
                }
            }
            CONSTRAINT_DATATYPE => WriteError::Value {
                table,
                column: self.column(error),
                reason: "it is not of the local column's type",
            },
            CONSTRAINT_CHECK => WriteError::Constraint { table, constraint },
            // The message of a trigger may quote the row.
            _ if code & PRIMARY == CONSTRAINT => WriteError::Constraint {
                table,
                constraint: None,
            },
            _ => match code & PRIMARY {
                MISMATCH => WriteError::Value {
                    table,
                    column: None,
                    reason: "it is not of the local column's type",
                },
                TOO_BIG => WriteError::Value {
                    table,
                    column: None,
                    reason: "it is longer than SQLite can store",
                },
                _ => unusable(self.file, &format!("{} for {table}", self.deed), error),
            },
        }
    }

    /// Finds the column in a message that ends in `courses.title`.
    fn column(self, error: &Error) -> Option<String> {
        let columns = self.table.columns.iter().map(|column| &column.name);
        let is_meant = |name: &&String| message(error).ends_with(&format!(".{name}"));
        columns
            .filter(is_meant)
            .max_by_key(|name| name.len())
            .cloned()
    }
}

/// Returns the error that says why a file cannot be used, whatever it is used for.
pub(super) fn unusable(file: &Path, deed: &str, error: &Error) -> WriteError {
    let database = file.display().to_string();
    match code(error) & PRIMARY {
        NOT_A_DATABASE | CORRUPT => WriteError::NotADatabase { database },
        READ_ONLY | CANNOT_OPEN | PERMISSION => WriteError::ReadOnly { database },
        BUSY | LOCKED => WriteError::Locked { database },
        FULL => WriteError::Full { database },
        _ => WriteError::Refused {
            database,
            deed: deed.to_owned(),
            code: code(error).to_string(),
        },
    }
}

/// Returns SQLite's extended result code, or 0 if the error has none.
fn code(error: &Error) -> i32 {
    error.sqlite_error().map_or(0, |error| error.extended_code)
}

fn message(error: &Error) -> &str {
    match error {
        Error::SqliteFailure(_, Some(message)) => message,
        _ => "",
    }
}

// https://sqlite.org/rescode.html: the low byte is the primary code.
const PRIMARY: i32 = 0xff;
const PERMISSION: i32 = 3;
const BUSY: i32 = 5;
const LOCKED: i32 = 6;
const READ_ONLY: i32 = 8;
const CORRUPT: i32 = 11;
const FULL: i32 = 13;
const CANNOT_OPEN: i32 = 14;
const TOO_BIG: i32 = 18;
const CONSTRAINT: i32 = 19;
const MISMATCH: i32 = 20;
const NOT_A_DATABASE: i32 = 26;
const CONSTRAINT_CHECK: i32 = 275;
const CONSTRAINT_FOREIGN_KEY: i32 = 787;
const CONSTRAINT_NOT_NULL: i32 = 1299;
const CONSTRAINT_PRIMARY_KEY: i32 = 1555;
const CONSTRAINT_UNIQUE: i32 = 2067;
const CONSTRAINT_ROWID: i32 = 2579;
const CONSTRAINT_DATATYPE: i32 = 3091;
