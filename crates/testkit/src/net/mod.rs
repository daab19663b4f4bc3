//! A virtual network under quinn: hosts joined by links with a rate, a delay, a queue, loss and
//! reordering, which can be cut. It takes its time from tokio, so that a test under a paused clock
//! runs hours of bad network in a moment, and its luck from a seed.
//!
//! ```text
//! socket.try_send ──▶ queue of the link ──▶ inbox of the other socket ──▶ poll_recv
//!                     rate, loss, delay      ordered by time of arrival
//! ```

mod host;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Duration;

use quinn::AsyncUdpSocket;
use tokio::time::Instant;

use self::host::HostSocket;

/// A network of hosts, each of which reaches every other over a link of its own.
#[derive(Clone, Debug)]
pub struct Network(Arc<Mutex<State>>);

/// What a packet meets on its way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Link {
    /// Bytes a second; without a bound if `None`.
    pub rate: Option<u64>,
    /// From one end to the other, without queueing.
    pub delay: Duration,
    /// How many bytes may wait; what comes on top is dropped.
    pub queue: u64,
    /// How many packets of a thousand are lost.
    pub loss: u32,
    /// How many packets of a thousand take twice the delay and so come late.
    pub reorder: u32,
    /// With it the link keeps order and loses nothing, like TCP: what would be lost comes this
    /// much later, and all that is behind it waits. `loss` then counts segments of [`SEGMENT`].
    pub recovery: Option<Duration>,
}

impl Default for Link {
    /// Ten milliseconds each way, and no fault.
    fn default() -> Self {
        Self {
            rate: None,
            delay: Duration::from_millis(10),
            queue: 256 * 1024,
            loss: 0,
            reorder: 0,
            recovery: None,
        }
    }
}

#[derive(Debug)]
struct State {
    link: Link,
    /// Which queue a host's packets pass, if not one of their own.
    shared: HashMap<SocketAddr, SocketAddr>,
    queues: HashMap<(SocketAddr, Option<SocketAddr>), Queue>,
    inboxes: HashMap<SocketAddr, Inbox>,
    cut: bool,
    silent: HashSet<SocketAddr>,
    luck: u64,
    sent: u64,
    packets: u64,
}

#[derive(Debug)]
struct Queue {
    /// When the last byte that waits has left.
    free: Instant,
    /// When the last packet of a link that keeps order arrives.
    last: Instant,
}

#[derive(Debug, Default)]
struct Inbox {
    /// By time of arrival, then in the order of sending.
    packets: BTreeMap<(Instant, u64), Packet>,
    waker: Option<Waker>,
    /// Tells whose it is.
    plug: Arc<()>,
}

#[derive(Debug)]
struct Packet {
    from: SocketAddr,
    bytes: Vec<u8>,
}

impl Network {
    /// Makes a network whose links are all `link`. The same seed gives the same luck.
    #[must_use]
    pub fn new(link: Link, seed: u64) -> Self {
        Self(Arc::new(Mutex::new(State {
            link,
            shared: HashMap::new(),
            queues: HashMap::new(),
            inboxes: HashMap::new(),
            cut: false,
            silent: HashSet::new(),
            // An xorshift generator stands still at zero.
            luck: seed | 1 << 63,
            sent: 0,
            packets: 0,
        })))
    }

    /// Attaches a host.
    ///
    /// # Panics
    /// If the address is taken.
    #[must_use]
    pub fn host(&self, address: SocketAddr) -> Arc<dyn AsyncUdpSocket> {
        let plug = Arc::new(());
        let inbox = Inbox {
            plug: Arc::clone(&plug),
            ..Inbox::default()
        };
        let taken = self.lock().inboxes.insert(address, inbox);
        assert!(taken.is_none(), "{address} is taken");
        Arc::new(HostSocket::new(address, plug, self.clone()))
    }

    /// Lets all that these hosts send pass one queue, like neighbours behind one access link.
    pub fn share_queue(&self, hosts: &[SocketAddr]) {
        let mut state = self.lock();
        for host in hosts {
            state.shared.insert(*host, hosts[0]);
        }
    }

    /// Detaches the host at an address, as the system does with the sockets of a program that ends:
    /// it sends and receives nothing any more, and another may have the address.
    pub fn unplug(&self, address: SocketAddr) {
        self.lock().inboxes.remove(&address);
    }

    /// Makes every link this one from now on. What is on its way arrives as it would have.
    pub fn change(&self, link: Link) {
        self.lock().link = link;
    }

