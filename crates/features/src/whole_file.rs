//! Files that nobody ever reads half of: written aside, and put in their place.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

/// Who may read a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readers {
    /// Its owner alone.
    Owner,
    /// Whoever the system lets read new files.
    AsUsual,
}

/// Puts a file in the place of what is there, or leaves that as it is. It is not synced to the disk.
///
/// # Errors
/// Whatever the system answers.
pub fn write_whole(path: &Path, bytes: &[u8], readers: Readers) -> io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    // Of two programs that write at once, each has a file of its own.
    let aside = path.with_file_name(format!(".{name}.{}.tmp", std::process::id()));
    // What another of this number has left; a link there would be followed.
    fs::remove_file(&aside).ok();
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if readers == Readers::Owner {
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    }
    let mut file = options.open(&aside)?;
    file.write_all(bytes)
        .and_then(|()| fs::rename(&aside, path))
        .inspect_err(|_| drop(fs::remove_file(&aside)))
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_nothing_else_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("flags.json");
        for (text, readers) in [("one", Readers::AsUsual), ("two", Readers::Owner)] {
            write_whole(&path, text.as_bytes(), readers).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_link_that_waits_where_it_is_written_aside_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("flags.json");
        let theirs = folder.path().join("theirs");
        fs::write(&theirs, "theirs").unwrap();
        let aside = format!(".flags.json.{}.tmp", std::process::id());
        symlink(&theirs, folder.path().join(aside)).unwrap();
        write_whole(&path, b"ours", Readers::Owner).unwrap();
        assert_eq!(fs::read_to_string(&theirs).unwrap(), "theirs");
        assert_eq!(fs::read_to_string(&path).unwrap(), "ours");
    }

    #[test]
    fn where_it_cannot_be_put_nothing_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("taken");
        fs::create_dir(&path).unwrap();
        fs::write(path.join("full"), "").unwrap();
        write_whole(&path, b"ours", Readers::Owner).unwrap_err();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
