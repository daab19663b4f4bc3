//! The demo production's logs: three services that write as three kinds of program do, about
//! three lines a second, with a burst now and then.

use std::future::Future;
use std::pin::pin;
use std::time::{Duration, SystemTime};

use tokio::time::{Instant, sleep_until};

use self::service::{Level, Service};
use super::calendar::Moment;
use super::draw::Draw;

mod api;
mod billing;
mod service;
mod worker;

#[cfg(test)]
mod tests;

/// The log lines of the demo production, without end.
///
/// What the lines say and how long they are apart is the same every time; only the times that
/// they carry follow from the start.
#[derive(Clone, Debug)]
pub struct Logs {
    draw: Draw,
    start: SystemTime,
    /// When the next line is written.
    next: SystemTime,
    burst: Option<Burst>,
}

/// Many lines of one service at once.
#[derive(Clone, Copy, Debug)]
struct Burst {
    service: Service,
    mood: Mood,
    left: u64,
}

/// How it goes for a service.
#[derive(Clone, Copy, Debug)]
enum Mood {
    /// All is well.
    Calm,
    /// Something that the service needs is not there.
    Trouble,
}

impl Logs {
    /// Begins the lines at a time: fifty were written before it, the last just then.
    #[must_use]
    pub fn starting(start: SystemTime) -> Self {
        // Billing has just had a bad moment, so that who asks for errors sees some at once.
        let incident = Burst {
            service: Service::Billing,
            mood: Mood::Trouble,
            left: 12,
        };
        let mut logs = Self {
            draw: Draw::for_the("logs"),
            start,
            next: start,
            burst: Some(incident),
        };
        let mut ahead = logs.clone();
        for _ in 1..HISTORY {
            ahead.line();
        }
        let span = ahead.next.duration_since(start).unwrap_or_default();
        logs.next = start.checked_sub(span).unwrap_or(start);
        logs
    }

    /// Hands each line that was written up to the start, with its service's name, to `feed`.
    pub fn write_past(&mut self, mut feed: impl FnMut(&str, &str)) {
        while self.next <= self.start {
            let (service, line) = self.line();
            feed(service.name(), &line);
        }
    }

    /// Hands each line, with its service's name, to `feed` when it is due, until `stop` is done.
    /// What was written before the start, and not handed over yet, is due at once.
    ///
    /// Cancel-safe: dropping the future ends the lines, and none is ever handed over in part.
    pub async fn write_logs(
        mut self,
        mut feed: impl FnMut(&str, &str),
        stop: impl Future<Output = ()>,
    ) {
        let begun = Instant::now();
        let mut stop = pin!(stop);
        loop {
            let due = begun + self.next.duration_since(self.start).unwrap_or_default();
            tokio::select! {
                biased;
                () = &mut stop => return,
                () = sleep_until(due) => {}
            }
            let (service, line) = self.line();
            feed(service.name(), &line);
        }
    }

    /// Writes the next line, and decides when the one after it comes.
    fn line(&mut self) -> (Service, String) {
        let (service, mood, wait) = match self.burst {
            Some(burst) => (burst.service, burst.mood, self.draw.within(HURRY)),
            None => (self.service(), Mood::Calm, self.draw.within(PACE)),
        };
        let level = self.level(mood);
        let line = service.line(level, Moment::of(self.next), &mut self.draw);
        self.next += Duration::from_millis(wait);
        self.burst = match self.burst {
            Some(burst) => (burst.left > 1).then_some(Burst {
                left: burst.left - 1,
                ..burst
            }),
            None => self.draw.chance(BURSTS).then(|| self.burst()),
        };
        (service, line)
    }

    fn burst(&mut self) -> Burst {
        let mood = if self.draw.chance(30) {
            Mood::Trouble
        } else {
            Mood::Calm
        };
        Burst {
            service: self.service(),
            mood,
            left: self.draw.within(BURST),
        }
    }

    /// Draws who writes: the API has the most to say.
    fn service(&mut self) -> Service {
        match self.draw.below(100) {
            0..=59 => Service::Api,
            60..=84 => Service::Worker,
            _ => Service::Billing,
        }
    }

    fn level(&mut self, mood: Mood) -> Level {
        let drawn = self.draw.below(100);
        match mood {
            Mood::Calm => match drawn {
                0..=5 => Level::Debug,
                6..=91 => Level::Info,
                92..=97 => Level::Warn,
                _ => Level::Error,
            },
            Mood::Trouble => match drawn {
                0..=44 => Level::Info,
                45..=79 => Level::Warn,
                _ => Level::Error,
            },
        }
    }
}

/// How many lines there are at the start: as many as one asks for with `--tail 50`.
const HISTORY: usize = 50;

/// The milliseconds between two lines when all is calm, and in a burst. With a burst of twenty
/// after every fiftieth line this makes three lines a second.
const PACE: std::ops::RangeInclusive<u64> = 50..=860;
const HURRY: std::ops::RangeInclusive<u64> = 5..=45;

/// After how many of a hundred calm lines a burst begins, and how long it is.
const BURSTS: u64 = 2;
const BURST: std::ops::RangeInclusive<u64> = 8..=32;
