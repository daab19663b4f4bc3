//! The wire of an emulated link: a thread that carries packets from one TUN device to another, as
//! slowly, as late and as seldom as the link says.
//!
//! ```text
//! kernel ── TUN ──▶ Path: queue, rate, loss ──▶ under way for the delay ──▶ TUN ── kernel
//! ```

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tun_rs::SyncDevice;

use super::path::Path;
use crate::link::{Udp, Way};

/// A running wire; its thread ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Wire {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// What the thread and whoever watches it share.
#[derive(Debug, Default)]
struct Shared {
    ends: AtomicBool,
    cut: AtomicBool,
    /// Bytes that arrived at the client, headers and all.
    to_client: AtomicU64,
}

/// The TUN device of each end.
pub(super) struct Devices {
    pub(super) server: SyncDevice,
    pub(super) client: SyncDevice,
}

impl Wire {
    /// Joins two devices. The same seed gives the same luck.
    pub(super) fn join(devices: Devices, way: Way, seed: u64) -> io::Result<Self> {
        let shared = Arc::<Shared>::default();
        let Devices { server, client } = devices;
        let joined = Joined {
            down: Direction::new(way, seed),
            up: Direction::new(way, seed.rotate_left(32)),
            server,
            client,
            udp: way.udp,
            shared: Arc::clone(&shared),
        };
        joined.server.set_nonblocking(true)?;
        joined.client.set_nonblocking(true)?;
        let thread = thread::Builder::new()
            .name("wire".to_owned())
            .spawn(|| joined.run())?;
        Ok(Self {
            shared,
            thread: Some(thread),
        })
    }

    /// Returns how many bytes have arrived at the client so far, headers and all.
    pub(crate) fn carried(&self) -> u64 {
        self.shared.to_client.load(Ordering::Relaxed)
    }

    /// Loses every packet from now on, silently.
    pub(crate) fn cut(&self) {
        self.shared.cut.store(true, Ordering::Relaxed);
    }

    /// Lets packets through again.
    pub(crate) fn mend(&self) {
        self.shared.cut.store(false, Ordering::Relaxed);
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.shared.ends.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // It has nothing to say; a panic of its has been printed.
            thread.join().ok();
        }
    }
}

/// What the thread owns.
struct Joined {
    server: SyncDevice,
    client: SyncDevice,
    down: Direction,
    up: Direction,
    udp: Udp,
    shared: Arc<Shared>,
}

/// One direction: where packets come late, or not at all.
struct Direction {
    path: Path,
    /// In the order of their arrival.
    under_way: VecDeque<Packet>,
}

struct Packet {
    due: Instant,
    bytes: Box<[u8]>,
}

impl Joined {
    fn run(mut self) {
        // What waits for the processor would count as the link's delay. Others than root may not.
        rustix::process::nice(FIRST).ok();
        let mut buffer = vec![0; LONGEST];
        while !self.shared.ends.load(Ordering::Relaxed) {
            let began = Instant::now();
            let (cut, udp) = (self.shared.cut.load(Ordering::Relaxed), self.udp);
            let passes = |packet: &[u8]| !cut && carries(udp, packet);
            self.down.take_in(&self.server, &mut buffer, passes);
            self.up.take_in(&self.client, &mut buffer, passes);
            let arrived = self.down.hand_over(&self.client, cut);
            self.shared.to_client.fetch_add(arrived, Ordering::Relaxed);
            self.up.hand_over(&self.server, cut);
            // So that a thousand packets are not a thousand wakings.
            thread::sleep(TURN.saturating_sub(began.elapsed()));
            self.wait();
        }
    }

    /// Waits until a packet is there, or due.
    fn wait(&self) {
        let due = [&self.down, &self.up]
            .into_iter()
            .filter_map(Direction::next);
        let wait = due.min().map_or(IDLE, |due| {
            due.saturating_duration_since(Instant::now()).min(IDLE)
        });
        let wait = Timespec {
            tv_sec: 0,
            tv_nsec: wait.subsec_nanos().into(),
        };
        let mut devices =
            [&self.server, &self.client].map(|device| PollFd::new(device, PollFlags::IN));
        // If it fails, the next look comes sooner.
        poll(&mut devices, Some(&wait)).ok();
    }
}

impl Direction {
    fn new(way: Way, seed: u64) -> Self {
        Self {
            path: Path::new(way, seed),
            under_way: VecDeque::new(),
        }
    }

    /// Takes in what the kernel has to send.
    fn take_in(&mut self, from: &SyncDevice, buffer: &mut [u8], passes: impl Fn(&[u8]) -> bool) {
        for _ in 0..MOST {
            // Fails when there is nothing more.
            let Ok(length) = from.recv(buffer) else {
                return;
            };
            let packet = &buffer[..length];
            if !passes(packet) {
                continue;
            }
            if let Some(due) = self.path.pass(Instant::now(), length) {
                let bytes = packet.into();
                self.under_way.push_back(Packet { due, bytes });
            }
        }
    }

    /// Hands over what is due and returns how many bytes that were.
    fn hand_over(&mut self, to: &SyncDevice, cut: bool) -> u64 {
        let now = Instant::now();
        let mut arrived = 0;
        while let Some(packet) = self.under_way.pop_front_if(|packet| packet.due <= now) {
            // What the kernel does not take is lost, as in a network.
            if !cut && to.send(&packet.bytes).is_ok() {
                arrived += packet.bytes.len() as u64;
            }
        }
        arrived
    }

    fn next(&self) -> Option<Instant> {
        self.under_way.front().map(|packet| packet.due)
    }
}

/// Whether a link carries a packet at all. IPv6 has no addresses here: it would only be noise.
fn carries(udp: Udp, packet: &[u8]) -> bool {
    let (version, protocol) = (packet.first().map(|first| first >> 4), packet.get(9));
    version == Some(4) && (udp == Udp::Passes || protocol != Some(&UDP))
}

/// UDP's number in an IPv4 header.
const UDP: u8 = 17;

/// The longest IP packet.
const LONGEST: usize = 65_535;

/// How long the wire rests between two looks: at 100 Mbit/s a packet takes 120 µs. A packet is
/// late by as much at the most, and by what the system takes to wake a thread.
const TURN: Duration = Duration::from_micros(100);

/// How many packets are taken in before those of the other direction have their turn.
const MOST: usize = 256;

/// How soon the thread sees that it should end.
const IDLE: Duration = Duration::from_millis(50);

/// Before all programs of the ordinary priority.
const FIRST: i32 = -15;

#[cfg(test)]
mod tests {
    use super::*;

    /// The beginning of an IPv4 header.
    fn packet(protocol: u8) -> [u8; 20] {
        let mut packet = [0; 20];
        (packet[0], packet[9]) = (0x45, protocol);
        packet
    }

    #[test]
    fn a_link_without_udp_carries_the_rest() {
        assert!(carries(Udp::Passes, &packet(UDP)));
        assert!(!carries(Udp::Dropped, &packet(UDP)));
        assert!(carries(Udp::Dropped, &packet(6)));
    }

    #[test]
    fn what_is_not_ipv4_is_not_carried() {
        assert!(!carries(Udp::Passes, &[0x60; 40]));
        assert!(!carries(Udp::Passes, &[]));
    }
}
