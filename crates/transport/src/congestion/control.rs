//! The law: how large the window is to be, from what the rounds show. It does no IO and reads no
//! clock; lengths are in bytes, times in seconds.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use tracing::trace;

use super::Target;
use super::losses::Losses;
use super::recent::Recent;
use super::round::{Report, Round};

/// Keeps the queue on a path as short as its target says.
#[derive(Clone, Debug)]
pub(super) struct Control {
    target: Target,
    packet: u16,
    phase: Phase,
    window: f64,
    /// What the window moves towards, with every ack a little.
    goal: f64,
    round: Round,
    /// The smallest round trips of the latest rounds.
    rtts: VecDeque<(Instant, f64)>,
    /// The round trip without a queue.
    base: Recent,
    /// The rate of the link.
    peak: Recent,
    losses: Losses,
    /// For how many rounds the window was used in full and there was hardly a queue.
    calm: u32,
    drained: Instant,
    /// For how many rounds less was sent and the queue stayed.
    in_vain: u32,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    /// Doubles the window each round until there is a queue.
    Startup,
    /// Goes back to the window before, and measures what the link carries while its queue lasts.
    Settle { rounds: u32 },
    /// Keeps the queue at its target.
    Steady,
    /// Empties the queue to see the path without it, then goes back to a window.
    Drain { rounds: u32, back_to: f64 },
    /// Lets the queue return before it is judged.
    Refill { rounds: u32 },
}

impl Control {
    pub(super) fn new(target: Target, packet: u16, now: Instant) -> Self {
        let window = initial_window(packet);
        Self {
            target,
            packet,
            phase: Phase::Startup,
            window,
            goal: window,
            round: Round::begin(now),
            rtts: VecDeque::with_capacity(ROUNDS),
            base: Recent::smallest(BASE_SPAN, now),
            peak: Recent::largest(PEAK_SPAN, now),
            losses: Losses::new(now),
            calm: 0,
            drained: now,
            in_vain: 0,
        }
    }

    /// Returns how much may be in flight.
    pub(super) fn window(&self) -> u64 {
        self.window.max(least_window(self.packet)) as u64
    }

    /// Returns how much may be in flight at first.
    pub(super) fn initial_window(&self) -> u64 {
        initial_window(self.packet) as u64
    }

    pub(super) fn set_packet(&mut self, packet: u16) {
        self.packet = packet;
    }

    /// Notes a packet that has arrived.
    pub(super) fn acked(&mut self, now: Instant, sent: Instant, bytes: u64) {
        let bytes = bytes as f64;
        let rtt = now.saturating_duration_since(sent).as_secs_f64();
        self.base.insert(now, rtt);
        self.round.acked(sent, rtt, bytes);
        if self.phase == Phase::Startup {
            // What was not used has proved nothing.
            if self.round.in_flight() >= self.window / 2.0 {
                self.window += bytes;
            }
        } else {
            let way = self.goal - self.window;
            self.window += way.clamp(-bytes * FALL, bytes * RISE);
        }
    }

    /// Notes the end of an ack that left this much in flight.
    pub(super) fn end_batch(&mut self, now: Instant, in_flight: u64) {
        self.round.end_batch(in_flight as f64);
        if self.phase == Phase::Startup && self.fills_queue() {
            self.settle();
        }
        if self.round.is_over() {
            let report = self.round.report(now);
            self.round = Round::begin(now);
            self.end_round(now, report);
        }
    }

    /// Notes packets that were lost.
    pub(super) fn lost(&mut self, bytes: u64) {
        self.round.lost(bytes as f64);
        if self.phase == Phase::Startup && self.round.lost_so_far() > STARTUP_LOSS * self.window {
            self.settle();
        }
    }

    /// Starts anew: for a while nothing has arrived, and the path may be another.
    pub(super) fn restart(&mut self, now: Instant) {
        *self = Self::new(self.target, self.packet, now);
    }

