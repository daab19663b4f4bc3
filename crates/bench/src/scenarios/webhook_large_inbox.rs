//! How soon the entry answers with a million deliveries in its inbox, beside one with a thousand.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use rusqlite::Connection;
use tokio::task::spawn_blocking;

use super::Scenario;
use crate::lab::Lab;
use crate::report::{Bound, Row, Unit};
use crate::run::progress;
use crate::stage::{Size, Stage};
use crate::stats::Sample;
use crate::webhooks::{Inbox, Lanes, Latencies, Load, PROVIDERS, Production, Until};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "webhook-large-inbox",
    about: "how soon providers are answered by an inbox of a million, beside one of a thousand",
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Result<Vec<Row>> {
    let (doublings, rounds, lasts) = match stage.size {
        Size::Full => (10, 5, Duration::from_secs(4)),
        Size::Quick => (7, 1, Duration::from_secs(2)),
    };
    let lab = Lab::on_loopback()?;
    let few = thousand(stage, &lab).await?;
    let many = stage.new_file("many.db");
    std::fs::copy(&few, &many).context("copy an inbox")?;
    double(many.clone(), doublings).await?;
    let mut few = Side::start(stage, &lab, few).await?;
    let mut many = Side::start(stage, &lab, many).await?;
    for round in 0..=rounds {
        for side in [&mut few, &mut many] {
            let period = side.lanes.send(Load::paced(RATE, lasts)).await?;
            // The first warms up.
            if round > 0 {
                side.took.add_answers(&side.lanes, period);
            }
        }
        progress(&format!("  round {round} of {rounds}"));
    }
    let (few, many) = (few.took.answers()?, many.took.answers()?);
    let row = |percent, most| {
        let [few, many] =
            [&few, &many].map(|it: &Sample| Unit::Milliseconds.figure(it.percentile(percent)));
        let what = format!("{} deliveries: p{percent}", BEFORE << doublings);
        Row::new(what, many).beside(format!("{BEFORE}"), few, Bound::AtMost(most))
    };
    Ok(vec![row(50, 1.1), row(99, 1.5)])
}

/// A server, and what sends to it.
struct Side {
    lanes: Lanes,
    took: Latencies,
    _production: Production,
}

impl Side {
    async fn start(stage: &Stage, lab: &Lab, inbox: PathBuf) -> Result<Self> {
        let production = Production::start(stage, lab, &Inbox::Sqlite(inbox)).await?;
        // Other lanes than those that have filled it, whose deliveries it knows.
        let lanes = PROVIDERS.len()..2 * PROVIDERS.len();
        Ok(Self {
            lanes: Lanes::open(&lab.server, production.address(), lanes).await?,
            took: Latencies::default(),
            _production: production,
        })
    }
}

/// Makes an inbox with a thousand deliveries, by sending them.
async fn thousand(stage: &Stage, lab: &Lab) -> Result<PathBuf> {
    let path = stage.new_file("few.db");
    let production = Production::start(stage, lab, &Inbox::Sqlite(path.clone())).await?;
    let mut lanes = Lanes::open(&lab.server, production.address(), 0..PROVIDERS.len()).await?;
    let each = BEFORE / PROVIDERS.len();
    lanes.send(Load::flat_out(Until::Each(each))).await?;
    production.stop().await?;
    Ok(path)
}

/// Doubles what is in an inbox, several times: sending a million would take minutes.
async fn double(path: PathBuf, times: u32) -> Result<()> {
    progress("  makes an inbox of many deliveries");
    let work = move || {
        let connection = Connection::open(&path)?;
        connection.execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; BEGIN")?;
        for _ in 0..times {
            connection.execute_batch(DOUBLE)?;
        }
        connection.execute_batch("COMMIT; PRAGMA journal_mode = WAL")?;
        sync(&path)
    };
    spawn_blocking(work).await?.context("double an inbox")
}

/// What an earlier write has left to the system is on disk before a measurement begins.
fn sync(path: &Path) -> Result<()> {
    Ok(std::fs::File::open(path)?.sync_all()?)
}

/// What each delivery has is copied under a sequence, an id and a key of its own.
const DOUBLE: &str = "
INSERT INTO contents SELECT sequence + (SELECT last FROM totals), head, body FROM contents;
INSERT INTO deliveries SELECT sequence + (SELECT last FROM totals), provider,
    number + (SELECT count FROM providers WHERE name = provider), received, missing, randomblob(16), event,
    CASE WHEN key IS NULL THEN NULL ELSE randomblob(length(key)) END, verification,
    answered, length, size, repeats, state, attempts, status FROM deliveries;
UPDATE providers SET last = last + (SELECT last FROM totals), count = count * 2, kept = kept * 2;
UPDATE totals SET last = last * 2, bytes = bytes * 2;";

/// How many are sent.
const BEFORE: usize = 1_000;

/// Deliveries a second, of all providers together.
const RATE: f64 = 500.0;
