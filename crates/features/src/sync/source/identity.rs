//! Which database this is, however it is addressed: a hash that gives nothing away.

use std::fs::Metadata;
use std::io;
use std::path::Path;
use std::time::UNIX_EPOCH;

use ring::digest::{Context, SHA256};
use sqlx::postgres::PgConnection;
use sqlx::{Row, ValueRef};

use crate::sync::wire::Identity;

/// Returns the identity of the PostgreSQL database at the other end of a connection that is not in
/// a transaction. Its settings need not be trusted: every name is written in full.
///
/// One hash is of the cluster's system identifier, which a restart or a replica keeps, and the
/// database's number in it; some users may not ask for the former. The other, which all may know, is
/// of the moment at which the server started, to the microsecond: as unique, but it lasts only until
/// the next restart, after which an interrupted sync that has no other begins anew.
///
/// # Errors
/// What the database says to the question that everybody may ask.
pub async fn of_postgres(connection: &mut PgConnection) -> Result<Identity, sqlx::Error> {
    let lasting = strings(
        connection,
        "SELECT system_identifier, oid FROM pg_catalog.pg_control_system(), pg_catalog.pg_database \
         WHERE datname OPERATOR(pg_catalog.=) pg_catalog.current_database()",
    );
    let lasting = match lasting.await {
        Ok(parts) => Some(hash("postgres system", &parts)),
        Err(sqlx::Error::Database(_)) => None,
        Err(error) => return Err(error),
    };
    let started = strings(
        connection,
        "SELECT extract(epoch FROM pg_catalog.pg_postmaster_start_time()), oid \
         FROM pg_catalog.pg_database WHERE datname OPERATOR(pg_catalog.=) pg_catalog.current_database()",
    );
    let passing = hash("postgres start", &started.await?);
    Ok(Identity {
        id: lasting.unwrap_or(passing),
        known_to_all: Some(passing),
    })
}

/// Returns the identity of a SQLite file.
///
/// It is made of where the system keeps the file and when it was born, so links and folders mounted
/// twice lead to the same one. A file system that notes no births is helped out by the machine's
/// own id.
///
/// # Errors
/// What the system says if there is no such file.
pub fn of_sqlite(path: &Path) -> io::Result<Identity> {
    let metadata = path.metadata()?;
    let born = metadata
        .created()
        .ok()
        .and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let third = match born {
        Some(age) => age.as_nanos().to_string(),
        None => std::fs::read_to_string("/etc/machine-id").unwrap_or_default(),
    };
    let [device, file] = place(path, &metadata)?;
    Ok(Identity {
        id: hash("sqlite", &[device, file, third]),
        known_to_all: None,
    })
}

#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
fn place(_: &Path, metadata: &Metadata) -> io::Result<[String; 2]> {
    use std::os::unix::fs::MetadataExt as _;
    Ok([metadata.dev().to_string(), metadata.ino().to_string()])
}

#[cfg(not(unix))]
fn place(path: &Path, _: &Metadata) -> io::Result<[String; 2]> {
    Ok([
        String::new(),
        path.canonicalize()?.to_string_lossy().into_owned(),
    ])
}

/// Asks for one row in the simple protocol, in which every value is text and no prepared statement
/// is left behind in a pooler.
async fn strings(
    connection: &mut PgConnection,
    question: &'static str,
) -> Result<Vec<String>, sqlx::Error> {
    let row = sqlx::raw_sql(question).fetch_one(connection).await?;
    (0..row.len())
        .map(|column| {
            let value = row.try_get_raw(column)?;
            if value.is_null() {
                return Ok(String::new());
            }
            value
                .as_str()
                .map(str::to_owned)
                .map_err(sqlx::Error::Decode)
        })
        .collect()
}

fn hash(kind: &str, parts: &[String]) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    context.update(b"render-tunnel database identity 1\0");
    context.update(kind.as_bytes());
    for part in parts {
        // A sign that none of the parts has.
        context.update(b"\0");
        context.update(part.as_bytes());
    }
    let mut id = [0; 32];
    id.copy_from_slice(context.finish().as_ref());
    id
}
