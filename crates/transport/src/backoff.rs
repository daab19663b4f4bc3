//! How long to wait before the next try: the policy, apart from whoever waits.

use std::time::Duration;

use ring::rand::{SecureRandom, SystemRandom};

/// Exponential back-off with jitter: each wait is twice the last, up to a bound, and shortened by
/// up to a half at random so that many clients do not come back in step.
#[derive(Clone, Debug)]
pub struct Backoff {
    policy: BackoffPolicy,
    tries: u32,
}

/// The numbers of a [`Backoff`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BackoffPolicy {
    /// The wait before the first try anew.
    pub first: Duration,
    /// No wait is longer.
    pub longest: Duration,
    /// How many tries there are; without end if `None`.
    pub attempts: Option<u32>,
}

/// One try anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Counts from 1.
    pub number: u32,
    /// How long to wait before it.
    pub delay: Duration,
}

impl Default for BackoffPolicy {
    /// What the package before this one did: 5 tries, the first after 3 seconds.
    fn default() -> Self {
        Self {
            first: Duration::from_secs(3),
            // A laptop that comes back from sleep should not be kept waiting longer.
            longest: Duration::from_secs(30),
            attempts: Some(5),
        }
    }
}

impl Backoff {
    /// Starts before the first try anew.
    #[must_use]
    pub const fn new(policy: BackoffPolicy) -> Self {
        Self { policy, tries: 0 }
    }

    /// Returns the next try, or `None` when all are used up.
    pub fn next_attempt(&mut self) -> Option<Attempt> {
        if self.policy.attempts.is_some_and(|most| self.tries >= most) {
            return None;
        }
        // 2^20 times the first wait is beyond every bound that makes sense.
        let factor = 1_u32 << self.tries.min(20);
        self.tries = self.tries.saturating_add(1);
        let full = self
            .policy
            .first
            .saturating_mul(factor)
            .min(self.policy.longest);
        Some(Attempt {
            number: self.tries,
            delay: full.mul_f64(1.0 - random_fraction() / 2.0),
        })
    }

    /// Starts over, after a connection that held.
    pub const fn reset(&mut self) {
        self.tries = 0;
    }
}

/// Returns a number from 0 up to 1; 0 if the system has no randomness to give, which costs only
/// the jitter.
fn random_fraction() -> f64 {
    let mut bytes = [0; 2];
    if SystemRandom::new().fill(&mut bytes).is_err() {
        return 0.0;
    }
    f64::from(u16::from_le_bytes(bytes)) / 65_536.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(attempts: Option<u32>) -> BackoffPolicy {
        BackoffPolicy {
            first: Duration::from_secs(1),
            longest: Duration::from_secs(8),
            attempts,
        }
    }

    #[test]
    fn waits_double_up_to_the_bound_and_lose_at_most_half() {
        let mut backoff = Backoff::new(policy(None));
        for full in [1.0, 2.0, 4.0, 8.0, 8.0] {
            let delay = backoff.next_attempt().unwrap().delay.as_secs_f64();
            assert!(
                delay > full / 2.0 - 1e-9 && delay <= full,
                "{delay} of {full}"
            );
        }
    }

    #[test]
    fn tries_are_used_up_and_come_back_after_a_reset() {
        let mut backoff = Backoff::new(policy(Some(2)));
        let numbers: Vec<_> = std::iter::from_fn(|| backoff.next_attempt())
            .map(|attempt| attempt.number)
            .collect();
        assert_eq!(numbers, [1, 2]);
        backoff.reset();
        assert_eq!(backoff.next_attempt().unwrap().number, 1);
    }

    #[test]
    fn a_thousand_tries_do_not_overflow() {
        let mut backoff = Backoff::new(policy(None));
        for _ in 0..1000 {
            assert!(backoff.next_attempt().unwrap().delay <= Duration::from_secs(8));
        }
    }
}
