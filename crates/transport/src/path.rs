//! How the way to the peer is, as QUIC measures it on every packet.

use std::time::Duration;

use quinn::ConnectionStats;
use serde::{Deserialize, Serialize};

/// The way to the peer: quinn's counters of one session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Path {
    /// The round trip, smoothed over the last samples (RFC 9002, section 5.3).
    pub round_trip: Duration,
    /// The shortest round trip of the session: what is left when nothing waits on the way.
    pub shortest: Duration,
    /// How many packets this end has sent.
    pub sent_packets: u64,
    /// How many of them were lost.
    pub lost_packets: u64,
    /// How many bytes this end may have in flight.
    pub window: u64,
}

impl Path {
    /// Returns how long packets wait in queues on the way.
    #[must_use]
    pub const fn queueing(&self) -> Duration {
        self.round_trip.saturating_sub(self.shortest)
    }
}

impl From<&ConnectionStats> for Path {
    fn from(ConnectionStats { path, .. }: &ConnectionStats) -> Self {
        Self {
            round_trip: path.rtt,
            shortest: path.min_rtt,
            sent_packets: path.sent_packets,
            lost_packets: path.lost_packets,
            window: path.cwnd,
        }
    }
}