    /// Drops every packet from now on, without a word.
    pub fn cut(&self) {
        self.lock().cut = true;
    }

    /// Ends what [`Network::cut`] began.
    pub fn mend(&self) {
        self.lock().cut = false;
    }

    /// Drops every packet from and to one host from now on, as when it has lost its power.
    pub fn silence(&self, host: SocketAddr) {
        self.lock().silent.insert(host);
    }

    /// Ends what [`Network::silence`] began.
    pub fn unsilence(&self, host: SocketAddr) {
        self.lock().silent.remove(&host);
    }

    /// Returns how many bytes were handed to the network so far.
    #[must_use]
    pub fn bytes_sent(&self) -> u64 {
        self.lock().sent
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn send(&mut self, from: SocketAddr, to: SocketAddr, bytes: &[u8]) {
        self.sent += bytes.len() as u64;
        let silent = self.silent.contains(&from) || self.silent.contains(&to);
        if self.cut || silent {
            return;
        }
        let Some(arrives) = self.arrival(from, to, bytes.len() as u64) else {
            return;
        };
        self.packets += 1;
        let place = (arrives, self.packets);
        // A host that is gone drops what comes for it.
        if let Some(inbox) = self.inboxes.get_mut(&to) {
            inbox.packets.insert(
                place,
                Packet {
                    from,
                    bytes: bytes.to_vec(),
                },
            );
            if let Some(waker) = inbox.waker.take() {
                waker.wake();
            }
        }
    }

    /// Returns when a packet arrives, or `None` if it is lost.
    fn arrival(&mut self, from: SocketAddr, to: SocketAddr, length: u64) -> Option<Instant> {
        let link = self.link;
        let shared = self.shared.get(&from);
        let place = shared.map_or((from, Some(to)), |queue| (*queue, None));
        if let Some(recovery) = link.recovery {
            // Nor is there an end to its queue.
            let endless = Link {
                queue: u64::MAX,
                ..link
            };
            let leaves = self.pass_queue(place, &endless, length)?;
            let late = (0..length.div_ceil(SEGMENT))
                .map(|_| self.losses(link.loss))
                .max();
            let arrives = leaves + link.delay + recovery * late.unwrap_or(0);
            let queue = self.queues.get_mut(&place)?;
            queue.last = queue.last.max(arrives);
            return Some(queue.last);
        }
        if self.chance(link.loss) {
            return None;
        }
        let leaves = self.pass_queue(place, &link, length)?;
        let late = if self.chance(link.reorder) { 2 } else { 1 };
        Some(leaves + link.delay * late)
    }

    /// Returns when the last byte has left the queue, or `None` if there is no room in it.
    fn pass_queue(
        &mut self,
        place: (SocketAddr, Option<SocketAddr>),
        link: &Link,
        length: u64,
    ) -> Option<Instant> {
        let now = Instant::now();
        let queue = self.queues.entry(place).or_insert(Queue {
            free: now,
            last: now,
        });
        let Some(rate) = link.rate else {
            return Some(now);
        };
        let begins = now.max(queue.free);
        let waiting = (begins - now).as_secs_f64() * rate as f64;
        if waiting + length as f64 > link.queue as f64 {
            return None;
        }
        queue.free = begins + Duration::from_secs_f64(length as f64 / rate as f64);
        Some(queue.free)
    }

    /// How often in a row a segment is lost.
    fn losses(&mut self, of_a_thousand: u32) -> u32 {
        let mut times = 0;
        while times < MOST_LOSSES && self.chance(of_a_thousand) {
            times += 1;
        }
        times
    }

    /// Returns the inbox of a host; `None` if it was unplugged.
    fn inbox_of(&mut self, host: &HostSocket) -> Option<&mut Inbox> {
        let inbox = self.inboxes.get_mut(&host.address)?;
        Arc::ptr_eq(&inbox.plug, &host.plug).then_some(inbox)
    }

    fn chance(&mut self, of_a_thousand: u32) -> bool {
        self.luck ^= self.luck << 13;
        self.luck ^= self.luck >> 7;
        self.luck ^= self.luck << 17;
        self.luck % 1000 < u64::from(of_a_thousand)
    }
}

/// What of a packet TCP loses at once, and sends again.
pub const SEGMENT: u64 = 1448;

/// Keeps a link on which everything is lost from repeating for ever.
const MOST_LOSSES: u32 = 8;
