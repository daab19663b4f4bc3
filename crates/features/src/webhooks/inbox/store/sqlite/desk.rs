//! A connection that is asked one question after the other.

use std::fs::File;
use std::sync::Arc;

use rusqlite::Connection;
use tokio::sync::Mutex;
use tokio::task::spawn_blocking;

use super::super::super::error::InboxError;

/// A connection, and whose turn it is. SQLite blocks, so it is asked on one of the runtime's blocking
/// threads; whoever waits for a turn blocks none.
#[derive(Debug)]
pub(super) struct Desk(Arc<Mutex<Option<Held>>>);

#[derive(Debug)]
struct Held {
    // Closed first: the lock says that nobody has the file any more.
    connection: Connection,
    _lock: Option<File>,
}

impl Desk {
    /// Makes a desk of a connection. `lock` is let go of when that is closed.
    pub(super) fn new(connection: Connection, lock: Option<File>) -> Self {
        let held = Held {
            connection,
            _lock: lock,
        };
        Self(Arc::new(Mutex::new(Some(held))))
    }

    /// Asks. A question that was begun is answered even if nobody waits for it any more.
    pub(super) async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&mut Connection) -> Result<T, InboxError> + Send + 'static,
    ) -> Result<T, InboxError> {
        let mut turn = Arc::clone(&self.0).lock_owned().await;
        let answer = spawn_blocking(move || match turn.as_mut() {
            Some(held) => question(&mut held.connection),
            None => Err(closed()),
        });
        answer.await.map_err(|_| closed())?
    }

    /// Gives it something to do for which nobody waits, unless it has something to do already.
    pub(super) fn begin_if_free(&self, deed: impl FnOnce(&Connection) + Send + 'static) {
        if let Ok(turn) = Arc::clone(&self.0).try_lock_owned() {
            spawn_blocking(move || turn.as_ref().map(|held| deed(&held.connection)));
        }
    }

    /// Closes the connection behind all questions that were asked.
    pub(super) async fn close(&self) {
        let held = self.0.lock().await.take();
        // Whoever closes the file last writes what is beside it into it.
        spawn_blocking(move || drop(held)).await.ok();
    }
}

fn closed() -> InboxError {
    InboxError::Unavailable("it is closed".to_owned())
}
