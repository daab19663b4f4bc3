//! What a session does whose carrier is cut: how soon the first line arrives when it is back.
//!
//! UDP is cut by a link that loses all; WebSocket by an edge that ends its connections and takes no
//! others. What it takes to come to an edge again and to be upgraded is TCP's, TLS's and HTTP's
//! time: there it counts from the upgrade.

use std::time::Duration;

use anyhow::{Context as _, Result};

use super::Scenario;
use crate::lab::{Congestion, Lab};
use crate::link::{Udp, Way};
use crate::report::{Bound, Figure, Row, Unit};
use crate::run::progress;
use crate::stage::{Size, Stage};
use crate::stats::Sample;
use crate::traffic::{Clock, Flow, Joined as _, Ours, Over, Tally};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "carrier-cut",
    about: "a carrier that is cut for 1.5 s: the first line after it is back, in round trips",
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for (link, way) in stage.links(&["home"])? {
        for carrier in [Carrier::Udp, Carrier::WebSocket] {
            if carrier == Carrier::Udp && way.udp == Udp::Dropped {
                continue;
            }
            let took = measure(stage, way, carrier).await?;
            let what = format!("{link}, {}", carrier.name());
            let row = Row::new(what, Figure::median(&took, Unit::RoundTrips));
            rows.push(row.target(Bound::AtMost(5.0)));
        }
    }
    Ok(rows)
}

/// What is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Carrier {
    Udp,
    WebSocket,
}

impl Carrier {
    const fn name(self) -> &'static str {
        match self {
            Self::Udp => "UDP",
            Self::WebSocket => "WebSocket, from the upgrade",
        }
    }
}

/// Cuts a session's carrier again and again.
async fn measure(stage: &Stage, way: Way, carrier: Carrier) -> Result<Sample> {
    let lab = Lab::emulated(way, Congestion::Bbr, SEED)?;
    let clock = Clock::start();
    let server = Ours::serve(&lab, clock).await?;
    let over = match carrier {
        Carrier::Udp => Over::Udp,
        Carrier::WebSocket => Over::WebSocket,
    };
    let session = lab.client.run(server.dial(over)?).await?;
    let tally = Tally::new(clock);
    let lines = session.receive(Flow::Lines, tally.clone());
    lab.client
        .start("lines", lines)
        .context("the machine has ended")?;
    let mut took = Vec::new();
    for round in 0..rounds(stage.size) {
        tokio::time::sleep(BETWEEN + STEP * round).await;
        let back = cut(&lab, &server, carrier, clock).await?;
        let first = first_after(&tally, back).await?;
        let waited = (first - back).as_secs_f64();
        progress(&format!("  {}: {:.0} ms", carrier.name(), waited * 1e3));
        took.push(waited / way.round_trip().as_secs_f64());
    }
    Sample::new(took)
}

/// Cuts the carrier, and returns when it was back.
async fn cut(lab: &Lab, server: &Ours, carrier: Carrier, clock: Clock) -> Result<Duration> {
    match carrier {
        Carrier::Udp => {
            let wire = lab.wire.as_ref().context("there is no wire to cut")?;
            wire.cut();
            tokio::time::sleep(CUT).await;
            wire.mend();
            Ok(clock.now())
        }
        Carrier::WebSocket => {
            let edge = server.edge();
            edge.cut();
            tokio::time::sleep(CUT).await;
            let upgraded = edge.next_answer();
            edge.mend();
            Ok(clock.at(tokio::time::timeout(LONGEST, upgraded).await??))
        }
    }
}

/// Waits for the first line that arrives after a moment, and returns when it did.
async fn first_after(tally: &Tally, moment: Duration) -> Result<Duration> {
    let arrived = async {
        loop {
            let after = tally.lines_that(|line| line.arrived > moment);
            if let Some(first) = after.first() {
                return first.arrived;
            }
            tokio::time::sleep(LOOK).await;
        }
    };
    let arrived = tokio::time::timeout(LONGEST, arrived).await;
    arrived.context("no line has arrived since the carrier is back")
}

const CUT: Duration = Duration::from_millis(1_500);

/// For the session to be as before.
const BETWEEN: Duration = Duration::from_secs(2);

/// So that each cut meets other timers.
const STEP: Duration = Duration::from_millis(137);

const fn rounds(size: Size) -> u32 {
    match size {
        Size::Full => 7,
        Size::Quick => 2,
    }
}

/// A session that has not come back by then is lost.
const LONGEST: Duration = Duration::from_secs(10);

const LOOK: Duration = Duration::from_millis(5);

const SEED: u64 = 1;
