//! Log lines in a terminal's place: a pipe.

use serde_json::Value;

use crate::support::{SECRET, Sandbox, Serving};

/// A server whose log is what a file has; lines are waited for, because they are read beside it.
struct Logged {
    serving: Serving,
    sandbox: Sandbox,
}

impl Logged {
    fn of(lines: &[u8]) -> Self {
        let serving = Serving::with_log(lines);
        let sandbox = Sandbox::new().set("RENDER_TUNNEL_SECRET", SECRET);
        let logged = Self { serving, sandbox };
        // The last line is there when it is shown.
        let mut seen = logged.start(&["--tail", "all", "--grep", "^the end$"]);
        seen.wrote("the end");
        logged
    }

    fn start(&self, arguments: &[&str]) -> crate::support::Running {
        let server = ["logs", "--server", &self.serving.url];
        self.sandbox.start_tunnel(&[&server, arguments].concat())
    }

    fn shown(&self, arguments: &[&str]) -> crate::support::Ended {
        let all = [
            "logs",
            "--server",
            &self.serving.url,
            "--tail",
            "all",
            "--no-follow",
        ];
        self.sandbox.tunnel(&[&all, arguments].concat())
    }
}

/// What is a line of the log, not a mark between lines.
fn lines(out: &str) -> Vec<&str> {
    out.lines().filter(|line| !line.starts_with("──")).collect()
}

#[test]
fn the_tail_is_shown_line_by_line_and_ends() {
    let ended = Sandbox::new().tunnel(&["logs", "--tail", "5", "--no-follow"]);
    ended.expect(0, &["connected to demo"]);
    let lines = lines(&ended.out);
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
        assert!(line.contains(" › "), "{line}");
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
        "a*",
        "--filter",
        "info",
    ];
    let ended = Sandbox::new().tunnel(&arguments);
    ended.expect(0, &[]);
    let objects = ended
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    let entries: Vec<Value> = objects
        .filter(|object: &Value| object["type"] == "entry")
        .collect();
    assert!(!entries.is_empty());
    for entry in entries {
        assert_eq!(entry["service"], "api");
        assert!(entry["level_number"].as_u64().unwrap() >= 9, "{entry}");
    }
}

#[test]
fn raw_lines_are_the_bytes_that_the_app_wrote() {
    let log = b"{\"level\":50,\"msg\":\"down\"}\n\x1b[31mred\x1b[0m \xff\x00\nthe end\n";
    let ended = Logged::of(log).shown(&["--raw", "--quiet"]);
    assert_eq!(
        (ended.code, &*ended.raw_out),
        (Some(0), &log[..]),
        "{ended:?}"
    );
}

#[test]
fn options_say_which_lines_are_shown_and_how() {
    let logged = Logged::of(
        b"level=info msg=listening port=3001\n\
          level=warn msg=\"slow query\" http.path=/api/courses ms=950\n\
          level=error msg=timeout http.path=/api/users\n\
          the end\n",
    );
    let template = "{level}|{message}|{field.http.path}";
    let shown = |more: &[&str]| {
        let ended = logged.shown(&[&["--template", template], more].concat());
        ended.expect(0, &[]);
        ended.out
    };
    let (slow, timeout) = (
        "WARN |slow query|/api/courses\n",
        "ERROR|timeout|/api/users\n",
    );
    assert_eq!(shown(&["--level", "warn"]), format!("{slow}{timeout}"));
    assert_eq!(shown(&["--only", "warn"]), slow);
    assert_eq!(
        shown(&["--grep", "^time", "-g", "query$"]),
        format!("{slow}{timeout}")
    );
    assert_eq!(shown(&["-l", "warn", "--exclude", "timeout"]), slow);
    assert_eq!(shown(&["--field", "http.path~=users$"]), timeout);
    assert_eq!(
        shown(&["--field", "ms=950", "--field", "http.path!=/x"]),
        slow
    );
    assert_eq!(shown(&["--service", "nobody*"]), "");
    assert_eq!(
        shown(&["--since", "15m", "--grep", "^the end$"]),
        "INFO |the end|\n"
    );
    assert_eq!(shown(&["--until", "yesterday"]), "");
    let ended = logged.shown(&["--hide", "http", "--grep", "query"]);
    assert!(ended.out.contains("slow query  ms=950\n"), "{ended:?}");
}

#[test]
fn names_that_no_line_has_are_said_and_options_that_would_be_ignored_are_refused() {
    let logged = Logged::of(b"level=info msg=listening\nthe end\n");
    let ended = logged.shown(&["--service", "nosuch", "--instance", "x*"]);
    ended.expect(
        0,
        &[
            "no line of late is of a service \"nosuch\"",
            "no line of late is of an instance \"x*\"",
        ],
    );
    let ended = logged.shown(&["--since", "2540-01-01"]);
    ended.expect(
        0,
        &["--since is yet to come: no line before 2540-01-01 00:00:00.000"],
    );
    for (arguments, told) in [
        (&["--raw", "--fields", "a"][..], "cannot be used with"),
        (&["--raw", "--hide", "a"], "cannot be used with"),
        (&["--fields", "all,none"], "all and none stand alone"),
        (
            &["--tail", "x"],
            "use a number of lines, such as 100, or all",
        ),
        (&["--field", "status>=500"], "there is no <, >, <= or >="),
    ] {
        let server = ["logs", "--server", &logged.serving.url];
        let ended = logged.sandbox.tunnel(&[&server, arguments].concat());
        ended.expect(2, &[told]);
    }
    let arguments = ["logs", "--json", "--timezone", "local"];
    let ended = Sandbox::new().set("TZ", "EET-2").tunnel(&arguments);
    ended.expect(2, &["--json has its times in UTC"]);
}

#[test]
fn colours_can_be_had_without_a_terminal() {
    let arguments = ["logs", "--tail", "1", "--no-follow", "--color", "always"];
    let ended = Sandbox::new().tunnel(&arguments);
    assert!(ended.out.contains("\x1b[38;5;"), "{ended:?}");
    let never = Sandbox::new()
        .set("CLICOLOR_FORCE", "1")
        .tunnel(&[&arguments[..5], &["never"]].concat());
    never.expect(0, &[]);
}

#[test]
fn following_goes_on_until_it_is_stopped() {
    let sandbox = Sandbox::new();
    let mut running = sandbox.start_tunnel(&["logs", "--tail", "0"]);
    // Lines that are written while we watch.
    running.wrote(" › ");
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

#[test]
fn what_is_typed_at_a_terminal_changes_what_is_shown() {
    let sandbox = Sandbox::new();
    let mut watched = sandbox.watch_tunnel(&["logs", "--tail", "1"]);
    watched.shows("type /REGEX");
    assert!(watched.shows(" › ").contains("\x1b["));
    watched.types("service billing");
    watched.shows("from here on: service billing");
    // Of the other services nothing comes any more, and none of the demo's is silent for long.
    for _ in 0..3 {
        assert!(watched.shows(" › ").contains("billing"));
    }
    watched.types("/a(b");
    watched.shows("unclosed group");
    watched.types("");
    watched.shows("────────");
    watched.types("clear");
    watched.shows("from here on: everything");
    watched.shows("api");
}
