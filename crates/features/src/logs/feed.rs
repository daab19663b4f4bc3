//! Makes log lines of the bytes that a program writes.

use std::future::pending;
use std::io;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::time::{Instant, sleep_until};
use transport::tasks::Tasks;

use super::entry::{Line, MAX_LINE, Origin, Record};
use super::join::{Joiner, Reading};
use super::mark::{Event, Mark};
use super::mask::Armour;
use super::parse;
use super::ring::Ring;
use crate::wall_clock;

/// Cuts one stream of bytes into lines, masks and reads them, joins those that belong together, and
/// appends them to a ring.
///
/// A line is given when its line feed has come, and no earlier: half a line cannot be read, and may
/// end in the middle of a secret. What a program writes without one, a prompt, is given with the
/// rest of its line, or at the end.
#[derive(Debug)]
pub struct Feed {
    ring: Arc<Ring>,
    origin: Origin,
    waits: Waits,
    line: Vec<u8>,
    /// How many bytes of the line came after [`MAX_LINE`] and are not kept.
    over: usize,
    armour: Armour,
    joiner: Joiner,
    /// The last service that a line named, whose name the next ones share.
    named: Option<Origin>,
    ready: Vec<Record>,
}

/// Whether a line that may go on waits for what comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Waits {
    /// It does not: nobody looks at the feed between two pushes.
    Never,
    /// It does, until it is due.
    UntilDue,
}

impl Feed {
    /// Makes a feed for what `origin` writes, unless a line itself names another service.
    ///
    /// It joins what comes in one push.
    #[must_use]
    pub fn new(ring: Arc<Ring>, origin: Origin) -> Self {
        Self {
            ring,
            origin,
            waits: Waits::Never,
            line: Vec::new(),
            over: 0,
            armour: Armour::default(),
            joiner: Joiner::default(),
            named: None,
            ready: Vec::new(),
        }
    }

    /// Lets the feed join lines of several pushes: the head of a trace then waits for the rest of
    /// it. Whoever asks for this looks at [`due`](Self::due), and calls
    /// [`flush_due`](Self::flush_due) at that time; [`pump`] does.
    #[must_use]
    pub const fn joining(mut self) -> Self {
        self.waits = Waits::UntilDue;
        self
    }

    /// Takes the next bytes and appends the lines that end in them.
    pub fn push(&mut self, bytes: &[u8]) {
        let now = wall_clock::nanos();
        let mut rest = bytes;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            self.take(&rest[..end]);
            self.end_line(now);
            rest = &rest[end + 1..];
        }
        self.take(rest);
        if self.waits == Waits::Never {
            self.joiner
                .part(reading(&self.origin, now), &mut self.ready);
        }
        self.hand_over();
    }

    /// Returns when the line that waits for what comes has waited long enough, if one does.
    #[must_use]
    pub fn due(&self) -> Option<Instant> {
        self.joiner.due()
    }

    /// Appends the line that has waited long enough, if one has.
    pub fn flush_due(&mut self) {
        if self.due().is_some_and(|due| due <= Instant::now()) {
            self.joiner
                .part(reading(&self.origin, wall_clock::nanos()), &mut self.ready);
            self.hand_over();
        }
    }

    /// Says in its place that lines were lost before they came here. What comes next begins a line;
    /// of a line that had begun before, the bytes count as lost too.
    pub fn dropped(&mut self, lines: u64, bytes: u64) {
        let now = wall_clock::nanos();
        let begun = std::mem::take(&mut self.line).len() + std::mem::take(&mut self.over);
        self.joiner
            .release(reading(&self.origin, now), &mut self.ready);
        self.ready.push(Record::Mark(Mark {
            time: now,
            origin: self.origin.clone(),
            event: Event::Dropped {
                lines,
                bytes: bytes.saturating_add(begun as u64),
            },
        }));
        self.hand_over();
    }

    /// Says in its place that the source is away, and why.
    pub(super) fn away(&mut self, reason: String) {
        let now = wall_clock::nanos();
        self.joiner
            .release(reading(&self.origin, now), &mut self.ready);
        self.ready.push(Record::Mark(Mark {
            time: now,
            origin: self.origin.clone(),
            event: Event::SourceAway { reason },
        }));
        self.hand_over();
    }

    /// Appends what has come since the last line feed, if anything has, and what waits.
    pub fn finish(&mut self) {
        let now = wall_clock::nanos();
        if !self.line.is_empty() {
            self.end_line(now);
        }
        self.joiner
            .release(reading(&self.origin, now), &mut self.ready);
        self.hand_over();
    }

    fn take(&mut self, piece: &[u8]) {
        let room = MAX_LINE - self.line.len();
        let (kept, over) = piece.split_at(piece.len().min(room));
        self.line.extend_from_slice(kept);
        self.over += over.len();
    }

    fn end_line(&mut self, now: u64) {
        let mut raw = std::mem::take(&mut self.line);
        let over = std::mem::take(&mut self.over);
        let whole = raw.len() + over;
        if over > 0 {
            // The rest of a secret that was cut cannot be seen here.
            self.ring.masks().trim(&mut raw);
        }
        self.ring.masks().cover(&mut raw, &mut self.armour);
        let reading = reading(&self.origin, now);
        if over > 0 {
            self.joiner.release(reading, &mut self.ready);
            let mut line = parse::line(raw, reading.origin, reading.now).line;
            line.mark_truncated(whole);
            self.ready.push(Record::Line(line));
        } else {
            self.joiner.take(raw, reading, &mut self.ready);
        }
        if self.ready.len() >= MOST_READY {
            self.hand_over();
        }
    }

    /// Appends what is ready, with the names of services shared.
    fn hand_over(&mut self) {
        if self.ready.is_empty() {
            return;
        }
        for record in &mut self.ready {
            if let Record::Line(line) = record {
                share(&mut self.named, &self.origin, line);
            }
        }
        self.ring.append_fed(std::mem::take(&mut self.ready));
    }
}

const fn reading(origin: &Origin, now: u64) -> Reading<'_> {
    Reading { origin, now }
}

/// Lets a line that names a service of its own share the name with the line before.
fn share(named: &mut Option<Origin>, ours: &Origin, line: &mut Line) {
    if Arc::ptr_eq(&line.origin.service, &ours.service) {
        return;
    }
    match named {
        Some(known) if *known == line.origin => line.origin = known.clone(),
        _ => *named = Some(line.origin.clone()),
    }
}

/// Feeds all that a reader gives, until it ends or `tasks` are asked to stop.
///
/// # Errors
/// Whatever the reader fails with; what came before is in the ring.
pub async fn pump(mut reader: impl AsyncRead + Unpin, feed: Feed, tasks: &Tasks) -> io::Result<()> {
    let mut feed = feed.joining();
    let mut buffer = vec![0; READ];
    let ended = loop {
        let read = tokio::select! {
            read = reader.read(&mut buffer) => read,
            () = until(feed.due()) => {
                feed.flush_due();
                continue;
            }
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

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => pending().await,
    }
}

/// What a pipe holds.
pub(super) const READ: usize = 64 * 1024;

/// How many entries are handed over at once: as many as fit into a pipe, of ordinary length.
const MOST_READY: usize = 512;
