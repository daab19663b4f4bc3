//! Makes log lines of the bytes that a program writes.

use std::io;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncReadExt};
use transport::tasks::Tasks;

use super::entry::{MAX_LINE, Origin};
use super::parse;
use super::ring::{Ring, now};

/// Cuts one stream of bytes into lines and appends them to a ring.
#[derive(Debug)]
pub struct Feed {
    ring: Arc<Ring>,
    origin: Origin,
    line: Vec<u8>,
    /// How many bytes of the line came after [`MAX_LINE`] and are not kept.
    over: usize,
}

impl Feed {
    /// Makes a feed for what `origin` writes, unless a line itself names another service.
    #[must_use]
    pub fn new(ring: Arc<Ring>, origin: Origin) -> Self {
        Self {
            ring,
            origin,
            line: Vec::new(),
            over: 0,
        }
    }

    /// Takes the next bytes and appends the lines that end in them.
    pub fn push(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            self.take(&rest[..end]);
            self.end_line();
            rest = &rest[end + 1..];
        }
        self.take(rest);
    }

    /// Appends what has come since the last line feed, if anything has.
    pub fn finish(&mut self) {
        if !self.line.is_empty() {
            self.end_line();
        }
    }

    fn take(&mut self, piece: &[u8]) {
        let room = MAX_LINE - self.line.len();
        let (kept, over) = piece.split_at(piece.len().min(room));
        self.line.extend_from_slice(kept);
        self.over += over.len();
    }

    fn end_line(&mut self) {
        let mut raw = std::mem::take(&mut self.line);
        let over = std::mem::take(&mut self.over);
        let whole = raw.len() + over;
        self.ring.hidden().cover(&mut raw);
        if over > 0 {
            // The rest of a secret that was cut cannot be seen here.
            let begun = self.ring.hidden().begun(&raw);
            raw.truncate(raw.len() - begun);
        }
        let mut line = parse::line(raw, &self.origin, now()).line;
        if over > 0 {
            line.mark_truncated(whole);
        }
        self.ring.append(line);
    }
}

/// Feeds all that a reader gives, until it ends or `tasks` are asked to stop.
///
/// # Errors
/// Whatever the reader fails with; what came before is in the ring.
pub async fn pump(
    mut reader: impl AsyncRead + Unpin,
    mut feed: Feed,
    tasks: &Tasks,
) -> io::Result<()> {
    let mut buffer = vec![0; READ];
    let ended = loop {
        let read = tokio::select! {
            read = reader.read(&mut buffer) => read,
            () = tasks.stopping() => break Ok(()),
        };
        match read {
            Ok(0) => break Ok(()),
            Ok(length) => feed.push(&buffer[..length]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => break Err(error),
        }
    };
    feed.finish();
    ended
}

/// What a pipe holds.
pub(super) const READ: usize = 64 * 1024;
