//! Follows a log file through its rotations, by looking at it now and then.
//!
//! Works for both ways to rotate: the file is renamed and another made in its place, or it is
//! copied and cut to nothing. What is written between the copy and the cut is lost by whoever
//! rotates so, not here.

use std::fs::Metadata;
use std::io::{self, ErrorKind, SeekFrom};
use std::path::PathBuf;
use std::time::Duration;

use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio::time::Instant;
use tracing::{info, warn};
use transport::tasks::Tasks;

use super::feed::{Feed, READ};

/// Follows one file.
#[derive(Debug)]
pub(super) struct Follower {
    path: PathBuf,
    feed: Feed,
    position: Position,
    opened: Option<Opened>,
}

/// Where a file that is there already is read from. One that comes later is read from its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Position {
    /// From its first byte.
    Start,
    /// From what is written from now on.
    End,
}

/// What a look at a file gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Polled {
    /// Bytes; there may be more.
    Read,
    /// Nothing new.
    Idle,
}

/// Whether a file cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trouble {
    /// It can.
    None,
    /// It cannot, since then.
    Since(Instant),
    /// It cannot, and that was said.
    Said,
}

#[derive(Debug)]
struct Opened {
    file: File,
    identity: Identity,
    read: u64,
}

impl Follower {
    /// Makes a follower of the file at a path, which need not be there yet.
    #[must_use]
    pub(super) fn new(path: PathBuf, feed: Feed, position: Position) -> Self {
        Self {
            path,
            feed: feed.joining(),
            position,
            opened: None,
        }
    }

    /// Follows until `tasks` are asked to stop. A file that cannot be read is tried again at each look.
    pub(super) async fn run(mut self, tasks: &Tasks) {
        tokio::select! {
            () = self.follow() => {}
            () = tasks.stopping() => {}
        }
        self.feed.finish();
    }

    async fn follow(&mut self) {
        let mut trouble = Trouble::None;
        loop {
            let polled = self.poll_once().await;
            trouble = match &polled {
                Ok(_) => self.well(trouble),
                Err(error) => self.unwell(trouble, error),
            };
            if !matches!(polled, Ok(Polled::Read)) {
                tokio::time::sleep(POLL).await;
            }
        }
    }

    /// Says that the file can be read again, if it was said that it cannot.
    fn well(&self, trouble: Trouble) -> Trouble {
        if trouble == Trouble::Said {
            info!("{} can be read again", self.path.display());
        }
        Trouble::None
    }

    /// Says once that the file cannot be read, when that has lasted.
    fn unwell(&mut self, trouble: Trouble, error: &io::Error) -> Trouble {
        match trouble {
            Trouble::None => Trouble::Since(Instant::now()),
            Trouble::Since(since) if since.elapsed() >= PASSING => {
                warn!("{} cannot be read: {error}", self.path.display());
                let name = self.path.file_name().unwrap_or_default();
                let name = name.to_string_lossy();
                self.feed.away(format!("{name} cannot be read: {error}"));
                Trouble::Said
            }
            Trouble::Since(_) | Trouble::Said => trouble,
        }
    }

    /// Looks at the file once and feeds at most 64 KiB of it.
    ///
    /// # Errors
    /// If the file may not be read, or reading fails. That it is not there is no error. The next look
    /// goes on where this one has failed.
    pub(super) async fn poll_once(&mut self) -> io::Result<Polled> {
        self.feed.flush_due();
        let found = self.find().await?;
        if self.opened.is_none() && !self.open().await? {
            return Ok(Polled::Idle);
        }
        match self.read().await {
            Ok(0) => self.turn(found.as_ref()).await,
            Ok(_) => Ok(Polled::Read),
            Err(error) => {
                // The one in its place may be well.
                self.turn(found.as_ref()).await?;
                Err(error)
            }
        }
    }

    /// Returns what is at the path now.
    async fn find(&self) -> io::Result<Option<Metadata>> {
        present(tokio::fs::metadata(&self.path).await)
    }

    /// Opens what is at the path; whether there is anything.
    async fn open(&mut self) -> io::Result<bool> {
        let Some(mut file) = present(File::open(&self.path).await)? else {
            // What comes later is read from its start.
            self.position = Position::Start;
            return Ok(false);
        };
        let identity = Identity::of(&file.metadata().await?);
        let read = match self.position {
            Position::Start => 0,
            Position::End => file.seek(SeekFrom::End(0)).await?,
        };
        self.position = Position::Start;
        self.opened = Some(Opened {
            file,
            identity,
            read,
        });
        Ok(true)
    }

    async fn read(&mut self) -> io::Result<usize> {
        let Some(opened) = &mut self.opened else {
            return Ok(0);
        };
        let mut buffer = vec![0; READ];
        let length = opened.file.read(&mut buffer).await?;
        opened.read += length as u64;
        self.feed.push(&buffer[..length]);
        Ok(length)
    }

    /// Turns from a file that has been read to its end to the one in its place, if there is.
    ///
    /// `found` was there before that end was seen: whoever writes to the old file after the new
    /// one was made has had a whole look's time to do so.
    async fn turn(&mut self, found: Option<&Metadata>) -> io::Result<Polled> {
        let (Some(found), Some(opened)) = (found, &mut self.opened) else {
            return Ok(Polled::Idle);
        };
        if Identity::of(found) != opened.identity {
            self.opened = None;
        } else if found.len() < opened.read {
            opened.file.rewind().await?;
            opened.read = 0;
        } else {
            return Ok(Polled::Idle);
        }
        // What had no line feed will get none.
        self.feed.finish();
        Ok(Polled::Read)
    }
}

fn present<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Tells one file from another that bears its name later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Identity(u64, u64);

impl Identity {
    #[cfg(unix)]
    pub(super) fn of(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        Self(metadata.dev(), metadata.ino())
    }

    #[cfg(not(unix))]
    pub(super) fn of(metadata: &Metadata) -> Self {
        let made = metadata.created().ok();
        let made = made.and_then(|made| made.duration_since(std::time::UNIX_EPOCH).ok());
        made.map_or(Self(0, 0), |made| {
            Self(made.as_secs(), made.subsec_nanos().into())
        })
    }
}

/// Late enough to cost nothing, early enough that nobody sees the wait.
const POLL: Duration = Duration::from_millis(100);

/// Whoever rotates a file makes it first and then lets others read it: nothing is lost by that.
const PASSING: Duration = Duration::from_secs(1);
