//! What came of the deliveries of a while.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::{App, Lanes};
use crate::stats::Sample;

/// From one moment to another.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Period {
    pub(crate) since: Instant,
    pub(crate) until: Instant,
}

/// How long deliveries took, in milliseconds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Latencies {
    /// Until the app had them whole.
    pub(crate) arrival: Vec<Duration>,
    /// Until their senders had the answer.
    pub(crate) answer: Vec<Duration>,
}

impl Period {
    pub(crate) fn holds(self, moment: Instant) -> bool {
        (self.since..=self.until).contains(&moment)
    }

    pub(crate) fn length(self) -> Duration {
        self.until - self.since
    }
}

impl Latencies {
    /// Adds what was sent in a period, all of which has reached the app.
    pub(crate) fn add(&mut self, lanes: &Lanes, app: &App, period: Period) -> Result<()> {
        for (name, sent) in lanes.during(period) {
            let at = app.at(name).context("a delivery has not arrived")?;
            self.arrival.push(at.saturating_duration_since(sent.began));
        }
        self.add_answers(lanes, period);
        Ok(())
    }

    /// Adds what was sent in a period, whether it has reached an app or not.
    pub(crate) fn add_answers(&mut self, lanes: &Lanes, period: Period) {
        let took = lanes
            .during(period)
            .map(|(_, sent)| sent.answered.saturating_duration_since(sent.began));
        self.answer.extend(took);
    }

    /// Returns these and those.
    pub(crate) fn and(mut self, more: &Self) -> Self {
        self.arrival.extend(&more.arrival);
        self.answer.extend(&more.answer);
        self
    }

    pub(crate) fn arrivals(&self) -> Result<Sample> {
        Sample::millis(self.arrival.iter().copied())
    }

    pub(crate) fn answers(&self) -> Result<Sample> {
        Sample::millis(self.answer.iter().copied())
    }
}
