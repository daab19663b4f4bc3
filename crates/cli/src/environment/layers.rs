//! What an app on this machine would find in its environment: the process's variables, and under them
//! those of its `.env` files.
//!
//! The order is that of Next.js, Create React App and Ruby's dotenv: the process, then
//! `.env.development.local`, `.env.local`, `.env.development`, `.env`. All of them are of one folder: the
//! nearest, upwards, that has any.

use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};

use super::file::EnvFile;
use super::{Environment, EnvironmentError};

/// The variables of an app on this machine. `Debug` shows the files alone: values may be secrets.
pub struct LayeredEnvironment {
    process: Environment,
    /// The first that has a variable says its value.
    files: Vec<(PathBuf, EnvFile)>,
}

impl LayeredEnvironment {
    /// Reads the process's environment and the files nearest to `folder`, upwards.
    ///
    /// # Errors
    /// [`EnvironmentError`] if there is a file that cannot be read, with the line that makes no sense.
    pub fn read(folder: &Path) -> Result<Self, EnvironmentError> {
        let mut folders = folder.ancestors().map(|folder| {
            let paths = FILES.map(|name| folder.join(name)).into_iter();
            paths.filter(|path| path.is_file()).collect::<Vec<_>>()
        });
        let nearest = folders.find(|paths| !paths.is_empty()).unwrap_or_default();
        let read = |path: PathBuf| {
            let file = EnvFile::read(&path)?.strict(&path)?;
            Ok((path, file))
        };
        Ok(Self {
            process: Environment::of_process(),
            files: nearest.into_iter().map(read).collect::<Result<_, _>>()?,
        })
    }

    /// Returns a variable's value as it was written, an empty one too.
    ///
    /// # Errors
    /// [`EnvironmentError::NotText`] if it is not UTF-8.
    pub fn value(&self, name: &str) -> Result<Option<&str>, EnvironmentError> {
        if let Some(value) = self.process.process.get(OsStr::new(name)) {
            let not_text = || EnvironmentError::NotText {
                name: name.to_owned(),
            };
            return value.to_str().ok_or_else(not_text).map(Some);
        }
        let mut found = self
            .files
            .iter()
            .filter_map(|(_, file)| file.variables.get(name));
        Ok(found.next().map(String::as_str))
    }

    /// Returns the files that were read, the first that counts first.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(|(path, _)| path.as_path())
    }
}

impl fmt::Debug for LayeredEnvironment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LayeredEnvironment")
            .field("files", &self.files().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

/// The first that has a variable says its value.
const FILES: [&str; 4] = [
    ".env.development.local",
    ".env.local",
    ".env.development",
    ".env",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        folder
    }

    #[test]
    fn the_nearer_to_the_developer_the_earlier() {
        let folder = folder(&[
            (".env", "RT_A=1\nRT_B=1\nRT_C=1\nRT_D=1\nRT_E=\n"),
            (".env.development", "RT_A=2\nRT_B=2\nRT_C=2\n"),
            (
                ".env.local",
                "export RT_A='3'\nRT_B=\"two\nlines\"\nPATH=here\n",
            ),
            (".env.development.local", "RT_A=4 # four\n"),
        ]);
        let deeper = folder.path().join("deeper");
        std::fs::create_dir(&deeper).unwrap();
        let environment = LayeredEnvironment::read(&deeper).unwrap();
        for (name, expected) in [
            ("RT_A", Some("4")),
            ("RT_B", Some("two\nlines")),
            ("RT_C", Some("2")),
            ("RT_D", Some("1")),
            ("RT_E", Some("")),
            ("RT_F", None),
        ] {
            assert_eq!(environment.value(name), Ok(expected), "{name}");
        }
        assert_eq!(environment.files().count(), 4);
        // The process comes before all of them.
        let process = Environment::of_process();
        assert_eq!(
            environment.value("PATH").unwrap(),
            process.as_written("PATH")
        );
        assert_ne!(process.as_written("PATH"), Some("here"));
        assert!(!format!("{environment:?}").contains("lines"));
    }

    #[test]
    fn a_fault_is_known_by_its_file_and_line() {
        let folder = folder(&[(".env", "RT_A=1\n"), (".env.local", "RT_A=1\n\nRT_B=a b\n")]);
        let error = LayeredEnvironment::read(folder.path()).unwrap_err();
        assert!(
            matches!(error, EnvironmentError::Line { line: 3, .. }),
            "{error}"
        );
        assert!(error.to_string().contains(".env.local, line 3"), "{error}");
    }

    #[test]
    fn a_value_of_a_mebibyte_is_read() {
        let long = "x".repeat(1024 * 1024);
        let folder = folder(&[(".env", format!("RT_A={long}\n").as_str())]);
        let environment = LayeredEnvironment::read(folder.path()).unwrap();
        assert_eq!(environment.value("RT_A"), Ok(Some(long.as_str())));
    }
}
