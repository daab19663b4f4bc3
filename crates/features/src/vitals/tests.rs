//! Who is asked, for how long, and what is made of it.

use std::future::pending;
use std::sync::atomic::{AtomicU32, Ordering};

use futures_util::FutureExt as _;

use super::*;

fn verdicts(checks: &[Check]) -> Vec<(&str, Verdict)> {
    let checks = checks.iter();
    checks
        .map(|check| (check.name.as_str(), check.verdict))
        .collect()
}

async fn soon() -> Reading {
    tokio::time::sleep(Duration::from_millis(100)).await;
    Reading::pass()
}

#[tokio::test(start_paused = true)]
async fn one_that_hangs_costs_the_others_nothing_but_its_time() {
    let vitals = Vitals::default();
    vitals.own("memory:resident", || {
        Reading::pass().seen(Observed::Bytes(1))
    });
    vitals.beside("database:responseTime", pending);
    vitals.beside("inbox:waiting", pending);
    let start = Instant::now();
    let checks = vitals.ask().await;
    assert_eq!(start.elapsed(), PROBE_TIME);
    assert_eq!(
        verdicts(&checks),
        [
            ("database:responseTime", Verdict::Fail),
            ("inbox:waiting", Verdict::Fail),
            ("memory:resident", Verdict::Pass),
        ]
    );
    assert_eq!(worst(&checks), Verdict::Fail);
}

#[tokio::test(start_paused = true)]
async fn what_is_beside_the_server_takes_nothing_from_its_being_alive() {
    let vitals = Vitals::default();
    assert_eq!(vitals.alive(), Verdict::Pass);
    vitals.beside("database:responseTime", || async {
        Reading::fail("it is away")
    });
    assert_eq!(vitals.alive(), Verdict::Pass);
    vitals.own("log:dropped", || Reading::warn("some are missing"));
    assert_eq!(vitals.alive(), Verdict::Warn);
    vitals.own("app:state", || Reading::fail("it has ended"));
    assert_eq!(vitals.alive(), Verdict::Fail);
}

#[tokio::test(start_paused = true)]
async fn many_who_ask_at_once_are_one_for_whoever_is_asked() {
    let vitals = Vitals::default();
    let asked = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&asked);
    vitals.beside("database:responseTime", move || {
        count.fetch_add(1, Ordering::Relaxed);
        soon()
    });
    join_all((0..50).map(|_| vitals.ask())).await;
    assert_eq!(asked.load(Ordering::Relaxed), 1);
    tokio::time::advance(FRESH).await;
    vitals.ask().await;
    assert_eq!(asked.load(Ordering::Relaxed), 2);
}

#[tokio::test(start_paused = true)]
async fn whoever_stops_waiting_leaves_nothing_behind() {
    let vitals = Vitals::default();
    vitals.beside("database:responseTime", soon);
    assert!(vitals.ask().now_or_never().is_none());
    assert_eq!(
        verdicts(&vitals.ask().await),
        [("database:responseTime", Verdict::Pass)]
    );
}

#[tokio::test]
async fn the_list_and_its_texts_are_bounded() {
    let vitals = Vitals::default();
    for number in 0..2 * MOST_PROBES {
        let name: &'static str = format!("part:{number}").leak();
        let note = "é".repeat(1000);
        vitals.own(name, move || {
            Reading::warn(note.clone()).seen(Observed::State(note.clone()))
        });
    }
    // Of two with one name the later counts.
    vitals.own("part:0", Reading::pass);
    let checks = vitals.ask().await;
    assert_eq!(checks.len(), MOST_PROBES);
    assert!(checks.iter().all(|check| {
        check.note.as_ref().is_none_or(|note| note.len() <= 200)
            && !matches!(&check.observed, Some(Observed::State(text)) if text.len() > 64)
    }));
    assert_eq!(verdicts(&checks)[0], ("part:0", Verdict::Pass));
}

#[tokio::test]
async fn a_probe_that_says_too_much_is_cut() {
    let vitals = Vitals::default();
    vitals.several("part:all", || async {
        let names = (0..1000).map(|number| format!("part:{number:04}"));
        names
            .map(|name| Check::new(&name, Reading::pass()))
            .collect()
    });
    let checks = vitals.ask().await;
    assert_eq!(checks.len(), MOST_CHECKS);
    assert_eq!(checks[0].name, "part:0000");
}
