//! The law against a path that is nothing but arithmetic: a rate, a delay, a queue.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::control::Control;
use super::{OVER_TCP, OVER_UDP, Target};

/// A sender that always has more, and the path it sends on.
struct Path {
    control: Control,
    now: Instant,
    packet: u16,
    /// Bytes a second.
    rate: f64,
    /// There and back, without a queue.
    delay: Duration,
    /// How many bytes may wait.
    queue: f64,
    /// The acks are read at the ends of turns so long, as where a thread sleeps or the kernel hands
    /// over many packets at once.
    turn: Option<Duration>,
    began: Instant,
    /// When the link has sent what it has.
    free: Instant,
    flying: VecDeque<Packet>,
    arrived: u64,
    lost: u64,
}

struct Packet {
    sent: Instant,
    /// When its ack comes, unless it was dropped.
    due: Option<Instant>,
}

impl Path {
    fn new(target: Target, packet: u16, mbit: f64, delay: Duration) -> Self {
        let now = Instant::now();
        let rate = mbit * 125_000.0;
        Self {
            control: Control::new(target, packet, now),
            now,
            packet,
            rate,
            delay,
            queue: (rate * 0.05).max(512.0 * 1024.0),
            turn: None,
            began: now,
            free: now,
            flying: VecDeque::new(),
            arrived: 0,
            lost: 0,
        }
    }

    /// Runs for a while and returns the share of the link that was used.
    fn run(&mut self, span: Duration) -> f64 {
        self.run_with(span, u64::MAX)
    }

    /// Runs for a while with no more than this in flight, as if there were nothing more to send.
    fn run_with(&mut self, span: Duration, most: u64) -> f64 {
        let (before, end) = (self.arrived, self.now + span);
        while self.now < end {
            self.send(most);
            self.receive();
        }
        (self.arrived - before) as f64 / (self.rate * span.as_secs_f64())
    }

    /// Runs for a while and returns the share of what was sent that was lost.
    fn loss_of(&mut self, span: Duration) -> f64 {
        let (arrived, lost) = (self.arrived, self.lost);
        self.run(span);
        let (arrived, lost) = (self.arrived - arrived, self.lost - lost);
        lost as f64 / (arrived + lost) as f64
    }

    fn send(&mut self, most: u64) {
        let window = self.control.window().min(most);
        while self.in_flight() + u64::from(self.packet) < window {
            let begins = self.free.max(self.now);
            let waits = (begins - self.now).as_secs_f64() * self.rate;
            let fits = waits <= self.queue;
            if fits {
                self.free = begins + Duration::from_secs_f64(f64::from(self.packet) / self.rate);
            }
            self.flying.push_back(Packet {
                sent: self.now,
                due: fits.then(|| self.free + self.delay),
            });
        }
    }

    /// Takes the next ack, and with it the news of what was lost before it.
    fn receive(&mut self) {
        let mut lost = 0;
        while let Some(Packet { sent, due }) = self.flying.pop_front() {
            let Some(due) = due else {
                lost += u64::from(self.packet);
                continue;
            };
            self.now = self.read_at(due);
            self.arrived += u64::from(self.packet);
            self.control.acked(self.now, sent, u64::from(self.packet));
            self.control.end_batch(self.now, self.in_flight());
            break;
        }
        if lost > 0 {
            self.lost += lost;
            self.control.lost(lost);
        }
    }

    /// Returns the end of the turn in which an ack comes.
    fn read_at(&self, due: Instant) -> Instant {
        let Some(turn) = self.turn else {
            return due.max(self.now);
        };
        let turns = (due - self.began).as_nanos().div_ceil(turn.as_nanos());
        let end = self.began + turn * u32::try_from(turns).expect("a short test");
        end.max(self.now)
    }

    fn in_flight(&self) -> u64 {
        self.flying.len() as u64 * u64::from(self.packet)
    }

    /// Returns for how long a packet sent now would wait.
    fn queueing(&self) -> Duration {
        self.free.saturating_duration_since(self.now)
    }
}

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

#[test]
fn a_link_is_filled_with_a_short_queue() {
    for mbit in [1.0, 5.0, 20.0, 100.0, 1000.0] {
        for delay in [1, 40, 200] {
            let mut path = Path::new(OVER_UDP, 1452, mbit, ms(delay));
            path.run(Duration::from_secs(6));
            let used = path.run(Duration::from_secs(10));
            assert!(used > 0.95, "{used} of {mbit} Mbit/s at {delay} ms");
            // The window has no room for less than four packets, and moves by whole ones.
            let packets = 5.0 * f64::from(path.packet) / path.rate;
            let most = OVER_UDP.delay(path.rate, path.packet).max(packets) + 0.005;
            let queueing = path.queueing().as_secs_f64();
            assert!(queueing < most, "{queueing} s at {mbit} Mbit/s, {delay} ms");
        }
    }
}

