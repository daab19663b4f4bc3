//! One of our own outputs, with several who write to it: each line of the server's own stays whole.

use std::fs::File;
use std::io::{self, ErrorKind, Write as _};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};

/// Our own standard output and standard error.
#[derive(Clone, Debug)]
pub struct Outlets {
    pub(super) out: Arc<Outlet>,
    pub(super) err: Arc<Outlet>,
}

/// One output. Writing may take as long as its reader likes: never called by a task.
#[derive(Debug)]
pub(super) struct Outlet {
    file: File,
    /// Whether the app has begun a line that has not ended yet.
    mid_line: Mutex<bool>,
    line_ended: Condvar,
}

impl Outlets {
    /// Takes those of the process.
    ///
    /// # Errors
    /// If the process has no descriptors left.
    pub fn of_process() -> io::Result<Self> {
        let out = io::stdout().as_fd().try_clone_to_owned()?;
        let err = io::stderr().as_fd().try_clone_to_owned()?;
        Ok(Self::new(out, err))
    }

    pub(super) fn new(out: OwnedFd, err: OwnedFd) -> Self {
        Self {
            out: Arc::new(Outlet::new(out)),
            err: Arc::new(Outlet::new(err)),
        }
    }
}

impl Outlet {
    fn new(to: OwnedFd) -> Self {
        Self {
            file: to.into(),
            mid_line: Mutex::new(false),
            line_ended: Condvar::new(),
        }
    }

    /// Writes bytes of the app's, all of them, and nothing else.
    pub(super) fn write(&self, bytes: &[u8]) -> io::Result<()> {
        let mut mid_line = self.mid_line.lock().unwrap_or_else(PoisonError::into_inner);
        let written = self.write_all(bytes);
        if let Some(last) = bytes.last() {
            *mid_line = *last != b'\n';
        }
        drop(mid_line);
        self.line_ended.notify_one();
        written
    }

    /// Writes a line of the server's own, after the app's line if that ends within a moment.
    pub(super) fn interject(&self, line: &[u8]) -> io::Result<()> {
        let mid_line = self.mid_line.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self
            .line_ended
            .wait_timeout_while(mid_line, HALF_LINE, |mid_line| *mid_line);
        let (mut mid_line, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if *mid_line {
            // A question of the app's, say: it stands alone in its line, and ours is whole.
            self.write_all(b"\n")?;
            *mid_line = false;
        }
        self.write_all(line)
    }

    /// Writes all, also where somebody has made the output one that does not wait, as some parents do.
    fn write_all(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match (&self.file).write(bytes) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(length) => bytes = &bytes[length..],
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    // An error of poll's shows at the next write.
                    poll(&mut [PollFd::new(&self.file, PollFlags::OUT)], None).ok();
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// Programs write a line in two pieces within microseconds, if they do at all.
const HALF_LINE: Duration = Duration::from_millis(100);
