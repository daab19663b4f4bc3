//! How many webhooks a second go the whole way, none of them lost and each in its order.

use std::time::Duration;

use anyhow::Result;

use super::Scenario;
use crate::lab::Lab;
use crate::report::{Bound, Figure, Row, Unit};
use crate::run::progress;
use crate::stage::{Size, Stage};
use crate::webhooks::{
    App, Inbox, Lanes, Laptop, Latencies, Load, PROVIDERS, Period, Production, Until,
};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "webhook-rate",
    about: "how many webhooks of 1 KiB a second reach the local app through a durable inbox",
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Result<Vec<Row>> {
    let lasts = match stage.size {
        Size::Full => Duration::from_secs(20),
        Size::Quick => Duration::from_secs(4),
    };
    let mut rows = Vec::new();
    let mut play = Play::start(stage, &Inbox::new_file(stage)).await?;
    rows.extend(play.paced("SQLite", lasts).await?);
    rows.extend(
        play.flat_out("SQLite", lasts, Some(Bound::AtLeast(RATE)))
            .await?,
    );
    drop(play);
    let database = stage.databases().await?.inbox().await?;
    let mut play = Play::start(stage, &Inbox::Postgres(database)).await?;
    rows.extend(play.flat_out("PostgreSQL", lasts, None).await?);
    Ok(rows)
}

/// A whole way.
struct Play {
    lanes: Lanes,
    app: App,
    _laptop: Laptop,
    _production: Production,
    _lab: Lab,
}

impl Play {
    /// Builds the way, and sends over it for a while that does not count.
    async fn start(stage: &Stage, inbox: &Inbox) -> Result<Self> {
        let lab = Lab::on_loopback()?;
        let production = Production::start(stage, &lab, inbox).await?;
        let app = App::start(&lab.client, LANES).await?;
        let laptop = Laptop::start(stage, &production, &app)?;
        let lanes = Lanes::open(&lab.server, production.address(), 0..LANES).await?;
        let mut play = Self {
            lanes,
            app,
            _laptop: laptop,
            _production: production,
            _lab: lab,
        };
        play.send(Load::paced(RATE / 3.0, WARM_UP)).await?;
        Ok(play)
    }

    /// Sends what the target speaks of, and says how late it is.
    async fn paced(&mut self, inbox: &str, lasts: Duration) -> Result<Vec<Row>> {
        let sent = self.send(Load::paced(RATE, lasts)).await?;
        let mut took = Latencies::default();
        took.add(&self.lanes, &self.app, sent.period)?;
        let arrivals = took.arrivals()?;
        let row = |percent| {
            let what = format!("{inbox}, {RATE} a second: app has it, p{percent}");
            Row::new(
                what,
                Unit::Milliseconds.figure(arrivals.percentile(percent)),
            )
        };
        Ok(vec![row(50), row(99)])
    }

    /// Sends as fast as the entry takes it.
    async fn flat_out(
        &mut self,
        inbox: &str,
        lasts: Duration,
        least: Option<Bound>,
    ) -> Result<Vec<Row>> {
        let sent = self.send(Load::flat_out(Until::After(lasts))).await?;
        let rate = |time: Duration| {
            let rate = sent.deliveries as f64 / time.as_secs_f64();
            Figure::new(rate, Unit::DeliveriesPerSecond)
        };
        let waiting = Figure::new(sent.waiting as f64, Unit::Deliveries);
        Ok(vec![
            Row::new(format!("{inbox}: taken"), rate(sent.period.length())).target(least),
            Row::new(format!("{inbox}: the whole way"), rate(sent.until_last))
                .target(least)
                .beside("waiting in the end", waiting, None),
        ])
    }

    /// Sends, and waits until all has arrived.
    async fn send(&mut self, load: Load) -> Result<Sent> {
        let before = self.lanes.sent();
        let period = self.lanes.send(load).await?;
        let waiting = self.lanes.sent() - self.app.total()?;
        let last = self.app.wait_for(self.lanes.sent()).await?;
        let sent = Sent {
            deliveries: self.lanes.sent() - before,
            period,
            waiting,
            until_last: last.saturating_duration_since(period.since),
        };
        progress(&format!(
            "  {} deliveries taken in {:.1} s, the last there after {:.1} s",
            sent.deliveries,
            period.length().as_secs_f64(),
            sent.until_last.as_secs_f64()
        ));
        Ok(sent)
    }
}

/// What came of a load.
struct Sent {
    deliveries: u64,
    period: Period,
    /// How many were not there when the last one was taken.
    waiting: u64,
    until_last: Duration,
}

/// Four connections for each provider, which do not wait for each other.
const LANES: usize = 4 * PROVIDERS.len();

/// Deliveries a second.
const RATE: f64 = 3_000.0;

/// For connections, caches and the clock of the processors.
const WARM_UP: Duration = Duration::from_secs(2);
