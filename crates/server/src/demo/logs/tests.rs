//! The lines are what they claim to be, come at their pace, and are there from the start.

use std::collections::BTreeMap;
use std::time::UNIX_EPOCH;

use serde_json::Value;
use tokio::time::sleep;

use super::*;

/// A line as it came: when, from whom, and what.
type Came = (Duration, String, String);

#[tokio::test(start_paused = true)]
async fn a_tail_of_fifty_lines_is_there_at_once() {
    let came = lines_within(Duration::ZERO).await;
    assert_eq!(came.len(), HISTORY);
    for level in ["debug", "info", "warn", "error"] {
        assert!(
            came.iter().any(|line| level_of(line) == level),
            "somebody filters by {level}"
        );
    }
    assert_eq!(
        time_of(&came[HISTORY - 1]),
        Moment::of(start()).to_millisecond()
    );
    assert!(came.is_sorted_by_key(time_of), "they are in order");
    assert!(came.iter().all(|line| *time_of(line) > *"2026-08-31T23:59"));
}

#[tokio::test(start_paused = true)]
async fn an_hour_has_every_level_of_every_service_and_is_mostly_calm() {
    let mut levels = BTreeMap::<_, usize>::new();
    let came = lines_within(HOUR).await;
    for line in &came {
        *levels.entry((line.1.clone(), level_of(line))).or_default() += 1;
    }
    assert_eq!(levels.len(), 3 * 4, "{levels:?}");
    let of = |wanted| {
        levels
            .iter()
            .filter(|((_, level), _)| *level == wanted)
            .map(|(_, n)| n)
            .sum::<usize>()
    };
    assert!(of("info") * 10 > came.len() * 7, "{levels:?}");
    assert!(
        of("warn") * 100 > came.len() * 3 && of("error") * 100 > came.len(),
        "{levels:?}"
    );
    assert!(of("error") < of("warn"), "{levels:?}");
}

#[tokio::test(start_paused = true)]
async fn three_lines_come_a_second_and_bursts_are_faster() {
    let came = lines_within(HOUR).await;
    let a_second = (came.len() - HISTORY) as f64 / HOUR.as_secs_f64();
    assert!((2.7..3.3).contains(&a_second), "{a_second}");
    let mut by_second = BTreeMap::<_, usize>::new();
    for (at, ..) in &came[HISTORY..] {
        *by_second.entry(at.as_secs()).or_default() += 1;
    }
    assert!(
        by_second.values().any(|lines| *lines >= 20),
        "a burst comes within the hour"
    );
}

#[tokio::test(start_paused = true)]
async fn each_line_is_handed_over_when_its_own_time_says() {
    for line in lines_within(Duration::from_secs(60))
        .await
        .iter()
        .skip(HISTORY)
    {
        assert_eq!(time_of(line), Moment::of(start() + line.0).to_millisecond());
    }
}

#[tokio::test(start_paused = true)]
async fn the_past_needs_no_time_and_is_what_would_come_first() {
    let mut past = Vec::new();
    let feed = |service: &str, line: &str| past.push((service.to_owned(), line.to_owned()));
    Logs::starting(start()).write_past(feed);
    let came = lines_within(Duration::ZERO).await;
    let first = came.into_iter().map(|(_, service, line)| (service, line));
    assert_eq!(past.len(), HISTORY);
    assert!(past.into_iter().eq(first.take(HISTORY)));
}

#[tokio::test(start_paused = true)]
async fn the_same_start_gives_the_same_lines() {
    let minute = Duration::from_secs(60);
    assert_eq!(lines_within(minute).await, lines_within(minute).await);
}

async fn lines_within(time: Duration) -> Vec<Came> {
    let begun = Instant::now();
    let mut came = Vec::new();
    let feed = |service: &str, line: &str| {
        came.push((begun.elapsed(), service.to_owned(), line.to_owned()));
    };
    // A millisecond more, so that what is due at the end still comes.
    Logs::starting(start())
        .write_logs(feed, sleep(time + Duration::from_millis(1)))
        .await;
    came
}

fn start() -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(Moment::TODAY.millis())
}

/// Reads the level as a reader of the service's format does.
fn level_of((_, service, line): &Came) -> &'static str {
    let level = match service.as_str() {
        "api" => match json(line)["level"].as_u64() {
            Some(20) => "debug",
            Some(30) => "info",
            Some(40) => "warn",
            Some(50) => "error",
            other => panic!("{other:?} in {line}"),
        }
        .to_owned(),
        "worker" => line.split_whitespace().nth(1).unwrap().to_lowercase(),
        "billing" => logfmt(line).remove("level").unwrap(),
        other => panic!("no such service: {other}"),
    };
    ["debug", "info", "warn", "error"]
        .iter()
        .find(|known| **known == level)
        .unwrap()
}

/// Reads the time as a reader of the service's format does.
fn time_of((_, service, line): &Came) -> String {
    match service.as_str() {
        "api" => {
            let time = Duration::from_millis(json(line)["time"].as_u64().unwrap());
            Moment::of(UNIX_EPOCH + time).to_millisecond()
        }
        "worker" => line.split(' ').next().unwrap().to_owned(),
        _ => logfmt(line).remove("time").unwrap(),
    }
}

fn json(line: &str) -> Value {
    let value: Value = serde_json::from_str(line).unwrap();
    assert!(value["msg"].is_string() && !line.contains('\n'), "{line}");
    value
}

/// Reads pairs of a key and a value, and accepts nothing else.
fn logfmt(mut line: &str) -> BTreeMap<String, String> {
    let mut pairs = BTreeMap::new();
    while let Some((key, rest)) = line.split_once('=') {
        assert!(
            key.bytes()
                .all(|b| b.is_ascii_lowercase() || b"_4".contains(&b)),
            "{key:?}"
        );
        let (value, rest) = match rest.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap(),
            None => rest.split_at(rest.find(' ').unwrap_or(rest.len())),
        };
        assert!(
            pairs.insert(key.to_owned(), value.to_owned()).is_none(),
            "{key} twice"
        );
        line = rest.trim_start();
    }
    assert!(line.is_empty() && pairs.contains_key("msg"), "{line}");
    pairs
}

const HOUR: Duration = Duration::from_secs(3600);
