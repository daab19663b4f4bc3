//! Log lines in a terminal's place: a pipe.

use serde_json::Value;

use crate::support::Sandbox;

#[test]
fn the_tail_is_shown_line_by_line_and_ends() {
    let ended = Sandbox::new().tunnel(&["logs", "--tail", "5", "--no-follow"]);
    ended.expect(0, &["connected to demo"]);
    let lines: Vec<_> = ended.out.lines().collect();
    assert_eq!(lines.len(), 5, "{ended:?}");
    for line in lines {
        let (time, rest) = line.split_at(12);
        let shape: String = time
            .chars()
            .map(|c| if c.is_ascii_digit() { '0' } else { c })
            .collect();
        assert_eq!(shape, "00:00:00.000", "{line}");
        let level = rest.trim_start().split(' ').next().unwrap();
        assert!(
            ["DEBUG", "INFO", "WARN", "ERROR"].contains(&level),
            "{line}"
        );
    }
}

#[test]
fn scripts_get_objects_that_pass_the_filter() {
    let arguments = [
        "logs",
        "--tail",
        "all",
        "--no-follow",
        "--json",
        "--service",
        "api",
        "--filter",
        "info",
    ];
    let ended = Sandbox::new().tunnel(&arguments);
    ended.expect(0, &[]);
    let all: Vec<Value> = ended
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    // What happened to the server passes every filter.
    let (marks, entries): (Vec<_>, Vec<_>) =
        all.iter().partition(|object| object["type"] == "mark");
    assert_eq!(marks.len(), 1);
    assert!(!entries.is_empty());
    assert!(
        entries
            .iter()
            .all(|entry| entry["type"] == "entry" && entry["service"] == "api")
    );
}

#[test]
fn following_goes_on_until_it_is_stopped() {
    let sandbox = Sandbox::new();
    let mut running = sandbox.start_tunnel(&["logs", "--tail", "0"]);
    // Lines that are written while we watch.
    running.wrote(" ");
    running.signal("-INT");
    let ended = running.end();
    assert_eq!(
        (ended.code, ended.err.contains("error")),
        (Some(130), false),
        "{ended:?}"
    );
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let sandbox = Sandbox::new();
    let mut running = sandbox.start_tunnel(&["logs", "--tail", "all"]);
    running.wrote(" ");
    let ended = running.end_unread();
    assert_eq!(
        (ended.code, ended.err.contains("error")),
        (Some(0), false),
        "{ended:?}"
    );
}
