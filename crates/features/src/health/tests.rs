//! The bytes of health's messages, and the whole of it over a virtual network.

use std::time::Duration;

use testkit::net::Link;
use testkit::pair::Pair;
use tokio::time::Instant;
use transport::keeper::{Dial as _, Record};
use transport::trust::Scopes;

use super::client::{Health, check, first_call, measure};
use super::wire::{Answer, Identity, Ping, Report};
use crate::parts::ServerParts;
use crate::vitals::{Check, Observed, Reading, Verdict};

fn hex<M: serde::Serialize>(message: &M) -> String {
    let mut bytes = Vec::new();
    wire::encode(message, &mut bytes);
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn messages_have_these_bytes() {
    assert_eq!(hex(&Ping { number: 300 }), "ac02");
    assert_eq!(hex(&Answer::Pong { number: 300 }), concat!("00", "ac02"));
    let report = Answer::Report(Report {
        identity: Identity {
            commit: Some("abc".into()),
            instance: "one".into(),
            ..Identity::of("api", "production", "tunnel-server 0.1.0")
        },
        time: 1_700_000_000_123,
        uptime: Duration::from_millis(3_600_500),
        sessions: 2,
        checks: vec![
            Check::new("app:state", Reading::warn("no")),
            Check::new("x:y", Reading::pass().seen(Observed::Count(300))),
        ],
    });
    let golden = concat!(
        "01", // report
        "03",
        "617069", // server_id
        "0a",
        "70726f64756374696f6e", // environment
        "13",
        "74756e6e656c2d73657276657220302e312e30", // program
        "01",
        "03",
        "616263", // commit: some
        "03",
        "6f6e65",       // instance
        "00",           // region: none
        "fbd095ffbc31", // time
        "901c",
        "80cab5ee01", // uptime: 3600 s, 500000000 ns
        "02",         // sessions
        "02",         // checks
        "09",
        "6170703a7374617465", // the first one's name
        "01",                 // warn
        "00",
        "00", // nothing was seen, and there is no limit
        "01",
        "02",
        "6e6f", // a sentence
        "03",
        "783a79", // the second one's name
        "00",     // pass
        "01",
        "00",
        "ac02", // seen: a count
        "00",
        "00", // neither a limit nor a sentence
    );
    assert_eq!(hex(&report), golden);
}

#[test]
fn what_was_seen_has_these_bytes() {
    for (observed, golden) in [
        (Observed::Bytes(1), "0101"),
        (Observed::Time(Duration::from_nanos(1)), "020001"),
        (Observed::Percent(7), "0307"),
        (Observed::State("on".into()), "04026f6e"),
    ] {
        assert_eq!(hex(&observed), golden);
    }
    assert_eq!(hex(&Verdict::Fail), "02");
}

#[test]
fn the_longest_report_fits_into_a_reply() {
    let long = || "\u{1F680}".repeat(200);
    let check = || {
        let reading = Reading::fail(long()).seen(Observed::State(long()));
        Check::new(&long(), reading.of(Observed::State(long())))
    };
    let report = Report {
        identity: Identity {
            commit: Some(long()),
            instance: long(),
            region: Some(long()),
            ..Identity::of(&long(), &long(), &long())
        },
        time: u64::MAX,
        uptime: Duration::MAX,
        sessions: u32::MAX,
        checks: (0..crate::vitals::MOST_CHECKS).map(|_| check()).collect(),
    };
    let mut bytes = Vec::new();
    wire::encode(&Answer::Report(report), &mut bytes);
    assert!(
        bytes.len() <= super::PROTOCOL.longest_reply as usize,
        "{}",
        bytes.len()
    );
}

fn far() -> Link {
    Link {
        delay: Duration::from_millis(50),
        ..Link::default()
    }
}

#[tokio::test(start_paused = true)]
async fn a_check_brings_the_report_and_what_quic_knows_of_the_way() {
    let parts = ServerParts::bare();
    let pair = Pair::serve(
        crate::halves(&parts).unwrap().router,
        Scopes::default(),
        far(),
    );
    let session = pair.connect(2).await;
    let _counted = parts.sessions.enter();
    tokio::time::sleep(Duration::from_secs(60)).await;

    let Health {
        report,
        connection,
        clock,
    } = check(&session, Record::default()).await.unwrap();
    assert_eq!((&*report.identity.server_id, report.sessions), ("api", 1));
    assert_eq!(report.verdict(), Verdict::Pass);
    assert!(report.checks.iter().any(|it| it.name == "logs:used"));
    assert_eq!(clock.within, Duration::from_millis(50));
    assert!(report.uptime >= Duration::from_secs(60));
    assert!(connection.connected >= Duration::from_secs(60));
    assert_eq!(connection.path.shortest, Duration::from_millis(100));
    assert!(connection.path.queueing() < Duration::from_millis(6));
}

#[tokio::test(start_paused = true)]
async fn a_check_with_the_hello_is_answered_within_two_round_trips_from_nothing() {
    let parts = ServerParts::bare();
    let pair = Pair::serve(
        crate::halves(&parts).unwrap().router,
        Scopes::default(),
        far(),
    );
    let dial = pair.dial_asking(2, first_call());
    let start = Instant::now();
    let (session, _) = dial.dial().await.unwrap();
    let health = check(&session, Record::default()).await.unwrap();
    assert!(
        start.elapsed() <= Duration::from_millis(220),
        "{:?}",
        start.elapsed()
    );
    // The way is as long as it was, though the answer took no time.
    assert_eq!(health.connection.path.shortest, Duration::from_millis(100));
    assert!(health.connection.path.round_trip >= Duration::from_millis(100));
}

#[tokio::test(start_paused = true)]
async fn pings_measure_the_way_from_the_first_moment() {
    let parts = ServerParts::bare();
    let pair = Pair::serve(
        crate::halves(&parts).unwrap().router,
        Scopes::default(),
        far(),
    );
    let round_trips = measure(&pair.connect(2).await).await.unwrap();
    assert_eq!(round_trips.count, 10);
    for time in [round_trips.shortest, round_trips.p50, round_trips.p99] {
        let millis = time.as_millis();
        assert!((100..=106).contains(&millis), "{millis} ms");
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_knows_its_round_trips_when_it_has_had_some() {
    let parts = ServerParts::bare();
    let pair = Pair::serve(
        crate::halves(&parts).unwrap().router,
        Scopes::default(),
        far(),
    );
    let session = pair.connect(2).await;
    assert_eq!(session.path().round_trips, None);
    for _ in 0..2 {
        measure(&session).await.unwrap();
    }
    let history = session.path().round_trips.unwrap();
    assert!(history.count >= 20, "{history:?}");
    for time in [history.shortest, history.p50, history.p95, history.p99] {
        let millis = time.as_millis();
        assert!((100..=106).contains(&millis), "{history:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_asks_hears_the_worst_of_it() {
    let parts = ServerParts::bare();
    parts.vitals.beside("database:responseTime", || async {
        Reading::fail("it is away")
    });
    let pair = Pair::serve(
        crate::halves(&parts).unwrap().router,
        Scopes::default(),
        far(),
    );
    let session = pair.connect(2).await;
    let health = check(&session, Record::default()).await.unwrap();
    assert_eq!(health.report.verdict(), Verdict::Fail);
}
