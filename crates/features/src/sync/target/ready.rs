//! Whether a database could be written to, found out without anything left in it.

use tokio::task::spawn_blocking;

use super::error::WriteError;
use super::{postgres, sqlite};
use crate::sync::database::DatabaseUrl;

/// What a database that could be written to is now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// It is there.
    Found,
    /// It is not there, and the first sync would make it.
    Missing,
}

/// Finds out whether a sync could write to a database.
///
/// # Errors
/// [`WriteError`] if it could not.
pub async fn look(database: &DatabaseUrl) -> Result<Readiness, WriteError> {
    match database {
        DatabaseUrl::Postgres(options) => postgres::look(options, database.to_string()).await,
        DatabaseUrl::Sqlite(path) => {
            let at = path.clone();
            let looked = spawn_blocking(move || sqlite::look(&at)).await;
            // Such a task ends without an answer only where the runtime is going down.
            looked.unwrap_or_else(|_| {
                Err(WriteError::Lost {
                    database: path.display().to_string(),
                })
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    fn sqlite(path: &Path) -> DatabaseUrl {
        DatabaseUrl::Sqlite(path.to_owned())
    }

    fn names(folder: &Path) -> Vec<std::ffi::OsString> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    }

    #[tokio::test]
    async fn a_look_leaves_a_database_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mine.db");
        rusqlite::Connection::open(&path)
            .unwrap()
            .execute_batch("CREATE TABLE mine (id); INSERT INTO mine VALUES (1)")
            .unwrap();
        let before = fs::read(&path).unwrap();
        assert_eq!(look(&sqlite(&path)).await.unwrap(), Readiness::Found);
        assert_eq!(fs::read(&path).unwrap(), before);
        assert_eq!(names(folder.path()), ["mine.db"]);
    }

    #[tokio::test]
    async fn a_look_makes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/deep/mine.db");
        assert_eq!(look(&sqlite(&path)).await.unwrap(), Readiness::Missing);
        assert_eq!(names(folder.path()), [""; 0]);
    }

    #[tokio::test]
    async fn what_could_not_be_written_to_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let text = folder.path().join("text.db");
        fs::write(
            &text,
            "this is not a database, but it is long enough to look",
        )
        .unwrap();
        let error = look(&sqlite(&text)).await.unwrap_err();
        assert!(
            matches!(error, WriteError::NotADatabase { .. }),
            "{error:?}"
        );
        // Nobody can write there, not even root.
        let error = look(&sqlite(Path::new("/proc/mine.db"))).await.unwrap_err();
        assert!(matches!(error, WriteError::File { .. }), "{error:?}");
        let postgres = "postgres://nobody@127.0.0.1:1/none".parse().unwrap();
        let error = look(&postgres).await.unwrap_err();
        assert!(matches!(error, WriteError::Unreachable { .. }), "{error:?}");
    }
}
