//! Log lines beside a bulk flow that takes all it gets, over the links that users have.
//!
//! What is measured is the session, without databases: two channels of the priorities that logs
//! and sync have. Beside it stands yamux over WebSocket, which is what others do.

use std::time::Duration;

use anyhow::{Context as _, Result};

use super::Scenario;
use crate::lab::{Congestion, Lab};
use crate::link::{Udp, Way};
use crate::report::{Bound, Figure, Row, Unit};
use crate::run::progress;
use crate::stage::{Size, Stage};
use crate::stats::Sample;
use crate::traffic::{Lines, Means, Measured, Times, measure};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "log-latency-under-sync",
    about: "log lines beside an endless bulk flow, and its share of emulated links",
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for (link, way) in stage.links(links(stage.size))? {
        let mut runs = Vec::new();
        for &setting in SETTINGS.iter().filter(|setting| setting.is_for(way)) {
            let lab = Lab::emulated(way, setting.congestion, SEED)?;
            let measured = measure(&lab, setting.means, times(stage.size, setting.means)).await?;
            let run = Run::new(link, way, setting, measured)?;
            progress(&format!("  {}", run.summary()));
            runs.push(run);
        }
        for run in &runs {
            rows.extend(run.rows(&runs)?);
        }
    }
    Ok(rows)
}

/// What is measured on a link, and what TCP's congestion control is there.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Setting {
    means: Means,
    congestion: Congestion,
}

impl Setting {
    const fn new(means: Means, congestion: Congestion) -> Self {
        Self { means, congestion }
    }

    fn is_for(self, way: Way) -> bool {
        match self.means {
            Means::Udp => way.udp == Udp::Passes,
            Means::WebSocket | Means::Yamux | Means::PlainQuic => true,
            // Without loss it takes the whole link, which is no news.
            Means::Tcp => way.loss > 0,
        }
    }

    fn name(self) -> String {
        match self.means {
            Means::Udp => self.means.name().to_owned(),
            over_tcp => format!("{}, {}", over_tcp.name(), self.congestion.name()),
        }
    }
}

/// What came of a setting on a link.
#[derive(Debug)]
struct Run {
    link: &'static str,
    way: Way,
    setting: Setting,
    lines: Option<Lines>,
    /// Of the link's bytes, in per cent.
    share: f64,
    /// What of them was bulk's own.
    payload: Figure,
}

impl Run {
    fn new(link: &'static str, way: Way, setting: Setting, measured: Measured) -> Result<Self> {
        let carried = measured.carried.context("the link has not counted")?;
        Ok(Self {
            link,
            way,
            setting,
            lines: measured.lines,
            share: carried / way.rate as f64 * 100.0,
            payload: Figure::new(measured.payload * 8e-6, Unit::MegabitsPerSecond),
        })
    }

    fn summary(&self) -> String {
        let (what, share) = (self.what("bulk"), Unit::Percent.figure(self.share));
        match &self.lines {
            None => format!("{what} {share}"),
            Some(Lines { idle, loaded }) => format!(
                "{what} {share}; log p50 {:.1} ms, p99 {:.1} ms; idle {:.1} and {:.1} ms",
                loaded.median(),
                loaded.percentile(99),
                idle.median(),
                idle.percentile(99)
            ),
        }
    }

    fn rows(&self, all: &[Self]) -> Result<Vec<Row>> {
        let bar = Bar::of(self.link, self.setting);
        let mut rows = Vec::new();
        if let Some(lines) = &self.lines {
            rows.push(self.latency("log p50", lines, Sample::median, None));
            rows.push(self.latency("log p99", lines, |all| all.percentile(99), bar.latency));
        }
        let share = |run: &Self| Unit::Percent.figure(run.share);
        let row = Row::new(self.what("bulk, of the link"), share(self));
        rows.push(match bar.share {
            Some(Share::OfPlainTcp(least)) => {
                let plain = Setting::new(Means::Tcp, self.setting.congestion);
                let plain = all.iter().find(|run| run.setting == plain);
                let plain = plain.context("plain TCP was not measured")?;
                row.beside("plain TCP", share(plain), Bound::AtLeast(least))
            }
            Some(Share::OfLink(least)) => {
                row.target(Bound::AtLeast(least))
                    .beside("payload", self.payload, None)
            }
            None => row.beside("payload", self.payload, None),
        });
        Ok(rows)
    }

