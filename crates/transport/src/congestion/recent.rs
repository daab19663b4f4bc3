//! The smallest or largest value of the last while, in two buckets of time.

use std::time::{Duration, Instant};

/// Remembers the best value for one to two spans.
#[derive(Clone, Debug)]
pub(super) struct Recent {
    better: fn(f64, f64) -> f64,
    span: Duration,
    since: Instant,
    older: Option<f64>,
    newer: Option<f64>,
}

impl Recent {
    /// Remembers the smallest value.
    pub(super) fn smallest(span: Duration, now: Instant) -> Self {
        Self::new(f64::min, span, now)
    }

    /// Remembers the largest value.
    pub(super) fn largest(span: Duration, now: Instant) -> Self {
        Self::new(f64::max, span, now)
    }

    fn new(better: fn(f64, f64) -> f64, span: Duration, now: Instant) -> Self {
        Self {
            better,
            span,
            since: now,
            older: None,
            newer: None,
        }
    }

    /// Takes a value into account.
    pub(super) fn insert(&mut self, now: Instant, value: f64) {
        if now.saturating_duration_since(self.since) >= self.span {
            self.since = now;
            self.older = self.newer.take();
        }
        self.newer = Some(self.newer.map_or(value, |best| (self.better)(best, value)));
    }

    /// Forgets everything but this value.
    pub(super) fn reset(&mut self, now: Instant, value: f64) {
        self.since = now;
        self.older = None;
        self.newer = Some(value);
    }

    /// Returns the best value, if there is any yet.
    pub(super) fn best(&self) -> Option<f64> {
        match (self.older, self.newer) {
            (Some(older), Some(newer)) => Some((self.better)(older, newer)),
            (older, newer) => older.or(newer),
        }
    }
}
