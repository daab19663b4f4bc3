//! The thread that passes one output on.

use std::fs::File;
use std::io::{ErrorKind, PipeReader, Read as _};
use std::sync::Arc;

use rustix::event::{PollFd, PollFlags, poll};

use super::copy::Inlet;
use super::outlet::Outlet;

/// Passes one output on, byte for byte.
#[derive(Debug)]
pub(super) struct Pass {
    /// What the app writes.
    pub(super) from: File,
    /// When its other end is let go, the app has ended: then the pass ends as well, as soon as the
    /// pipe is empty. A process that the app has left behind may hold the pipe open for ever.
    pub(super) leash: PipeReader,
    pub(super) to: Arc<Outlet>,
    pub(super) copies: Inlet,
}

impl Pass {
    /// Passes on until the output ends. If our own output has no reader any more, the app's has
    /// none either: the app hears of it as it would without us.
    pub(super) fn run(mut self) {
        self.widen();
        let mut buffer = vec![0; READ];
        while self.has_more() {
            let length = match self.from.read(&mut buffer) {
                Ok(0) => return,
                Ok(length) => length,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(_) => return,
            };
            // Into the log first: a reader that stands still keeps no line from the laptop.
            self.copies.offer(&buffer[..length]);
            if self.to.write(&buffer[..length]).is_err() {
                return;
            }
        }
    }

    /// Waits until there are bytes or the output has ended; false if the app has ended and has left
    /// no bytes.
    fn has_more(&self) -> bool {
        loop {
            let mut both = [
                PollFd::new(&self.from, PollFlags::IN),
                PollFd::new(&self.leash, PollFlags::IN),
            ];
            match poll(&mut both, None) {
                Ok(_) if !both[0].revents().is_empty() => return true,
                Ok(_) => return false,
                Err(rustix::io::Errno::INTR) => {}
                // Reading will say what is wrong.
                Err(_) => return true,
            }
        }
    }

    /// Asks for a pipe of a megabyte: an app that writes much is woken seldom.
    fn widen(&self) {
        // The usual 64 KiB serve as well, where the system has no more to give.
        #[cfg(target_os = "linux")]
        rustix::pipe::fcntl_setpipe_size(&self.from, PIPE).ok();
    }
}

/// What Linux lets everybody have.
#[cfg(target_os = "linux")]
const PIPE: usize = 1024 * 1024;

/// Fits into the processor's cache beside the rest, and is read and written in one call each.
const READ: usize = 128 * 1024;
