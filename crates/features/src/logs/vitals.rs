//! What there is to say about the log: how full it is, and what is missing in it.

use std::sync::Arc;
use std::time::Duration;

use super::clock::nanos;
use super::mark::Event;
use super::ring::Ring;
use crate::parts::ServerParts;
use crate::vitals::{Check, Observed, Reading};

/// What a ring's marks have told since the server started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Noted {
    /// Lines that never came into the ring, because the app wrote faster than they could be read.
    dropped: Happened,
    /// How often a source of lines was away.
    away: Happened,
    /// Whether the disk has failed, so that lines are in memory alone.
    is_disk_lost: bool,
}

/// How often something happened, and when it did last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Happened {
    times: u64,
    last: Option<u64>,
}

impl Noted {
    /// Notes what a mark tells, in nanoseconds since 1970.
    pub(super) fn note(&mut self, now: u64, event: &Event) {
        match event {
            Event::ServerStarted { .. } => *self = Self::default(),
            Event::Dropped { lines, .. } => self.dropped.note(now, *lines),
            Event::SourceAway { .. } => self.away.note(now, 1),
            Event::DiskLost { .. } => self.is_disk_lost = true,
            Event::DiskBack => self.is_disk_lost = false,
            Event::AppStarted { .. } | Event::AppEnded { .. } => {}
        }
    }
}

impl Happened {
    fn note(&mut self, now: u64, times: u64) {
        self.times = self.times.saturating_add(times);
        self.last = Some(now);
    }

    /// Warns if it happened of late.
    fn reading(self, now: u64, note: &str) -> Reading {
        let lately = |last| now.saturating_sub(last) < nanos(LATELY);
        let reading = if self.last.is_some_and(lately) {
            Reading::warn(note)
        } else {
            Reading::pass()
        };
        reading.seen(Observed::Count(self.times))
    }
}

/// Registers what there is to say.
pub(super) fn register(parts: &ServerParts) {
    let ring = Arc::clone(&parts.ring);
    parts.vitals.several(USED, move || {
        let checks = checks(&ring);
        async move { checks }
    });
}

fn checks(ring: &Ring) -> Vec<Check> {
    let (noted, now) = ring.noted();
    let used = Reading::pass()
        .seen(Observed::Bytes(ring.usage().bytes))
        .of(Observed::Bytes(ring.config().max_bytes as u64));
    let dropped = noted
        .dropped
        .reading(now, "the app writes more lines than can be read");
    let away = noted
        .away
        .reading(now, "a source of lines was away: some may be missing");
    let mut checks = vec![
        Check::new(USED, used),
        Check::new("logs:dropped", dropped),
        Check::new("logs:sourcesAway", away),
    ];
    if ring.is_stored() {
        checks.push(Check::new("logs:disk", disk(noted.is_disk_lost)));
    }
    checks
}

fn disk(is_lost: bool) -> Reading {
    if is_lost {
        let reading = Reading::warn("its disk fails or is full: another start loses the lines");
        return reading.seen(Observed::State("lost".to_owned()));
    }
    Reading::pass().seen(Observed::State("in use".to_owned()))
}

const USED: &str = "logs:used";

/// What was lost longer ago has been seen, or is of no use any more.
const LATELY: Duration = Duration::from_secs(10 * 60);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vitals::Verdict;

    fn dropped(lines: u64) -> Event {
        Event::Dropped { lines, bytes: 1 }
    }

    #[test]
    fn what_is_lost_warns_for_a_while_and_is_counted_until_the_next_start() {
        let mut noted = Noted::default();
        noted.note(nanos(LATELY), &dropped(3));
        noted.note(nanos(LATELY) + 1, &dropped(4));
        let at = |noted: Noted, now| noted.dropped.reading(now, "some are missing");
        let soon = at(noted, nanos(LATELY) + 2);
        assert_eq!(soon.verdict, Verdict::Warn);
        assert_eq!(soon.observed, Some(Observed::Count(7)));
        let late = at(noted, 2 * nanos(LATELY) + 1);
        assert_eq!(late.verdict, Verdict::Pass);
        assert_eq!(late.observed, Some(Observed::Count(7)));
        let before = super::super::Before::Ended;
        let started = Event::ServerStarted {
            commit: None,
            before,
        };
        noted.note(nanos(LATELY) + 3, &started);
        assert_eq!(noted, Noted::default());
    }

    #[test]
    fn a_disk_that_is_lost_is_told_until_it_is_back() {
        let mut noted = Noted::default();
        let reason = String::new();
        noted.note(1, &Event::DiskLost { reason });
        assert!(noted.is_disk_lost);
        noted.note(2, &Event::DiskBack);
        assert!(!noted.is_disk_lost);
    }
}
