//! Files that the configuration names: each is followed through its rotations, under its own name.
//!
//! ```text
//! files = ["/var/log/worker.log", "/var/log/app/*.log"]
//! ```
//! A pattern's folder is looked at now and then. A file that was there at the start is read from what
//! is written from now on; one that comes later, from its first byte.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use thiserror::Error;
use tracing::warn;
use transport::tasks::{Tasks, heavy};

use super::UNNAMED;
use crate::logs::entry::Origin;
use crate::logs::feed::Feed;
use crate::logs::file::{Follower, Identity, Position};
use crate::logs::ring::Ring;

/// Names files: a path, in whose last part a `*` stands for any characters.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct FilePattern {
    folder: PathBuf,
    name: String,
}

impl TryFrom<String> for FilePattern {
    type Error = FilePatternError;

    fn try_from(text: String) -> Result<Self, FilePatternError> {
        let path = Path::new(&text);
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(FilePatternError::NoFile(text));
        };
        if folder.to_string_lossy().contains('*') {
            return Err(FilePatternError::Folder(text));
        }
        Ok(Self {
            folder: folder.to_owned(),
            name: name.to_string_lossy().into_owned(),
        })
    }
}

impl FilePattern {
    /// Returns the files that it names now; one without a `*` need not be there yet.
    fn found(&self) -> Vec<PathBuf> {
        if !self.name.contains('*') {
            return vec![self.folder.join(&self.name)];
        }
        let folder = match self.folder.as_os_str() {
            here if here.is_empty() => Path::new("."),
            folder => Path::new(folder),
        };
        let Ok(entries) = std::fs::read_dir(folder) else {
            return Vec::new();
        };
        let names = entries.filter_map(|entry| Some(entry.ok()?.file_name()));
        names
            .filter(|name| is_like(&name.to_string_lossy(), &self.name))
            .map(|name| self.folder.join(name))
            .collect()
    }
}

/// The files that patterns name, and which files they are, if they are there.
type Found = BTreeMap<PathBuf, Option<Identity>>;

fn found(patterns: &[FilePattern]) -> Found {
    let paths = patterns.iter().flat_map(FilePattern::found);
    let identified = paths.map(|path| {
        let identity = std::fs::metadata(&path).ok().map(|it| Identity::of(&it));
        (path, identity)
    });
    identified.collect()
}

/// Whether a name is as a pattern says.
fn is_like(name: &str, pattern: &str) -> bool {
    let Some((first, mut rest)) = pattern.split_once('*') else {
        return name == pattern;
    };
    let Some(mut name) = name.strip_prefix(first) else {
        return false;
    };
    while let Some((piece, after)) = rest.split_once('*') {
        let Some(at) = name.find(piece) else {
            return false;
        };
        name = &name[at + piece.len()..];
        rest = after;
    }
    name.ends_with(rest)
}

/// Starts to follow what the patterns name.
pub(super) fn start(patterns: &[FilePattern], ring: &Arc<Ring>, tasks: &Tasks) {
    if patterns.is_empty() {
        return;
    }
    let mut watch = Watch {
        patterns: patterns.to_vec(),
        ring: Arc::clone(ring),
        tasks: tasks.clone(),
        known: BTreeMap::new(),
        crowd: Crowd::Fits,
    };
    watch.look(Position::End);
    tasks.spawn("log files", watch.run());
}

/// Serves the lines that are written to a file from now on, under the file's name.
pub fn follow_file(path: &Path, ring: &Arc<Ring>, tasks: &Tasks) {
    follow(path, Position::End, ring, tasks, tasks.clone());
}

/// Follows a file until `own` are asked to stop.
fn follow(path: &Path, position: Position, ring: &Arc<Ring>, tasks: &Tasks, own: Tasks) {
    let service = path
        .file_stem()
        .map_or_else(|| UNNAMED.into(), |stem| stem.to_string_lossy());
    let feed = Feed::new(Arc::clone(ring), Origin::service(&service));
    let follower = Follower::new(path.to_owned(), feed, position);
    tasks.spawn("log file", async move {
        follower.run(&own).await;
    });
}

/// Knows which files there are, and which of them are followed.
struct Watch {
    patterns: Vec<FilePattern>,
    ring: Arc<Ring>,
    tasks: Tasks,
    known: BTreeMap<PathBuf, Known>,
    crowd: Crowd,
}

/// A file that was seen.
struct Known {
    /// Which file it was when it was last looked at, if it was there.
    identity: Option<Identity>,
    /// Ends its follower. One that is another's old name has none.
    follower: Option<Tasks>,
    /// How often it has not been there since.
    missed: u32,
}

/// Whether all files that are found can be followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Crowd {
    Fits,
    TooMany,
}

impl Watch {
    async fn run(mut self) {
        let tasks = self.tasks.clone();
        loop {
            tokio::select! {
                () = tokio::time::sleep(LOOK) => self.look(Position::Start),
                () = tasks.stopping() => return,
            }
        }
    }

    /// Looks at the folders once.
    fn look(&mut self, position: Position) {
        // A few calls to the system, which may take long where a folder is another machine's.
        let found = heavy(|| found(&self.patterns));
        let before: Vec<Identity> = self.known.values().filter_map(|it| it.identity).collect();
        self.forget(&found);
        for (path, identity) in found {
            if let Some(known) = self.known.get_mut(&path) {
                known.identity = identity;
            } else if self.known.len() < MOST_FILES {
                let renamed = identity.is_some_and(|it| before.contains(&it));
                let follower = (!renamed).then(|| self.tasks.child());
                if let Some(own) = &follower {
                    follow(&path, position, &self.ring, &self.tasks, own.clone());
                }
                let known = Known {
                    identity,
                    follower,
                    missed: 0,
                };
                self.known.insert(path, known);
            } else if self.crowd == Crowd::Fits {
                self.crowd = Crowd::TooMany;
                warn!(
                    "[logs] files names more than {MOST_FILES} files: the others are not followed"
                );
            }
        }
    }

    /// Forgets files that have been gone for long, such as those that have a date in their name.
    fn forget(&mut self, found: &Found) {
        self.known.retain(|path, known| {
            known.missed = if found.contains_key(path) {
                0
            } else {
                known.missed + 1
            };
            let stays = known.missed < FORGET;
            if let (false, Some(follower)) = (stays, &known.follower) {
                follower.stop();
            }
            stays
        });
    }
}

/// A text that names no files. The operator is at fault.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FilePatternError {
    /// It is empty, or a folder.
    #[error("files = [{0:?}]: this names no file")]
    NoFile(String),
    /// A `*` in the folder's name.
    #[error("files = [{0:?}]: a * may stand in the file's own name alone")]
    Folder(String),
}

/// Whoever makes a new file keeps it for longer; a line in it waits no longer than this.
const LOOK: Duration = Duration::from_secs(2);

/// A minute: a file that is being rotated is gone for a moment.
const FORGET: u32 = 30;

/// Each has a descriptor and a task that looks ten times a second.
const MOST_FILES: usize = 64;

#[cfg(test)]
mod tests;
