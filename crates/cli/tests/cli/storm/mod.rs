//! Webhooks through a storm: whoever can die dies, at any moment, and each delivery still arrives.
//!
//! ```text
//! providers ─POST, again until 2xx─▶ tunnel-server ──▶ relay ──▶ tunnel webhook ─POST─▶ local app
//!                                      killed          cut          killed               killed
//! ```

mod ends;
mod providers;
mod relay;
mod verdict;

use std::time::Duration;

use testkit::luck::Luck;
use testkit::target::Heard;

use self::ends::Ends;
use self::providers::{PROVIDERS, Providers};
use self::verdict::Deaths;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_webhooks_arrive_through_fifty_kills_and_cuts() {
    let ends = Ends::with_sqlite().await;
    storm(ends, LARGE, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn webhooks_in_postgresql_arrive_through_kills_and_cuts() {
    let database = testkit::postgres::database().await;
    let ends = Ends::with_postgres(database.url()).await;
    storm(ends, SMALL, 2).await;
}

/// How much happens.
#[derive(Clone, Copy, Debug)]
struct Weather {
    /// How many deliveries each provider sends.
    each: usize,
    /// How many kills and cuts there are.
    blows: usize,
}

/// Who is struck.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Blow {
    Server,
    Laptop,
    App,
    Cut,
}

async fn storm(mut ends: Ends, weather: Weather, seed: u64) {
    let mut luck = Luck::new(seed);
    let mut deaths = Deaths::default();
    let providers = Providers::start(ends.server_address(), weather);
    for blow in 1..=weather.blows {
        // Deliveries come all through the storm, not all before it.
        providers.release(blow, weather);
        lull(&ends.heard, &mut luck).await;
        ends.revive();
        let blow = luck.one_of(&BLOWS);
        deaths.note(blow, &ends.heard);
        ends.strike(blow, &mut luck).await;
    }
    providers.release(weather.blows + 1, weather);
    let all = weather.each * PROVIDERS.len();
    let heard = ends.heard.clone();
    let arrived = verdict::all_arrived(&heard, all);
    if tokio::time::timeout(CALM, ends.while_reviving(arrived))
        .await
        .is_err()
    {
        let missing = verdict::missing(&heard, weather);
        panic!("not all have arrived:\n{missing}\n{}", ends.report());
    }
    providers.end().await;
    ends.end().await;
    verdict::judge(&ends.heard, weather, &deaths);
}

/// Waits until some more deliveries have arrived, or for a moment: blows fall on those who have not got
/// up yet, too.
async fn lull(heard: &Heard, luck: &mut Luck) {
    let more = heard.count() + usize::try_from(luck.below(30)).unwrap();
    let moment = luck.between(Duration::from_millis(50), Duration::from_millis(900));
    tokio::time::timeout(moment, heard.wait_for(more))
        .await
        .ok();
}

const LARGE: Weather = Weather {
    each: 250,
    blows: 50,
};

const SMALL: Weather = Weather {
    each: 50,
    blows: 12,
};

/// As often as each is struck, in proportion.
const BLOWS: [Blow; 8] = [
    Blow::Server,
    Blow::Server,
    Blow::Laptop,
    Blow::Laptop,
    Blow::Laptop,
    Blow::App,
    Blow::Cut,
    Blow::Cut,
];

/// How long it may take after the storm: no pause before a connection is tried again is longer.
const CALM: Duration = Duration::from_secs(30);
