//! The signals that a wrapped app is told, and what they mean to the server.
//!
//! | signal | the app | the server |
//! |---|---|---|
//! | TERM, INT | is told | begins its end; once the app is gone, a second one ends it at once |
//! | HUP | is told if it handles it | reads its keys anew |
//! | QUIT, USR1, USR2, WINCH | is told | nothing |
//! | CHLD | | reaps |
//!
//! HUP has two meanings, and an app that does not handle it would die of the one that is ours.

use std::io;

use rustix::process::Signal;
use tokio::signal::unix::{self, SignalKind, signal};

/// Hears the signals from now on: none of them ends the process any more.
#[derive(Debug)]
pub struct Signals {
    terminate: unix::Signal,
    interrupt: unix::Signal,
    hangup: unix::Signal,
    quit: unix::Signal,
    user_defined1: unix::Signal,
    user_defined2: unix::Signal,
    window_change: unix::Signal,
    child: unix::Signal,
}

/// A signal that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// The server is to end, and the app is told so.
    Stop(Signal),
    /// The app is told.
    Tell(Signal),
    /// A child has ended.
    Child,
}

impl Signals {
    /// Begins to hear.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn hear() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
            quit: signal(SignalKind::quit())?,
            user_defined1: signal(SignalKind::user_defined1())?,
            user_defined2: signal(SignalKind::user_defined2())?,
            window_change: signal(SignalKind::window_change())?,
            child: signal(SignalKind::child())?,
        })
    }

    /// Waits for the next one. Cancel-safe.
    pub(super) async fn next(&mut self) -> Heard {
        tokio::select! {
            _ = self.terminate.recv() => Heard::Stop(Signal::TERM),
            _ = self.interrupt.recv() => Heard::Stop(Signal::INT),
            _ = self.hangup.recv() => Heard::Tell(Signal::HUP),
            _ = self.quit.recv() => Heard::Tell(Signal::QUIT),
            _ = self.user_defined1.recv() => Heard::Tell(Signal::USR1),
            _ = self.user_defined2.recv() => Heard::Tell(Signal::USR2),
            _ = self.window_change.recv() => Heard::Tell(Signal::WINCH),
            _ = self.child.recv() => Heard::Child,
        }
    }

    /// Waits until the server is asked to stop. Cancel-safe.
    pub(super) async fn stop(&mut self) {
        while !matches!(self.next().await, Heard::Stop(_)) {}
    }
}
