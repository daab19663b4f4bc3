//! The file of a SQLite database: found or made, and proven to be writable.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::error::unusable;
use crate::sync::target::{Readiness, WriteError};

/// Whether the file was there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum File {
    /// It was, and is somebody's.
    Found,
    /// We have made it.
    Made,
}

/// Opens the database at `path`, which is made if it is missing, and its folder too.
pub(super) fn open(path: &Path) -> Result<(Connection, File), WriteError> {
    let file = find_or_make(path)?;
    match connect(path, file) {
        Ok(connection) => Ok((connection, file)),
        Err(error) => Err(unusable(path, "be opened", &error)),
    }
}

fn connect(path: &Path, file: File) -> rusqlite::Result<Connection> {
    // A name that looks like a URI is still a name.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_FOR)?;
    connection.execute_batch(SETTINGS)?;
    connection.execute_batch(match file {
        // A crash loses rows and cursor together, and the next sync goes on from what is left, so
        // that commits need not wait for the disk.
        File::Made => "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL",
        // The journal of somebody's database stays as it is, and may need more care.
        File::Found => "PRAGMA synchronous = FULL",
    })?;
    // SQLite opens what it may not write without a word, and lets one begin to write, too.
    connection.execute_batch("BEGIN IMMEDIATE; CREATE TABLE _tunnel_sync_probe (it); ROLLBACK")?;
    Ok(connection)
}

/// Finds out whether the database at `path` can be opened and written to, or made.
pub(in crate::sync::target) fn look(path: &Path) -> Result<Readiness, WriteError> {
    if !path.exists() {
        return make_and_remove(path).map(|()| Readiness::Missing);
    }
    // The file is there, so that nothing is made here.
    let (_connection, _found) = open(path)?;
    Ok(Readiness::Found)
}

/// Makes a file where the database would be, or in the nearest folder above that is there, and
/// removes it: whether one may is told by nothing else.
fn make_and_remove(path: &Path) -> Result<(), WriteError> {
    let folders = path.ancestors().skip(1);
    let mut folders = folders.map(|folder| match folder.as_os_str().is_empty() {
        true => Path::new("."),
        false => folder,
    });
    let folder = folders.find(|folder| folder.exists());
    let folder = folder.unwrap_or_else(|| Path::new("."));
    let trial = folder.join(format!(".tunnel-trial-{}", std::process::id()));
    let made = file_for_the_user()
        .write(true)
        .create_new(true)
        .open(&trial);
    made.map_err(|source| WriteError::File {
        deed: "make a file in",
        path: folder.to_owned(),
        source,
    })?;
    // It is ours, and empty.
    fs::remove_file(&trial).ok();
    Ok(())
}

/// Removes a database that we have made and that nothing was written to.
pub(super) fn remove(path: &Path) {
    for suffix in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        // It is in the way of nobody if it stays.
        fs::remove_file(PathBuf::from(name)).ok();
    }
}

fn find_or_make(path: &Path) -> Result<File, WriteError> {
    let failed = |deed, path: &Path, source| WriteError::File {
        deed,
        path: path.to_owned(),
        source,
    };
    if let Some(folder) = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        let made = folder_for_the_user().recursive(true).create(folder);
        made.map_err(|error| failed("make the folder", folder, error))?;
    }
    match file_for_the_user().write(true).create_new(true).open(path) {
        Ok(_) => Ok(File::Made),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => match fs::metadata(path) {
            Ok(found) if found.is_file() => Ok(File::Found),
            Ok(_) => Err(WriteError::NotADatabase {
                database: path.display().to_string(),
            }),
            Err(error) => Err(failed("look at", path, error)),
        },
        Err(error) => Err(failed("make the file", path, error)),
    }
}

/// Rows of production will be in it: nobody else may look.
fn folder_for_the_user() -> DirBuilder {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}

/// Likewise. SQLite gives its journals the permissions of the file.
fn file_for_the_user() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Longer than an application's write takes, shorter than a user's patience.
const BUSY_FOR: Duration = Duration::from_secs(5);

/// The cache is 8 MiB, in SQLite's negative KiB: the inner pages of the indexes of a large table
/// stay in memory, and 16 MiB made nothing faster. Foreign keys are left to be counted at the end:
/// rows come before those that they refer to, and with enforcement off, a delete does not cascade
/// either.
const SETTINGS: &str = "PRAGMA cache_size = -8192; PRAGMA foreign_keys = OFF";
