//! The whole way of a webhook, beside a direct POST to the same kind of app, in turn.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::Result;

use super::Scenario;
use crate::lab::{Lab, Machine};
use crate::report::{Bound, Row, Unit};
use crate::run::progress;
use crate::stage::{Size, Stage};
use crate::stats::Sample;
use crate::webhooks::{App, Inbox, Lanes, Laptop, Latencies, Load, PROVIDERS, Production};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "webhook-way",
    about: "webhooks of ten providers to the local app, beside direct POSTs to it",
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Result<Vec<Row>> {
    let lab = Lab::on_loopback()?;
    let production = Production::start(stage, &lab, &Inbox::new_file(stage)).await?;
    let app = App::start(&lab.client, PROVIDERS.len()).await?;
    let _laptop = Laptop::start(stage, &production, &app)?;
    let mut through = Road::new(&lab.server, production.address(), app).await?;
    let alone = App::start(&lab.client, PROVIDERS.len()).await?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, alone.port));
    let mut direct = Road::new(&lab.server, address, alone).await?;
    let (rounds, lasts) = match stage.size {
        Size::Full => (5, Duration::from_secs(4)),
        Size::Quick => (1, Duration::from_secs(2)),
    };
    for round in 0..=rounds {
        for road in [&mut direct, &mut through] {
            let took = road.play(lasts).await?;
            // The first warms up.
            if round > 0 {
                road.rounds.push(took);
            }
        }
        progress(&format!("  round {round} of {rounds}"));
    }
    rows(&through.rounds, &direct.rounds)
}

/// Senders, and the app that they reach.
struct Road {
    lanes: Lanes,
    app: App,
    rounds: Vec<Latencies>,
}

impl Road {
    async fn new(machine: &Machine, to: SocketAddr, app: App) -> Result<Self> {
        Ok(Self {
            lanes: Lanes::open(machine, to, 0..PROVIDERS.len()).await?,
            app,
            rounds: Vec::new(),
        })
    }

    /// Sends for a while, and waits until all has arrived.
    async fn play(&mut self, lasts: Duration) -> Result<Latencies> {
        let period = self.lanes.send(Load::paced(RATE, lasts)).await?;
        self.app.wait_for(self.lanes.sent()).await?;
        let mut took = Latencies::default();
        took.add(&self.lanes, &self.app, period)?;
        Ok(took)
    }
}

fn rows(through: &[Latencies], direct: &[Latencies]) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for (what, of, bars) in [
        (
            "app has it",
            Latencies::arrivals as Of,
            [Some(1.0), Some(5.0)],
        ),
        ("sender has its answer", Latencies::answers, [None, None]),
    ] {
        let [through, direct] = [through, direct].map(|rounds| Rounds::of(rounds, of));
        let (through, direct) = (through?, direct?);
        for (percent, bar) in [50, 99].into_iter().zip(bars) {
            let value = |sample: &Sample| sample.percentile(percent);
            let [whole, plain] = [&through, &direct].map(|it| value(&it.all));
            let millis = |value| Unit::Milliseconds.figure(value);
            let of_each = Sample::new(through.each.iter().map(value).collect())?;
            let (name, figure) = (format!("{what}, p{percent}"), millis(whole).among(&of_each));
            rows.push(Row::new(name, figure).beside("direct", millis(plain), None));
            let added = Row::new(format!("{what}, p{percent} added"), millis(whole - plain));
            rows.push(added.target(bar.map(Bound::AtMost)));
        }
    }
    Ok(rows)
}

type Of = fn(&Latencies) -> Result<Sample>;

/// What was measured, in all and round by round.
struct Rounds {
    all: Sample,
    each: Vec<Sample>,
}

impl Rounds {
    fn of(rounds: &[Latencies], of: Of) -> Result<Self> {
        let all = rounds.iter().fold(Latencies::default(), Latencies::and);
        Ok(Self {
            all: of(&all)?,
            each: rounds.iter().map(of).collect::<Result<_>>()?,
        })
    }
}

/// Deliveries a second, of all providers together: a busy shop.
const RATE: f64 = 500.0;
