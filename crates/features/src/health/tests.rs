//! The bytes of health's messages, and the whole of it over a virtual network.

use std::sync::Arc;
use std::time::Duration;

use sanitize::PseudonymKey;
use testkit::net::Link;
use testkit::pair::Pair;
use tokio::time::Instant;
use transport::trust::Scopes;

use super::client::check;
use super::wire::{Answer, DatabaseHealth, Ping, Report};
use crate::logs::{LogsConfig, Ring};
use crate::parts::{About, Pseudonyms, Sections, ServerParts, SessionCount};

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
    }
}

#[tokio::test(start_paused = true)]
async fn a_check_measures_ten_round_trips_and_brings_the_report() {
    let parts = parts();
    let link = Link {
        delay: Duration::from_millis(25),
        ..Link::default()
    };
    let pair = Pair::serve(crate::router(&parts).unwrap(), Scopes::default(), link);
    let session = pair.connect(2).await;
    let _counted = parts.sessions.enter();
    tokio::time::sleep(Duration::from_secs(60)).await;

    let health = check(&session).await.unwrap();
    assert_eq!(health.round_trips.len(), 10);
    for percent in [1, 50, 99] {
        let millis = health.round_trip(percent).as_millis();
        assert!((50..=56).contains(&millis), "p{percent} is {millis} ms");
    }
    assert_eq!(
        (health.report.server_id.as_str(), health.report.sessions),
        ("api", 1)
    );
    assert_eq!(health.report.database, DatabaseHealth::None);
    assert!(
        health.report.uptime >= Duration::from_secs(60)
            && health.connected >= Duration::from_secs(60)
    );
}
