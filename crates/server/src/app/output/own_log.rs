//! The server's own log, on the standard error that the app writes to as well.
//!
//! ```text
//! tracing ── lines, never waits ──▶ a thread ──▶ outlet.rs, between two lines of the app's
//! ```

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::Duration;

use super::outlet::{Outlet, Outlets};

/// Writes the server's own log. Each write is a line, or several; clones share it.
#[derive(Clone, Debug)]
pub struct OwnLog {
    /// whoever logs --lines--> the thread
    lines: SyncSender<Said>,
    /// How many lines there was no room for.
    unsaid: Arc<AtomicU64>,
}

enum Said {
    Line(Vec<u8>),
    /// Whoever waits for all before it.
    Flush(SyncSender<()>),
}

impl OwnLog {
    /// Begins to write to standard error.
    ///
    /// # Errors
    /// If the machine has no thread left.
    pub fn begin(outlets: &Outlets) -> io::Result<Self> {
        let (lines, said) = sync_channel(MOST_LINES);
        let unsaid = Arc::new(AtomicU64::new(0));
        let (outlet, missing) = (Arc::clone(&outlets.err), Arc::clone(&unsaid));
        let thread = thread::Builder::new().name("own log".to_owned());
        thread.spawn(move || write_lines(&said, &outlet, &missing))?;
        Ok(Self { lines, unsaid })
    }

    /// Waits until what has been said is written, unless the reader of standard error takes too
    /// long. For the end of the program.
    pub fn flush(&self) {
        let (written, wait) = sync_channel(1);
        if self.lines.try_send(Said::Flush(written)).is_ok() {
            // Too late is as good as written: the program ends.
            wait.recv_timeout(LAST_WORDS).ok();
        }
    }
}

impl io::Write for OwnLog {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        match self.lines.try_send(Said::Line(line.to_vec())) {
            Ok(()) => {}
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
                self.unsaid.fetch_add(1, Ordering::Relaxed);
            }
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes until nobody can say anything any more.
fn write_lines(said: &Receiver<Said>, outlet: &Outlet, unsaid: &AtomicU64) {
    while let Ok(said) = said.recv() {
        // Without standard error there is nobody to tell.
        match said {
            Said::Line(line) => outlet.interject(&line).ok(),
            Said::Flush(written) => written.try_send(()).ok(),
        };
        let missing = unsaid.swap(0, Ordering::Relaxed);
        if missing > 0 {
            let line = format!("{missing} lines of the server's own log are missing here\n");
            outlet.interject(line.as_bytes()).ok();
        }
    }
}

/// A quarter of a megabyte of usual lines, which nobody reads meanwhile.
const MOST_LINES: usize = 2048;

/// A reader that is there takes some microseconds.
const LAST_WORDS: Duration = Duration::from_millis(500);
