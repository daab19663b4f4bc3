//! What lies between QUIC and a WebSocket: a few packets each way, and who may take them.
//!
//! ```text
//! QUIC ── try_send ──▶ outgoing ── take ──▶ link ──▶ WebSocket
//! QUIC ◀── poll_recv ── incoming ◀── deliver ── link ◀── WebSocket
//! ```
//! A link is one WebSocket. The queues outlive it: when it is lost, what was to be sent stays and
//! leaves first on the next one, and QUIC, which finds the queue full, keeps the rest and its choice
//! among channels.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use tokio::sync::Notify;

/// The queues of one session. Clones are the same queues.
#[derive(Clone, Debug, Default)]
pub(super) struct Queues(Arc<Shared>);

/// One of the links that a session had, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct LinkId(u64);

/// What a link is to its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It carries the session.
    Current,
    /// It has yet to bring a packet that QUIC takes; until then another link sends.
    Candidate,
    /// It has another link that took its place, or the session is over.
    Over,
}

/// There is no room for another packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Full;

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    /// Tells who waits for a link to be missed.
    vacancy: Notify,
    above: Mutex<Option<Arc<dyn Above>>>,
}

/// What is above the queues.
pub(super) trait Above: Send + Sync {
    /// Counts the frames in packets that could be decrypted.
    fn taken(&self) -> u64;

    /// Sends something, after the way was away.
    fn stir(&self);
}

#[derive(Debug, Default)]
struct State {
    outgoing: Packets,
    incoming: Packets,
    last_link: u64,
    current: Option<LinkId>,
    candidate: Option<Candidate>,
    /// QUIC has dropped its socket: what is queued leaves, and nothing more will come.
    finished: bool,
    /// There will be no link: what QUIC sends is dropped.
    abandoned: bool,
    quic_reads: Wakers,
    quic_writes: Wakers,
    links: Wakers,
}

#[derive(Debug)]
struct Candidate {
    link: LinkId,
    taken_before: u64,
}

#[derive(Debug, Default)]
struct Packets {
    packets: VecDeque<Bytes>,
    /// What they cost together.
    held: usize,
}

impl Packets {
    fn push(&mut self, packet: Bytes) {
        self.held += cost(&packet);
        self.packets.push_back(packet);
    }

    fn pop(&mut self) -> Option<Bytes> {
        let packet = self.packets.pop_front()?;
        self.held -= cost(&packet);
        Some(packet)
    }

    const fn has_room(&self, most: usize) -> bool {
        self.held < most
    }
}

/// Returns what a packet takes in a queue. A hundred thousand packets of one byte are not small.
const fn cost(packet: &Bytes) -> usize {
    packet.len() + BESIDE
}

/// Tasks that wait, each once. There are at most a few: QUIC's two drivers, and two links.
#[derive(Debug, Default)]
struct Wakers(Vec<Waker>);

impl Wakers {
    fn register(&mut self, cx: &Context<'_>) {
        if !self.0.iter().any(|waker| waker.will_wake(cx.waker())) {
            self.0.push(cx.waker().clone());
        }
    }

    fn wake(&mut self) {
        for waker in self.0.drain(..) {
            waker.wake();
        }
    }
}

/// QUIC's side.
impl Queues {
    /// Takes packets to send, unless the queue is full.
    pub(super) fn send<'a>(&self, packets: impl Iterator<Item = &'a [u8]>) -> Result<(), Full> {
        let mut state = self.lock();
        if state.abandoned {
            return Ok(());
        }
        if !state.outgoing.has_room(MOST_OUTGOING) {
            return Err(Full);
        }
        for packet in packets {
            state.outgoing.push(Bytes::copy_from_slice(packet));
        }
        state.links.wake();
        Ok(())
    }

    /// Waits for room to send.
    pub(super) fn poll_writable(&self, cx: &Context<'_>) -> Poll<()> {
        let mut state = self.lock();
        if state.abandoned || state.outgoing.has_room(MOST_OUTGOING) {
            return Poll::Ready(());
        }
        state.quic_writes.register(cx);
        Poll::Pending
    }

    /// Hands up to `most` packets that have come to `each`, or waits for the first.
    pub(super) fn poll_received(
        &self,
        cx: &Context<'_>,
        most: usize,
        mut each: impl FnMut(&[u8]),
    ) -> Poll<()> {
        let mut state = self.lock();
        let was_full = !state.incoming.has_room(MOST_INCOMING);
        let mut count = 0;
        while count < most
            && let Some(packet) = state.incoming.pop()
        {
            each(&packet);
            count += 1;
        }
        if count == 0 {
            state.quic_reads.register(cx);
            return Poll::Pending;
        }
        if was_full {
            state.links.wake();
        }
        Poll::Ready(())
    }

    /// Says that QUIC is done: links send what is queued and end.
    pub(super) fn finish(&self) {
        let mut state = self.lock();
        state.finished = true;
        state.links.wake();
        self.0.vacancy.notify_waiters();
    }
}

/// The links' side.
impl Queues {
    /// Returns what the link is to the session, and promotes a candidate that has proved itself. The
    /// task is woken when that may have changed, whatever else it waits for.
    pub(super) fn poll_standing(&self, link: LinkId, cx: &Context<'_>) -> Standing {
        let standing = {
            let mut state = self.lock();
            state.links.register(cx);
            state.standing(link)
        };
        if standing != Standing::Candidate {
            return standing;
        }
        // Asked while these queues are free: QUIC comes to them with its own lock held.
        let taken = self.taken();
        let mut state = self.lock();
        if let Some(candidate) = &state.candidate
            && candidate.link == link
            && taken > candidate.taken_before
        {
            state.candidate = None;
            state.current = Some(link);
            state.links.wake();
        }
        state.standing(link)
    }

