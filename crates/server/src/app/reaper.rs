//! Takes away the processes that have ended: the app, and those that were orphaned beneath it, which
//! are ours as process 1 of a container, and elsewhere because we ask for them.
//!
//! The process has no other children: nothing else may wait for one.

use features::logs::AppEnd;
use rustix::process::{Pid, WaitOptions, WaitStatus, wait};

/// Asks the system for the app's orphans, so that they are reaped wherever the server runs.
pub fn adopt_orphans() {
    // Where this does not exist, they are process 1's, as without us.
    #[cfg(target_os = "linux")]
    rustix::process::set_child_subreaper(Some(rustix::process::getpid())).ok();
}

/// Reaps all that have ended, and returns how the app did if it is among them.
pub(super) fn reap(app: Pid) -> Option<AppEnd> {
    let mut end = None;
    // Fails when there are no children at all.
    while let Ok(Some((pid, status))) = wait(WaitOptions::NOHANG) {
        if pid == app {
            end = Some(describe(status));
        }
    }
    end
}

fn describe(status: WaitStatus) -> AppEnd {
    let number = |number: i32| u8::try_from(number).unwrap_or(u8::MAX);
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => AppEnd::Code(number(code)),
        (None, Some(signal)) => AppEnd::Signal(number(signal)),
        // Only one that has ended is ever reported here.
        (None, None) => AppEnd::Code(u8::MAX),
    }
}

/// Whether there are children that run.
pub(super) fn leaves_children() -> bool {
    matches!(wait(WaitOptions::NOHANG), Ok(None))
}
