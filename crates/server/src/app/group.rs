//! The app's process group: who hears a signal, and what is left when the app has ended.
//!
//! The app has a group of its own, so that what it leaves behind can be found. In a terminal it
//! shares ours instead: ^C and ^Z then reach it as they would without us, from the terminal itself,
//! and it may read what is typed, which only the group in the foreground may.

use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, kill_process_group, test_kill_process_group};
use tokio::time::Instant;

/// Where the app's process belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Grouping {
    /// A group of its own.
    Own,
    /// Ours, which is that of the terminal.
    Shared,
}

/// The app's process and its group. Good until the process has been reaped and the group is empty.
#[derive(Clone, Copy, Debug)]
pub(super) struct Group {
    pub(super) app: Pid,
    grouping: Grouping,
}

impl Group {
    pub(super) const fn new(app: Pid, grouping: Grouping) -> Self {
        Self { app, grouping }
    }

    /// Tells the app's own process, as a platform does that knows only one: what it does with its
    /// children is its affair.
    pub(super) fn tell(self, signal: Signal) {
        let told_by_the_terminal = matches!(
            signal,
            Signal::INT | Signal::QUIT | Signal::HUP | Signal::WINCH
        );
        if self.grouping == Grouping::Shared && told_by_the_terminal {
            return;
        }
        // It may be a zombie, which hears nothing any more.
        kill_process(self.app, signal).ok();
    }

    /// Kills the app and what it has started.
    pub(super) fn kill(self) {
        kill_process(self.app, Signal::KILL).ok();
        self.all(Signal::KILL);
    }

    /// Ends what the app has left behind: asks, and kills at the deadline. `reap` takes away those
    /// that have ended.
    pub(super) async fn sweep(self, deadline: Instant, mut reap: impl FnMut()) {
        self.all(Signal::TERM);
        while self.is_left(&mut reap) && Instant::now() < deadline {
            tokio::time::sleep(GLANCE).await;
        }
        if self.is_left(&mut reap) {
            self.all(Signal::KILL);
        }
    }

    /// Whether there is anybody left in the group.
    fn is_left(self, reap: &mut impl FnMut()) -> bool {
        reap();
        self.grouping == Grouping::Own && test_kill_process_group(self.app).is_ok()
    }

    /// Tells all in the group, if it is the app's own.
    fn all(self, signal: Signal) {
        if self.grouping == Grouping::Own {
            // Mostly there is nobody left.
            kill_process_group(self.app, signal).ok();
        }
    }
}

/// Nothing tells when the last of a group is gone; a stop is not longer for this.
const GLANCE: Duration = Duration::from_millis(10);
