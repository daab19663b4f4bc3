//! The file of a SQLite database: found or made, and proven to be writable.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::ConnectOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use tokio::fs::{DirBuilder, OpenOptions};

use super::error::unusable;
use crate::sync::target::WriteError;

/// Whether the file was there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum File {
    /// It was, and is somebody's.
    Found,
    /// We have made it.
    Made,
}

/// Opens the database at `path`, which is made if it is missing, and its folder too.
pub(super) async fn open(path: &Path) -> Result<(SqliteConnection, File), WriteError> {
    let file = find_or_make(path).await?;
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .busy_timeout(BUSY_FOR)
        .pragma("cache_size", CACHE)
        // Rows of one table come before those that they refer to; what is left dangling is
        // counted at the end. With enforcement off, a delete does not cascade either.
        .foreign_keys(false)
        // What sqlx logs of slow statements would name tables and columns.
        .disable_statement_logging();
    let options = match file {
        // A crash loses rows and cursor together, and the next sync goes on from what is left, so
        // that commits need not wait for the disk.
        File::Made => options
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal),
        // The journal of somebody's database stays as it is, and may need more care.
        File::Found => options.synchronous(SqliteSynchronous::Full),
    };
    let refused = |error: sqlx::Error| unusable(path, "be opened", &error);
    let mut connection = options.connect().await.map_err(refused)?;
    // SQLite opens what it may not write without a word, and lets one begin to write, too.
    sqlx::raw_sql("BEGIN IMMEDIATE; CREATE TABLE _tunnel_sync_probe (it); ROLLBACK")
        .execute(&mut connection)
        .await
        .map_err(refused)?;
    Ok((connection, file))
}

/// Removes a database that we have made and that nothing was written to.
pub(super) async fn remove(path: &Path) {
    // It is in the way of nobody if it stays.
    for suffix in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        tokio::fs::remove_file(PathBuf::from(name)).await.ok();
    }
}

async fn find_or_make(path: &Path) -> Result<File, WriteError> {
    let failed = |deed, path: &Path, source| WriteError::File {
        deed,
        path: path.to_owned(),
        source,
    };
    if let Some(folder) = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        let mut maker = DirBuilder::new();
        // Rows of production are in it: for the user alone.
        #[cfg(unix)]
        maker.mode(0o700);
        maker
            .recursive(true)
            .create(folder)
            .await
            .map_err(|error| failed("make the folder", folder, error))?;
    }
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    options.mode(0o600);
    match options.write(true).create_new(true).open(path).await {
        Ok(_) => Ok(File::Made),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            match tokio::fs::metadata(path).await {
                Ok(found) if found.is_file() => Ok(File::Found),
                Ok(_) => Err(WriteError::NotADatabase {
                    database: path.display().to_string(),
                }),
                Err(error) => Err(failed("look at", path, error)),
            }
        }
        Err(error) => Err(failed("make the file", path, error)),
    }
}

/// Longer than an application's write takes, shorter than a user's patience.
const BUSY_FOR: Duration = Duration::from_secs(5);

/// 16 MiB, in SQLite's negative KiB: the inner pages of the indexes of a large table stay in
/// memory, and it is a quarter of what a client may take in all.
const CACHE: &str = "-16384";
