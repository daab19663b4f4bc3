//! The copy of an output on its way to the feed: bounded, so that the app never waits for it.
//!
//! What there is no room for is lost in whole lines, counted, and told to the feed in its place.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use features::logs::Feed;
use tokio::time::Instant;

use crate::app::story::Story;

/// Makes the two ends of the way.
pub(super) fn copy() -> (Inlet, Copies) {
    let way = Arc::new(Way::default());
    (Inlet(Arc::clone(&way)), Copies(way))
}

/// Where the copy goes in; dropping it ends the way.
#[derive(Debug)]
pub(super) struct Inlet(Arc<Way>);

/// Where the copy comes out.
#[derive(Debug)]
pub(super) struct Copies(Arc<Way>);

#[derive(Debug, Default)]
struct Way {
    queue: Mutex<Queue>,
    more: Condvar,
}

/// The bytes on the way, and where some are missing.
#[derive(Debug, Default)]
struct Queue {
    bytes: VecDeque<u8>,
    /// How many bytes came out so far.
    taken: u64,
    /// In order. Only the last one grows.
    losses: VecDeque<Loss>,
    /// What came last, kept or lost, was the middle of a line.
    mid_line: bool,
    losing: bool,
    ended: bool,
}

/// Lines that are missing, and where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Loss {
    /// How many bytes came out before them.
    at: u64,
    lines: u64,
    bytes: u64,
}

/// What comes out next.
#[derive(Debug, PartialEq, Eq)]
enum Next {
    /// Bytes, in the buffer.
    Bytes,
    Loss(Loss),
    Nothing,
    End,
}

impl Inlet {
    /// Takes what there is room for; never waits.
    pub(super) fn offer(&self, bytes: &[u8]) {
        self.0.lock().offer(bytes);
        self.0.more.notify_one();
    }
}

impl Drop for Inlet {
    fn drop(&mut self) {
        self.0.lock().ended = true;
        self.0.more.notify_one();
    }
}

impl Copies {
    /// Feeds all that comes, until the end.
    pub(super) fn feed(self, story: &Story) {
        give_way();
        let mut feed = story.feed().joining();
        let mut piece = Vec::with_capacity(PIECE);
        loop {
            match self.next(&mut piece, feed.due()) {
                Next::Bytes => self.push(&mut feed, &piece),
                Next::Loss(Loss { lines, bytes, .. }) => feed.dropped(lines, bytes),
                Next::Nothing => feed.flush_due(),
                Next::End => break,
            }
        }
        feed.finish();
    }

    /// Feeds bytes. In a flood, of which most is lost anyway, it rests in between: whoever writes the
    /// flood, and whoever reads our output, needs the processor more. After the flood nobody does.
    fn push(&self, feed: &mut Feed, piece: &[u8]) {
        let began = std::time::Instant::now();
        feed.push(piece);
        if self.0.lock().floods() {
            thread::sleep((began.elapsed() * REST).min(LONGEST_REST));
        }
    }

    /// Waits for what comes next; when a line is `due` that waits for more, there is nothing.
    fn next(&self, piece: &mut Vec<u8>, due: Option<Instant>) -> Next {
        let mut queue = self.0.lock();
        loop {
            match queue.next(piece) {
                Next::Nothing if !queue.losses.is_empty() => {
                    // More of the same loss is likely to come, and makes one mark with it.
                    let waited = self.0.more.wait_timeout(queue, LOSS_ENDS);
                    let (waiting, waited) = waited.unwrap_or_else(PoisonError::into_inner);
                    queue = waiting;
                    if waited.timed_out() {
                        return queue.losses.pop_front().map_or(Next::Nothing, Next::Loss);
                    }
                }
                Next::Nothing => {
                    queue.shrink();
                    let left = due.map(|due| due.saturating_duration_since(Instant::now()));
                    if left == Some(Duration::ZERO) {
                        return Next::Nothing;
                    }
                    let waited = self.0.more.wait_timeout(queue, left.unwrap_or(LONG));
                    queue = waited.unwrap_or_else(PoisonError::into_inner).0;
                }
                next => return next,
            }
        }
    }
}

