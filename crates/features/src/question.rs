//! Asks production's database one question, and takes the rows of its answer as JSON: for features that
//! read a table and do not sync it.

use std::borrow::Cow;
use std::path::Path;
use std::time::Duration;

use futures_util::TryStreamExt as _;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, InterruptHandle, OpenFlags};
use serde_json::{Map, Value};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions as _, Connection as _};
use thiserror::Error;
use tokio::sync::oneshot;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::branches::{MOST_BRANCHES, branches};
pub(crate) use crate::sync::database::DatabaseUrl;

/// A question: SQL that gives rows.
#[derive(Clone, Debug)]
pub(crate) struct Question(String);

impl Question {
    /// Asks for all of a table, whose name may begin with that of its schema.
    pub(crate) fn table(name: &str) -> Self {
        let quoted = name
            .split('.')
            .map(|part| format!("\"{}\"", part.replace('"', "\"\"")));
        Self(format!(
            "SELECT * FROM {}",
            quoted.collect::<Vec<_>>().join(".")
        ))
    }

    /// Asks what an operator has written.
    pub(crate) fn query(sql: &str) -> Self {
        Self(sql.trim().trim_end_matches(';').to_owned())
    }
}

/// Asks over a connection of its own, in a transaction that cannot write, for so many rows at most: whoever
/// has to know whether there are more asks for one more.
///
/// # Errors
/// [`QuestionError`], which has no value of a row.
pub(crate) async fn ask(
    database: &DatabaseUrl,
    question: &Question,
    most: usize,
) -> Result<Vec<Map<String, Value>>, QuestionError> {
    let sql = question.0.clone();
    let asking = async {
        match database {
            DatabaseUrl::Postgres(options) => of_postgres(options, &sql, most).await,
            DatabaseUrl::Sqlite(path) => {
                let path = path.clone();
                let (opened, connection) = oneshot::channel();
                let _interrupted = Interrupted(connection);
                let asked = spawn_blocking(move || of_sqlite(&path, &sql, most, opened)).await;
                asked.unwrap_or(Err(QuestionError::Broken))
            }
        }
    };
    timeout(LONGEST, asking)
        .await
        .unwrap_or(Err(QuestionError::Slow))
}

async fn of_postgres(
    options: &PgConnectOptions,
    sql: &str,
    most: usize,
) -> Result<Vec<Map<String, Value>>, QuestionError> {
    let options = options.clone().disable_statement_logging();
    // None is kept prepared: in a pooler its name would outlive the session.
    let options = options.statement_cache_capacity(0);
    let connected = options.connect().await;
    let mut connection = connected.map_err(|_| QuestionError::Unreachable)?;
    let rows = rows_of(&mut connection, sql, most).await;
    // The end of the transaction is that of the connection.
    drop(connection.close().await);
    rows
}

async fn rows_of(
    connection: &mut PgConnection,
    sql: &str,
    most: usize,
) -> Result<Vec<Map<String, Value>>, QuestionError> {
    sqlx::raw_sql(BEGIN)
        .execute(&mut *connection)
        .await
        .map_err(|error| refused(&error))?;
    // A query may end in a comment, which ends with the line. A row that is too long is not even sent.
    let whole = format!(
        "SELECT CASE WHEN octet_length(row) <= {LONGEST_ANSWER} THEN row END FROM \
         (SELECT to_jsonb(found)::text AS row FROM ({sql}\n) AS found LIMIT {most}) AS rows"
    );
    // The operator's own SQL, from the server's configuration.
    let query = sqlx::query_scalar::<_, Option<String>>(sqlx::AssertSqlSafe(whole));
    let mut rows = query.persistent(false).fetch(connection);
    let mut room = Room::default();
    let mut found = Vec::new();
    while let Some(row) = rows.try_next().await.map_err(|error| refused(&error))? {
        let row = row.ok_or(QuestionError::Long)?;
        room.take(row.len())?;
        room.take_branches(branches(row.as_bytes()))?;
        found.push(serde_json::from_str(&row).map_err(|_| QuestionError::Broken)?);
    }
    Ok(found)
}

/// How much more an answer may have.
struct Room {
    bytes: usize,
    branches: usize,
}

impl Default for Room {
    fn default() -> Self {
        Self {
            bytes: LONGEST_ANSWER,
            branches: MOST_BRANCHES,
        }
    }
}

