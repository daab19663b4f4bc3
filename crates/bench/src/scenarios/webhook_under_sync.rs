//! The whole way of webhooks while a sync takes all that a link gives, beside log lines of the same
//! session at the same time.
//!
//! ```text
//! Lanes ───────▶ tunnel-server ══ one session, with a sync in it ══▶ here ──▶ App
//! write-lines ─▶               ══════════════════════════════════▶ here
//! ```

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, anyhow, ensure};
use client::logs::Filter;
use client::logs::client::LogItem;
use client::logs::wire::{Follow, Open, Start as LogStart};
use client::webhooks::client::{Forwarding, Posting, Signer, SigningPolicy, Targets};
use client::webhooks::providers::OwnSecrets;
use client::webhooks::system_clock;
use client::webhooks::wire::Start;
use client::{Reconnect, TunnelClient};
use transport::choice::CarrierChoice;

use super::Scenario;
use crate::lab::{Congestion, Lab};
use crate::lines::{Source, latency_of};
use crate::link::Way;
use crate::report::{Bound, Row, Unit};
use crate::run::progress;
use crate::stage::{Size, Stage, courses_into};
use crate::stats::Sample;
use crate::webhooks::{
    App, Extras, Inbox, Lanes, Latencies, Load, PROVIDERS, Period, Production, Until,
};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "webhook-under-sync",
    about: "webhooks during a sync in the same session, beside log lines at the same time",
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Result<Vec<Row>> {
    let own: &[_] = match stage.size {
        Size::Full => &["home", "mobile"],
        Size::Quick => &["home"],
    };
    let mut rows = Vec::new();
    for (link, way) in stage.links(own)? {
        let took = over(stage, way).await?;
        let (webhooks, lines) = (took.webhooks.arrivals()?, Sample::millis(took.lines)?);
        progress(&format!(
            "  {link}: {} webhooks and {} lines",
            webhooks.len(),
            lines.len()
        ));
        for (percent, above) in [(50, None), (99, Some(ABOVE))] {
            let [webhook, line] = [&webhooks, &lines].map(|it| it.percentile(percent));
            let row = Row::new(
                format!("{link}: p{percent}"),
                Unit::Milliseconds.figure(webhook),
            );
            let most = above.map(|above| Bound::AtMost(line + above));
            let line = Unit::Milliseconds.figure(line);
            rows.push(row.target(most).beside("log line", line, None));
        }
    }
    Ok(rows)
}

/// What came while there was a sync.
#[derive(Default)]
struct Took {
    webhooks: Latencies,
    lines: Vec<Duration>,
}

async fn over(stage: &Stage, way: Way) -> Result<Took> {
    let lab = Lab::emulated(way, Congestion::Bbr, SEED)?;
    let mut lines = Source::ticking()?;
    let extras = Extras {
        database: Some(stage.sqlite_source(stage.size.rows()).await?),
        lines: Some(lines.pipe()?),
    };
    let inbox = Inbox::new_file(stage);
    let production = Production::start_with(stage, &lab, &inbox, extras).await?;
    let app = App::start(&lab.client, PROVIDERS.len()).await?;
    let mut lanes = Lanes::open(&lab.server, production.address(), 0..PROVIDERS.len()).await?;
    let url = production.url();
    let laptop = Laptop {
        url: url.parse()?,
        secret: stage.secret().clone(),
        port: app.port,
        journals: stage.new_file("journals"),
        syncs: (0..MOST_SYNCS)
            .map(|_| format!("sqlite://{}", stage.new_file("local.db").display()))
            .collect(),
        least: match stage.size {
            Size::Full => Duration::from_secs(20),
            Size::Quick => Duration::from_secs(4),
        },
    };
    let over = Arc::new(AtomicBool::new(false));
    let load = Load {
        rate: Some(RATE),
        until: Until::Told(Arc::clone(&over)),
    };
    let heard = async {
        let heard = lab.client.run(laptop.follow()).await;
        over.store(true, Ordering::Relaxed);
        heard
    };
    let (heard, sent) = tokio::join!(heard, lanes.send(load));
    let heard = heard?;
    sent?;
    let mut took = Took::default();
    for period in heard.busy {
        took.webhooks.add(&lanes, &app, period)?;
        let lines = heard
            .lines
            .iter()
            .filter(|(written, _)| period.holds(*written));
        took.lines.extend(lines.map(|(_, latency)| latency));
    }
    Ok(took)
}

