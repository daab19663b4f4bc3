//! One direction of a link: when a packet arrives, if it does.

use std::time::{Duration, Instant};

use crate::link::Way;

/// One direction of a link, with what waits in its queue and its luck.
#[derive(Debug)]
pub(super) struct Path {
    way: Way,
    /// When the last byte of the queue has left.
    free: Instant,
    luck: u64,
}

impl Path {
    /// Makes a path with an empty queue. The same seed gives the same luck.
    pub(super) fn new(way: Way, seed: u64) -> Self {
        // A generator of this kind stands still at zero.
        Self {
            way,
            free: Instant::now(),
            luck: seed.max(1),
        }
    }

    /// Takes in a packet of so many bytes, headers and all, and returns when it arrives; `None` if
    /// it is lost.
    pub(super) fn pass(&mut self, now: Instant, length: usize) -> Option<Instant> {
        let rate = self.way.rate as f64;
        let length = length as f64;
        let begins = self.free.max(now);
        let waiting = (begins - now).as_secs_f64() * rate;
        if waiting + length > self.way.queue as f64 {
            return None;
        }
        self.free = begins + Duration::from_secs_f64(length / rate);
        // What is lost on the air has taken its time there.
        let lost = self.draw() % 1000 < u64::from(self.way.loss);
        (!lost).then(|| self.free + self.way.delay)
    }

    /// Draws a number: Marsaglia's xorshift.
    fn draw(&mut self) -> u64 {
        self.luck ^= self.luck << 13;
        self.luck ^= self.luck >> 7;
        self.luck ^= self.luck << 17;
        self.luck
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::Udp;

    /// A packet of 1,000 bytes takes a millisecond.
    const WAY: Way = Way {
        rate: 1_000_000,
        delay: Duration::from_millis(20),
        queue: 10_000,
        loss: 0,
        udp: Udp::Passes,
    };
    const PACKET: usize = 1_000;

    #[test]
    fn a_packet_arrives_after_its_own_length_and_the_delay() {
        let mut path = Path::new(WAY, 1);
        let now = Instant::now();
        let arrives = path.pass(now, PACKET).unwrap();
        assert_eq!(arrives - now, Duration::from_millis(21));
    }

    #[test]
    fn packets_wait_for_those_before_them_and_no_longer() {
        let mut path = Path::new(WAY, 1);
        let now = Instant::now();
        let arrive: Vec<_> = (0..3)
            .map(|_| (path.pass(now, PACKET).unwrap() - now).as_millis())
            .collect();
        assert_eq!(arrive, [21, 22, 23]);
        let later = now + Duration::from_secs(1);
        assert_eq!((path.pass(later, PACKET).unwrap() - later).as_millis(), 21);
    }

    #[test]
    fn a_full_queue_drops_until_there_is_room_again() {
        let mut path = Path::new(WAY, 1);
        let now = Instant::now();
        let arrived = (0..30).filter(|_| path.pass(now, PACKET).is_some()).count();
        assert_eq!(arrived, 10);
        let later = now + Duration::from_millis(3);
        assert_eq!(
            (0..30)
                .filter(|_| path.pass(later, PACKET).is_some())
                .count(),
            3
        );
    }

    #[test]
    fn loss_is_as_frequent_as_it_is_said_and_repeats_with_its_seed() {
        let lost = |seed| {
            let mut path = Path::new(
                Way {
                    loss: 10,
                    queue: u64::MAX,
                    ..WAY
                },
                seed,
            );
            let now = Instant::now();
            (0..100_000)
                .filter(|_| path.pass(now, PACKET).is_none())
                .collect::<Vec<_>>()
        };
        let one = lost(1);
        assert!(
            (900..1_100).contains(&one.len()),
            "{} of 100,000 are lost",
            one.len()
        );
        assert_eq!(one, lost(1));
        assert_ne!(one, lost(2));
    }
}
