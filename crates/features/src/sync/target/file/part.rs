//! A file that is written aside and put in its place when it is whole.

use std::io;
use std::path::{Path, PathBuf};

use ring::rand::{SecureRandom, SystemRandom};
use tokio::fs::{self, File, OpenOptions};
use tokio::io::AsyncWriteExt;

use super::is_full;
use crate::sync::target::WriteError;

/// A file on the way. If it is dropped before it is in place, it is removed.
#[derive(Debug)]
pub(super) struct Part {
    file: File,
    aside: Aside,
    /// Where it will be.
    place: PathBuf,
}

/// The path of what is not whole yet, removed with this.
#[derive(Debug)]
struct Aside(PathBuf);

impl Part {
    /// Makes the file beside its place, which proves that the folder can be written to.
    pub(super) async fn create(place: &Path) -> Result<Self, WriteError> {
        let place = resolve(place).await?;
        let aside = Aside(beside(&place));
        let mut options = OpenOptions::new();
        // Rows of production are in it: for the user alone.
        #[cfg(unix)]
        options.mode(0o600);
        match options.write(true).create_new(true).open(&aside.0).await {
            Ok(file) => Ok(Self { file, aside, place }),
            Err(source) => Err(WriteError::File {
                deed: "make a file beside",
                path: place,
                source,
            }),
        }
    }

    pub(super) async fn write(&mut self, bytes: &[u8]) -> Result<(), WriteError> {
        self.file
            .write_all(bytes)
            .await
            .map_err(|error| failed("write", &self.place, error))
    }

    /// Puts the file in its place, whole and on disk.
    pub(super) async fn put_in_place(mut self) -> Result<(), WriteError> {
        let refused = |error| failed("write", &self.place, error);
        self.file.flush().await.map_err(refused)?;
        self.file.sync_all().await.map_err(refused)?;
        fs::rename(&self.aside.0, &self.place)
            .await
            .map_err(|error| failed("put in its place", &self.place, error))?;
        if let Some(folder) = self.place.parent() {
            // The name is durable when its folder is; where that cannot be asked for, the rename
            // still shows the old file or the new one, and nothing between.
            if let Ok(folder) = File::open(folder).await {
                folder.sync_all().await.ok();
            }
        }
        Ok(())
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        // After the rename there is nothing under this name.
        std::fs::remove_file(&self.0).ok();
    }
}

/// Follows links, so that a link to a file stays one, and refuses what a file must not replace.
async fn resolve(place: &Path) -> Result<PathBuf, WriteError> {
    let refused = |error| failed("write", place, error);
    match fs::metadata(place).await {
        Ok(found) if !found.is_file() => Err(refused(io::Error::other("it is not a file"))),
        // A rename would replace it all the same.
        Ok(found) if found.permissions().readonly() => {
            Err(refused(io::ErrorKind::PermissionDenied.into()))
        }
        Ok(_) => fs::canonicalize(place).await.map_err(refused),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(place.to_owned()),
        Err(error) => Err(refused(error)),
    }
}

/// Returns a name in the same folder, and so on the same disk, that nobody else uses.
fn beside(place: &Path) -> PathBuf {
    let mut unique = [0; 8];
    // Without randomness the name is still only ours if nothing has it: it is made, never opened.
    SystemRandom::new().fill(&mut unique).ok();
    let mut name = place.file_name().unwrap_or_default().to_owned();
    name.push(format!(".part-{:016x}", u64::from_le_bytes(unique)));
    place.with_file_name(name)
}

fn failed(deed: &'static str, place: &Path, source: io::Error) -> WriteError {
    if is_full(&source) {
        return WriteError::Full {
            database: place.display().to_string(),
        };
    }
    WriteError::File {
        deed,
        path: place.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_called_that() {
        let error = failed(
            "write",
            Path::new("out.json"),
            io::ErrorKind::StorageFull.into(),
        );
        assert!(matches!(error, WriteError::Full { database } if database == "out.json"));
    }
}
