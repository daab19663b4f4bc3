//! A virtual connection like TCP's: two ends that are read and written, over a path with a rate, a
//! delay, buffers and loss, which can stall, be cut, or die without a word. It takes its time from
//! tokio, so that a test under a paused clock runs hours of it in a moment, and its luck from a seed.
//!
//! ```text
//! End ── bytes ──▶ send buffer ──▶ proxy ──▶ link ──▶ receive buffer ── bytes ──▶ End
//! ```
//! What is left out: TCP's own handshake, and how it finds out what a path can carry. The window is
//! the receive buffer, from the first byte on.

#[cfg(test)]
mod tests;
mod way;

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use self::way::Way;
use crate::luck::Luck;

/// What bytes meet on their way, the same in both directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Path {
    /// Bytes a second; without a bound if `None`.
    pub rate: Option<u64>,
    /// From one end to the other, without queueing.
    pub delay: Duration,
    /// How many segments of a thousand are lost: such a segment arrives a round trip late, and all
    /// that is behind it waits.
    pub loss: u32,
    /// How many bytes may wait at the writer before it has to.
    pub send_buffer: usize,
    /// How many bytes may be under way or unread before the link takes no more.
    pub receive_buffer: usize,
    /// How many bytes more a proxy in front of the link takes from the writer.
    pub proxy: usize,
}

impl Default for Path {
    /// Ten milliseconds each way, no fault and no proxy.
    fn default() -> Self {
        Self {
            rate: None,
            delay: Duration::from_millis(10),
            loss: 0,
            send_buffer: 64 * 1024,
            // What Linux lets a receive buffer grow to.
            receive_buffer: 6 * 1024 * 1024,
            proxy: 0,
        }
    }
}

/// Makes a connection. The same seed gives the same luck.
///
/// # Panics
/// Outside of tokio's runtime.
#[must_use]
pub fn pair(path: Path, seed: u64) -> (End, End) {
    let now = Instant::now();
    let connection = Connection(Arc::new(Mutex::new(State {
        path,
        luck: Luck::new(seed),
        ways: [Way::new(now), Way::new(now)],
        fate: Fate::Alive,
        ends: 2,
    })));
    let other = End::new(connection.clone(), Side::Right);
    (End::new(connection, Side::Left), other)
}

/// One end of a connection: what is written here is read at the other. Dropping it ends both
/// directions, as closing a socket does.
#[derive(Debug)]
pub struct End {
    connection: Connection,
    side: Side,
    reading: Pin<Box<Sleep>>,
    writing: Pin<Box<Sleep>>,
}

/// The connection between two ends, to be slowed, stalled and cut.
#[derive(Clone, Debug)]
pub struct Connection(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    path: Path,
    luck: Luck,
    /// From the left end, and from the right one.
    ways: [Way; 2],
    fate: Fate,
    /// How many ends are left.
    ends: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Alive,
    Silent,
    Cut,
}

#[derive(Clone, Copy, Debug)]
enum Side {
    Left,
    Right,
}

/// What comes of looking at a connection.
enum Look<T> {
    Found(T),
    /// Nothing yet, and nothing before this moment unless somebody is woken.
    Later(Option<Instant>),
}

impl Connection {
    /// Changes the path, for what has not departed yet.
    pub fn set_path(&self, path: Path) {
        self.change(|state| state.path = path);
    }

    /// Holds everything up for so long. Nothing is lost, and the ends notice nothing else.
    pub fn stall(&self, time: Duration) {
        self.change(|state| {
            let until = Instant::now() + time;
            for way in &mut state.ways {
                way.hold(until);
            }
        });
    }

    /// Breaks the connection: both ends get [`io::ErrorKind::ConnectionReset`] at once, and what was
    /// not read is lost.
    pub fn cut(&self) {
        self.change(|state| state.fate = Fate::Cut);
    }

    /// Lets nothing through any more, and tells nobody.
    pub fn fall_silent(&self) {
        self.change(|state| state.fate = Fate::Silent);
    }