impl Way {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        // A panic of either end's leaves a queue that is whole.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    fn offer(&mut self, bytes: &[u8]) {
        let begun = if self.mid_line { line(bytes) } else { 0 };
        let length = self.bytes.len() + bytes.len();
        match self.losing {
            true if length > RESUME => self.lose(bytes),
            true => {
                let (rest, whole) = bytes.split_at(begun);
                self.lose(rest);
                self.losing = whole.is_empty();
                self.keep(whole);
            }
            false if length <= MOST => self.keep(bytes),
            false => {
                // A line that has begun is kept to its end, unless it is longer than any that is.
                let rest = if self.bytes.len() + begun <= MOST + LONGEST {
                    begun
                } else {
                    0
                };
                let (rest, lost) = bytes.split_at(rest);
                self.keep(rest);
                self.losing = !lost.is_empty();
                self.lose(lost);
            }
        }
        if let Some(last) = bytes.last() {
            self.mid_line = *last != b'\n';
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        self.bytes.extend(bytes);
    }

    fn lose(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        let at = self.taken + self.bytes.len() as u64;
        if self.losses.back().is_none_or(|loss| loss.at != at) {
            let (lines, bytes) = (0, 0);
            self.losses.push_back(Loss { at, lines, bytes });
        }
        if let Some(loss) = self.losses.back_mut() {
            loss.lines += memchr::memchr_iter(b'\n', bytes).count() as u64;
            loss.bytes += bytes.len() as u64;
        }
    }

    fn next(&mut self, piece: &mut Vec<u8>) -> Next {
        let left = self.losses.front().map(|loss| loss.at - self.taken);
        let grows = self.floods() && self.losses.len() == 1;
        match left {
            Some(0) if grows => Next::Nothing,
            Some(0) => self.losses.pop_front().map_or(Next::Nothing, Next::Loss),
            _ if self.bytes.is_empty() && self.ended => Next::End,
            _ if self.bytes.is_empty() => Next::Nothing,
            left => {
                self.take(
                    usize::try_from(left.unwrap_or(u64::MAX)).unwrap_or(PIECE),
                    piece,
                );
                Next::Bytes
            }
        }
    }

    /// Moves the next bytes into the piece, at most so many.
    fn take(&mut self, most: usize, piece: &mut Vec<u8>) {
        let length = most.min(PIECE).min(self.bytes.len());
        let (first, second) = self.bytes.as_slices();
        let first = &first[..length.min(first.len())];
        piece.clear();
        piece.extend_from_slice(first);
        piece.extend_from_slice(&second[..length - first.len()]);
        self.bytes.drain(..length);
        self.taken += length as u64;
    }

    const fn floods(&self) -> bool {
        self.losing && !self.ended
    }

    /// Gives back the memory of a burst.
    fn shrink(&mut self) {
        if self.bytes.is_empty() && self.bytes.capacity() > 2 * PIECE {
            self.bytes = VecDeque::new();
        }
    }
}

/// Returns how many bytes there are up to the end of the first line.
fn line(bytes: &[u8]) -> usize {
    memchr::memchr(b'\n', bytes).map_or(bytes.len(), |end| end + 1)
}

/// Lets the app go first where both want the processor: reading lines is the greater part of what the
/// tunnel costs, and a line that is shown a moment later harms nobody.
fn give_way() {
    #[cfg(target_os = "linux")]
    {
        let thread = rustix::thread::gettid();
        // Without it, the two share evenly.
        rustix::process::setpriority_process(Some(thread), BEHIND_THE_APP).ok();
    }
}

/// A ninth of what the app has, in a fight for the processor: still tens of thousands of lines a second.
#[cfg(target_os = "linux")]
const BEHIND_THE_APP: i32 = 10;

/// In a flood, four fifths of a core are left to others, and 60,000 lines a second are still read.
const REST: u32 = 4;

/// Where the processor is fought for, a piece seems to take long.
const LONGEST_REST: Duration = Duration::from_millis(20);

/// What is on its way at most; a burst of 50,000 lines has room. Two outputs have twice that.
const MOST: usize = 7 * 1024 * 1024;

/// What the end of a line that has begun may take beyond: as much as is kept of a line.
const LONGEST: usize = 1024 * 1024;

/// When so little is left, lines are kept again: one mark for each few megabytes, not for each read.
const RESUME: usize = MOST / 2;

/// How long a loss may grow with nothing before it, before it is told.
const LOSS_ENDS: Duration = Duration::from_millis(50);

/// An app may be silent for ever; to look once a minute costs nothing.
const LONG: Duration = Duration::from_secs(60);

