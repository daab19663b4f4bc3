//! A network namespace without a name: the kernel takes it away, with all that is in it, when
//! this program ends, in whichever way.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd as _;
use std::thread;

use nix::sched::{CloneFlags, setns, unshare};

/// A network of its own, with nothing in it but a loopback that is down.
#[derive(Debug)]
pub(super) struct Namespace(File);

impl Namespace {
    /// Makes a namespace.
    ///
    /// # Errors
    /// Whatever the system answers; `PermissionDenied` to whoever is not root.
    pub(super) fn new() -> io::Result<Self> {
        // A thread that goes into a new namespace and ends: the open file is what holds it.
        let made = thread::spawn(|| {
            unshare(CloneFlags::CLONE_NEWNET)?;
            File::open("/proc/thread-self/ns/net").map(Self)
        });
        made.join().map_err(|_| panicked())?
    }

    /// Moves this thread into the namespace, for good.
    pub(super) fn enter(&self) -> io::Result<()> {
        Ok(setns(&self.0, CloneFlags::CLONE_NEWNET)?)
    }

    /// Returns a path at which other programs find the namespace while this one holds it.
    pub(super) fn path(&self) -> String {
        format!("/proc/{}/fd/{}", std::process::id(), self.0.as_raw_fd())
    }

    /// Does something inside the namespace, on a thread of its own.
    pub(super) fn inside<T: Send>(
        &self,
        work: impl FnOnce() -> io::Result<T> + Send,
    ) -> io::Result<T> {
        thread::scope(|scope| {
            let inside = scope.spawn(|| {
                self.enter()?;
                work()
            });
            inside.join().map_err(|_| panicked())?
        })
    }
}

fn panicked() -> io::Error {
    io::Error::other("a thread in a network namespace panicked")
}
