//! What must hold after the storm.

use std::collections::BTreeMap;
use std::sync::Arc;

use testkit::target::{Heard, Posted};

use super::providers::{PROVIDERS, body};
use super::{Blow, Weather};

/// The deaths after which a delivery may come once more, and how much the app had heard then.
#[derive(Debug, Default)]
pub(super) struct Deaths {
    /// Of the laptop and of the app.
    at_home: Vec<usize>,
    /// Of the server.
    away: Vec<usize>,
}

impl Deaths {
    /// Notes a blow that falls now.
    pub(super) fn note(&mut self, blow: Blow, heard: &Heard) {
        // The laptop may die between the POST and its receipt, and the app between the POST and its
        // answer. A server that dies, or a connection, is no reason to post anything again.
        match blow {
            Blow::Laptop | Blow::App => self.at_home.push(heard.count()),
            Blow::Server => self.away.push(heard.count()),
            Blow::Cut => {}
        }
    }

    /// Counts those before the post at this place.
    fn before(&self, place: usize) -> usize {
        self.at_home.partition_point(|&heard| heard <= place)
    }

    /// Whether the server may have died before it had noted that it offered what was posted first and
    /// last at these places: then nobody is left who knows of the first.
    fn forgot(&self, first: usize, last: usize) -> bool {
        // What is on its way when somebody dies, of each provider.
        let since = first.saturating_sub(2 * PROVIDERS.len());
        self.away.iter().any(|heard| (since..=last).contains(heard))
    }
}

/// A post of a provider.
struct Arrival {
    number: usize,
    posted: Arc<Posted>,
    /// How many posts of all providers were before it.
    place: usize,
}

/// Waits until so many different webhooks have arrived.
pub(super) async fn all_arrived(heard: &Heard, count: usize) {
    let mut posts = count;
    loop {
        heard.wait_for(posts).await;
        let different: usize = arrivals(heard)
            .values()
            .map(|all| first_times(all).count())
            .sum();
        if different == count {
            return;
        }
        posts = heard.count() + 1;
    }
}

/// Says which have not arrived.
pub(super) fn missing(heard: &Heard, weather: Weather) -> String {
    let arrivals = arrivals(heard);
    let missing_of = |provider: &str| -> Vec<usize> {
        let all = arrivals.get(provider).map_or(&[][..], Vec::as_slice);
        let is_there = |number: &usize| all.iter().any(|it| it.number == *number);
        (0..weather.each)
            .filter(|number| !is_there(number))
            .collect()
    };
    let lines = PROVIDERS.map(|provider| format!("{provider} {:?}", missing_of(provider)));
    lines.join("\n")
}

/// Holds what the app has heard against what was sent and who died.
pub(super) fn judge(heard: &Heard, weather: Weather, deaths: &Deaths) {
    let arrivals = arrivals(heard);
    for provider in PROVIDERS {
        let all = &arrivals[provider];
        let order: Vec<_> = first_times(all).map(|arrival| arrival.number).collect();
        assert_eq!(
            order,
            (0..weather.each).collect::<Vec<_>>(),
            "{provider}'s order"
        );
        all.iter().for_each(|arrival| judge_post(provider, arrival));
        judge_repeats(provider, all, deaths);
    }
}

/// Each post is what was sent, to where it belongs.
fn judge_post(provider: &str, Arrival { number, posted, .. }: &Arrival) {
    assert_eq!(posted.body, body(provider, *number), "{provider} {number}");
    assert_eq!(posted.target, format!("/{provider}"));
    assert_eq!(posted.header("tunnel-verification"), "verified");
}

/// Each post is of the next webhook or of the last one again, which then has the same id and says so; and
/// there are no more repeats than deaths before them.
fn judge_repeats(provider: &str, all: &[Arrival], deaths: &Deaths) {
    let id = |arrival: &Arrival| arrival.posted.header("tunnel-delivery").to_owned();
    let mut repeats = 0;
    for pair in all.windows(2) {
        let [before, after] = pair else { continue };
        let number = after.number;
        if number != before.number {
            assert_eq!(number, before.number + 1, "{provider} goes back");
            assert_ne!(id(before), id(after), "{provider} {number}");
            continue;
        }
        repeats += 1;
        let attempt: u32 = after.posted.header("tunnel-attempt").parse().unwrap();
        assert_eq!(id(before), id(after), "{provider} {number}");
        let forgotten = deaths.forgot(before.place, after.place);
        assert!(
            attempt > 1 || forgotten,
            "{provider} {number} says attempt {attempt}"
        );
        let died = deaths.before(after.place);
        assert!(
            repeats <= died,
            "{provider} {number}: repeat {repeats} after {died} deaths"
        );
    }
}

/// Returns those that came for the first time.
fn first_times(all: &[Arrival]) -> impl Iterator<Item = &Arrival> {
    let mut seen = std::collections::BTreeSet::new();
    all.iter()
        .filter(move |arrival| seen.insert(arrival.number))
}

fn arrivals(heard: &Heard) -> BTreeMap<String, Vec<Arrival>> {
    let mut arrivals: BTreeMap<String, Vec<Arrival>> = BTreeMap::new();
    for (place, posted) in heard.all().into_iter().enumerate() {
        let event = posted.header("x-storm-id").to_owned();
        let (provider, number) = event.rsplit_once('-').expect("as it was sent");
        let number = number.parse().expect("as it was sent");
        let provider = arrivals.entry(provider.to_owned()).or_default();
        provider.push(Arrival {
            number,
            posted,
            place,
        });
    }
    arrivals
}
