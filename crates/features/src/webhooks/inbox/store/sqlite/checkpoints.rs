//! What commits leave beside the file, and when it is written into it: not while a provider waits.
//!
//! ```text
//! write ── commit ──▶ the log beside the file ── 2 MiB behind ──▶ into the file, beside the writer
//!                                             └─ 16 MiB long, little behind ──▶ the rest, by the writer
//! ```
//! SQLite's own way is that the commit which makes the log long writes all of it into the file, and so one
//! answer in a hundred waits for thousands of pages. Whoever writes them beside the writer never gets to
//! the end of a log that grows meanwhile, and only at its end does the log begin anew: so the writer does
//! the short rest (<https://www.sqlite.org/wal.html>, "Avoiding Excessively Large WAL Files").

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::Connection;

use super::desk::Desk;

/// Keeps the log beside the file short.
#[derive(Clone, Debug)]
pub(super) struct Checkpoints {
    desk: Arc<Desk>,
    /// Whether most of the log has just been written into the file.
    caught_up: Arc<AtomicBool>,
}

/// How long the log is, in pages of 4 KiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Log {
    pages: i64,
    /// How many of them are in the file.
    written: i64,
}

/// Who is to write the log into the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    Nobody,
    Beside,
    Writer,
}

impl Checkpoints {
    pub(super) fn new(connection: Connection) -> Self {
        Self {
            desk: Arc::new(Desk::new(connection, None)),
            caught_up: Arc::default(),
        }
    }

    /// Looks at the log behind a commit on the writer's connection.
    pub(super) fn after_commit(&self, writer: &Connection) {
        // A log of which nothing can be said is looked at again behind the next commit.
        let Ok(found) = look(writer, Mode::Noop) else {
            return;
        };
        match found.turn(self.caught_up.load(Ordering::Relaxed)) {
            Turn::Nobody => {}
            Turn::Beside => {
                let caught_up = Arc::clone(&self.caught_up);
                self.desk.begin_if_free(move |connection| {
                    // What cannot be written now, for want of room or because somebody reads it, stays
                    // beside the file and is safe.
                    let log = look(connection, Mode::Passive);
                    let done = log.is_ok_and(|log| log.behind() < BEHIND);
                    caught_up.store(done, Ordering::Relaxed);
                });
            }
            Turn::Writer => {
                // The same holds here.
                look(writer, Mode::Passive).ok();
                self.caught_up.store(false, Ordering::Relaxed);
            }
        }
    }

    pub(super) async fn close(&self) {
        self.desk.close().await;
    }
}

impl Log {
    /// How many pages are not in the file yet.
    const fn behind(self) -> i64 {
        self.pages - self.written
    }

    const fn turn(self, caught_up: bool) -> Turn {
        if self.pages >= LONGEST || (self.pages >= LONG && caught_up) {
            Turn::Writer
        } else if self.behind() >= BEHIND {
            Turn::Beside
        } else {
            Turn::Nobody
        }
    }
}

/// How a log is looked at.
#[derive(Clone, Copy)]
enum Mode {
    /// It is left alone.
    Noop,
    /// As much of it as stands in nobody's way is written into the file.
    Passive,
}

fn look(connection: &Connection, mode: Mode) -> rusqlite::Result<Log> {
    let pragma = match mode {
        Mode::Noop => "PRAGMA wal_checkpoint(NOOP)",
        Mode::Passive => "PRAGMA wal_checkpoint(PASSIVE)",
    };
    connection.query_row(pragma, [], |row| {
        Ok(Log {
            pages: row.get(1)?,
            written: row.get(2)?,
        })
    })
}

/// 2 MiB: so little that a commit beside it does not wait for the disk for long, and still a page that many
/// commits write is written into the file once.
const BEHIND: i64 = 500;

/// 16 MiB, after which the log begins anew.
const LONG: i64 = 4_000;

/// 64 MiB: where the file's disk is slower than the commits, they wait for it in the end.
const LONGEST: i64 = 16_000;

#[cfg(test)]
mod tests {
    use super::{BEHIND, LONG, LONGEST, Log, Turn};

    #[test]
    fn the_writer_does_the_rest_of_a_long_log_or_all_of_one_that_is_far_too_long() {
        let turn = |pages, written, caught_up| Log { pages, written }.turn(caught_up);
        assert_eq!(turn(BEHIND - 1, 0, false), Turn::Nobody);
        assert_eq!(turn(BEHIND, 0, true), Turn::Beside);
        assert_eq!(turn(LONG, LONG - 10, false), Turn::Nobody);
        assert_eq!(turn(LONG, LONG - 10, true), Turn::Writer);
        assert_eq!(turn(LONG, 0, false), Turn::Beside);
        assert_eq!(turn(LONGEST, 0, false), Turn::Writer);
    }
}