#[test]
fn large_packets_leave_room_for_one_another() {
    for mbit in [1.0, 5.0, 100.0, 1000.0] {
        let mut path = Path::new(OVER_TCP, 8192, mbit, ms(40));
        path.run(Duration::from_secs(6));
        let used = path.run(Duration::from_secs(10));
        assert!(used > 0.95, "{used} of {mbit} Mbit/s");
    }
}

#[test]
fn startup_takes_few_round_trips() {
    // 32 KiB doubled six times are more than the 1.25 MB that the path holds.
    let mut path = Path::new(OVER_UDP, 1452, 50.0, ms(200));
    path.run(ms(200) * 8);
    let used = path.run(Duration::from_secs(2));
    assert!(used > 0.9, "{used}");
}

#[test]
fn a_faster_link_is_found() {
    let mut path = Path::new(OVER_UDP, 1452, 20.0, ms(40));
    path.run(Duration::from_secs(10));
    path.rate *= 5.0;
    path.run(Duration::from_secs(2));
    let used = path.run(Duration::from_secs(1));
    assert!(used > 0.95, "{used}");
}

#[test]
fn a_slower_link_empties_its_queue() {
    let mut path = Path::new(OVER_UDP, 1452, 100.0, ms(40));
    path.run(Duration::from_secs(10));
    path.rate /= 5.0;
    path.run(Duration::from_secs(3));
    assert!(path.queueing() < ms(25), "{:?}", path.queueing());
    let used = path.run(Duration::from_secs(5));
    assert!(used > 0.95, "{used}");
}

#[test]
fn a_longer_route_is_believed_in_the_end() {
    let mut path = Path::new(OVER_UDP, 1452, 100.0, ms(40));
    path.run(Duration::from_secs(10));
    path.delay = ms(80);
    path.run(Duration::from_secs(15));
    let used = path.run(Duration::from_secs(5));
    assert!(used > 0.95, "{used}");
    assert!(path.queueing() < ms(10), "{:?}", path.queueing());
}

#[test]
fn a_window_that_is_not_used_does_not_grow() {
    let mut path = Path::new(OVER_UDP, 1452, 100.0, ms(40));
    path.run_with(Duration::from_secs(20), 10 * 1452);
    let window = path.control.window();
    assert!(window < 100_000, "{window}");
}

#[test]
fn a_short_queue_gives_way_to_loss() {
    let mut path = Path::new(OVER_UDP, 1452, 100.0, ms(40));
    // Shorter than the queue we aim for, so that delay never says enough.
    path.queue = 16.0 * 1024.0;
    path.run(Duration::from_secs(20));
    let fits = path.rate * path.delay.as_secs_f64() + path.queue;
    let window = path.control.window() as f64;
    assert!(window < 1.3 * fits, "{window} where {fits} fit");
}

#[test]
fn acks_that_come_at_once_are_no_fast_link() {
    for turn in [1, 2, 5, 10] {
        let mut path = Path::new(OVER_UDP, 1452, 100.0, ms(40));
        path.turn = Some(ms(turn));
        path.run(Duration::from_secs(3));
        let loss = path.loss_of(Duration::from_secs(5));
        assert!(loss < 0.001, "{loss} lost where acks come every {turn} ms");
        let used = path.run(Duration::from_secs(5));
        assert!(used > 0.95, "{used} where acks come every {turn} ms");
        // The acks of a turn are answered with a burst.
        let queueing = path.queueing();
        assert!(queueing < ms(8 + turn), "{queueing:?} at {turn} ms");
    }
}

#[test]
fn a_base_that_was_seen_in_a_full_queue_is_not_believed_for_long() {
    let mut path = Path::new(OVER_UDP, 1452, 100.0, ms(40));
    // Ours and forgotten, or that of somebody who has just gone.
    path.free += Duration::from_secs_f64(path.queue / path.rate);
    path.run(Duration::from_secs(15));
    let loss = path.loss_of(Duration::from_secs(5));
    assert!(loss < 0.001, "{loss} lost");
    assert!(path.queueing() < ms(10), "{:?}", path.queueing());
}

#[test]
fn nothing_arriving_for_long_starts_anew() {
    let mut path = Path::new(OVER_UDP, 1452, 100.0, ms(40));
    path.run(Duration::from_secs(5));
    path.control.restart(path.now);
    assert_eq!(path.control.window(), path.control.initial_window());
}
