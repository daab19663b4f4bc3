//! Lines as they are to look, each form with the same lines.

use std::sync::Arc;
use std::time::Duration;

use client::logs::client::LogItem;
use client::logs::wire::{Cause, Missed, Stock};
use client::logs::{AppEnd, Before, Entry, Event, Fields, Level, Line, Mark, Origin, Record};
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::{Aside, Layout, Look, Page, Renderer, Shape, Shown};
use crate::output::Style;

/// 1970-01-01T12:34:56.789Z.
const TIME: u64 = 45_296_789_000_000;

const SECOND: u64 = 1_000_000_000;

fn line(message: &str) -> Line {
    Line {
        time: TIME,
        level: Level::WARN,
        origin: Origin::service("api"),
        message: message.to_owned(),
        fields: Fields::default(),
        raw: None,
    }
}

fn entry(record: Record) -> LogItem {
    LogItem::Entry(Arc::new(Entry {
        sequence: 7,
        record,
    }))
}

fn mark(event: Event) -> LogItem {
    entry(Record::Mark(Mark {
        time: TIME,
        origin: Origin::service("api"),
        event,
    }))
}

/// Lines that were missed for so many seconds after [`TIME`].
fn overrun(seconds: Option<u64>) -> LogItem {
    LogItem::Missed(Missed {
        entries: Some(1412),
        cause: Cause::Overrun,
        since: Some(TIME),
        until: seconds.map(|seconds| TIME + seconds * SECOND),
    })
}

fn look(shape: Shape) -> Look {
    Look {
        shape,
        today: Some("1970-01-01".parse().unwrap()),
        ..Look::pretty(Style::Plain)
    }
}

fn page(look: Look, items: &[LogItem]) -> Page {
    let (mut renderer, mut page) = (Renderer::new(look), Page::default());
    for item in items {
        renderer.render(item, &mut page);
    }
    page
}

fn shown(look: Look, items: &[LogItem]) -> String {
    let page = page(look, items);
    assert_eq!(page.asides().count(), 0);
    String::from_utf8(page.out).unwrap()
}

fn pretty(items: &[LogItem]) -> String {
    shown(look(Shape::Pretty), items)
}

