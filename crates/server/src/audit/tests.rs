//! The audit log, line by line.

use super::*;
use std::path::Path;
use std::time::Duration;
use transport::oversight::{Fact, Report};
use transport::tasks::Tasks;
use transport::trust::{Change, Key, KeyChange, KeyId, Scopes};

const SECRET: &str = "5f2b8e0c9a714d36b1e7f08c2d9a6b43";

fn who() -> Who {
    let key = Key::derive("ci", &SECRET.parse().unwrap(), Scopes::default());
    Who::new(7, &key.unwrap())
}

fn line(event: &Event) -> String {
    event.line("2026-11-23T14:18:00.123456Z".parse().unwrap())
}

/// The beginning of a line about the session of [`who`].
fn of_session(event: &str) -> String {
    let id = Key::derive("ci", &SECRET.parse().unwrap(), Scopes::default())
        .unwrap()
        .id();
    format!(
        r#"{{"time":"2026-11-23T14:18:00.123Z","event":"{event}","session":7,"key":"ci","key_id":"{id}""#
    )
}

#[test]
fn a_session_is_told_from_its_beginning_to_its_end() {
    let address = "192.0.2.1".parse().unwrap();
    let opened = Event::SessionOpened(Opened {
        who: who(),
        address,
        carrier: "udp".into(),
        environment: "development".into(),
        program: "tunnel 0.1.0\n\"".into(),
    });
    let rest = r#","address":"192.0.2.1","carrier":"udp","environment":"development","program":"tunnel 0.1.0\n\""}"#;
    assert_eq!(line(&opened), of_session("session_opened") + rest + "\n");
    let closed = Event::SessionClosed(Closed {
        who: who(),
        address,
        lasted: Duration::from_micros(61_234_567),
        reason: "finished".into(),
    });
    let rest = r#","address":"192.0.2.1","seconds":61.235,"reason":"finished"}"#;
    assert_eq!(line(&closed), of_session("session_closed") + rest + "\n");
}

#[test]
fn a_refusal_says_what_was_missing() {
    let refused = Event::SessionRefused(Refused {
        address: "2001:db8::1".parse().unwrap(),
        key_id: None,
        carrier: None,
        status: 401,
        reason: "the key is unknown".into(),
    });
    assert_eq!(
        line(&refused),
        r#"{"time":"2026-11-23T14:18:00.123Z","event":"session_refused","address":"2001:db8::1","status":401,"reason":"the key is unknown"}"#
            .to_owned()
            + "\n"
    );
    let ended = Event::Channel(ChannelEnded {
        who: who(),
        feature: Some("sync"),
        outcome: "refused",
        status: Some(403),
        reason: Some("the key \"ci\" has no scope \"sync\"".into()),
        took: Duration::from_millis(2),
    });
    let rest = r#","feature":"sync","outcome":"refused","status":403,"reason":"the key \"ci\" has no scope \"sync\"","seconds":0.002}"#;
    assert_eq!(line(&ended), of_session("channel") + rest + "\n");
}

#[test]
fn a_feature_tells_what_it_did() {
    let report = Report {
        what: "sync_ended",
        facts: vec![
            (
                "tables",
                Fact::Names(vec!["courses".into(), "users".into()]),
            ),
            ("sanitised", Fact::Is(true)),
            ("rows", Fact::Count(24_000)),
        ],
    };
    let rest = r#","tables":["courses","users"],"sanitised":true,"rows":24000}"#;
    let told = line(&Event::Reported(who(), report));
    assert_eq!(told, of_session("sync_ended") + rest + "\n");
}

#[test]
fn keys_are_told_by_name_and_id() {
    let change = |name: &str, what| KeyChange {
        name: name.into(),
        id: KeyId([0xab; 8]),
        what,
    };
    let changes = vec![change("ci", Change::Revoked), change("next", Change::Added)];
    assert_eq!(
        line(&Event::KeysReplaced(changes)),
        r#"{"time":"2026-11-23T14:18:00.123Z","event":"keys_replaced","added":["next (abababababababab)"],"revoked":["ci (abababababababab)"],"changed":[],"widened":[]}"#
            .to_owned()
            + "\n"
    );
}