    fn latency(
        &self,
        what: &str,
        lines: &Lines,
        value: fn(&Sample) -> f64,
        bar: Option<Latency>,
    ) -> Row {
        let [idle, loaded] =
            [&lines.idle, &lines.loaded].map(|sample| Unit::Milliseconds.figure(value(sample)));
        let round_trip = self.way.round_trip().as_secs_f64() * 1e3;
        let (own, ratio) = match bar {
            None => (None, None),
            Some(Latency::OfIdle(times)) => (None, Some(Bound::AtMost(times))),
            Some(Latency::Millis(most)) => (Some(Bound::AtMost(most)), None),
            // A line that met no loss: the median.
            Some(Latency::AboveIdle { round_trips }) => {
                let most = lines.idle.median() + round_trips * round_trip;
                (Some(Bound::AtMost(most)), None)
            }
        };
        Row::new(self.what(what), loaded)
            .target(own)
            .beside("idle", idle, ratio)
    }

    fn what(&self, what: &str) -> String {
        format!("{}, {}: {what}", self.link, self.setting.name())
    }
}

/// What is demanded of a setting on a link.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Bar {
    latency: Option<Latency>,
    share: Option<Share>,
}

/// What a line may take beside bulk, at the 99th percentile.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Latency {
    /// So many times what it takes alone.
    OfIdle(f64),
    /// So much more than a line that is alone and meets no loss.
    AboveIdle { round_trips: f64 },
    /// So many milliseconds.
    Millis(f64),
}

/// What bulk has to take at least.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Share {
    /// In per cent of the link, headers and all.
    OfLink(f64),
    /// As a part of what plain TCP takes in the same run.
    OfPlainTcp(f64),
}

impl Bar {
    fn of(link: &str, Setting { means, congestion }: Setting) -> Self {
        let bar = |latency, share| Self {
            latency: Some(latency),
            share: Some(share),
        };
        let above_idle = |round_trips| Latency::AboveIdle { round_trips };
        match (link, means, congestion) {
            ("home", Means::Udp, _) => bar(Latency::OfIdle(1.5), Share::OfLink(90.0)),
            ("home", Means::WebSocket, _) => bar(Latency::OfIdle(2.0), Share::OfLink(90.0)),
            ("home-lossy", Means::Udp, _) => bar(above_idle(1.7), Share::OfLink(80.0)),
            ("home-lossy", Means::WebSocket, Congestion::Bbr) => {
                bar(above_idle(3.0), Share::OfLink(65.0))
            }
            ("home-lossy", Means::WebSocket, Congestion::Cubic) => {
                bar(above_idle(3.0), Share::OfPlainTcp(0.85))
            }
            ("bloated", Means::Udp | Means::WebSocket, _) => {
                bar(Latency::Millis(65.0), Share::OfLink(95.0))
            }
            _ => Self::default(),
        }
    }
}

const fn times(size: Size, means: Means) -> Times {
    let (idle, warm_up, loaded) = match size {
        Size::Full => (3_000, 3_000, 12_000),
        Size::Quick => (1_500, 2_000, 4_000),
    };
    Times {
        idle: match means {
            Means::Tcp => None,
            _ => Some(Duration::from_millis(idle)),
        },
        warm_up: Duration::from_millis(warm_up),
        loaded: Duration::from_millis(loaded),
    }
}

/// Those with targets first; quickly, no others.
const fn links(size: Size) -> &'static [&'static str] {
    match size {
        Size::Full => &["home", "home-lossy", "bloated", "mobile", "far", "bad"],
        Size::Quick => &["home", "home-lossy"],
    }
}

const SETTINGS: &[Setting] = &[
    // TCP has no part in it.
    Setting::new(Means::Udp, Congestion::Bbr),
    Setting::new(Means::WebSocket, Congestion::Bbr),
    Setting::new(Means::WebSocket, Congestion::Cubic),
    Setting::new(Means::Yamux, Congestion::Bbr),
    Setting::new(Means::Tcp, Congestion::Bbr),
    Setting::new(Means::Tcp, Congestion::Cubic),
];

/// The same luck for all, as far as they send the same.
const SEED: u64 = 1;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::Link;

    #[test]
    fn every_link_that_a_target_speaks_of_is_there() {
        for link in links(Size::Full) {
            assert!(Link::named(link).unwrap().way.is_some(), "{link}");
        }
    }

    #[test]
    fn what_has_a_target_is_measured() {
        for link in ["home", "home-lossy", "bloated"] {
            let way = Link::named(link).unwrap().way.unwrap();
            let with_target = SETTINGS.iter().filter(|setting| {
                setting.is_for(way) && Bar::of(link, **setting) != Bar::default()
            });
            assert_eq!(with_target.count(), 3, "{link}");
        }
    }

    #[test]
    fn without_udp_the_rest_is_measured() {
        let way = Link::named("home-no-udp").unwrap().way.unwrap();
        assert!(!SETTINGS[0].is_for(way));
        assert!(SETTINGS[1].is_for(way));
    }
}