/// The client's end: one session with everything in it.
struct Laptop {
    url: client::ServerAddress,
    secret: client::Secret,
    /// The local app's.
    port: u16,
    /// Where it notes what it has posted, as the program does.
    journals: PathBuf,
    /// Where each sync goes.
    syncs: Vec<String>,
    /// How long there is to be a sync.
    least: Duration,
}

/// What a laptop heard.
struct Heard {
    busy: Vec<Period>,
    lines: Vec<Line>,
}

/// When a line was written, and how long it took.
type Line = (Instant, Duration);

impl Laptop {
    async fn follow(self) -> Result<Heard> {
        let client = TunnelClient::builder()
            .server(self.url.clone())
            .carrier(CarrierChoice::Udp)
            .secret(self.secret.clone())
            .reconnect(Reconnect::Off)
            .connect()
            .await
            .map_err(|error| anyhow!("{}", error.chain()))?;
        let mut lines = Vec::new();
        let busy = tokio::select! {
            busy = self.sync(&client) => busy?,
            ended = hear_lines(&client, &mut lines) => ended?,
            ended = self.forward(&client) => ended?,
        };
        client.disconnect().await;
        Ok(Heard { busy, lines })
    }

    /// Syncs until it has been long enough, and returns when there was a sync.
    async fn sync(&self, client: &TunnelClient) -> Result<Vec<Period>> {
        tokio::time::sleep(SETTLED).await;
        let (mut busy, mut loaded) = (Vec::new(), Duration::ZERO);
        for database in &self.syncs {
            let since = Instant::now();
            client.sync_data(&courses_into(database)?, |_| {}).await?;
            let until = Instant::now();
            loaded += until - since;
            busy.push(Period { since, until });
            progress(&format!("  {:.1} s under load", loaded.as_secs_f64()));
            // What was sent during the sync is to arrive before the session ends.
            tokio::time::sleep(SETTLED).await;
            if loaded >= self.least {
                return Ok(busy);
            }
        }
        Err(anyhow!("{MOST_SYNCS} syncs were over too soon"))
    }

    async fn forward<T>(&self, client: &TunnelClient) -> Result<T> {
        let target = format!("http://127.0.0.1:{}", self.port).parse()?;
        let mut webhooks = client.forward_webhooks(Forwarding {
            follower: "bench".to_owned(),
            targets: Targets::all(target),
            events: Vec::new(),
            start: Start::Since(0),
            posting: Posting {
                signer: Arc::new(Signer {
                    policy: SigningPolicy::Auto,
                    secrets: OwnSecrets::new(&[1; 32]),
                    asked: Default::default(),
                }),
                longest: Duration::from_secs(30),
                clock: system_clock(),
            },
            journals: Some(self.journals.clone()),
        });
        loop {
            webhooks.next().await?.context("the webhooks have ended")?;
        }
    }
}

async fn hear_lines<T>(client: &TunnelClient, lines: &mut Vec<Line>) -> Result<T> {
    let mut logs = client
        .stream_logs(Open {
            start: LogStart::Tail(0),
            follow: Follow::On,
            filter: Filter::ALL,
        })
        .await?;
    loop {
        let item = logs.next().await?.context("the log has ended")?;
        let (here, now) = (
            Instant::now(),
            SystemTime::now().duration_since(UNIX_EPOCH)?,
        );
        ensure!(
            !matches!(item, LogItem::Missed(_)),
            "lines are missing: {item:?}"
        );
        let LogItem::Entry(entry) = item else {
            continue;
        };
        let latency = entry.line().and_then(|line| latency_of(&line.message, now));
        lines.extend(latency.and_then(|it| Some((here.checked_sub(it)?, it))));
    }
}

/// Webhooks a second, of all providers together: as many as there are lines.
const RATE: f64 = 100.0;

/// How much longer than a line's the whole way of a webhook may be, in milliseconds.
const ABOVE: f64 = 10.0;

/// The link's luck, the same in every run.
const SEED: u64 = 1;

/// The first of each pays for the opening of its channel, and the last are still on their way.
const SETTLED: Duration = Duration::from_secs(1);

/// A million rows take six seconds on the fastest link.
const MOST_SYNCS: usize = 8;
