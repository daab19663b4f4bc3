//! An hour of bad network, in virtual time: a log stream and one sync after the other run between the
//! real halves, and at the end every row is there once, and every log line came once or is counted.
//!
//! What goes wrong, and when, is drawn from a seed. A failure prints its seed, and
//! `CHAOS_SEED=4 cargo test -p features --test chaos` runs that hour alone. QUIC and the client's
//! patience draw luck of their own, so that a replay meets the same faults, not the same packets.
#![cfg(test)]

mod laptop;
mod log;
mod packets;
mod production;
mod server;
mod storm;
mod streams;

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use features::logs::Filter;
use features::logs::client::LogStream;
use features::logs::wire::{Follow, Open, Start};
use testkit::luck::Luck;
use testkit::net::Link;
use testkit::pair::Pair;
use testkit::stream::Path;
use testkit::web::Web;
use transport::backoff::BackoffPolicy;
use transport::keeper::{Dial, Keeper, Reconnect};

use crate::laptop::Syncs;
use crate::log::{Account, Log};
use crate::production::Tables;
use crate::server::{router, scopes};
use crate::storm::{Stage, storm};

#[tokio::test(start_paused = true)]
async fn every_row_and_every_line_survives_an_hour_of_bad_packets() {
    for seed in seeds() {
        let (tables, log) = (Tables::new(), Log::new());
        let router = router(&tables, &log.newest());
        let pair = Pair::serve(router, scopes(), Link::default());
        let dial = pair.dial_from(2);
        let pair = hour(seed, pair, dial, tables, log).await;
        pair.server.shutdown(Duration::from_secs(10)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn every_row_and_every_line_survives_an_hour_of_bad_streams() {
    for seed in seeds() {
        let (tables, log) = (Tables::new(), Log::new());
        let router = router(&tables, &log.newest());
        let web = Web::serve(router, scopes(), Path::default(), seed);
        let dial = web.dial();
        let web = hour(seed, web, dial, tables, log).await;
        web.server.shutdown(Duration::from_secs(10)).await;
    }
}

/// Plays an hour and looks at what came of it.
async fn hour<S: Stage>(
    seed: u64,
    mut stage: S,
    dial: Arc<dyn Dial>,
    tables: Tables,
    log: Log,
) -> S {
    // Shown if the hour fails.
    eprintln!("CHAOS_SEED={seed}");
    let keeper = Keeper::start(dial, PATIENT).await.expect("a session");
    let mut stream = LogStream::open(&keeper, FOLLOW).await.expect("a flow");

    let luck = |of: u64| Luck::new(seed << 8 | of);
    let (mut syncs, mut account, mut reader) = (Syncs::default(), Account::default(), luck(1));
    let over = Cell::new(false);
    let weather = async {
        let faults = tokio::select! {
            faults = storm(&mut stage, &tables, &log, luck(2)) => faults,
            never = log.keep_writing(luck(3)) => never,
        };
        // By the last line the reader knows that it has seen all.
        log.write(1);
        over.set(true);
        faults
    };
    let all = async {
        tokio::join!(
            weather,
            account.keep(&log, &mut stream, &mut reader, || over.get()),
            syncs.keep(&tables, &keeper, luck(4), || !over.get()),
        )
    };
    let ended = tokio::time::timeout(LONGEST, all).await;
    let seen = format!("{account:?}, {syncs:?}");
    let (faults, (), ()) = ended.unwrap_or_else(|_| panic!("it does not come to its end: {seen}"));
    let gone = account.close(&log);
    let (lines, _) = log.lines();
    eprintln!("{faults:?}, {lines} lines, {gone} gone, {seen}");
    // It was a storm, and not nothing but a storm.
    assert!(account.losses > 5 && account.counted + gone > 0, "{seen}");
    assert!(account.received > lines / 5 && syncs.whole > 5, "{seen}");
    keeper.close().await;
    stage
}

/// Returns the seed that is asked for, or some of which each takes a few seconds.
fn seeds() -> Vec<u64> {
    let asked = std::env::var_os("CHAOS_SEED");
    let asked = asked.map(|seed| seed.to_str().and_then(|seed| seed.parse().ok()));
    match asked {
        Some(seed) => vec![seed.expect("CHAOS_SEED is a number")],
        None => vec![1, 2, 3],
    }
}

/// The server may be away for minutes.
const PATIENT: Reconnect = Reconnect::On(BackoffPolicy {
    first: Duration::from_secs(1),
    longest: Duration::from_secs(4),
    attempts: None,
});

const FOLLOW: Open = Open {
    start: Start::Oldest,
    follow: Follow::On,
    filter: Filter::ALL,
};

/// After the storm what is left takes minutes.
const LONGEST: Duration = Duration::from_secs(2 * 60 * 60);
