//! The cuts of a follow: where they are, and when one is due.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use testkit::luck::Luck;

use super::SoFar;
use crate::stage::Relay;

/// Cuts that are yet to be made, and how many were.
#[derive(Debug)]
pub(super) struct Cuts {
    /// In how many lines each of them is, in order.
    places: VecDeque<u64>,
    made: u64,
    /// How many lines had come when the last was over.
    came: u64,
}

impl Cuts {
    /// Draws places among so many lines. The last lines have none: a cut that is made late meets a
    /// follow that goes on.
    pub(super) fn draw(cuts: u64, lines: u64) -> Self {
        let mut luck = Luck::new(SEED);
        let mut places: Vec<_> = (0..cuts).map(|_| luck.below(lines / 10 * 9)).collect();
        places.sort_unstable();
        Self {
            places: places.into(),
            made: 0,
            came: 0,
        }
    }

    /// Makes them all, unless the end comes first, and returns how many were made. The end is that
    /// of the other half of `end`: however a run ends, nobody goes on cutting.
    pub(super) fn make(mut self, relay: &Relay, so_far: &SoFar, end: &Receiver<Infallible>) -> u64 {
        while !self.places.is_empty() {
            // One that meets no connection is none.
            let cut = self.is_due(so_far) && relay.cut() > 0;
            let waited = end.recv_timeout(if cut { OVER } else { LOOK });
            if cut {
                self.note(so_far);
            }
            if waited == Err(RecvTimeoutError::Disconnected) {
                break;
            }
        }
        self.made
    }

    /// Whether the next place is written, and the client follows: a line has come since the last cut.
    /// It may take longer to come back than to the next place, and if each of its connections were cut
    /// as soon as it is there, it would never say hello.
    fn is_due(&self, so_far: &SoFar) -> bool {
        let next = self.places.front();
        next.is_some_and(|&place| so_far.written() >= place) && so_far.received() > self.came
    }

    /// Notes that one is over.
    fn note(&mut self, so_far: &SoFar) {
        self.places.pop_front();
        self.made += 1;
        self.came = so_far.received();
    }
}

/// By then what was read before a cut has come, and whatever comes has come over another connection.
const OVER: Duration = Duration::from_millis(200);

/// A hundred lines.
const LOOK: Duration = Duration::from_millis(1);

const SEED: u64 = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_that_does_not_follow_is_not_cut_however_many_cuts_are_late() {
        let so_far = SoFar::default();
        let mut cuts = Cuts::draw(20, 1_000_000);
        so_far.note_written(1_000_000);
        assert!(!cuts.is_due(&so_far), "nothing has come yet");
        so_far.note_received(1);
        assert!(cuts.is_due(&so_far));
        cuts.note(&so_far);
        assert!(!cuts.is_due(&so_far), "it is not back yet");
        so_far.note_received(2);
        assert!(cuts.is_due(&so_far));
    }

    #[test]
    fn each_cut_waits_for_its_place() {
        let so_far = SoFar::default();
        let mut cuts = Cuts::draw(20, 1_000_000);
        let places = cuts.places.clone();
        assert!(places.iter().all(|&place| place < 900_000));
        for (number, place) in places.into_iter().enumerate() {
            so_far.note_received(number as u64 + 1);
            so_far.note_written(place - 1);
            assert!(!cuts.is_due(&so_far), "{place}");
            so_far.note_written(place);
            assert!(cuts.is_due(&so_far), "{place}");
            cuts.note(&so_far);
        }
        assert!(!cuts.is_due(&so_far));
    }

    #[tokio::test]
    async fn nobody_goes_on_cutting_after_the_end_of_a_run() {
        let relay = Relay::to(0).await.unwrap();
        let (end, ended) = std::sync::mpsc::channel();
        drop(end);
        let so_far = SoFar::default();
        so_far.note_written(1_000_000);
        so_far.note_received(1);
        assert_eq!(Cuts::draw(20, 1_000_000).make(&relay, &so_far, &ended), 0);
    }
}
