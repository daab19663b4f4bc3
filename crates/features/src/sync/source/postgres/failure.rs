//! From PostgreSQL's errors to ours: by their code alone, because their text may quote a row.

use super::super::ReadError;
use super::super::quote;
use crate::sync::table::TableName;

/// Where something failed.
#[derive(Debug)]
pub(super) struct Place {
    /// The database, as it is called on screen.
    pub(super) database: String,
    /// The user that reads it.
    pub(super) user: String,
}

impl Place {
    /// Says why no connection was made.
    pub(super) fn unconnected(&self, error: sqlx::Error) -> ReadError {
        match error {
            sqlx::Error::Io(source) => ReadError::Unreachable {
                database: self.database.clone(),
                source,
            },
            error => self.failed("let this program in", None, error),
        }
    }

    /// Says why `deed` failed.
    pub(super) fn failed(
        &self,
        deed: &'static str,
        table: Option<&TableName>,
        error: sqlx::Error,
    ) -> ReadError {
        let database = self.database.clone();
        let code = match error {
            sqlx::Error::Database(error) => error.code().unwrap_or_default().into_owned(),
            sqlx::Error::Io(_) => return ReadError::Lost { database },
            sqlx::Error::Tls(_) => return ReadError::Tls { database },
            // The client library's own failures; their text may hold what it failed to read.
            sqlx::Error::Protocol(_) => "protocol".to_owned(),
            _ => "client".to_owned(),
        };
        match (code.as_str(), table) {
            (INSUFFICIENT_PRIVILEGE, Some(table)) => self.permission(table),
            (LOCK_NOT_AVAILABLE, Some(table)) => ReadError::Locked {
                what: table.to_string(),
            },
            (UNDEFINED_TABLE | UNDEFINED_COLUMN, Some(table)) => ReadError::Changed {
                table: table.clone(),
            },
            (INVALID_CATALOG_NAME, _) => ReadError::NoDatabase { database },
            (TOO_MANY_CONNECTIONS | CANNOT_CONNECT_NOW, _) => ReadError::Busy { database },
            (code, _) if code.starts_with(INVALID_AUTHORIZATION) => ReadError::Authentication {
                database,
                user: self.user.clone(),
            },
            (code, _) if LOST.iter().any(|lost| code.starts_with(lost)) => {
                ReadError::Lost { database }
            }
            _ => ReadError::Failed {
                database,
                deed,
                code,
            },
        }
    }

    pub(super) fn permission(&self, table: &TableName) -> ReadError {
        let mut grant = self.grant(table);
        if let Some(schema) = table.schema.as_deref().filter(|&schema| schema != "public") {
            grant = format!(
                "GRANT USAGE ON SCHEMA {} TO {}; {grant}",
                quoted(schema),
                quoted(&self.user)
            );
        }
        ReadError::Permission {
            table: table.clone(),
            user: self.user.clone(),
            grant,
        }
    }

    /// Returns the statement that lets the user read a table.
    pub(super) fn grant(&self, table: &TableName) -> String {
        let name = qualified(table).unwrap_or_default();
        format!("GRANT SELECT ON {name} TO {}", quoted(&self.user))
    }
}

/// Returns a table's name as SQL. `None` if it holds NUL, which no catalog's name does.
pub(super) fn qualified(table: &TableName) -> Option<String> {
    let name = quote::identifier(&table.name)?;
    match &table.schema {
        Some(schema) => Some(format!("{}.{name}", quote::identifier(schema)?)),
        None => Some(name),
    }
}

fn quoted(name: &str) -> String {
    quote::identifier(name).unwrap_or_default()
}

const INVALID_AUTHORIZATION: &str = "28";
const INVALID_CATALOG_NAME: &str = "3D000";
const INSUFFICIENT_PRIVILEGE: &str = "42501";
const UNDEFINED_COLUMN: &str = "42703";
const UNDEFINED_TABLE: &str = "42P01";
const TOO_MANY_CONNECTIONS: &str = "53300";
const LOCK_NOT_AVAILABLE: &str = "55P03";
const CANNOT_CONNECT_NOW: &str = "57P03";
/// Connection exceptions; the transaction or the session ended by a time limit; a conflict with
/// what a standby has to replay; the session ended by an administrator or a crash.
const LOST: [&str; 6] = ["08", "25P", "40001", "57P01", "57P02", "57P05"];