impl Room {
    fn take(&mut self, bytes: usize) -> Result<(), QuestionError> {
        let left = self.bytes.checked_sub(bytes);
        self.bytes = left.ok_or(QuestionError::Long)?;
        Ok(())
    }

    fn take_branches(&mut self, branches: usize) -> Result<(), QuestionError> {
        let left = self.branches.checked_sub(branches);
        self.branches = left.ok_or(QuestionError::Branched)?;
        Ok(())
    }
}

fn refused(error: &sqlx::Error) -> QuestionError {
    match error {
        sqlx::Error::Database(error) => {
            let code = error.code().map(Cow::into_owned);
            QuestionError::Refused(code.unwrap_or_default())
        }
        _ => QuestionError::Broken,
    }
}

/// Interrupts a question to SQLite that nobody waits for any more: it has a thread of its own, which would
/// go on.
struct Interrupted(oneshot::Receiver<InterruptHandle>);

impl Drop for Interrupted {
    fn drop(&mut self) {
        // One that has its answer is closed: nothing happens to it.
        if let Ok(connection) = self.0.try_recv() {
            connection.interrupt();
        }
    }
}

fn of_sqlite(
    path: &Path,
    sql: &str,
    most: usize,
    opened: oneshot::Sender<InterruptHandle>,
) -> Result<Vec<Map<String, Value>>, QuestionError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags);
    let connection = connection.map_err(|_| QuestionError::Unreachable)?;
    let handle = connection.get_interrupt_handle();
    opened.send(handle).map_err(|_| QuestionError::Slow)?;
    let failed = |error: rusqlite::Error| {
        let code = error.sqlite_error_code();
        QuestionError::Refused(code.map(|code| format!("{code:?}")).unwrap_or_default())
    };
    connection.busy_timeout(LOCKED).map_err(failed)?;
    let mut statement = connection.prepare(sql).map_err(failed)?;
    let names: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let names_take: usize = names.iter().map(String::len).sum();
    let mut rows = statement.query([]).map_err(failed)?;
    let mut room = Room::default();
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(failed)? {
        if found.len() == most {
            break;
        }
        room.take(names_take)?;
        let mut fields = Map::new();
        for (place, name) in names.iter().enumerate() {
            let cell = row.get_ref(place).map_err(failed)?;
            // The others take no more than their names.
            if let ValueRef::Text(text) = cell {
                room.take(text.len())?;
                // A feature may read it as JSON.
                room.take_branches(branches(text))?;
            }
            fields.insert(name.clone(), value(cell));
        }
        found.push(fields);
    }
    Ok(found)
}

fn value(value: ValueRef<'_>) -> Value {
    match value {
        // Bytes are nothing that JSON has.
        ValueRef::Null | ValueRef::Blob(_) => Value::Null,
        ValueRef::Integer(number) => number.into(),
        ValueRef::Real(number) => number.into(),
        ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned().into(),
    }
}

/// A question without an answer. It says nothing of the database's address, nor of any row.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum QuestionError {
    /// There is no connection.
    #[error("the database cannot be reached")]
    Unreachable,
    /// The database does not do it.
    #[error("the database refuses the question ({0})")]
    Refused(String),
    /// It does not answer in time.
    #[error("the database does not answer in time")]
    Slow,
    /// There is too much of the answer.
    #[error(
        "the database's answer has over 16 MiB: ask with query for the columns that are needed"
    )]
    Long,
    /// There are too many objects and lists in it.
    #[error(
        "the database's answer has over 200,000 objects and lists: ask with query for the columns that \
         are needed"
    )]
    Branched,
    /// The answer broke off, or is none.
    #[error("the database's answer broke off")]
    Broken,
}

/// Begins a transaction in which a question can neither write nor hold anything up.
const BEGIN: &str = "BEGIN READ ONLY; SET LOCAL statement_timeout = '5s'; SET LOCAL lock_timeout = '2s'; \
    SET LOCAL TimeZone = 'UTC'";

/// Connecting, and the time of a statement.
const LONGEST: Duration = Duration::from_secs(10);

/// How long another's lock on SQLite's file is waited for, as PostgreSQL's `lock_timeout`: a wait cannot be
/// interrupted.
const LOCKED: Duration = Duration::from_secs(2);

/// The longest answer, in bytes: some columns beside those that are needed, while the server of a small
/// instance (512 MiB) holds several times as much of it as JSON.
const LONGEST_ANSWER: usize = 16 * 1024 * 1024;

#[cfg(test)]
mod tests;
