//! How fast a feed is: `cargo nextest run --release --run-ignored only -E 'test(speed)'`.

use super::super::Feed;
use super::*;

/// Pushes lines as a pipe gives them, for a second; returns how many a second.
fn rate(line: impl Fn(u64) -> String) -> f64 {
    let mut feed = Feed::new(
        Arc::new(Ring::new(LogsConfig::default())),
        Origin::service("api"),
    )
    .joining();
    let text: String = (0..10_000).map(line).collect();
    let begun = std::time::Instant::now();
    let mut rounds = 0_u32;
    while begun.elapsed() < Duration::from_secs(2) {
        for piece in text.as_bytes().chunks(64 * 1024) {
            feed.push(piece);
        }
        rounds += 1;
    }
    f64::from(rounds) * 10_000.0 / begun.elapsed().as_secs_f64()
}

#[track_caller]
fn check(name: &str, least: f64, line: impl Fn(u64) -> String) {
    let rate = rate(line);
    eprintln!("{name}: {rate:.0} lines/s");
    assert!(rate >= least, "{name}: {rate:.0} lines/s");
}

#[test]
#[ignore = "a measurement: in release mode, with the machine to itself"]
fn json_lines_at_300_000_a_second() {
    check("JSON", 300_000.0, |number| {
        format!(
            "{{\"level\":30,\"time\":{},\"pid\":23,\"hostname\":\"srv-abc123\",\"reqId\":\"req-{number}\",\
             \"method\":\"GET\",\"path\":\"/api/courses/{number}\",\"status\":200,\"took\":12.5,\
             \"msg\":\"request completed\"}}\n",
            1_783_134_245_000 + number
        )
    });
}

#[test]
#[ignore = "a measurement: in release mode, with the machine to itself"]
fn plain_lines_at_600_000_a_second() {
    check("plain", 600_000.0, |number| {
        format!("GET /api/courses/{number} 200 in 12 ms for visitor {number}, all is well\n")
    });
}

#[test]
#[ignore = "a measurement: in release mode, with the machine to itself"]
fn lines_with_a_time_and_a_level_at_400_000_a_second() {
    check("prefixed", 400_000.0, |number| {
        format!("2026-07-04T03:04:05.678Z  INFO shop::http: request {number} completed in 12 ms\n")
    });
}

#[test]
#[ignore = "a measurement: in release mode, with the machine to itself"]
fn lines_of_logfmt_at_300_000_a_second() {
    check("logfmt", 300_000.0, |number| {
        format!(
            "time=2026-07-04T03:04:05.678Z level=INFO msg=\"request completed\" method=GET \
             path=/api/courses/{number} status=200 took=12ms\n"
        )
    });
}
