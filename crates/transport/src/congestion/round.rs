//! What one round trip shows: from an instant until the first packet sent after it is acknowledged.

use std::time::Instant;

/// A round under way.
#[derive(Clone, Debug)]
pub(super) struct Round {
    began: Instant,
    smallest_rtt: f64,
    samples: u32,
    acked: f64,
    lost: f64,
    most_in_flight: f64,
    batch: f64,
    over: bool,
}

/// What a round showed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Report {
    /// The smallest round trip, in seconds.
    pub(super) rtt: f64,
    /// Bytes a second that were acknowledged, but no more than were in flight for a round trip: where
    /// acks stall and then come at once, a round has those of two.
    pub(super) rate: f64,
    /// The share of bytes that were lost.
    pub(super) loss: f64,
    /// The most bytes that were in flight.
    pub(super) in_flight: f64,
}

impl Round {
    pub(super) fn begin(now: Instant) -> Self {
        Self {
            began: now,
            smallest_rtt: f64::INFINITY,
            samples: 0,
            acked: 0.0,
            lost: 0.0,
            most_in_flight: 0.0,
            batch: 0.0,
            over: false,
        }
    }

    pub(super) fn acked(&mut self, sent: Instant, rtt: f64, bytes: f64) {
        self.smallest_rtt = self.smallest_rtt.min(rtt);
        self.samples += 1;
        self.acked += bytes;
        self.batch += bytes;
        self.over |= sent >= self.began;
    }

    pub(super) fn lost(&mut self, bytes: f64) {
        self.lost += bytes;
    }

    /// Notes the end of an ack that left this much in flight.
    pub(super) fn end_batch(&mut self, in_flight: f64) {
        self.most_in_flight = self.most_in_flight.max(in_flight + self.batch);
        self.batch = 0.0;
    }

    /// Returns whether a packet sent since the beginning has been acknowledged.
    pub(super) fn is_over(&self) -> bool {
        self.over
    }

    /// Returns the smallest round trip once there are enough samples to trust it.
    pub(super) fn rtt_so_far(&self) -> Option<f64> {
        (self.samples >= ENOUGH_SAMPLES).then_some(self.smallest_rtt)
    }

    /// Returns how much was lost so far.
    pub(super) fn lost_so_far(&self) -> f64 {
        self.lost
    }

    /// Returns the most that was in flight so far.
    pub(super) fn in_flight(&self) -> f64 {
        self.most_in_flight
    }

    pub(super) fn report(&self, now: Instant) -> Report {
        let took = now.saturating_duration_since(self.began).as_secs_f64();
        let rtt = self.smallest_rtt.max(SHORTEST_ROUND);
        Report {
            rtt: self.smallest_rtt,
            rate: (self.acked / took.max(SHORTEST_ROUND)).min(self.most_in_flight / rtt),
            loss: self.lost / (self.acked + self.lost).max(1.0),
            in_flight: self.most_in_flight,
        }
    }
}

/// One late ack says little; HyStart (RFC 9406) asks for eight samples as well.
const ENOUGH_SAMPLES: u32 = 8;

/// Keeps a clock that stands still from making a rate without end.
const SHORTEST_ROUND: f64 = 1e-6;
