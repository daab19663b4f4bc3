//! The task that writes the audit log.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use tokio::sync::{Notify, mpsc};
use tracing::{info, warn};
use transport::tasks::Tasks;

use super::Losses;
use super::event;

/// Writes what is in the queue.
#[derive(Debug)]
pub(crate) struct Writer {
    /// `None` while a write is under way, or was cut.
    sink: Option<Sink>,
    queue: mpsc::Receiver<String>,
    losses: Arc<Losses>,
    reopen: Arc<Notify>,
}

/// Where what goes to standard error is written: each write is a line. Clones are the same.
#[derive(Clone)]
pub(crate) struct StandardError(Arc<Mutex<dyn Write + Send>>);

/// Where the log goes.
#[derive(Debug)]
pub(super) enum Sink {
    StandardError(StandardError),
    File(LogFile),
}

/// A file that lines are appended to.
#[derive(Debug)]
pub(super) struct LogFile {
    path: PathBuf,
    file: File,
    /// Whether the last write failed, perhaps within a line.
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Whole,
    Torn,
}

impl Writer {
    pub(super) const fn new(
        sink: Sink,
        queue: mpsc::Receiver<String>,
        losses: Arc<Losses>,
        reopen: Arc<Notify>,
    ) -> Self {
        Self {
            sink: Some(sink),
            queue,
            losses,
            reopen,
        }
    }

    /// Writes until `tasks` are told to stop, and then what is left.
    pub(crate) async fn run(mut self, tasks: Tasks) {
        let reopen = Arc::clone(&self.reopen);
        loop {
            let mut lines = Vec::new();
            tokio::select! {
                biased;
                more = self.queue.recv_many(&mut lines, MOST_AT_ONCE) => match more {
                    0 => return,
                    _ => self.write(lines).await,
                },
                () = reopen.notified() => self.open_again().await,
                () = tasks.stopping() => break,
            }
        }
        self.queue.close();
        let mut lines = Vec::new();
        while self.queue.recv_many(&mut lines, MOST_AT_ONCE).await > 0 {
            self.write(std::mem::take(&mut lines)).await;
        }
    }

    async fn write(&mut self, lines: Vec<String>) {
        let missing = self.losses.unsaid.swap(0, Ordering::Relaxed);
        let count = lines.len() as u64;
        let mut text = lines.concat();
        if missing > 0 {
            text.push_str(&event::lost(Timestamp::now(), missing));
        }
        let written = self.at_sink(move |sink| sink.write(&text)).await;
        match written {
            Some(Ok(Written::Again)) => info!("the audit log is written again"),
            Some(Ok(Written::Well)) => {}
            failed => {
                if let Some(Err(Failed::Newly(error))) = failed {
                    warn!("the audit log cannot be written, and lacks what happens now: {error}");
                }
                self.losses.add(count);
                self.losses.unsaid.fetch_add(missing, Ordering::Relaxed);
            }
        }
    }

    async fn open_again(&mut self) {
        let opened = self.at_sink(Sink::open_again).await;
        if let Some(Err(error)) = opened {
            warn!("the audit log cannot be opened again, and goes on in the old file: {error}");
        }
    }

    /// Does something that may wait for a disk, where nobody waits for it.
    async fn at_sink<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut Sink) -> T + Send + 'static,
    ) -> Option<T> {
        let mut sink = self.sink.take()?;
        let work = tokio::task::spawn_blocking(move || (work(&mut sink), sink));
        // Fails only if the work panics, or the runtime ends.
        let (done, sink) = work.await.ok()?;
        self.sink = Some(sink);
        Some(done)
    }
}

/// How a write went that did not fail.
enum Written {
    Well,
    /// The one before it had failed.
    Again,
}

enum Failed {
    Newly(io::Error),
    Still,
}

impl Sink {
    /// Opens a file, or standard error, which is called `-`.
    pub(super) fn open(path: &Path, standard_error: &StandardError) -> io::Result<Self> {
        if path == Path::new("-") {
            return Ok(Self::StandardError(standard_error.clone()));
        }
        Ok(Self::File(LogFile {
            path: path.to_owned(),
            file: append_to(path)?,
            state: State::Whole,
        }))
    }

    fn open_again(&mut self) -> io::Result<()> {
        if let Self::File(log) = self {
            log.file = append_to(&log.path)?;
        }
        Ok(())
    }

    fn write(&mut self, text: &str) -> Result<Written, Failed> {
        match self {
            // Whoever closed it has no use for what is said there.
            Self::StandardError(output) => {
                output.write(text).ok();
                Ok(Written::Well)
            }
            Self::File(log) => log.write(text),
        }
    }
}

impl StandardError {
    pub(crate) fn new(output: impl Write + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(output)))
    }

    /// Writes line by line: whoever stands behind it may put lines of others between two of ours.
    fn write(&self, text: &str) -> io::Result<()> {
        let mut output = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        text.split_inclusive('\n')
            .try_for_each(|line| output.write_all(line.as_bytes()))
    }
}

impl Default for StandardError {
    fn default() -> Self {
        Self::new(io::stderr())
    }
}

impl fmt::Debug for StandardError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("StandardError").finish_non_exhaustive()
    }
}

impl LogFile {
    fn write(&mut self, text: &str) -> Result<Written, Failed> {
        let before = self.state;
        self.state = State::Torn;
        let separated = match before {
            State::Torn => self.end_of_line(),
            State::Whole => Ok(()),
        };
        let written = separated.and_then(|()| self.file.write_all(text.as_bytes()));
        match (written, before) {
            (Ok(()), State::Whole) => {
                self.state = State::Whole;
                Ok(Written::Well)
            }
            (Ok(()), State::Torn) => {
                self.state = State::Whole;
                Ok(Written::Again)
            }
            (Err(error), State::Whole) => Err(Failed::Newly(error)),
            (Err(_), State::Torn) => Err(Failed::Still),
        }
    }

    /// Ends what may be the half of a line.
    fn end_of_line(&mut self) -> io::Result<()> {
        match self.file.metadata()?.len() {
            0 => Ok(()),
            _ => self.file.write_all(b"\n"),
        }
    }
}

/// Opens a file that only its owner may read.
fn append_to(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Lines of one write: some 80 KiB.
const MOST_AT_ONCE: usize = 256;
