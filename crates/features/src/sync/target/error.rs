//! Why rows could not be written. No variant carries a value of a row: the rows may be
//! production's, and an error is printed, logged and pasted.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use super::found::Problem;
use crate::sync::cell::BodyError;

/// Why rows could not be written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum WriteError {
    /// A file whose extension names no format.
    #[error("{} has no known format: name it .json, .ndjson, .jsonl or .csv", .path.display())]
    Format {
        /// The file.
        path: PathBuf,
    },
    /// Several tables for a file that holds one.
    #[error("{} can hold one table: name it .json, or write a file for each table", .path.display())]
    OneTable {
        /// The file.
        path: PathBuf,
    },
    /// A file or folder that the system does not let us have.
    #[error("cannot {deed} {}", .path.display())]
    File {
        /// What could not be done, in the imperative.
        deed: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A database that cannot be connected to.
    #[error("cannot connect to {database}: {reason}")]
    Unreachable {
        /// The database.
        database: String,
        /// Why not, and what to do.
        reason: String,
    },
    /// A file that is not a SQLite database.
    #[error("{database} is not a SQLite database: choose another file, or move this one away")]
    NotADatabase {
        /// The file.
        database: String,
    },
    /// A database that may only be read.
    #[error("{database} is read-only: make it and its folder writable, or choose another")]
    ReadOnly {
        /// The database.
        database: String,
    },
    /// A database that somebody else is writing to.
    #[error("{database} is locked by another connection: end what is using it, and sync again")]
    Locked {
        /// The database.
        database: String,
    },
    /// No room for more rows.
    #[error(
        "no room left for {database}: free some space, and sync again; it goes on where it stopped"
    )]
    Full {
        /// The database.
        database: String,
    },
    /// The connection ended.
    #[error("the connection to {database} was lost: sync again; it goes on where it stopped")]
    Lost {
        /// The database.
        database: String,
    },
    /// The database's user may not do what is needed.
    #[error(
        "no permission to write {table} in {database}: connect as its owner, or grant what is missing"
    )]
    Denied {
        /// The table.
        table: String,
        /// The database.
        database: String,
    },
    /// A name that the target cannot have.
    #[error("{name:?} cannot be a name in the target: {reason}")]
    Name {
        /// The name.
        name: String,
        /// Why not.
        reason: &'static str,
    },
    /// Two names that are one in the target.
    #[error(
        "{first:?} and {second:?} are the same name in the target, which does not tell upper case from lower"
    )]
    SameName {
        /// The one.
        first: String,
        /// The other.
        second: String,
    },
    /// A table without a key, to be merged.
    #[error(
        "{table} has no primary key, so its rows cannot be merged: use --mode replace or --mode append"
    )]
    NoKey {
        /// The table.
        table: String,
    },
    /// A local table that cannot take the rows.
    #[error("the local table {table} cannot take the rows: {}", list(.problems))]
    Unfit {
        /// The table.
        table: String,
        /// What stands in the way.
        problems: Vec<Problem>,
    },
    /// A value that its column cannot hold.
    #[error("a value does not fit {}: {reason}", place(.table, .column))]
    Value {
        /// The table.
        table: String,
        /// The column, where it is known.
        column: Option<String>,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A row whose key or unique columns are those of another, here or on its way.
    #[error("two rows of {table} have the same unique values{}: {advice}", by(.constraint))]
    Duplicate {
        /// The table.
        table: String,
        /// The constraint or index, or its columns.
        constraint: Option<String>,
        /// What to do.
        advice: &'static str,
    },
    /// A row that a foreign key refuses: what it refers to is not here, or refers to it still.
    #[error(
        "a foreign key of {table}, or one to it, refuses a row{}: sync the other table too, or drop the key",
        by(.constraint)
    )]
    Reference {
        /// The table.
        table: String,
        /// The foreign key.
        constraint: Option<String>,
    },
    /// A row that a constraint of the local table refuses.
    #[error("the local table {table} refuses a row{}: drop the constraint, or the table", by(.constraint))]
    Constraint {
        /// The table.
        table: String,
        /// The constraint.
        constraint: Option<String>,
    },
    /// Two syncs at the same table.
    #[error("another sync is writing {table}: wait for it to end, and sync again")]
    Overtaken {
        /// The table.
        table: String,
    },
    /// A chunk that is not rows of the plan. The server is at fault.
    #[error("a chunk of {table} is not what was planned")]
    Body {
        /// The table.
        table: String,
        /// What is wrong with it.
        source: BodyError,
    },
    /// A chunk with other than the rows that it says. The server is at fault.
    #[error("a chunk of {table} does not hold as many rows as it says")]
    RowCount {
        /// The table.
        table: String,
    },
    /// A chunk or an end of a table that has not begun. The caller is at fault.
    #[error("{table} has not begun")]
    NotBegun {
        /// The table.
        table: String,
    },
    /// Whatever else a database refuses. Its words are left out: they may quote a row.
    #[error("{database} refused to {deed} (code {code})")]
    Refused {
        /// The database.
        database: String,
        /// What was refused, in the imperative.
        deed: String,
        /// The database's own code: an SQLSTATE, or an extended result code of SQLite.
        code: String,
    },
}

/// What to do about rows with the same unique values.
pub(super) const DUPLICATE: &str =
    "--mode merge updates rows by their key; for another unique index, drop the index or the table";

fn list(problems: &[Problem]) -> String {
    problems
        .iter()
        .filter(|problem| problem.blocks())
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("; ")
}

fn place(table: &str, column: &Option<String>) -> String {
    column.as_ref().map_or_else(
        || format!("the local table {table}"),
        |column| format!("{table}.{column}"),
    )
}

fn by(constraint: &Option<String>) -> String {
    constraint
        .as_ref()
        .map_or_else(String::new, |constraint| format!(" ({constraint})"))
}
