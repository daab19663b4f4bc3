//! Where the programs keep what is a developer's own: `.tunnel` here, and a folder of the user's.

use std::fs;
use std::io;
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
        if !self.0.is_dir() {
            make_private(&self.0)?;
        }
        let ignore = self.0.join(".gitignore");
        // Rows of production, even sanitised ones, are not for a repository.
        if ignore.exists() {
            Ok(())
        } else {
            fs::write(ignore, "*\n")
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
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    io::Write::write_all(&mut options.open(path)?, text.as_bytes())
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
}