    /// Returns whether every packet of this round met a queue.
    fn fills_queue(&self) -> bool {
        let (Some(rtt), Some(base)) = (self.round.rtt_so_far(), self.base.best()) else {
            return false;
        };
        rtt - base > self.target.delay(self.window / rtt, self.packet)
    }

    /// Ends the startup. The rate of the link is not known yet: of a round that has hardly begun, the
    /// acks may all have been read at one instant, which would be a link without end.
    fn settle(&mut self) {
        // The window of a round ago, whose packets have made the queue.
        self.goal = self.window / 2.0;
        self.phase = Phase::Settle { rounds: 1 };
    }

    /// Aims for what the path holds, by all that is known.
    fn fit(&mut self) {
        if let (Some(rate), Some(base)) = (self.peak.best(), self.base.best()) {
            self.goal = rate * (base + self.target.delay(rate, self.packet));
        }
    }

    /// Returns whether what is lost is the startup's doing, and says nothing about the path.
    fn is_starting(&self) -> bool {
        matches!(self.phase, Phase::Startup | Phase::Settle { .. })
    }

    fn be_steady(&mut self, now: Instant) {
        self.phase = Phase::Steady;
        self.drained = now;
        self.rtts.clear();
    }

    fn end_round(&mut self, now: Instant, report: Report) {
        self.peak.insert(now, report.rate);
        if !self.is_starting() {
            self.losses.insert(now, report.loss);
        }
        self.rtts.push_back((now, report.rtt));
        match self.phase {
            Phase::Startup => {}
            Phase::Settle { rounds } => {
                self.fit();
                match rounds.checked_sub(1) {
                    Some(rounds) => self.phase = Phase::Settle { rounds },
                    None => self.be_steady(now),
                }
            }
            Phase::Steady => self.steer(now, report),
            Phase::Drain { rounds: 0, back_to } => {
                self.goal = back_to;
                self.phase = Phase::Refill { rounds: 1 };
            }
            Phase::Drain { rounds, back_to } => {
                let rounds = rounds - 1;
                self.phase = Phase::Drain { rounds, back_to };
            }
            Phase::Refill { rounds: 0 } => self.be_steady(now),
            Phase::Refill { rounds } => self.phase = Phase::Refill { rounds: rounds - 1 },
        }
    }

    /// Moves the goal by what the last rounds showed.
    fn steer(&mut self, now: Instant, report: Report) {
        let (Some(base), Some(peak)) = (self.base.best(), self.peak.best()) else {
            return;
        };
        let rtt = self.latest_rtt(now, base);
        let target = self.target.delay(peak, self.packet);
        let used = report.in_flight >= USED * self.window;
        let calm = used && report.rtt - base < target / 2.0;
        self.calm = if calm { self.calm + 1 } else { 0 };

        let mut step = self.pull(rtt, base, target * peak);
        if self.calm > CALM_ROUNDS {
            step = step.max(self.goal * QUICK);
        }
        let excess = self.losses.excess();
        if excess > MOST_EXCESS {
            step = step.min(-self.goal * excess);
        }
        if used || step < 0.0 {
            self.goal += step.clamp(-self.goal * MOST_FALL, self.goal * MOST_RISE);
        }
        self.goal = self.goal.max(least_window(self.packet));
        trace!(
            goal = self.goal,
            rate = report.rate,
            rtt,
            base,
            target,
            excess,
            "steered"
        );
        self.doubt_base(now, rtt, base, peak);
        if now.saturating_duration_since(self.drained) >= DRAIN_EVERY {
            self.phase = Phase::Drain {
                rounds: 1,
                back_to: self.goal,
            };
            self.goal *= DRAIN * base / rtt;
        }
    }

    /// Returns the smallest round trip of the latest rounds.
    fn latest_rtt(&mut self, now: Instant, base: f64) -> f64 {
        let is_old = |ended: Instant| {
            now.saturating_duration_since(ended).as_secs_f64() > LONGEST_LOOK * base
        };
        while self.rtts.len() > 1
            && (self.rtts.len() > ROUNDS || self.rtts.front().is_some_and(|(at, _)| is_old(*at)))
        {
            self.rtts.pop_front();
        }
        let rtts = self.rtts.iter().map(|(_, rtt)| *rtt);
        rtts.fold(f64::INFINITY, f64::min)
    }

