//! The file: found or made, locked, and proven to be an inbox.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ring::rand::{SecureRandom, SystemRandom};
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::super::super::error::OpenError;
use super::read;

/// Where the file is.
#[derive(Clone, Debug)]
pub(in super::super::super) enum Place {
    /// Where the operator wants it.
    File(PathBuf),
    /// In a folder that is removed as soon as the file is open: it ends with the server.
    Temporary(PathBuf),
}

/// An inbox's file, open.
pub(super) struct Opened {
    pub(super) writer: Connection,
    pub(super) flows: Connection,
    pub(super) lists: Connection,
    pub(super) checkpoints: Connection,
    /// Locked until it is closed.
    pub(super) lock: File,
    /// The last sequence.
    pub(super) last: u64,
}

impl Place {
    /// Returns a place in a folder for temporary files that nobody else has.
    pub(in super::super::super) fn temporary(folder: &Path) -> Self {
        let mut random = [0; 8];
        // Without luck the name is taken at worst, and opening says so.
        SystemRandom::new().fill(&mut random).ok();
        let name = format!(
            "render-tunnel-{}-{:016x}",
            std::process::id(),
            u64::from_be_bytes(random)
        );
        Self::Temporary(folder.join(name).join("inbox.db"))
    }

    pub(in super::super::super) fn path(&self) -> &Path {
        match self {
            Self::File(path) | Self::Temporary(path) => path,
        }
    }
}

/// Opens the file at a place, which is made if it is missing, and its folder too.
pub(super) fn open(place: &Place) -> Result<Opened, OpenError> {
    let path = place.path();
    let lock = make(path)?;
    let connect = || connect(path).map_err(|error| unusable(path, &error));
    let writer = connect()?;
    prepare(path, &writer)?;
    let totals = read::totals(&writer).map_err(|error| unusable(path, &error))?;
    let opened = Opened {
        last: totals.last,
        writer,
        flows: connect()?,
        lists: connect()?,
        checkpoints: connect()?,
        lock,
    };
    if let (Place::Temporary(_), Some(folder)) = (place, path.parent()) {
        // Each connection opens what it needs with its first question; then the names may go. Where
        // open files keep theirs, the system's own tidying finds them.
        for reader in [&opened.flows, &opened.lists, &opened.checkpoints] {
            let asked = reader.query_row("SELECT last FROM totals", [], |_| Ok(()));
            asked.map_err(|error| unusable(path, &error))?;
        }
        fs::remove_dir_all(folder).ok();
    }
    Ok(opened)
}

/// Makes the folder and the file, for their owner alone, and takes the lock beside the file. SQLite's own
/// locks come and go with its transactions, and are lost when anybody here closes the file.
fn make(path: &Path) -> Result<File, OpenError> {
    let failed = |source| OpenError::File {
        path: path.to_owned(),
        source,
    };
    let folder = path.parent().filter(|it| !it.as_os_str().is_empty());
    if let Some(folder) = folder {
        private_folder().create(folder).map_err(failed)?;
    }
    let lock = private_file().open(beside(path, "-lock")).map_err(failed)?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(OpenError::InUse(path.to_owned())),
        Err(TryLockError::Error(source)) => return Err(failed(source)),
    }
    let file = private_file().read(true).open(path).map_err(failed)?;
    look(file, path)?;
    Ok(lock)
}

/// Whether another server has the inbox at a path, or another part of this one.
#[must_use]
pub fn is_inbox_in_use(path: &Path) -> bool {
    // Where there is no such file, nobody has locked it.
    File::open(beside(path, "-lock"))
        .is_ok_and(|lock| matches!(lock.try_lock(), Err(TryLockError::WouldBlock)))
}

/// SQLite takes a file that is shorter than its header for an empty database, and would overwrite it.
fn look(file: File, path: &Path) -> Result<(), OpenError> {
    let mut begin = Vec::new();
    let read = file.take(HEADER.len() as u64).read_to_end(&mut begin);
    read.map_err(|source| OpenError::File {
        path: path.to_owned(),
        source,
    })?;
    if begin.is_empty() || begin == HEADER {
        return Ok(());
    }
    Err(OpenError::NotAnInbox {
        path: path.to_owned(),
        reason: "it is no SQLite database".to_owned(),
    })
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    // A name that looks like a URI is still a name.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_FOR)?;
    connection.execute_batch(SETTINGS)?;
    Ok(connection)
}

/// Makes the tables, or sees that they are ours.
fn prepare(path: &Path, connection: &Connection) -> Result<(), OpenError> {
    let failed = |error: rusqlite::Error| unusable(path, &error);
    let pragma = |name: &str| -> rusqlite::Result<i64> {
        connection.query_row(&format!("PRAGMA {name}"), [], |row| row.get(0))
    };
    let (id, version) = (
        pragma("application_id").map_err(failed)?,
        pragma("user_version").map_err(failed)?,
    );
    let tables: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(failed)?;
    let not_ours = |reason: &str| OpenError::NotAnInbox {
        path: path.to_owned(),
        reason: reason.to_owned(),
    };
    match (id, tables) {
        (0, 0) => connection.execute_batch(SCHEMA).map_err(failed)?,
        (APPLICATION, _) if version > VERSION => {
            return Err(OpenError::Newer {
                path: path.to_owned(),
                found: version,
                known: VERSION,
            });
        }
        (APPLICATION, _) => {}
        _ => return Err(not_ours("it is another program's database")),
    }
    // The tables that a start reads first, whole; every page of a large file would take minutes.
    let check = connection.query_row("PRAGMA quick_check('totals')", [], |row| row.get(0));
    let check: String = check.map_err(failed)?;
    match check.as_str() {
        "ok" => complete(connection).map_err(failed),
        _ => Err(not_ours(&check)),
    }
}

