//! The bytes of health's messages, and the whole of it over a virtual network.

use std::sync::Arc;
use std::time::Duration;

use sanitize::PseudonymKey;
use testkit::net::Link;
use testkit::pair::Pair;
use tokio::time::Instant;
use transport::keeper::{Dial as _, Record};
use transport::trust::Scopes;

use super::client::{Health, check, first_call, measure};
use super::wire::{Answer, DatabaseHealth, Ping, Report};
use crate::logs::{LogsConfig, Ring};
use crate::parts::{About, Pseudonyms, Sections, ServerParts, SessionCount, Variables};
use crate::vitals::Vitals;

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
        server_id: "api".into(),
        environment: "production".into(),
        program: "tunnel-server 0.1.0".into(),
        commit: Some("abc".into()),
        uptime: Duration::from_millis(3_600_500),
        sessions: 2,
        database: DatabaseHealth::Up {
            took: Duration::from_nanos(1_500_000),
        },
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
        "901c",
        "80cab5ee01", // uptime: 3600 s, 500000000 ns
        "02",         // sessions
        "01",
        "00",
        "e0c65b", // database: up, 0 s, 1500000 ns
    );
    assert_eq!(hex(&report), golden);
    let down = DatabaseHealth::Down {
        reason: "no".into(),
    };
    assert_eq!(hex(&down), concat!("02", "02", "6e6f"));
    assert_eq!(hex(&DatabaseHealth::None), "00");
}

fn parts() -> ServerParts {
    ServerParts {
        about: Arc::new(About {
            server_id: "api".into(),
            environment: "production".into(),
            program: "test".into(),
            commit: None,
            instance: String::new(),
            started: Instant::now(),
        }),
        database: None,
        pseudonyms: Pseudonyms {
            key: Arc::new(PseudonymKey::from_secret("tests")),
            lasting: true,
        },
        ring: Arc::new(Ring::new(LogsConfig::default())),
        sessions: SessionCount::default(),
        sections: Sections::default(),
        variables: Variables::default(),
        vitals: Vitals::default(),
    }
}

fn far() -> Link {
    Link {
        delay: Duration::from_millis(50),
        ..Link::default()
    }
}

#[tokio::test(start_paused = true)]
async fn a_check_brings_the_report_and_what_quic_knows_of_the_way() {
    let parts = parts();
    let pair = Pair::serve(
        crate::halves(&parts).unwrap().router,
        Scopes::default(),
        far(),
    );
    let session = pair.connect(2).await;
    let _counted = parts.sessions.enter();
    tokio::time::sleep(Duration::from_secs(60)).await;

    let Health { report, connection } = check(&session, Record::default()).await.unwrap();
    assert_eq!((report.server_id.as_str(), report.sessions), ("api", 1));
    assert_eq!(report.database, DatabaseHealth::None);
    assert!(report.uptime >= Duration::from_secs(60));
    assert!(connection.connected >= Duration::from_secs(60));
    assert_eq!(connection.path.shortest, Duration::from_millis(100));
    assert!(connection.path.queueing() < Duration::from_millis(6));
}

#[tokio::test(start_paused = true)]
async fn a_check_with_the_hello_is_answered_within_two_round_trips_from_nothing() {
    let parts = parts();
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
    let parts = parts();
    let pair = Pair::serve(
        crate::halves(&parts).unwrap().router,
        Scopes::default(),
        far(),
    );
    let round_trips = measure(&pair.connect(2).await).await.unwrap();
    for percent in [1, 50, 99] {
        let millis = round_trips.percentile(percent).as_millis();
        assert!((100..=106).contains(&millis), "p{percent} is {millis} ms");
    }
}
