//! Why a database cannot be read: what happened, why, and what to do, without a value of any row
//! and without the database's own words, which may hold one.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::sync::table::TableName;

/// Why the table that a user named was not found.
#[derive(Debug, Error)]
pub enum FindError {
    /// No table has this name.
    #[error("there is no table \"{typed}\"{}", near_names(.near))]
    Unknown {
        /// What the user typed.
        typed: String,
        /// Names that are near it, the nearest first, three at most.
        near: Vec<String>,
    },
    /// Several tables may be meant.
    #[error("\"{typed}\" may be {}: name one of them in full", list(.candidates, " or "))]
    Ambiguous {
        /// What the user typed.
        typed: String,
        /// What it may mean, each as the catalog spells it.
        candidates: Vec<String>,
    },
    /// The name is not a table's.
    #[error("\"{typed}\" is {what}: only tables can be synced")]
    NotATable {
        /// What the user typed.
        typed: String,
        /// What it is, with its article: `a view`.
        what: &'static str,
    },
    /// The catalog could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// Why reading rows ended early.
#[derive(Debug, Error)]
pub enum RowsError<E> {
    /// The database failed.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The sink refused a row or failed to pass it on.
    #[error("the rows could not be passed on")]
    Sink(#[source] E),
}

/// Why a database cannot be read.
#[derive(Debug, Error)]
pub enum ReadError {
    /// Nothing answers at the address.
    #[error("{database} cannot be reached: check the address, and that the database is running")]
    Unreachable {
        /// The database, as it is called on screen.
        database: String,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// No answer came in time.
    #[error(
        "{database} did not answer within {seconds} s: check the address, and whether a firewall lets this machine through"
    )]
    Silent {
        /// The database.
        database: String,
        /// How long was waited.
        seconds: u64,
    },
    /// No encrypted connection could be agreed upon.
    #[error(
        "no encrypted connection to {database}: its certificate is not trusted or it offers no TLS; see `sslmode` and `sslrootcert` in the database's URL"
    )]
    Tls {
        /// The database.
        database: String,
    },
    /// The database refused the user or the password.
    #[error(
        "{database} refused the user \"{user}\": check the user and the password in the database's URL"
    )]
    Authentication {
        /// The database.
        database: String,
        /// Who was refused.
        user: String,
    },
    /// The database server has no such database.
    #[error("there is no {database}: check the name at the end of the database's URL")]
    NoDatabase {
        /// The database.
        database: String,
    },
    /// The database takes no more connections, or none yet.
    #[error(
        "{database} takes no connection now (too many are open, or it is starting or stopping): try again in a moment"
    )]
    Busy {
        /// The database.
        database: String,
    },
    /// The database is older than what is supported.
    #[error("{database} is PostgreSQL {major}, and the oldest that can be read is {oldest}", oldest = super::postgres::OLDEST_MAJOR)]
    TooOld {
        /// The database.
        database: String,
        /// Its major version.
        major: u32,
    },
    /// There is no such file.
    #[error("there is no database file {}: check the path in the database's URL", .path.display())]
    NoFile {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be opened or read.
    #[error("the database file {} cannot be read: check that it is a file, and that this program may read it and its folder", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
    },
    /// The file holds something else.
    #[error("{} is not a SQLite database, or it is damaged", .path.display())]
    NotADatabase {
        /// The file.
        path: PathBuf,
    },
    /// The database's user may not read the table.
    #[error("the database's user \"{user}\" may not read {table}: as its owner, run {grant}")]
    Permission {
        /// The table.
        table: TableName,
        /// The user.
        user: String,
        /// The statement that gives the permission.
        grant: String,
    },
    /// The database's user may not read some columns of the table.
    #[error("the database's user \"{user}\" may not read the columns {} of {table}: as its owner, run {grant}", list(.columns, " and "))]
    ColumnPermission {
        /// The table.
        table: TableName,
        /// The columns.
        columns: Vec<String>,
        /// The user.
        user: String,
        /// The statement that gives the permission.
        grant: String,
    },
    /// Row level security would hide rows of the table.
    #[error(
        "row level security hides rows of {table} from the database's user \"{user}\", so a copy would not be whole: read it as its owner or as a user with BYPASSRLS"
    )]
    RowSecurity {
        /// The table.
        table: TableName,
        /// The user.
        user: String,
    },
    /// Somebody holds the table or the file.
    #[error(
        "{what} is locked by somebody else (a migration, perhaps): try again when that is over"
    )]
    Locked {
        /// The table or the file.
        what: String,
    },
    /// The table is gone or has changed since it was described.
    #[error("{table} has been dropped or altered meanwhile: start the sync again")]
    Changed {
        /// The table.
        table: TableName,
    },
    /// The place to go on from is not one in this table.
    #[error(
        "{table} cannot be read on from where the last sync ended: its key has changed; sync it from the start"
    )]
    Position {
        /// The table.
        table: TableName,
    },
    /// A value is text in no known encoding.
    #[error(
        "the column \"{column}\" of {table} holds text that is not UTF-8: convert the database to UTF8"
    )]
    Encoding {
        /// The table.
        table: TableName,
        /// The column.
        column: String,
    },
    /// The database ended the connection or the transaction.
    #[error(
        "the connection to {database} was lost, and its snapshot with it: start the sync again, it goes on where it ended"
    )]
    Lost {
        /// The database.
        database: String,
    },
    /// The snapshot has been open for as long as one may be.
    #[error(
        "the snapshot has been held for {minutes} minutes, and production cannot clean up behind it: start the sync again, it goes on where it ended"
    )]
    HeldTooLong {
        /// How long that is.
        minutes: u64,
    },
    /// Anything else that the database refuses.
    #[error("{database} failed to {deed} (code {code})")]
    Failed {
        /// The database.
        database: String,
        /// What it was asked to do.
        deed: &'static str,
        /// The code of the error in the database's own numbering.
        code: String,
    },
}

fn near_names(near: &[String]) -> String {
    if near.is_empty() {
        return ", and none with a name near it: the plan of all tables lists them".to_owned();
    }
    format!(": did you mean {}?", list(near, " or "))
}

fn list(names: &[String], last: &str) -> String {
    let quoted: Vec<_> = names.iter().map(|name| format!("\"{name}\"")).collect();
    match quoted.split_last() {
        Some((end, rest)) if !rest.is_empty() => format!("{}{last}{end}", rest.join(", ")),
        _ => quoted.concat(),
    }
}
