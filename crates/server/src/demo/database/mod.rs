//! The demo production's database: a SQLite file, made once and used again.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use tempfile::TempPath;
use tokio::task::{JoinError, spawn_blocking};

mod courses;
mod enrollments;
mod payments;
mod record;
mod users;

pub(super) use courses::COURSES;
pub(super) use enrollments::ENROLLMENTS;
pub(super) use payments::PAYMENTS;
pub(super) use users::USERS;

#[cfg(test)]
mod tests;

/// Makes sure that the demo production's database is at `path`.
///
/// One that an earlier call made is left as it is. Otherwise the file is written aside and
/// renamed, so that nobody ever sees half of it, and two callers at once do no harm. A file that
/// the demo did not make is never touched.
///
/// Cancel-safe: what has begun runs to its end, on a thread that may block, and leaves the whole
/// database or nothing.
pub async fn database(path: &Path) -> Result<(), DemoError> {
    let path = path.to_path_buf();
    spawn_blocking(move || make(&path)).await?
}

fn make(path: &Path) -> Result<(), DemoError> {
    match found(path)? {
        Found::Current => return Ok(()),
        Found::Foreign => return Err(DemoError::Foreign { path: path.into() }),
        Found::Nothing | Found::Outdated => {}
    }
    let aside = aside(path)?;
    write(&aside)?;
    // A rename may reach the disk before what it names.
    File::open(&aside)
        .and_then(|written| written.sync_all())
        .map_err(failed("save", &aside))?;
    aside
        .persist(path)
        .map_err(|refused| failed("put the demo database at", path)(refused.error))
}

/// What is at the path.
#[derive(Debug, PartialEq, Eq)]
enum Found {
    Nothing,
    /// A demo database with this version's content.
    Current,
    /// A demo database of another version.
    Outdated,
    /// Something that the demo did not make.
    Foreign,
}

/// Reads the marks from the file's header: a look that costs no connection.
fn found(path: &Path) -> Result<Found, DemoError> {
    let mut header = Vec::new();
    let read = File::open(path).and_then(|file| file.take(HEADER as u64).read_to_end(&mut header));
    match read {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(error) => return Err(failed("read", path)(error)),
        Ok(_) => {}
    }
    let number = |at: usize| {
        header
            .get(at..at + 4)
            .map(|bytes| bytes.iter().fold(0, pushed))
    };
    let is_ours =
        header.starts_with(b"SQLite format 3\0") && number(APPLICATION_AT) == Some(APPLICATION);
    Ok(match number(VERSION_AT) {
        _ if !is_ours => Found::Foreign,
        Some(VERSION) => Found::Current,
        _ => Found::Outdated,
    })
}

/// Reads a number's next byte; SQLite writes the highest first.
fn pushed(number: u32, byte: &u8) -> u32 {
    number << 8 | u32::from(*byte)
}

/// Makes an empty file beside `path`, from where it can be renamed.
fn aside(path: &Path) -> Result<TempPath, DemoError> {
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    std::fs::create_dir_all(folder).map_err(failed("make the folder", folder))?;
    let file = tempfile::Builder::new()
        .prefix(".demo-")
        .suffix(".part")
        .tempfile_in(folder);
    Ok(file.map_err(failed("write in", folder))?.into_temp_path())
}

/// Writes the whole content into an empty file.
fn write(path: &Path) -> rusqlite::Result<()> {
    let mut connection = Connection::open(path)?;
    // The file is new and nobody else's: after a crash it is written again, so nothing is kept
    // safe on the way. That the foreign keys hold is known: a test looks.
    connection.execute_batch(&format!(
        "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF;
         PRAGMA cache_size = {CACHE};
         PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {VERSION};"
    ))?;
    let transaction = connection.transaction()?;
    fill(&transaction)?;
    transaction.commit()?;
    connection.close().map_err(|(_, error)| error)
}

fn fill(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(include_str!("schema.sql"))?;
    let mut offers = Vec::new();
    let courses = courses::all().inspect(|course| offers.push(course.offer()));
    record::insert(connection, courses)?;
    let mut members = Vec::new();
    let users = users::all().inspect(|user| members.push(user.member()));
    record::insert(connection, users)?;
    let enrollments = enrollments::all(&members, &offers);
    record::insert(connection, enrollments.iter().copied())?;
    record::insert(connection, payments::all(&enrollments, &members, &offers))
}

/// Why there is no demo database.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DemoError {
    /// There is a file that the demo did not make, and it stays.
    #[error(
        "{} is not a demo database and is left alone; move it away or choose another path",
        path.display()
    )]
    Foreign {
        /// Where the file is.
        path: PathBuf,
    },
    /// A file or a folder cannot be used.
    #[error("could not {deed} {}", path.display())]
    File {
        /// What was tried.
        deed: &'static str,
        /// With which file or folder.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// SQLite could not write the content.
    #[error("could not write the demo database")]
    Write(#[from] rusqlite::Error),
    /// The work did not come to its end.
    #[error("the demo database was not finished")]
    Stopped(#[from] JoinError),
}

fn failed(deed: &'static str, path: &Path) -> impl FnOnce(io::Error) -> DemoError {
    move |source| DemoError::File {
        deed,
        path: path.into(),
        source,
    }
}

/// The version of the content: it goes up with every change to what is written, so that older
/// files are made anew. A test holds the content to it.
const VERSION: u32 = 1;

/// Kibibytes, by the minus: what holds the indexes, whose pages are written to all over. SQLite's
/// own 2 MB make it read fifty thousand pages again.
const CACHE: i32 = -16_384;

/// What tells a demo database from anybody else's: "RTdm".
const APPLICATION: u32 = u32::from_be_bytes(*b"RTdm");

/// How long SQLite's header is, and where in it `user_version` and `application_id` are; the file
/// format is fixed for ever.
const HEADER: usize = 100;
const VERSION_AT: usize = 60;
const APPLICATION_AT: usize = 68;
