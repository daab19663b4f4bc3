//! Keeps the queue on the path short, so that a log line never waits behind a sync.
//!
//! Priority works above the socket only: what lies in a router's or a proxy's buffer is sent in its
//! order. So no more is put in flight than the path holds and a few milliseconds of queue. How that
//! is found, and what else was tried: `docs/CONGESTION.md`.
//!
//! ```text
//! acks ─▶ round ─▶ base delay, rate of the link, loss ─▶ control ─▶ window
//! ```

mod control;
mod history;
mod losses;
mod recent;
mod round;
#[cfg(test)]
mod tests;

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use quinn::congestion::{Controller, ControllerFactory};
use quinn_proto::RttEstimator;

use control::Control;
use history::History;

/// Makes congestion controllers that keep a short queue on the path.
#[derive(Clone, Debug)]
pub struct ShortQueue {
    target: Target,
    spur: Spur,
}

/// Lets a connection whose path was away send a little more than its window, which may be full of
/// packets that are lost: the first that arrives tells QUIC so, where it would else wait for a timer
/// that doubles each time. Clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Spur(Arc<AtomicBool>);

impl Spur {
    /// Allows it until the next packet has arrived.
    pub fn give(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn take_back(&self) {
        self.0.store(false, Ordering::Relaxed);
    }

    fn is_given(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// How long a queue is to be.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Target {
    /// In bytes, so that flows which share a link come to equal shares.
    queue: f64,
    /// At least this long, in seconds, or a fast machine could not fill its link.
    least: f64,
    /// At most this long.
    most: f64,
    /// But always this many packets.
    packets: f64,
}

impl ShortQueue {
    /// Returns the one for packets that travel alone.
    #[must_use]
    pub fn over_udp() -> Self {
        Self {
            target: OVER_UDP,
            spur: Spur::default(),
        }
    }

    /// Returns the one for packets that travel inside TCP.
    #[must_use]
    pub fn over_tcp() -> Self {
        Self {
            target: OVER_TCP,
            spur: Spur::default(),
        }
    }
}

impl ShortQueue {
    /// Lets the connection be spurred on.
    #[must_use]
    pub fn spurred_by(self, spur: Spur) -> Self {
        Self { spur, ..self }
    }
}

impl ControllerFactory for ShortQueue {
    fn build(self: Arc<Self>, now: Instant, packet: u16) -> Box<dyn Controller> {
        Box::new(Driver {
            control: Control::new(self.target, packet, now),
            history: History::begin(now),
            spur: self.spur.clone(),
            packet,
        })
    }
}

impl Target {
    /// Returns the queueing delay to aim for on a link of this rate.
    fn delay(&self, rate: f64, packet: u16) -> f64 {
        let delay = (self.queue / rate).clamp(self.least, self.most);
        delay.max(self.packets * f64::from(packet) / rate)
    }
}

/// Returns the round trips of late of a connection with this controller that ended at this moment or
/// later: none, if it is not one of ours.
pub(crate) fn round_trips(controller: Box<dyn Controller>, since: Instant) -> Vec<Duration> {
    let driver = controller.into_any().downcast::<Driver>();
    driver.map_or_else(|_| Vec::new(), |driver| driver.history.since(since))
}

/// What quinn drives.
#[derive(Clone, Debug)]
struct Driver {
    control: Control,
    history: History,
    spur: Spur,
    packet: u16,
}

impl Controller for Driver {
    fn on_ack(&mut self, now: Instant, sent: Instant, bytes: u64, _: bool, _: &RttEstimator) {
        self.spur.take_back();
        self.history.acked(now, sent);
        self.control.acked(now, sent, bytes);
    }

    fn on_end_acks(&mut self, now: Instant, in_flight: u64, _: bool, _: Option<u64>) {
        self.history.end_batch(now);
        self.control.end_batch(now, in_flight);
    }

    fn on_congestion_event(&mut self, now: Instant, _: Instant, persistent: bool, lost: u64) {
        if persistent {
            self.control.restart(now);
        } else {
            self.control.lost(lost);
        }
    }

    fn on_mtu_update(&mut self, packet: u16) {
        self.packet = packet;
        self.control.set_packet(packet);
    }

    fn window(&self) -> u64 {
        let more = if self.spur.is_given() { SPUR } else { 0 };
        self.control.window() + more * u64::from(self.packet)
    }

    fn initial_window(&self) -> u64 {
        self.control.initial_window()
    }

    fn clone_box(&self) -> Box<dyn Controller> {
        Box::new(self.clone())
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

/// QUIC takes a packet for lost when the third after it has arrived (RFC 9002, section 6.1.1).
const SPUR: u64 = 4;

/// 2.6 ms at 100 Mbit/s.
const OVER_UDP: Target = Target {
    queue: 32.0 * 1024.0,
    least: 0.002,
    most: 0.015,
    packets: 3.0,
};

/// 9 ms at 100 Mbit/s: more than over UDP, because a round of TCP's repairs looks like a queue.
const OVER_TCP: Target = Target {
    queue: 112.0 * 1024.0,
    least: 0.005,
    most: 0.020,
    packets: 3.0,
};
