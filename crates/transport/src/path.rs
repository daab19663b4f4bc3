//! How the way to the peer is, as QUIC measures it on every packet.

use std::time::{Duration, SystemTime};

use quinn::Connection;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::congestion;

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
    /// The round trips of late; `None` while there are too few to say anything.
    pub round_trips: Option<RoundTrips>,
    /// When the certificate expires that the server showed on the way, where there was one.
    pub certificate_expires: Option<SystemTime>,
}

/// What some round trips were like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoundTrips {
    /// How many there were.
    pub count: u32,
    /// The shortest.
    pub shortest: Duration,
    /// What half of them did not exceed (nearest rank, as for the others).
    pub p50: Duration,
    /// What 95 of a hundred did not exceed.
    pub p95: Duration,
    /// What 99 of a hundred did not exceed.
    pub p99: Duration,
}

impl RoundTrips {
    /// Sums up; `None` if there are none.
    #[must_use]
    pub fn of(mut all: Vec<Duration>) -> Option<Self> {
        all.sort_unstable();
        let percentile = |percent: usize| {
            let rank = (all.len() * percent).div_ceil(100).max(1);
            all.get(rank - 1).copied()
        };
        Some(Self {
            count: u32::try_from(all.len()).unwrap_or(u32::MAX),
            shortest: percentile(0)?,
            p50: percentile(50)?,
            p95: percentile(95)?,
            p99: percentile(99)?,
        })
    }
}

impl Path {
    /// Returns how long packets wait in queues on the way.
    #[must_use]
    pub const fn queueing(&self) -> Duration {
        self.round_trip.saturating_sub(self.shortest)
    }
}

impl Path {
    /// Looks at the way of a session that began at this moment.
    pub(crate) fn of(connection: &Connection, since: Instant) -> Self {
        let path = connection.stats().path;
        let all = congestion::round_trips(connection.congestion_state(), since.into_std());
        Self {
            round_trip: path.rtt,
            shortest: path.min_rtt,
            sent_packets: path.sent_packets,
            lost_packets: path.lost_packets,
            window: path.cwnd,
            round_trips: RoundTrips::of(all).filter(|all| all.count >= ENOUGH),
            certificate_expires: None,
        }
    }
}

/// With fewer the 95th of a hundred would be the slowest.
const ENOUGH: u32 = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_round_trips_that_were() {
        let millis = Duration::from_millis;
        let all = RoundTrips::of((1..=100).rev().map(millis).collect()).unwrap();
        assert_eq!(
            [all.shortest, all.p50, all.p95, all.p99],
            [1, 50, 95, 99].map(millis)
        );
        assert_eq!(all.count, 100);
        let one = RoundTrips::of(vec![millis(7)]).unwrap();
        assert_eq!([one.shortest, one.p50, one.p99], [millis(7); 3]);
        assert_eq!(RoundTrips::of(Vec::new()), None);
    }
}
