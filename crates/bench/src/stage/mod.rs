//! What scenarios stand on: databases with rows in them, the two ends, and the link between them.

mod clock;
mod databases;
mod ends;
mod holder;
mod instance;
mod relay;
mod rows;
mod wrapped;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context as _, Result};
use tempfile::TempDir;
use tokio::sync::OnceCell;
use transport::trust::Secret;

pub(crate) use self::clock::{Timed, timed};
pub(crate) use self::databases::{Databases, Prepared, check_rows};
pub(crate) use self::ends::{Equipment, ServerEnd, beside, courses_into};
pub(crate) use self::holder::Holder;
pub(crate) use self::instance::{Instance, Place, write_lines};
pub(crate) use self::relay::Relay;
pub(crate) use self::wrapped::{App, output_of, wrap};

use crate::link::{Link, Way};
use crate::run::Skipped;

/// What scenarios stand on. What one of them needs is made when it is first asked for, and kept
/// for the next.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) size: Size,
    link: Option<&'static Link>,
    secret: Secret,
    folder: TempDir,
    files: AtomicU32,
    databases: OnceCell<Databases>,
}

/// How much is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Size {
    /// What the targets speak of.
    Full,
    /// A tenth of it, to see in passing whether something has become slow.
    Quick,
}

impl Size {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Quick => "quick",
        }
    }

    /// Returns how many rows the large table has.
    pub(crate) const fn rows(self) -> u64 {
        match self {
            Self::Full => 1_000_000,
            Self::Quick => 100_000,
        }
    }
}

impl Stage {
    pub(crate) fn new(size: Size, link: Option<&'static Link>) -> Result<Self> {
        Ok(Self {
            size,
            link,
            secret: Secret::generate()?,
            folder: tempfile::Builder::new()
                .prefix("tunnel-bench-")
                .tempdir()
                .context("make a folder")?,
            files: AtomicU32::new(0),
            databases: OnceCell::new(),
        })
    }

    /// Returns the secret of every server.
    pub(crate) const fn secret(&self) -> &Secret {
        &self.secret
    }

    /// Returns the folder of all files.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Returns the link that was asked for, or none.
    pub(crate) fn way(&self) -> Option<Way> {
        self.link?.way
    }

    /// Returns the links that a scenario of links is played on: what was asked for, or its own.
    ///
    /// # Errors
    /// [`Skipped`] if loopback was asked for.
    pub(crate) fn links(&self, own: &[&str]) -> Result<Vec<(&'static str, Way)>> {
        let links: Vec<_> = match self.link {
            Some(link) => vec![link],
            None => own.iter().filter_map(|name| Link::named(name)).collect(),
        };
        let emulated = links
            .into_iter()
            .filter_map(|link| Some((link.name, link.way?)));
        match emulated.collect::<Vec<_>>() {
            none if none.is_empty() => {
                Err(Skipped("loopback has no round trip and no rate".to_owned()).into())
            }
            links => Ok(links),
        }
    }

    /// Returns the databases, on servers of their own.
    pub(crate) async fn databases(&self) -> Result<&Databases> {
        self.databases.get_or_try_init(Databases::start).await
    }

    /// Returns the path of a file that is not there yet.
    pub(crate) fn new_file(&self, name: &str) -> PathBuf {
        let number = self.files.fetch_add(1, Ordering::Relaxed);
        self.folder.path().join(format!("{number}-{name}"))
    }

    /// Returns the URL of a SQLite file with so many rows in its table `courses`.
    pub(crate) async fn sqlite_source(&self, rows: u64) -> Result<String> {
        let path = self.folder.path().join(format!("production-{rows}.db"));
        if !path.exists() {
            databases::fill_sqlite(&path, rows).await?;
        }
        Ok(format!("sqlite://{}", path.display()))
    }
}
