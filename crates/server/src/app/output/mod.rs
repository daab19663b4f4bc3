//! The app's standard output and standard error: to our own, unchanged, and in copy to the feed.
//!
//! ```text
//! app ── pipe ──▶ pass.rs ── the same bytes ──▶ outlet.rs: our own output
//!                    └─ copy.rs: bounded, never waits ──▶ Feed ──▶ Ring
//! ```
//! These are threads, two for each output. The bytes must go on while the runtime's threads are busy
//! with the tunnel, and a write to our own output may take as long as its reader likes, which no
//! thread of the runtime has time for. The second one, which reads lines, gives way to the app.

mod copy;
mod outlet;
mod own_log;
mod pass;
#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::io;
use std::os::fd::OwnedFd;
use std::process::Child;
use std::sync::Arc;
use std::thread;

use tokio::sync::oneshot::{self, error::TryRecvError};

pub use self::outlet::Outlets;
pub use self::own_log::OwnLog;

use self::outlet::Outlet;
use super::story::Story;

/// The outputs of one run of the app.
#[derive(Debug)]
pub(super) struct Outputs {
    /// Held as long as the app runs: see [`pass::Pass`].
    leashes: Vec<io::PipeWriter>,
    threads: Vec<Running>,
}

/// A thread of an output.
#[derive(Debug)]
struct Running {
    name: &'static str,
    /// The thread holds the other half until it ends.
    ended: oneshot::Receiver<Infallible>,
}

impl Outputs {
    /// Begins to pass on what the app writes.
    pub(super) fn begin(child: &mut Child, outlets: &Outlets, story: &Story) -> io::Result<Self> {
        let mut outputs = Self {
            leashes: Vec::new(),
            threads: Vec::new(),
        };
        if let Some(out) = child.stdout.take() {
            outputs.pass(
                ["app's stdout", "log of stdout"],
                out.into(),
                &outlets.out,
                story,
            )?;
        }
        if let Some(err) = child.stderr.take() {
            outputs.pass(
                ["app's stderr", "log of stderr"],
                err.into(),
                &outlets.err,
                story,
            )?;
        }
        Ok(outputs)
    }

    fn pass(
        &mut self,
        [pass_name, log_name]: [&'static str; 2],
        from: OwnedFd,
        to: &Arc<Outlet>,
        story: &Story,
    ) -> io::Result<()> {
        let (leash, held) = io::pipe()?;
        let (inlet, copies) = copy::copy();
        let pass = pass::Pass {
            from: from.into(),
            leash,
            to: Arc::clone(to),
            copies: inlet,
        };
        self.thread(pass_name, move || pass.run())?;
        let story = story.clone();
        self.thread(log_name, move || copies.feed(&story))?;
        self.leashes.push(held);
        Ok(())
    }

    fn thread(
        &mut self,
        name: &'static str,
        work: impl FnOnce() + Send + 'static,
    ) -> io::Result<()> {
        let (running, ended) = oneshot::channel();
        let work = move || {
            let _running = running;
            work();
        };
        thread::Builder::new().name(name.to_owned()).spawn(work)?;
        self.threads.push(Running { name, ended });
        Ok(())
    }

    /// Lets go of the app, which has ended: what it has written is passed on and fed to its last
    /// byte, whoever else may still hold its pipes. Takes as long as the reader of our output.
    ///
    /// Cancel-safe: called again, it goes on waiting.
    pub(super) async fn end(&mut self) {
        self.leashes.clear();
        while let Some(thread) = self.threads.last_mut() {
            // It sends nothing: it ends.
            (&mut thread.ended).await.ok();
            self.threads.pop();
        }
    }

    /// Returns the names of the threads that have not ended.
    pub(super) fn late(&mut self) -> Vec<&'static str> {
        self.threads
            .retain_mut(|thread| thread.ended.try_recv() == Err(TryRecvError::Empty));
        self.threads.iter().map(|thread| thread.name).collect()
    }
}
