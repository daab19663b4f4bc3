//! The audit log: who came, what was done and what was refused, as NDJSON.
//!
//! ```text
//! sessions, channels, keys ── Event ──▶ queue (bounded) ──▶ writer ──▶ file, or standard error
//!                                         │ full: counted, and said in its place
//! ```
//! Nobody waits for it: a disk that is full costs lines of this log, and nothing else.

mod event;
mod writer;

#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use serde::Deserialize;
use tokio::sync::{Notify, mpsc};

pub(crate) use self::event::{ChannelEnded, Closed, Event, Opened, Refused, Who};
use self::writer::Sink;
pub(crate) use self::writer::{StandardError, Writer};
use crate::error::ServerError;

/// The section `[audit]` of `tunnel.toml`. Without it there is no audit log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct AuditConfig {
    /// The file, or `-` for standard error.
    path: Option<PathBuf>,
}

/// Where events are noted. Clones are the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Audit(Option<Arc<Shared>>);

#[derive(Debug)]
struct Shared {
    /// whoever notes --line--> the writer
    lines: mpsc::Sender<String>,
    losses: Arc<Losses>,
    reopen: Arc<Notify>,
}

/// Lines that are not in the log.
#[derive(Debug, Default)]
struct Losses {
    /// Those of which the log does not say yet that they are missing.
    unsaid: AtomicU64,
    all: AtomicU64,
}

impl Audit {
    /// Opens the log, which the writer then writes; without a path there is none.
    ///
    /// # Errors
    /// [`ServerError::Audit`] if it cannot be written to.
    pub(crate) fn open(
        config: AuditConfig,
        standard_error: &StandardError,
    ) -> Result<(Self, Option<Writer>), ServerError> {
        let Some(path) = config.path else {
            return Ok((Self::default(), None));
        };
        let sink = Sink::open(&path, standard_error)
            .map_err(|source| ServerError::Audit { path, source })?;
        let (lines, queue) = mpsc::channel(MOST_WAITING);
        let shared = Arc::new(Shared {
            lines,
            losses: Arc::default(),
            reopen: Arc::default(),
        });
        let writer = Writer::new(
            sink,
            queue,
            Arc::clone(&shared.losses),
            Arc::clone(&shared.reopen),
        );
        Ok((Self(Some(shared)), Some(writer)))
    }

    /// Notes that something happened. Never waits.
    pub(crate) fn note(&self, event: &Event) {
        let Some(Shared { lines, losses, .. }) = self.0.as_deref() else {
            return;
        };
        if lines.try_send(event.line(Timestamp::now())).is_err() {
            losses.add(1);
        }
    }

    /// Opens the file again, after what was noted so far: whoever rotates it has moved the old one
    /// away.
    pub(crate) fn reopen(&self) {
        if let Some(shared) = &self.0 {
            shared.reopen.notify_one();
        }
    }

    /// Returns how many lines are not in the log.
    pub(crate) fn lost(&self) -> u64 {
        let shared = self.0.as_ref();
        shared.map_or(0, |shared| shared.losses.all.load(Ordering::Relaxed))
    }
}

impl Losses {
    fn add(&self, lines: u64) {
        self.unsaid.fetch_add(lines, Ordering::Relaxed);
        self.all.fetch_add(lines, Ordering::Relaxed);
    }
}

/// Lines that wait for the disk. A line is some 300 bytes, and 5 KiB at the most, where a hello is as
/// long as it may be.
const MOST_WAITING: usize = 1024;