    /// Returns by how much the goal is to change, for so many bytes to wait in the queue.
    fn pull(&self, rtt: f64, base: f64, wanted: f64) -> f64 {
        // Of what is in flight, this share waits.
        let waits = self.goal * (rtt - base) / rtt;
        let too_much = waits - wanted;
        if waits > self.goal / 2.0 && too_much > wanted {
            // The link has become slower by far.
            return -too_much / 2.0;
        }
        -GAIN * too_much
    }

    /// Believes in a longer way where giving way did not shorten the queue.
    fn doubt_base(&mut self, now: Instant, rtt: f64, base: f64, peak: f64) {
        let yielded = self.goal < peak * base / 2.0;
        let far =
            rtt - base > base / 2.0 && rtt - base > 4.0 * self.target.delay(peak, self.packet);
        self.in_vain = if yielded && far { self.in_vain + 1 } else { 0 };
        if self.in_vain > VAIN_ROUNDS {
            self.in_vain = 0;
            self.base.reset(now, rtt);
        }
    }
}

fn initial_window(packet: u16) -> f64 {
    INITIAL_WINDOW.max(least_window(packet))
}

/// Returns the window below which acks would come too seldom to steer by.
fn least_window(packet: u16) -> f64 {
    4.0 * f64::from(packet)
}

/// TCP's repair of a lost segment delays all behind it for a round trip, and so nearly every packet
/// where losses are many; the one packet in three rounds that meets no repair shows the queue.
/// More rounds would see a queue of our own making too late.
const ROUNDS: usize = 3;

/// Rounds in front of a queue are long, and the first of three would then be old; so no round counts
/// that ended longer ago than this many base delays. TCP's repairs make a round 1.8 of them.
const LONGEST_LOOK: f64 = 6.0;

/// Rounds with less than half the link's rate in flight and no shorter queue, after which another
/// route or another's queue explains it. One more than a queue of our own needs to pass.
const VAIN_ROUNDS: u32 = 5;

/// A path is forgotten in at most twice this. Longer than [`DRAIN_EVERY`], so that there is always a
/// drain in it.
const BASE_SPAN: Duration = Duration::from_secs(6);

/// For how long a link is known by the rate it once had; twice that at most. Whoever shares a link
/// with a flow that fills every queue holds its place for so long.
const PEAK_SPAN: Duration = Duration::from_secs(30);

/// Four rounds without full use every five seconds cost less than a thousandth at 40 ms.
const DRAIN_EVERY: Duration = Duration::from_secs(5);

/// A little below what fills the path, so that the queue does become empty.
const DRAIN: f64 = 0.95;

/// A quarter of the way each round: the rounds looked at lag by three, and more would swing.
const GAIN: f64 = 0.25;

/// After as many rounds without a queue as the lag is long, the link must have become faster.
const CALM_ROUNDS: u32 = 2;

/// Then the window doubles in six rounds.
const QUICK: f64 = 0.125;

/// What one round may add or take. The smallest of three rounds has to be long for a half to go, so
/// that no single stall of the path costs the window.
const MOST_RISE: f64 = 0.25;
const MOST_FALL: f64 = 0.5;

/// The window moves with the acks: down by half of what they bring, so that a log line never waits
/// for a whole round until there is room; up by a quarter, so that no burst makes a queue.
const FALL: f64 = 0.5;
const RISE: f64 = 0.25;

/// Whoever sends less than this share of the window is held back by something else.
const USED: f64 = 0.75;

/// Loss beyond chance before the window gives way: the queue is too short, or shared.
const MOST_EXCESS: f64 = 0.03;

/// Startup overshoots by up to a half; chance loses less than this part of a window.
const STARTUP_LOSS: f64 = 0.1;

/// Ten packets of UDP are 14 KiB; twice that saves a round trip, and is 50 ms at 5 Mbit/s.
const INITIAL_WINDOW: f64 = 32.0 * 1024.0;