/// What is fed at once.
const PIECE: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes out all that comes without waiting: bytes as text, losses as (lines, bytes).
    fn drain(queue: &mut Queue) -> (String, Vec<(u64, u64)>) {
        let (mut text, mut losses, mut piece) = (Vec::new(), Vec::new(), Vec::new());
        loop {
            match queue.next(&mut piece) {
                Next::Bytes => text.extend_from_slice(&piece),
                Next::Loss(loss) => losses.push((loss.lines, loss.bytes)),
                Next::Nothing | Next::End => break,
            }
        }
        (String::from_utf8(text).unwrap(), losses)
    }

    fn full() -> Queue {
        let mut queue = Queue::default();
        let line = [&[b'.'; 1023][..], b"\n"].concat();
        for _ in 0..MOST / line.len() {
            queue.offer(&line);
        }
        queue
    }

    #[test]
    fn what_has_room_comes_out_as_it_went_in() {
        let mut queue = Queue::default();
        for piece in ["a", "b\nc", "\n", "d"] {
            queue.offer(piece.as_bytes());
        }
        assert_eq!(drain(&mut queue), ("ab\nc\nd".to_owned(), vec![]));
    }

    #[test]
    fn what_has_no_room_is_lost_in_whole_lines_and_counted_in_its_place() {
        let mut queue = full();
        queue.offer(b"lost 1\nlost 2\nlost");
        queue.offer(b" 3\n");
        let (kept, losses) = drain(&mut queue);
        assert_eq!((kept.len(), losses), (MOST, vec![]), "it may still grow");
        queue.offer(b"kept\n");
        assert_eq!(drain(&mut queue), ("kept\n".to_owned(), vec![(3, 21)]));
    }

    #[test]
    fn a_line_that_has_begun_is_kept_to_its_end() {
        let mut queue = full();
        queue.bytes.truncate(MOST - 10);
        queue.offer(b"begun");
        queue.offer(b" and ended\nlost\n");
        queue.ended = true;
        let (kept, losses) = drain(&mut queue);
        assert!(kept.ends_with("begun and ended\n"));
        assert_eq!(losses, [(1, 5)]);
    }

    #[test]
    fn after_a_loss_the_next_line_is_whole() {
        let mut queue = full();
        queue.offer(b"lost\nhalf of");
        let (kept, _) = drain(&mut queue);
        assert_eq!(kept.len(), MOST);
        queue.offer(b" a line");
        queue.offer(b", lost\nwhole\n");
        assert_eq!(drain(&mut queue), ("whole\n".to_owned(), vec![(2, 26)]));
    }

    #[test]
    fn a_line_without_an_end_is_bounded_and_said_to_be_missing() {
        let mut queue = Queue::default();
        for _ in 0..4 * MOST / PIECE {
            queue.offer(&[b'.'; PIECE]);
        }
        assert!(queue.bytes.len() <= MOST + LONGEST);
        queue.offer(b"\n");
        queue.ended = true;
        let (_, losses) = drain(&mut queue);
        assert_eq!(losses.len(), 1);
        assert_eq!(losses[0].0, 1);
    }

    #[test]
    fn every_line_is_kept_or_counted_whatever_the_pace() {
        let mut queue = Queue::default();
        let (mut said, mut kept, mut lost, mut piece) = (0, 0, 0, Vec::new());
        let chunk = "0123456789 a line\n".repeat(7000);
        for round in 0..800 {
            // Pieces end in the middle of lines.
            for part in chunk.as_bytes().chunks(9973 + round) {
                said += memchr::memchr_iter(b'\n', part).count() as u64;
                queue.offer(part);
            }
            for _ in 0..round % 4 {
                match queue.next(&mut piece) {
                    Next::Bytes => kept += memchr::memchr_iter(b'\n', &piece).count() as u64,
                    Next::Loss(loss) => lost += loss.lines,
                    Next::Nothing | Next::End => {}
                }
            }
        }
        queue.ended = true;
        let (rest, losses) = drain(&mut queue);
        assert!(rest.lines().all(|line| line.ends_with("a line")));
        kept += rest.lines().count() as u64;
        lost += losses.iter().map(|loss| loss.0).sum::<u64>();
        assert!(lost > 0 && kept > 0);
        assert_eq!(kept + lost, said);
    }
}
