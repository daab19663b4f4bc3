//! What each form of line is understood as.

mod formats;

use super::line;
use crate::logs::entry::{Line, Origin};

const NOW: u64 = 7;

fn read(text: &str) -> Line {
    let line = line(text.as_bytes().to_vec(), &Origin::service("api"), NOW).line;
    assert_eq!(line.raw(), text.as_bytes(), "the raw bytes are exact");
    line
}

/// Level, service and message.
fn shown(text: &str) -> (&'static str, String, String) {
    let line = read(text);
    (
        line.level.name(),
        line.origin.service.to_string(),
        line.message,
    )
}

#[track_caller]
fn check(text: &str, level: &str, service: &str, message: &str) {
    let (found_level, found_service, found_message) = shown(text);
    assert_eq!(
        (found_level, &*found_service, &*found_message),
        (level, service, message),
        "{text}"
    );
}

#[test]
fn json_of_every_logger_gives_level_service_and_message() {
    let cases = [
        (
            r#"{"level":50,"time":1783134245000,"pid":1,"name":"web","msg":"boom"}"#,
            ("error", "web", "boom"),
        ),
        (
            r#"{"level":"warn","message":"slow","service":"worker"}"#,
            ("warn", "worker", "slow"),
        ),
        (
            r#"{"level":"debug","ts":1783134245.25,"caller":"a.go:1","msg":"zap"}"#,
            ("debug", "api", "zap"),
        ),
        (
            r#"{"time":"2026-07-04T03:04:05Z","level":"INFO+2","msg":"slog"}"#,
            ("info", "api", "slog"),
        ),
        (
            r#"{"timestamp":"2026-07-04T03:04:05Z","level":"ERROR","fields":{"message":"nested","id":5},"target":"app"}"#,
            ("error", "api", "nested"),
        ),
        (
            r#"{"severity":"CRITICAL","message":"gcp"}"#,
            ("fatal", "api", "gcp"),
        ),
    ];
    for (text, (level, service, message)) in cases {
        check(text, level, service, message);
    }
}

#[test]
fn json_gives_its_time_and_its_short_fields() {
    let line = read(
        r#"{"level":30,"time":1783134245000,"msg":"m","path":"/","took":1.5,"ok":true,"err":{"a":1}}"#,
    );
    assert_eq!(line.time, 1_783_134_245_000_000_000);
    let fields: Vec<_> = line.fields.iter().collect();
    let expected = [
        ("path", "/"),
        ("took", "1.5"),
        ("ok", "true"),
        ("err.a", "1"),
    ];
    assert_eq!(fields, expected);
}

#[test]
fn what_a_line_says_and_nobody_understands_stays_as_a_field() {
    let line = read(r#"{"level":"loud","time":"noon","msg":"m","message":"other"}"#);
    assert_eq!((line.level.name(), line.time), ("info", NOW));
    assert_eq!(&line.fields["level"], "loud");
    assert_eq!(&line.fields["time"], "noon");
    assert_eq!(&line.fields["message"], "other");
}

#[test]
fn json_that_is_none_or_has_no_message_is_shown_whole() {
    for text in [r#"{"level":30"#, r#"{"a":1}"#, "{}", "[1]", "{not json}"] {
        check(text, "info", "api", text);
    }
}

#[test]
fn logfmt_is_read_from_end_to_end_or_not_at_all() {
    check(
        r#"time=2026-07-04T03:04:05Z level=error msg="it \"broke\"" service=web path=/"#,
        "error",
        "web",
        r#"it "broke""#,
    );
    check("lvl=warn msg=short", "warn", "api", "short");
    for text in [
        "a=1 b=2",
        "level=error and a sentence",
        r#"level=error msg="no end"#,
        r#"msg="a"b=c"#,
        "=level",
        "select * from t where level=error",
    ] {
        check(text, "info", "api", text);
    }
}

#[test]
fn a_leading_level_is_read_and_not_repeated() {
    check("ERROR something", "error", "api", "something");
    check("[warn] something", "warn", "api", "something");
    check("[ Debug ]: something", "debug", "api", "something");
    check("info: something", "info", "api", "something");
    check("ERROR: no such file", "error", "api", "no such file");
    check("INFO:     Started", "info", "api", "Started");
    check(
        "2026-07-04T03:04:05.678Z  WARN app::disk: full",
        "warn",
        "api",
        "app::disk: full",
    );
    check("2026-07-04 03:04:05,678 ERROR full", "error", "api", "full");
}

#[test]
fn the_name_of_an_exception_is_a_part_of_what_is_said() {
    check("Error: boom", "error", "api", "Error: boom");
    check(
        "2026-07-04T03:04:05Z Error: boom",
        "error",
        "api",
        "Error: boom",
    );
}

#[test]
fn a_level_is_read_behind_a_name_in_brackets() {
    check("[api] WARN: slow", "warn", "api", "slow");
    assert_eq!(&read("[api] WARN: slow").fields["logger"], "api");
    assert_eq!(&read("[17] [error] slow").fields["pid"], "17");
    check(
        "[api] warn the others",
        "info",
        "api",
        "[api] warn the others",
    );
}

#[test]
fn a_level_in_small_letters_is_read_right_behind_a_time() {
    check(
        "2026-07-04T03:04:05Z error something",
        "error",
        "api",
        "something",
    );
    check("03:04:05 warn something", "warn", "api", "something");
    for text in ["failed twice", "errors: 3", "an error", "alert sent"] {
        check(&format!("2026-07-04T03:04:05Z {text}"), "info", "api", text);
    }
}

#[test]
fn words_that_only_look_like_a_level_are_left() {
    for text in [
        "Error in line 5",
        "DEBUG=1 node server.js",
        "information",
        "HTTP request failed",
        "[api] hello",
        "ERROR",
        "",
        "   at Object.<anonymous> (server.js:1:7)",
    ] {
        let (_, service, message) = shown(text);
        assert_eq!((&*service, &*message), ("api", text));
    }
    assert_eq!(read("Error in line 5").level.name(), "info");
}

#[test]
fn a_time_without_a_level_is_read() {
    let line = read("2026-07-04T03:04:05Z hello");
    assert_eq!(line.time, 1_783_134_245_000_000_000);
    assert_eq!(line.message, "hello");
}

#[test]
fn colours_are_read_through_and_not_shown() {
    check(
        "\u{1b}[31mERROR\u{1b}[0m it broke",
        "error",
        "api",
        "it broke",
    );
    check(r#"{"msg":"\u001b[1mbold\u001b[0m"}"#, "info", "api", "bold");
}

#[test]
fn the_end_of_a_windows_line_is_in_the_raw_bytes_alone() {
    check("hello\r", "info", "api", "hello");
}

#[test]
fn binary_is_shown_with_marks_and_kept_exact() {
    let raw = vec![0xff, b'a', 0, 0xfe];
    let line = line(raw.clone(), &Origin::service("api"), NOW).line;
    assert_eq!(line.message, "\u{fffd}a\u{fffd}");
    assert_eq!(line.raw(), raw);
}

#[test]
fn a_plain_line_is_kept_once() {
    assert_eq!(read("hello").raw, None);
}
