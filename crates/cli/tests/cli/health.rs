//! `tunnel health`: what it says, in which form, and what it ends with.

use serde_json::Value;

use crate::snapshot::assert_snapshot;
use crate::support::{Ended, SECRET, Sandbox, Serving};

fn client() -> Sandbox {
    Sandbox::new().set("RENDER_TUNNEL_SECRET", SECRET)
}

fn ask(serving: &Serving, options: &[&str]) -> Ended {
    let server = ["health", "--server", &serving.url];
    client().tunnel(&[&server, options].concat())
}

/// Puts N where numbers stand with their units, which are others each time.
fn without_numbers(table: &str) -> String {
    let number = regex::Regex::new(r"[0-9][0-9.,]*( (µs|ms|s|min|B|kB|MB|GB|%|h|d)\b)*").unwrap();
    number.replace_all(table, "N").into_owned()
}

#[test]
fn a_person_reads_a_line_for_each_check() {
    let serving = Serving::start(None);
    let health = ask(&serving, &[]);
    health.expect(0, &[]);
    // What a machine's container may use, not every system says.
    let lines = health
        .out
        .lines()
        .filter(|it| !it.contains("memory:container"));
    let table: String = lines.map(|line| format!("{line}\n")).collect();
    assert_snapshot("health.txt", &without_numbers(&table));
}

#[test]
fn a_script_reads_health_json() {
    let serving = Serving::start(None);
    let health = ask(&serving, &["--json"]);
    health.expect(0, &[]);
    let health = health.json();
    assert_eq!(health["status"], "pass");
    assert_eq!(health["environment"], "production");
    let version = health["version"].as_str().unwrap();
    assert!(version.starts_with("tunnel-server "), "{version}");
    let check = |name: &str| health["checks"][name][0].clone();
    assert_eq!(check("server:sessions")["observedValue"], 1);
    assert_eq!(check("session:carrier")["observedValue"], "udp");
    assert!(check("session:lost")["limit"].as_u64().unwrap() > 0);
    assert_eq!(check("session:reconnects")["observedValue"], 0);
    assert_eq!(check("logs:dropped")["observedValue"], 0);
    assert_eq!(check("database:responseTime"), Value::Null);
    let trips = health["checks"]["session:roundTrip"].as_array().unwrap();
    let names: Vec<_> = trips.iter().map(|it| &it["componentId"]).collect();
    assert_eq!(names, ["p50", "p95", "p99"]);
    let times: Vec<_> = trips
        .iter()
        .map(|it| it["observedValue"].as_f64())
        .collect();
    assert!(times.is_sorted() && times[0] > Some(0.0), "{times:?}");
    // On one machine there is one clock.
    assert_eq!(check("clock:offset")["status"], "pass");
}

#[test]
fn a_database_that_does_not_answer_fails_the_check_and_is_not_named() {
    let serving = Serving::start(Some("sqlite:///nowhere/production.db"));
    let health = ask(&serving, &[]);
    health.expect(1, &[]);
    assert!(health.out.starts_with("✗  status"), "{health:?}");
    let told = "database:responseTime  there is no such database";
    assert!(health.out.contains(told), "{health:?}");
    assert!(!health.out.contains("nowhere"), "{health:?}");
    // What is well is well.
    ask(&serving, &["--check", "logs"]).expect(0, &[]);
    let database = ask(&serving, &["--check", "database", "--json"]);
    database.expect(1, &[]);
    assert_eq!(database.json()["status"], "fail");
    assert_eq!(database.json()["checks"]["logs:used"], Value::Null);
}

#[test]
fn a_check_that_there_is_not_gets_the_names_of_those_that_there_are() {
    let serving = Serving::start(None);
    let unknown = ask(&serving, &["--check", "databose"]);
    unknown.expect(
        2,
        &[
            "no check named \"databose\"",
            "logs:dropped",
            "session:lost",
        ],
    );
    assert_eq!(unknown.out, "");
}

#[test]
fn a_pipe_gets_a_document_a_line_while_it_is_watched() {
    let serving = Serving::start(None);
    let client = client();
    let arguments = ["health", "--watch", "--server", &serving.url];
    let mut watching = client.start_tunnel(&arguments);
    for _ in 0..2 {
        let line: Value = serde_json::from_str(&watching.wrote("status")).unwrap();
        assert_eq!(line["status"], "pass");
    }
    watching.signal("-INT");
    watching.end().expect(130, &[]);
}

#[test]
fn while_it_is_watched_a_late_answer_is_no_lost_session() {
    let serving = Serving::start(None);
    let arguments = ["health", "--watch", "--timeout", "1", "--server"];
    let client = client();
    let mut watching = client.start_tunnel(&[&arguments[..], &[&serving.url]].concat());
    watching.wrote("pass");
    serving.signal("-STOP");
    let line: Value = serde_json::from_str(&watching.wrote("fail")).unwrap();
    serving.signal("-CONT");
    let said = &line["checks"]["session:carrier"][0]["output"];
    assert_eq!(said, "there is no answer within 1 s");
}

#[test]
fn who_is_not_there_is_no_connection_within_the_time_that_was_given() {
    let silent = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let url = format!("quic://{}", silent.local_addr().unwrap());
    let ended = client().tunnel(&["health", "--server", &url, "--timeout", "1"]);
    ended.expect(3, &["no answer within 1 s", "tunnel doctor"]);
    for bad in ["0", "-1", "1s", "3601"] {
        let timeout = format!("--timeout={bad}");
        let ended = client().tunnel(&["health", "--server", &url, &timeout]);
        ended.expect(2, &["--timeout"]);
    }
}