fn kept(reason: &str) -> Event {
    Event::KeysKept(reason.to_owned())
}

fn open(path: &Path) -> (Audit, Tasks) {
    let (audit, writer) = begin(path);
    let tasks = Tasks::new();
    tasks.spawn("audit log", writer.run(tasks.clone()));
    (audit, tasks)
}

fn begin(path: &Path) -> (Audit, Writer) {
    let config = AuditConfig {
        path: Some(path.to_owned()),
    };
    let (audit, writer) = Audit::open(config, &StandardError::default()).unwrap();
    (audit, writer.expect("a path was given"))
}

/// Waits until a file is there, and has something in it.
async fn written(path: &Path) -> String {
    loop {
        match std::fs::read_to_string(path) {
            Ok(text) if text.ends_with('\n') => return text,
            _ => tokio::task::yield_now().await,
        }
    }
}

#[tokio::test]
async fn what_was_noted_before_the_end_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.ndjson");
    let (audit, tasks) = open(&path);
    for n in 0..600 {
        audit.note(&kept(&n.to_string()));
    }
    assert_eq!(tasks.shutdown(Duration::from_secs(10)).await, [""; 0]);
    let text = std::fs::read_to_string(&path).unwrap();
    let reasons = text.lines().map(|line| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        line["reason"].as_str().unwrap().to_owned()
    });
    assert!(reasons.eq((0..600).map(|n| n.to_string())));
    assert_eq!(audit.lost(), 0);
}

#[cfg(unix)]
#[tokio::test]
async fn the_file_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.ndjson");
    let (_audit, _writer) = begin(&path);
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn after_a_rotation_lines_go_into_a_new_file() {
    let folder = tempfile::tempdir().unwrap();
    let (path, old) = (folder.path().join("audit"), folder.path().join("audit.1"));
    let (audit, tasks) = open(&path);
    audit.note(&kept("before"));
    written(&path).await;
    std::fs::rename(&path, &old).unwrap();
    audit.reopen();
    while !path.exists() {
        tokio::task::yield_now().await;
    }
    audit.note(&kept("after"));
    assert!(written(&path).await.contains("after"));
    assert!(!written(&old).await.contains("after"));
    tasks.shutdown(Duration::from_secs(10)).await;
}

#[tokio::test]
async fn a_queue_that_overflows_costs_lines_that_are_counted_and_said() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.ndjson");
    let (audit, writer) = begin(&path);
    for n in 0..MOST_WAITING + 5 {
        audit.note(&kept(&n.to_string()));
    }
    assert_eq!(audit.lost(), 5);
    let tasks = Tasks::new();
    tasks.spawn("audit log", writer.run(tasks.clone()));
    tasks.shutdown(Duration::from_secs(10)).await;
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains(r#""event":"lost","lines":5}"#));
    assert_eq!(text.lines().count(), MOST_WAITING + 1);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_full_disk_costs_lines_and_keeps_nobody_waiting() {
    let (audit, tasks) = open(Path::new("/dev/full"));
    for n in 0..3 {
        audit.note(&kept(&n.to_string()));
    }
    assert_eq!(tasks.shutdown(Duration::from_secs(10)).await, [""; 0]);
    assert_eq!(audit.lost(), 3);
}

#[test]
fn a_log_that_cannot_be_opened_is_an_error_and_none_is_none() {
    let nowhere = AuditConfig {
        path: Some("/nowhere/audit".into()),
    };
    assert!(matches!(
        Audit::open(nowhere, &StandardError::default()),
        Err(ServerError::Audit { .. })
    ));
    let (audit, writer) = Audit::open(AuditConfig::default(), &StandardError::default()).unwrap();
    assert!(writer.is_none());
    audit.note(&kept("nobody hears it"));
    assert_eq!(audit.lost(), 0);
}
