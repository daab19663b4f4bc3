//! The folder of a store: one server at a time, and a file for each segment that nobody else reads.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use super::super::wire::Epoch;
use super::StoreError;

/// A folder that is this server's until it is dropped.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    /// Locked; the system unlocks it with the end of the process, whatever that is.
    _lock: File,
}

/// Names a segment. Sorted, segments are in the order in which they were written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Name {
    /// The sequence of its first entry.
    pub(super) first: u64,
    /// Which start of the server wrote it, counted from 0.
    pub(super) start: u32,
    /// That start's epoch.
    pub(super) epoch: Epoch,
}

impl Folder {
    /// Makes the folder if it is not there, and takes it.
    ///
    /// # Errors
    /// [`StoreError`] if that cannot be, or another server has it.
    pub(super) fn take(path: PathBuf) -> Result<Self, StoreError> {
        let failed = |path: &Path, source| StoreError::Folder {
            path: path.to_owned(),
            source,
        };
        make(&path).map_err(|source| failed(&path, source))?;
        let lock = private()
            .create(true)
            .truncate(false)
            .open(path.join("lock"))
            .map_err(|source| failed(&path, source))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path, _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(StoreError::InUse { path }),
            Err(TryLockError::Error(source)) => Err(failed(&path, source)),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the segments that are there, in order. Other files are not ours.
    pub(super) fn segments(&self) -> io::Result<Vec<Name>> {
        let mut names = Vec::new();
        for file in fs::read_dir(&self.path)? {
            names.extend(file?.file_name().to_str().and_then(Name::parse));
        }
        names.sort_unstable();
        Ok(names)
    }

    /// Makes a segment, which must not be there yet.
    pub(super) fn create(&self, name: Name) -> io::Result<File> {
        private().create_new(true).open(self.file(name))
    }

    /// Opens a segment to be read.
    pub(super) fn open(&self, name: Name) -> io::Result<File> {
        File::open(self.file(name))
    }

    pub(super) fn remove(&self, name: Name) -> io::Result<()> {
        fs::remove_file(self.file(name))
    }

    /// Waits until the names of the segments are on the disk.
    pub(super) fn sync(&self) -> io::Result<()> {
        #[cfg(unix)]
        File::open(&self.path)?.sync_all()?;
        Ok(())
    }

    fn file(&self, name: Name) -> PathBuf {
        self.path.join(name.to_string())
    }
}

impl Name {
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.strip_suffix(ENDING)?.split('-');
        let mut part = |digits: usize| {
            let part = parts.next().filter(|part| part.len() == digits)?;
            u64::from_str_radix(part, 16).ok()
        };
        let name = Self {
            first: part(16)?,
            start: u32::try_from(part(8)?).ok()?,
            epoch: Epoch(part(16)?),
        };
        // Nothing else reads as this name.
        (name.to_string() == text).then_some(name)
    }

    /// Returns bytes that are another name's never.
    pub(super) fn salt(self) -> [u8; 20] {
        let mut salt = [0; 20];
        salt[..8].copy_from_slice(&self.first.to_be_bytes());
        salt[8..12].copy_from_slice(&self.start.to_be_bytes());
        salt[12..].copy_from_slice(&self.epoch.0.to_be_bytes());
        salt
    }
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            first,
            start,
            epoch: Epoch(epoch),
        } = self;
        write!(f, "{first:016x}-{start:08x}-{epoch:016x}{ENDING}")
    }
}

/// Makes a folder that is its owner's alone. One that is there stays as it is: its files are.
fn make(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Returns how to write files that are their owner's alone.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

const ENDING: &str = ".log";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_back_and_other_files_are_none() {
        let name = Name {
            first: 300,
            start: 2,
            epoch: Epoch(u64::MAX),
        };
        let text = name.to_string();
        assert_eq!(text, "000000000000012c-00000002-ffffffffffffffff.log");
        assert_eq!(Name::parse(&text), Some(name));
        for other in [
            "lock",
            "app.log",
            "+00000000000012c-00000002-ffffffffffffffff.log",
            "000000000000012c-00000002-FFFFFFFFFFFFFFFF.log",
            "000000000000012c-00000002-ffffffffffffffff-1.log",
        ] {
            assert_eq!(Name::parse(other), None, "{other}");
        }
    }
}
