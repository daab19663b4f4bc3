//! The round trips of late, for whoever asks how the way is: what the acks show anyway.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Remembers round trips, at most one in each slot of time.
#[derive(Clone, Debug)]
pub(super) struct History {
    began: Instant,
    samples: VecDeque<Sample>,
    /// The shortest of the ack that is being read.
    batch: Option<Duration>,
}

/// A round trip, small because there are many: a session that is asked nothing keeps hardly any.
#[derive(Clone, Copy, Debug)]
struct Sample {
    /// Milliseconds since the beginning.
    at: u32,
    micros: u32,
}

impl History {
    pub(super) const fn begin(now: Instant) -> Self {
        Self {
            began: now,
            samples: VecDeque::new(),
            batch: None,
        }
    }

    /// Notes a packet that has arrived.
    pub(super) fn acked(&mut self, now: Instant, sent: Instant) {
        let took = now.saturating_duration_since(sent);
        self.batch = Some(self.batch.map_or(took, |shortest| shortest.min(took)));
    }

    /// Notes the end of an ack. Its last packet counts: those before it have waited for the ack.
    pub(super) fn end_batch(&mut self, now: Instant) {
        let Some(took) = self.batch.take() else {
            return;
        };
        let at = self.millis(now);
        let last = self.samples.back();
        if last.is_some_and(|last| at.saturating_sub(last.at) < SLOT) {
            return;
        }
        if self.samples.len() == MOST {
            self.samples.pop_front();
        }
        self.samples.push_back(Sample {
            at,
            micros: u32::try_from(took.as_micros()).unwrap_or(u32::MAX),
        });
    }

    /// Returns the round trips that ended at this moment or later.
    pub(super) fn since(&self, since: Instant) -> Vec<Duration> {
        let since = self.millis(since);
        let samples = self.samples.iter().filter(|sample| sample.at >= since);
        samples
            .map(|sample| Duration::from_micros(sample.micros.into()))
            .collect()
    }

    fn millis(&self, at: Instant) -> u32 {
        let since = at.saturating_duration_since(self.began).as_millis();
        u32::try_from(since).unwrap_or(u32::MAX)
    }
}

/// Four kibibytes. A busy session fills it in ten seconds, one that only lives in hours.
const MOST: usize = 512;

/// In milliseconds: a sync brings thousands of acks a second, which all met the same queue.
const SLOT: u32 = 20;

#[cfg(test)]
mod tests {
    use super::*;

    const SLOT_TIME: Duration = Duration::from_millis(SLOT as u64);

    /// Lets acks come at each of these moments, all after this round trip.
    fn ack(history: &mut History, now: Instant, took: Duration) {
        // The packet before it waited for the ack.
        history.acked(now, now.checked_sub(2 * took).unwrap());
        history.acked(now, now.checked_sub(took).unwrap());
        history.end_batch(now);
    }

    fn start() -> Instant {
        Instant::now() + Duration::from_secs(60)
    }

    #[test]
    fn the_last_packet_of_an_ack_is_the_one_that_counts() {
        let now = start();
        let mut history = History::begin(now);
        ack(&mut history, now, Duration::from_millis(30));
        history.end_batch(now + SLOT_TIME);
        assert_eq!(history.since(now), [Duration::from_millis(30)]);
    }

    #[test]
    fn what_is_remembered_is_bounded_and_the_oldest_goes_first() {
        let mut now = start();
        let began = now;
        let mut history = History::begin(now);
        for round in 0..2 * MOST as u64 {
            now += SLOT_TIME;
            ack(&mut history, now, Duration::from_micros(round));
        }
        let kept = history.since(began);
        assert_eq!(kept.len(), MOST);
        assert_eq!(kept[0], Duration::from_micros(MOST as u64));
    }

    #[test]
    fn many_acks_at_once_count_as_one() {
        let now = start();
        let mut history = History::begin(now);
        for micros in 0..1000 {
            let at = now + Duration::from_micros(micros);
            ack(&mut history, at, Duration::from_millis(1));
        }
        assert_eq!(history.since(now).len(), 1);
    }

    #[test]
    fn the_handshake_which_computes_can_be_left_out() {
        let now = start();
        let mut history = History::begin(now);
        ack(&mut history, now, Duration::from_millis(90));
        let session = now + SLOT_TIME;
        ack(&mut history, session, Duration::from_millis(10));
        assert_eq!(history.since(session), [Duration::from_millis(10)]);
    }
}