fn objects(items: &[LogItem]) -> Vec<Value> {
    let text = shown(look(Shape::Json), items);
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn a_line_has_time_level_service_message_and_fields() {
    let mut line = line("slow query");
    line.fields = [
        ("http.status", "502"),
        ("said", "it \"works\""),
        ("trace", ""),
    ]
    .into_iter()
    .collect();
    assert_eq!(
        pretty(&[entry(Record::Line(line))]),
        "12:34:56.789 WARN  api › slow query  http.status=502  said=\"it \\\"works\\\"\"  trace=\"\"\n"
    );
}

#[test]
fn colours_tell_the_level_and_the_service_and_leave_the_message_alone() {
    let mut line = line("slow");
    line.fields.set("ms", "9");
    let look = Look {
        style: Style::Coloured,
        ..look(Shape::Pretty)
    };
    assert_eq!(
        shown(look, &[entry(Record::Line(line))]),
        "\x1b[2m12:34:56.789\x1b[0m \x1b[33mWARN \x1b[0m \x1b[38;5;33mapi\x1b[0m\x1b[2m › \x1b[0mslow  \
         \x1b[2mms=\x1b[0m9\n"
    );
}

#[test]
fn a_log_cannot_speak_to_the_terminal() {
    let mut line = line("gone\x1b[2J\r\nbeneath\x07");
    line.origin = Origin {
        // As the other end may send it.
        service: "a\x1bpi".into(),
        instance: "".into(),
    };
    line.fields.set("x\u{1b}", "a\u{202e}b");
    let shown = pretty(&[entry(Record::Line(line))]);
    assert_eq!(
        shown,
        "12:34:56.789 WARN  a\\u{1b}pi › gone\\u{1b}[2J\\r  x\\u{1b}=a\\u{202e}b\n    │ beneath\\u{7}\n"
    );
}

#[test]
fn a_stack_trace_stands_beneath_its_message() {
    let mut line = line("Error: boom\n    at pay (pay.js:1:2)\n    at main\n");
    line.fields.set("path", "/pay");
    assert_eq!(
        pretty(&[entry(Record::Line(line))]),
        "12:34:56.789 WARN  api › Error: boom  path=/pay\n    │     at pay (pay.js:1:2)\n    │     at main\n"
    );
}

#[test]
fn fields_can_be_left_out() {
    let mut line = line("x");
    line.fields = [("http.status", "502"), ("pid", "7"), ("http.path", "/")]
        .into_iter()
        .collect();
    let with = |shown: &str, hidden: &[&str]| {
        let hidden = hidden.iter().map(|&name| name.to_owned()).collect();
        let fields = Layout {
            shown: shown.parse().unwrap(),
            hidden,
        };
        let look = Look {
            fields,
            ..look(Shape::Pretty)
        };
        let text = self::shown(look, &[entry(Record::Line(line.clone()))]);
        text.trim_end().split_once("› x").unwrap().1.to_owned()
    };
    assert_eq!(with("none", &[]), "");
    assert_eq!(with("http", &["http.path"]), "  http.status=502");
    assert_eq!(with("all", &["http"]), "  pid=7");
    assert_eq!(Shown::default(), "all".parse().unwrap());
}

#[test]
fn times_are_of_the_zone_and_a_new_day_is_said() {
    let mut evening = line("evening");
    evening.time = 23 * 3600 * SECOND;
    let mut night = line("night");
    night.time = 25 * 3600 * SECOND;
    let items = [evening.clone(), night, evening].map(|line| entry(Record::Line(line)));
    assert_eq!(
        pretty(&items),
        "23:00:00.000 WARN  api › evening\n── 1970-01-02 ──\n01:00:00.000 WARN  api › night\n\
         23:00:00.000 WARN  api › evening\n"
    );
    let zone = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
    let berlin = shown(
        Look {
            zone,
            ..look(Shape::Pretty)
        },
        &items[..1],
    );
    assert_eq!(
        berlin,
        "── 1970-01-02 ──\n00:00:00.000 WARN  api › evening\n"
    );
}

#[test]
fn what_happened_stands_between_the_lines() {
    let commit = Some("3f2a9c1d5e".to_owned());
    for (event, text) in [
        (
            Event::ServerStarted {
                commit,
                before: Before::Ended,
            },
            "the server started with commit 3f2a9c1",
        ),
        (Event::AppStarted { pid: 7 }, "the app started as process 7"),
        (
            Event::AppEnded {
                end: AppEnd::Code(1),
            },
            "the app ended with code 1",
        ),
        (
            Event::AppEnded {
                end: AppEnd::Signal(9),
            },
            "the app was ended by signal 9",
        ),
        (
            Event::Dropped {
                lines: 2000,
                bytes: 1,
            },
            "2,000 lines dropped here, so that the app need not wait",
        ),
        (
            Event::DiskBack,
            "what follows is on the server's disk again",
        ),
        (
            Event::SourceAway {
                reason: "render\x1b".to_owned(),
            },
            "render\\u{1b}",
        ),
    ] {
        assert_eq!(
            pretty(&[mark(event)]),
            format!("── 12:34:56.789 api: {text} ──\n")
        );
    }
    let away = LogItem::Reconnected {
        away: Duration::from_millis(2100),
    };
    assert_eq!(pretty(&[away]), "── reconnected after 2.1 s ──\n");
}

#[test]
fn a_gap_says_how_much_is_missing_between_which_lines_and_why() {
    assert_eq!(
        pretty(&[overrun(Some(7))]),
        "… 1,412 lines are missing here (12:34:56.789 to 12:35:03.789): \
         the server's memory of lines had moved on …\n"
    );
    assert_eq!(
        pretty(&[overrun(None)]),
        "… 1,412 lines are missing here (after 12:34:56.789): \
         the server's memory of lines had moved on …\n"
    );
    let unknown = |entries, cause| {
        let (since, until) = (None, None);
        pretty(&[LogItem::Missed(Missed {
            entries,
            cause,
            since,
            until,
        })])
    };
    for (entries, cause, text) in [
        (
            None,
            Cause::Restart,
            "the server started anew: what it wrote before may be missing here",
        ),
        (
            Some(1),
            Cause::Restart,
            "1 line is missing here: the server started anew, and there may have been more",
        ),
        (
            None,
            Cause::Damaged,
            "lines are missing here: the server cannot read them from its disk",
        ),
    ] {
        assert_eq!(unknown(entries, cause), format!("… {text} …\n"));
    }
}

#[test]
fn raw_lines_are_the_bytes_that_were_written_and_the_rest_is_told_beside_them() {
    let mut binary = line("\u{fffd}");
    binary.raw = Some(b"\xff\x00\x1b[2J\r".to_vec());
    let lines = [
        entry(Record::Line(binary)),
        overrun(Some(7)),
        entry(Record::Line(line("plain"))),
    ];
    let page = page(
        look(Shape::Raw),
        &[&lines[..], &[mark(Event::AppStarted { pid: 7 })]].concat(),
    );
    assert_eq!(page.out, b"\xff\x00\x1b[2J\r\nplain\n");
    let asides: Vec<_> = page.asides().cloned().collect();
    let gap = "1,412 lines are missing here (12:34:56.789 to 12:35:03.789): \
               the server's memory of lines had moved on";
    assert_eq!(
        asides,
        [
            Aside::Warning(gap.to_owned()),
            Aside::Note("12:34:56.789 api: the app started as process 7".to_owned())
        ]
    );
}

#[test]
fn scripts_get_every_part_of_a_line() {
    let mut plain = line("slow\n\u{1b}");
    plain.fields.set("http.status", "502");
    let mut parsed = line("slow");
    (parsed.time, parsed.raw) = (TIME + 1, Some(b"WARN slow".to_vec()));
    let mut binary = parsed.clone();
    binary.raw = Some(b"\xff".to_vec());
    let objects = objects(&[plain, parsed, binary].map(|line| entry(Record::Line(line))));
    assert_eq!(
        objects[0],
        json!({
            "type": "entry", "time": "1970-01-01T12:34:56.789Z", "level": "warn", "level_number": 13,
            "service": "api", "instance": "", "message": "slow\n\u{1b}",
            "fields": { "http.status": "502" }, "sequence": 7
        })
    );
    assert_eq!(objects[1]["time"], "1970-01-01T12:34:56.789000001Z");
    assert_eq!(
        (&objects[1]["raw"], objects[1].get("raw_base64")),
        (&"WARN slow".into(), None)
    );
    assert_eq!(
        (objects[2].get("raw"), &objects[2]["raw_base64"]),
        (None, &"/w==".into())
    );
    assert_eq!(objects[2]["fields"], json!({}));
}

#[test]
fn scripts_get_what_is_between_the_lines() {
    let ended = mark(Event::AppEnded {
        end: AppEnd::Signal(9),
    });
    let away = LogItem::Reconnected {
        away: Duration::from_millis(2500),
    };
    assert_eq!(
        objects(&[ended, overrun(None), away]),
        [
            json!({
                "type": "mark", "time": "1970-01-01T12:34:56.789Z", "service": "api", "instance": "",
                "event": "app_ended", "code": null, "signal": 9,
                "text": "the app was ended by signal 9", "sequence": 7
            }),
            json!({
                "type": "missed", "entries": 1412, "cause": "overrun",
                "since": "1970-01-01T12:34:56.789Z", "until": null
            }),
            json!({ "type": "reconnected", "away_seconds": 2.5 }),
        ]
    );
}

#[test]
fn scripts_alone_get_what_the_server_has() {
    let stock = Stock {
        entries: 9,
        oldest: Some(TIME),
        ..Stock::default()
    };
    let opened = |shape| shown(look(shape), &[LogItem::Opened(stock.clone())]);
    let object: Value = serde_json::from_str(&opened(Shape::Json)).unwrap();
    let oldest = "1970-01-01T12:34:56.789Z";
    let expected = json!({
        "type": "opened", "entries": 9, "oldest": oldest,
        "unknown_fields": [], "unknown_services": [], "unknown_instances": [],
    });
    assert_eq!(object, expected);
    assert_eq!(opened(Shape::Pretty), "");
}

#[test]
fn a_template_has_the_parts_that_it_names() {
    let mut line = line("a\nb\u{1b}");
    line.origin = Origin::new("api", "i-1");
    line.fields = [("http.status", "502"), ("said", "a b")]
        .into_iter()
        .collect();
    let written = |template: &str| {
        let shape = Shape::Template(template.parse().unwrap());
        shown(look(shape), &[entry(Record::Line(line.clone()))])
    };
    for (template, shown) in [
        ("{date} {time} {level}|", "1970-01-01 12:34:56.789 WARN |"),
        ("{service}/{instance} {message}", "api/i-1 a\\nb\\u{1b}"),
        ("{field.http.status}{field.none}", "502"),
        ("{fields}", "http.status=502 said=\"a b\""),
        ("{timestamp} {sequence}", "1970-01-01T12:34:56.789Z 7"),
        ("{{{level}}}", "{WARN }"),
        ("✓ {raw}", "✓ a\\nb\\u{1b}"),
        (r"{sequence}\t{level}\n\\n\d", "7\tWARN \n\\n\\d"),
    ] {
        assert_eq!(written(template), format!("{shown}\n"), "{template}");
    }
}

#[test]
fn a_template_that_makes_no_sense_is_refused_with_what_would() {
    let refused = |text: &str| text.parse::<super::Template>().unwrap_err().to_string();
    assert!(
        refused("{mesage}").starts_with("there is no {mesage}, but {message}: use {time}, {date}")
    );
    assert!(refused("{status}").starts_with("there is no {status}, unless it is {field.status}"));
    assert!(refused("{field.}").starts_with("there is no {field.}"));
    assert_eq!(
        refused("{time"),
        "{time is not closed: write {{ for a brace"
    );
    assert_eq!(refused("time}"), "a } closes nothing: write }} for a brace");
}

#[test]
fn in_json_nothing_is_left_that_a_terminal_acts_upon_and_nothing_is_changed() {
    let message = "csi \u{9b}2J, turned \u{202e}txt, ünïcode ✓";
    let items = [entry(Record::Line(line(message)))];
    let text = shown(look(Shape::Json), &items);
    assert!(
        text.contains("csi \\u009b2J, turned \\u202etxt, ünïcode ✓"),
        "{text}"
    );
    let object: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(object["message"], message);
}