    /// Lets QUIC send at once, now that this link carries what the one before it has lost: what was
    /// under way there fills the window, and QUIC's timers may be far off.
    pub(super) fn stir(&self, link: LinkId) {
        if link > FIRST
            && let Some(above) = self.above()
        {
            above.stir();
        }
    }

    /// Takes the next packet to send, if it is this link that sends.
    pub(super) fn poll_take(&self, link: LinkId, cx: &Context<'_>) -> Poll<Bytes> {
        let mut state = self.lock();
        if state.standing(link) == Standing::Current
            && let Some(packet) = state.outgoing.pop()
        {
            if state.outgoing.has_room(MOST_OUTGOING) {
                state.quic_writes.wake();
            }
            return Poll::Ready(packet);
        }
        state.links.register(cx);
        Poll::Pending
    }

    /// Waits until the link may read: there is room, and no other link is being tried.
    pub(super) fn poll_room(&self, link: LinkId, cx: &Context<'_>) -> Poll<()> {
        let mut state = self.lock();
        let is_tried = |candidate: &Candidate| candidate.link != link;
        if state.incoming.has_room(MOST_INCOMING) && !state.candidate.as_ref().is_some_and(is_tried)
        {
            return Poll::Ready(());
        }
        state.links.register(cx);
        Poll::Pending
    }

    /// Hands a packet to QUIC.
    pub(super) fn deliver(&self, packet: Bytes) {
        let mut state = self.lock();
        state.incoming.push(packet);
        state.quic_reads.wake();
    }

    /// Says that the link has ended.
    pub(super) fn leave(&self, link: LinkId) {
        let mut state = self.lock();
        if state.candidate.as_ref().is_some_and(|it| it.link == link) {
            state.candidate = None;
        }
        if state.current == Some(link) {
            state.current = state.candidate.take().map(|candidate| candidate.link);
        }
        state.links.wake();
        if state.current.is_none() {
            self.0.vacancy.notify_waiters();
        }
    }

    /// Whether everything that QUIC will ever send has been taken.
    pub(super) fn is_spent(&self) -> bool {
        let state = self.lock();
        state.abandoned || state.finished && state.outgoing.packets.is_empty()
    }
}

/// The owner's side.
impl Queues {
    /// Gives the session another link: at once if it has none, else when a packet of it was taken.
    pub(super) fn attach(&self) -> LinkId {
        let taken_before = self.taken();
        let mut state = self.lock();
        state.last_link += 1;
        let link = LinkId(state.last_link);
        if state.current.is_none() {
            state.current = Some(link);
        } else {
            // An older candidate is over.
            state.candidate = Some(Candidate { link, taken_before });
        }
        state.links.wake();
        link
    }

    /// Sets what is above. Before that a second link proves nothing.
    pub(super) fn sit_under(&self, above: Option<Arc<dyn Above>>) {
        *self.0.above.lock().unwrap_or_else(PoisonError::into_inner) = above;
    }

    /// Waits until there is no link. Cancel-safe.
    pub(super) async fn vacant(&self) {
        loop {
            let noticed = self.0.vacancy.notified();
            if self.lock().is_vacant() {
                return;
            }
            noticed.await;
        }
    }

    /// Waits until a link has taken everything that was to be sent, or there is none. Cancel-safe.
    pub(super) async fn sent(&self) {
        std::future::poll_fn(|cx| {
            let mut state = self.lock();
            if state.outgoing.packets.is_empty() || state.current.is_none() {
                return Poll::Ready(());
            }
            state.quic_writes.register(cx);
            Poll::Pending
        })
        .await;
    }

    /// Gives up: there will be no other link.
    pub(super) fn abandon(&self) {
        let mut state = self.lock();
        state.abandoned = true;
        state.current = None;
        state.candidate = None;
        state.quic_writes.wake();
        state.links.wake();
        self.0.vacancy.notify_waiters();
    }

    /// Whether QUIC has dropped its socket.
    pub(super) fn is_finished(&self) -> bool {
        self.lock().finished
    }

    fn taken(&self) -> u64 {
        self.above().map_or(0, |above| above.taken())
    }

    fn above(&self) -> Option<Arc<dyn Above>> {
        let above = self.0.above.lock();
        above.unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing in here panics between two changes that belong together.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn standing(&self, link: LinkId) -> Standing {
        if self.abandoned {
            Standing::Over
        } else if self.current == Some(link) {
            Standing::Current
        } else if self.candidate.as_ref().is_some_and(|it| it.link == link) {
            Standing::Candidate
        } else {
            Standing::Over
        }
    }

    const fn is_vacant(&self) -> bool {
        self.current.is_none() || self.finished
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

/// The first link of a session.
const FIRST: LinkId = LinkId(1);

/// What is in this queue can no longer be overtaken: four packets, 2.6 ms at 100 Mbit/s. Fewer would
/// leave the link's task waiting for QUIC's on a fast link.
const MOST_OUTGOING: usize = 32 * 1024;

/// What a packet takes beside its bytes: its place in the queue, and its share of the buffer that it
/// was read into.
const BESIDE: usize = 128;

/// QUIC empties this queue as soon as it runs: it holds what comes meanwhile.
const MOST_INCOMING: usize = 128 * 1024;
