//! What PostgreSQL refused, without its words: message, detail and context quote values of rows.

use sqlx::error::DatabaseError;
use sqlx::postgres::PgDatabaseError;

use crate::sync::table::Table;
use crate::sync::target::error::{DUPLICATE, WriteError};

/// What was being done when PostgreSQL refused it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deed<'a> {
    /// The database, as it is called on a screen.
    pub(super) database: &'a str,
    /// The table that it was about.
    pub(super) table: &'a Table,
    /// What was done, in the imperative.
    pub(super) deed: &'static str,
}

impl Deed<'_> {
    /// Returns the error that says what was refused.
    pub(super) fn refused(self, error: &sqlx::Error) -> WriteError {
        match error
            .as_database_error()
            .and_then(|error| error.try_downcast_ref::<PgDatabaseError>())
        {
            Some(error) => self.by_code(error),
            None if matches!(error, sqlx::Error::Io(_) | sqlx::Error::Protocol(_)) => {
                WriteError::Lost {
                    database: self.database.to_owned(),
                }
            }
            None => self.other("without a code"),
        }
    }

    fn by_code(self, error: &PgDatabaseError) -> WriteError {
        let database = self.database.to_owned();
        let table = self.table.name.to_string();
        let constraint = error.constraint().map(str::to_owned);
        match error.code() {
            "23505" | "23P01" | "21000" => WriteError::Duplicate {
                table,
                constraint,
                advice: DUPLICATE,
            },
            "23503" => WriteError::Reference { table, constraint },
            "23502" => WriteError::Value {
                table,
                column: error.column().map(str::to_owned),
                reason: "it is NULL, which the local column does not allow",
            },
            "23514" | "44000" | "P0001" => WriteError::Constraint { table, constraint },
            "25006" => WriteError::ReadOnly { database },
            "42501" => WriteError::Denied { table, database },
            "53100" | "53200" => WriteError::Full { database },
            "55P03" | "40P01" | "55006" => WriteError::Locked { database },
            "57P01" | "57P02" | "57P03" => WriteError::Lost { database },
            code => match misfit(code) {
                Some(reason) => WriteError::Value {
                    table,
                    column: self.column(error),
                    reason,
                },
                None => self.other(code),
            },
        }
    }

    /// Finds the column of which `COPY` speaks in its context: `COPY courses, line 3, column
    /// price: "…"`. Only a name that we know is taken from there; the rest may be a value.
    fn column(self, error: &PgDatabaseError) -> Option<String> {
        let (_, after) = error.r#where()?.split_once(", column ")?;
        let names = self.table.columns.iter().map(|column| &column.name);
        let is_meant = |name: &&String| {
            after
                .strip_prefix(name.as_str())
                .is_some_and(|rest| rest.starts_with(':'))
        };
        names
            .filter(is_meant)
            .max_by_key(|name| name.len())
            .cloned()
    }

    fn other(self, code: &str) -> WriteError {
        WriteError::Refused {
            database: self.database.to_owned(),
            deed: format!("{} for {}", self.deed, self.table.name),
            code: code.to_owned(),
        }
    }
}

/// Returns the error that says why there is no connection.
pub(super) fn unreachable(database: &str, error: &sqlx::Error) -> WriteError {
    let code = error.as_database_error().and_then(DatabaseError::code);
    let reason = match (error, code.as_deref()) {
        (_, Some("28P01" | "28000")) => "the user or the password is wrong".to_owned(),
        (_, Some("3D000")) => "there is no such database: make it with createdb".to_owned(),
        (_, Some("53300")) => "it has no connection left: end one".to_owned(),
        (_, Some("57P03")) => "it is starting up: try again in a moment".to_owned(),
        (_, Some(code)) => format!("it refused with code {code}"),
        (sqlx::Error::Io(error), None) => format!("{error}: is PostgreSQL running there?"),
        (sqlx::Error::Tls(_), None) => "no TLS connection could be made".to_owned(),
        (_, None) => "it does not answer as PostgreSQL does".to_owned(),
    };
    WriteError::Unreachable {
        database: database.to_owned(),
        reason,
    }
}

/// Says what is wrong with a value, by the SQLSTATE of class 22.
fn misfit(code: &str) -> Option<&'static str> {
    Some(match code {
        "22001" => "it is too long for the local column",
        "22003" => "it is out of the range of the local column",
        "22007" | "22008" | "22009" => "it is not a date or time that the local column can hold",
        "22021" | "22P05" => "it has a character that the local database cannot store",
        "22P02" | "22023" | "22030" | "22032" | "2200M" | "2200N" | "22P03" => {
            "it is not of the local column's type"
        }
        _ => return None,
    })
}