    /// Whether nothing of it is left: it was cut, or nobody holds an end.
    #[must_use]
    pub fn is_over(&self) -> bool {
        let state = self.lock();
        state.fate == Fate::Cut || state.ends == 0
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.lock();
        state.advance();
        // A connection that is cut does not come back.
        if state.fate != Fate::Cut {
            change(&mut state);
        }
        for way in &mut state.ways {
            way.wake_all();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn advance(&mut self) {
        if self.fate == Fate::Alive {
            let now = Instant::now();
            for way in &mut self.ways {
                way.advance(now, &self.path, &mut self.luck);
            }
        }
    }

    /// Returns the time of an event, unless nothing happens any more.
    fn due(&self, event: Option<Instant>) -> Option<Instant> {
        event.filter(|_| self.fate == Fate::Alive)
    }

    fn read(
        &mut self,
        side: Side,
        cx: &Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Look<io::Result<()>> {
        self.advance();
        if self.fate == Fate::Cut {
            return Look::Found(Err(io::ErrorKind::ConnectionReset.into()));
        }
        let path = self.path;
        let way = &mut self.ways[side.incoming()];
        if let Some(bytes) = way.read(buf.remaining(), &path) {
            buf.put_slice(&bytes);
            return Look::Found(Ok(()));
        }
        way.reader = Some(cx.waker().clone());
        let event = way.look_for_bytes(&path);
        Look::Later(self.due(event))
    }

    fn write(&mut self, side: Side, cx: &Context<'_>, bytes: &[u8]) -> Look<io::Result<usize>> {
        self.advance();
        if self.fate == Fate::Cut {
            return Look::Found(Err(io::ErrorKind::ConnectionReset.into()));
        }
        let path = self.path;
        let way = &mut self.ways[side.outgoing()];
        if !way.is_writable() {
            return Look::Found(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let count = way.room(&path).min(bytes.len());
        if count > 0 || bytes.is_empty() {
            way.write(&bytes[..count]);
            return Look::Found(Ok(count));
        }
        way.writer = Some(cx.waker().clone());
        let event = way.look_for_room(&path);
        Look::Later(self.due(event))
    }
}

impl End {
    fn new(connection: Connection, side: Side) -> Self {
        let timer = || Box::pin(tokio::time::sleep(Duration::ZERO));
        Self {
            connection,
            side,
            reading: timer(),
            writing: timer(),
        }
    }

    /// Returns the connection, to be slowed, stalled and cut.
    #[must_use]
    pub fn connection(&self) -> Connection {
        self.connection.clone()
    }
}

impl AsyncRead for End {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let (connection, side) = (self.connection.clone(), self.side);
        poll_look(cx, &mut self.reading, |cx| {
            connection.lock().read(side, cx, buf)
        })
    }
}

impl AsyncWrite for End {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let (connection, side) = (self.connection.clone(), self.side);
        poll_look(cx, &mut self.writing, |cx| {
            connection.lock().write(side, cx, bytes)
        })
    }

    /// As for a socket of the system, what was written needs no further push.
    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let side = self.side;
        self.connection
            .change(|state| state.ways[side.outgoing()].finish());
        Poll::Ready(Ok(()))
    }
}

impl Drop for End {
    fn drop(&mut self) {
        let side = self.side;
        self.connection.change(|state| {
            let path = state.path;
            state.ends -= 1;
            state.ways[side.outgoing()].finish();
            state.ways[side.incoming()].leave(&path);
        });
    }
}

impl Path {
    fn time_on_the_link(&self, bytes: usize) -> Duration {
        self.rate.map_or(Duration::ZERO, |rate| {
            Duration::from_secs_f64(bytes as f64 / rate as f64)
        })
    }
}

impl Side {
    const fn outgoing(self) -> usize {
        match self {
            Self::Left => 0,
            Self::Right => 1,
        }
    }

    const fn incoming(self) -> usize {
        1 - self.outgoing()
    }
}

/// Looks until something is found or the next event is in the future.
fn poll_look<T>(
    cx: &mut Context<'_>,
    timer: &mut Pin<Box<Sleep>>,
    mut look: impl FnMut(&Context<'_>) -> Look<T>,
) -> Poll<T> {
    loop {
        match look(cx) {
            Look::Found(found) => return Poll::Ready(found),
            Look::Later(None) => return Poll::Pending,
            Look::Later(Some(due)) => {
                timer.as_mut().reset(due);
                if timer.as_mut().poll(cx).is_pending() {
                    return Poll::Pending;
                }
            }
        }
    }
}
