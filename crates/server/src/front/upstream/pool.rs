//! The connections to the app that have no exchange on them.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::connection::AppConnection;

/// Free connections, the latest used last.
#[derive(Debug, Default)]
pub(super) struct Pool {
    // Never held across an await, nor while a connection is polled or closed.
    free: Mutex<Vec<AppConnection>>,
}

impl Pool {
    /// Takes the connection that was used last, if the app will hardly have closed it.
    pub(super) fn take(&self) -> Option<AppConnection> {
        loop {
            let mut connection = self.lock().pop()?;
            let is_fresh = connection.free_since().elapsed() < LONGEST_FREE;
            if is_fresh && connection.is_free() {
                return Some(connection);
            }
        }
    }

    /// Keeps a connection whose exchange has ended, if it can take another.
    pub(super) fn put(&self, mut connection: AppConnection) {
        if !connection.is_free() {
            return;
        }
        connection.freed();
        let mut free = self.lock();
        if free.len() < MOST_FREE {
            free.push(connection);
        }
    }

    /// Closes what has been free for too long. To be called every [`SWEEP`].
    pub(super) fn sweep(&self) {
        let now = Instant::now();
        let old: Vec<_> = {
            let mut free = self.lock();
            let is_old = |it: &AppConnection| now - it.free_since() >= LONGEST_FREE;
            // The longest free come first.
            let count = free.iter().take_while(|it| is_old(it)).count();
            free.drain(..count).collect()
        };
        drop(old);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<AppConnection>> {
        // The list is whole after every statement.
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Apps close a free connection after a while of their own, gunicorn after 2 s, Node after 5 s. A
/// request that is on its way then is lost; so we are the first to close. Another connection on this
/// machine costs some 50 µs.
const LONGEST_FREE: Duration = Duration::from_secs(1);

/// Half the time that a connection may be free.
pub(super) const SWEEP: Duration = Duration::from_millis(500);

/// As many as wrk is usually told to open. A burst of more than these closes the rest.
const MOST_FREE: usize = 1024;