/// Gives an inbox its identity and the counts of its shares, if it has none.
fn complete(connection: &Connection) -> rusqlite::Result<()> {
    for (column, add) in [("inbox", ADD_NAME), ("refused", ADD_SHARES)] {
        let there = "SELECT count(*) FROM pragma_table_info('totals') WHERE name = ?1";
        let there: i64 = connection.query_row(there, [column], |row| row.get(0))?;
        if there == 0 {
            connection.execute_batch(add)?;
        }
    }
    Ok(())
}

fn unusable(path: &Path, error: &rusqlite::Error) -> OpenError {
    let path = path.to_owned();
    let reason = error.to_string();
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => OpenError::Locked(path),
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) | None => {
            OpenError::NotAnInbox { path, reason }
        }
        Some(ErrorCode::DiskFull) => OpenError::Full(path),
        Some(_) => OpenError::Unusable { path, reason },
    }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

/// Customers' data will be in it: nobody else may look. SQLite gives the files beside its own the same
/// mode.
fn private_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn private_folder() -> DirBuilder {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}

const HEADER: &[u8] = b"SQLite format 3\0";

/// `rtin`: tells an inbox from other databases.
const APPLICATION: i64 = 0x7274_696e;

/// The newest schema that is known here. A change that this program's older versions cannot write to
/// counts it up, and is made where `SCHEMA` is.
const VERSION: i64 = 1;

/// A commit waits for the disk. What is beside the file is written into it by `checkpoints`, and is cut
/// back to 8 MiB when a large body has made it longer. The cache is 8 MiB, in SQLite's negative KiB.
const SETTINGS: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
    PRAGMA wal_autocheckpoint = 0; PRAGMA journal_size_limit = 8388608; \
    PRAGMA cache_size = -8192; PRAGMA temp_store = MEMORY; PRAGMA foreign_keys = OFF";

/// Deliveries have a narrow row each, which tells lists and states, and outlives what they hold for a
/// while; a gap has one too (`missing` is how many). What they hold is in `contents`.
const SCHEMA: &str = "BEGIN IMMEDIATE;
CREATE TABLE totals (last INTEGER NOT NULL, floor INTEGER NOT NULL, forgotten INTEGER NOT NULL,
    bytes INTEGER NOT NULL) STRICT;
INSERT INTO totals VALUES (0, 0, 0, 0);
CREATE TABLE providers (name TEXT PRIMARY KEY, count INTEGER NOT NULL, gone INTEGER NOT NULL,
    kept INTEGER NOT NULL, last INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE deliveries (sequence INTEGER PRIMARY KEY, provider TEXT NOT NULL, number INTEGER NOT NULL,
    received INTEGER NOT NULL, missing INTEGER, id BLOB, event BLOB, key BLOB, verification BLOB,
    answered INTEGER, length INTEGER NOT NULL, size INTEGER NOT NULL, repeats INTEGER NOT NULL,
    state INTEGER NOT NULL, attempts INTEGER NOT NULL, status INTEGER) STRICT;
CREATE INDEX deliveries_by_provider ON deliveries (provider, sequence);
CREATE UNIQUE INDEX deliveries_by_id ON deliveries (id) WHERE id IS NOT NULL;
CREATE INDEX deliveries_by_key ON deliveries (key) WHERE key IS NOT NULL;
CREATE TABLE contents (sequence INTEGER PRIMARY KEY, head BLOB NOT NULL, body BLOB NOT NULL) STRICT;
CREATE TABLE receipts (sequence INTEGER NOT NULL, owner BLOB NOT NULL, attempt INTEGER NOT NULL,
    receipt BLOB NOT NULL, PRIMARY KEY (sequence, owner, attempt)) STRICT, WITHOUT ROWID;
CREATE TABLE offers (owner BLOB NOT NULL, provider TEXT NOT NULL, sequence INTEGER NOT NULL,
    attempts INTEGER NOT NULL, PRIMARY KEY (owner, provider, sequence)) STRICT, WITHOUT ROWID;
CREATE TABLE cursors (owner BLOB NOT NULL, provider TEXT NOT NULL, sequence INTEGER NOT NULL,
    number INTEGER NOT NULL, offered INTEGER NOT NULL, seen INTEGER NOT NULL,
    PRIMARY KEY (owner, provider)) STRICT, WITHOUT ROWID;
PRAGMA application_id = 1920231790;
PRAGMA user_version = 1;
COMMIT";

/// Beside the schema, so that an inbox that was made without an identity gets one. An older version of
/// this program does not mind it.
const ADD_NAME: &str = "BEGIN IMMEDIATE;
ALTER TABLE totals ADD COLUMN inbox BLOB NOT NULL DEFAULT x'';
UPDATE totals SET inbox = randomblob(8);
COMMIT";

/// The same for shares. What was there before them counts as verified and leaves by and by.
const ADD_SHARES: &str = "BEGIN IMMEDIATE;
ALTER TABLE totals ADD COLUMN unverified INTEGER NOT NULL DEFAULT 0;
ALTER TABLE totals ADD COLUMN refused INTEGER NOT NULL DEFAULT 0;
COMMIT";

/// Longer than another program's look at the file takes, shorter than a provider's patience.
const BUSY_FOR: Duration = Duration::from_secs(2);
