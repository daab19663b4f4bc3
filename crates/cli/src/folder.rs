//! Where the programs keep what is a developer's own: `.tunnel` here, and a folder of the user's.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::environment::Environment;
use crate::exit::Failure;

/// The folder `.tunnel` in the working folder: for its owner only, and not for a repository.
#[derive(Clone, Debug)]
pub struct TunnelFolder(PathBuf);

impl TunnelFolder {
    /// Makes the folder, if it is not there.
    ///
    /// # Errors
    /// [`Failure`] if the system does not let us.
    pub fn make() -> Result<Self, Failure> {
        let folder = Self(PathBuf::from(NAME));
        folder.prepare().map_err(|error| {
            Failure::failed(format!("cannot make the folder {NAME} here: {error}"))
                .hint("go to a folder that you may write to; `sync` can also write elsewhere with --to or --output")
        })?;
        Ok(folder)
    }

    /// Returns a file's path in the folder.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Returns a file's path in the folder, whether that is there or not.
    #[must_use]
    pub fn path_of(name: &str) -> PathBuf {
        Path::new(NAME).join(name)
    }

    fn prepare(&self) -> io::Result<()> {
        match fs::symlink_metadata(&self.0) {
            Ok(found) if found.is_dir() => {}
            // Somebody else's repository would lead us wherever it likes.
            Ok(found) if found.is_symlink() => {
                return Err(io::Error::other("it is a link to somewhere else"));
            }
            _ => make_private(&self.0)?,
        }
        // Rows of production, even sanitised ones, are not for a repository. A file that is made anew is no
        // link's end.
        let ignore = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(self.0.join(".gitignore"));
        match ignore {
            Ok(mut ignore) => ignore.write_all(b"*\n"),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// Writes a file anew that only its owner may read.
///
/// # Errors
/// Whatever the system answers.
pub fn write_private(path: &Path, text: &str) -> io::Result<()> {
    // An older file would keep its permissions, and a link would be followed.
    fs::remove_file(path).or_else(|error| match error.kind() {
        io::ErrorKind::NotFound => Ok(()),
        _ => Err(error),
    })?;
    create_private(path, text)
}

/// Writes a file that is not there yet, and that only its owner may read.
///
/// # Errors
/// Whatever the system answers; it is there if somebody has made it.
pub fn create_private(path: &Path, text: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(text.as_bytes())
}

/// Makes a folder that only its owner may look into, and those above it, where they are missing.
///
/// # Errors
/// Whatever the system answers.
pub fn make_private(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Returns where this system keeps what programs remember of their own accord.
#[must_use]
pub fn state_folder(environment: &Environment) -> Option<PathBuf> {
    let folder = |name: &str| {
        let path = Path::new(environment.text(name).ok()??);
        // A path from wherever one happens to be is to be ignored (XDG Base Directory).
        path.is_absolute().then(|| path.to_owned())
    };
    let usual = || {
        if cfg!(windows) {
            folder("LOCALAPPDATA")
        } else if cfg!(target_os = "macos") {
            Some(folder("HOME")?.join("Library/Application Support"))
        } else {
            Some(folder("HOME")?.join(".local/state"))
        }
    };
    let parent = folder("XDG_STATE_HOME").or_else(usual)?;
    Some(parent.join("render-tunnel"))
}

const NAME: &str = ".tunnel";

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn the_folder_is_the_users_and_never_a_relative_one() {
        let folder = |variables: &[(&str, &str)]| {
            state_folder(&Environment::of(variables, &[])).map(|path| path.display().to_string())
        };
        let at_home = Some("/home/me/.local/state/render-tunnel".to_owned());
        assert_eq!(folder(&[("HOME", "/home/me")]), at_home);
        let both = [("HOME", "/home/me"), ("XDG_STATE_HOME", "state")];
        assert_eq!(folder(&both), at_home);
        assert_eq!(folder(&[]), None);
    }
    #[cfg(unix)]
    #[test]
    fn no_link_of_a_repository_leads_out_of_it() {
        let root = tempfile::tempdir().unwrap();
        let victim = root.path().join("victim");
        let inside = root.path().join("inside");
        fs::create_dir(&inside).unwrap();
        let link = |to: &Path, from: &Path| std::os::unix::fs::symlink(to, from);
        link(&victim, &inside.join(".gitignore")).unwrap();
        TunnelFolder(inside).prepare().unwrap();
        assert!(!victim.exists());
        fs::create_dir(&victim).unwrap();
        let outside = root.path().join("outside");
        link(&victim, &outside).unwrap();
        TunnelFolder(outside).prepare().unwrap_err();
        assert_eq!(fs::read_dir(&victim).unwrap().count(), 0);
    }

    #[test]
    fn the_folder_is_made_once_and_kept_out_of_a_repository() {
        let root = tempfile::tempdir().unwrap();
        let folder = TunnelFolder(root.path().join(NAME));
        for _ in 0..2 {
            folder.prepare().unwrap();
            assert_eq!(
                fs::read_to_string(folder.file(".gitignore")).unwrap(),
                "*\n"
            );
        }
    }
}
