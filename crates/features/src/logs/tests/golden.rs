//! The bytes of every message of logs, as `docs/PROTOCOL.md` prints them.
//!
//! Lines may be added; one that changes needs a new version of the feature.

use std::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::super::wire::{Cause, Epoch, Item, Missed, Names, Stock};
use super::super::{AppEnd, Before, Compare, Event, FieldTest, Mark};
use super::*;

#[track_caller]
fn check<M: Serialize + DeserializeOwned + PartialEq + Debug>(message: &M, golden: &str) {
    let mut bytes = Vec::new();
    wire::encode(message, &mut bytes);
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, golden);
    assert_eq!(wire::decode::<M>(&bytes).as_ref(), Ok(message));
}

const CURSOR: Cursor = Cursor {
    epoch: Epoch(0xaabb),
    sequence: 300,
};

#[test]
fn an_opening_has_these_bytes() {
    let open = Open {
        start: Start::Tail(50),
        follow: Follow::On,
        filter: Filter {
            levels: Levels::AtLeast(Level::ERROR),
            services: vec!["api".into()],
            instances: vec!["i*".into()],
            grep: vec!["a.b".into()],
            exclude: vec!["c".into()],
            fields: vec![FieldTest {
                name: "status".into(),
                compare: Compare::Matches,
                value: "^5".into(),
            }],
            since: Some(300),
            until: None,
        },
    };
    let golden = concat!(
        "01", // start: the tail
        "32", // of 50
        "01", // follow: on
        "01",
        "11", // levels: at least 17
        "01",
        "03",
        "617069", // services: one, api
        "01",
        "02",
        "692a", // instances: one, i*
        "01",
        "03",
        "612e62", // grep: one, a.b
        "01",
        "01",
        "63", // exclude: one, c
        "01",
        "06",
        "737461747573",
        "02",
        "02",
        "5e35", // fields: status matches ^5
        "01",
        "ac02", // since: some, 300
        "00",   // until: none
    );
    check(&open, golden);
}

#[test]
fn the_other_openings_have_these_bytes() {
    let open = |start| Open {
        start,
        follow: Follow::Off,
        filter: Filter::default(),
    };
    check(
        &open(Start::Oldest),
        concat!(
            "00", // start: the oldest
            "00", // follow: off
            "00", // levels: all
            "00", "00", "00", "00", "00", // services, instances, grep, exclude, fields: none
            "00", "00", // since, until: none
        ),
    );
    check(
        &open(Start::At(vec![CURSOR])),
        concat!(
            "02",     // start: at cursors
            "01",     // one
            "bbd502", // epoch
            "ac02",   // sequence
            "00",     // follow: off
            "00",     // levels: all
            "00", "00", "00", "00", "00", // services, instances, grep, exclude, fields: none
            "00", "00", // since, until: none
        ),
    );
}

#[test]
fn a_batch_has_these_bytes() {
    let entry = Entry {
        sequence: 299,
        record: Record::Line(Line {
            time: 1_800_000_000_000_000_000,
            level: Level::WARN,
            origin: Origin::new("api", "i-1"),
            message: "slow".into(),
            fields: Fields::from_iter([("path", "/")]),
            raw: Some(b"WARN".to_vec()),
        }),
    };
    let golden = concat!(
        "00",                 // a batch
        "01",                 // one entry
        "ab02",               // sequence
        "00",                 // a line
        "8080d09de9ceb8fd18", // time
        "0d",                 // level: 13
        "03",
        "617069", // service
        "03",
        "692d31", // instance
        "04",
        "736c6f77", // message
        "01",       // one field
        "04",
        "70617468", // its name
        "01",
        "2f", // its value
        "01",
        "04",
        "5741524e", // raw: some
        "bbd502",
        "ac02", // cursor: epoch, sequence
    );
    let entries = vec![Arc::new(entry)];
    check(
        &Item::Batch {
            entries,
            cursor: CURSOR,
        },
        golden,
    );
}

#[test]
fn gaps_have_these_bytes() {
    let missed = |missed| Item::Missed {
        missed,
        cursor: CURSOR,
    };
    check(
        &missed(Missed {
            since: Some(5),
            until: Some(300),
            ..Missed::new(Some(412), Cause::Overrun)
        }),
        concat!(
            "01", // missed
            "01", "9c03", // entries: some, 412
            "00",   // cause: overrun
            "01", "05", // since: some, 5
            "01", "ac02", // until: some, 300
            "bbd502", "ac02", // cursor
        ),
    );
    check(
        &missed(Missed::ANEW),
        concat!(
            "01", // missed
            "00", // entries: not known
            "01", // cause: restart
            "00", "00", // since, until: not known
            "bbd502", "ac02", // cursor
        ),
    );
    check(
        &missed(Missed::new(Some(1), Cause::Damaged)),
        concat!(
            "01", // missed
            "01", "01", // entries: some, 1
            "02", // cause: damaged
            "00", "00", // since, until: not known
            "bbd502", "ac02", // cursor
        ),
    );
}

#[test]
fn the_other_items_have_these_bytes() {
    check(
        &Item::Nothing { cursor: CURSOR },
        concat!(
            "02", // nothing
            "bbd502", "ac02", // cursor
        ),
    );
    check(
        &Item::Opened {
            stock: Stock {
                entries: 300,
                oldest: Some(5),
                fields: Names {
                    unknown: vec!["x".into()],
                    known: vec!["y".into()],
                },
                services: Names {
                    unknown: vec!["a".into()],
                    known: vec!["b".into()],
                },
                instances: Names::default(),
            },
            cursor: CURSOR,
        },
        concat!(
            "03", // opened
            "ac02", "01", "05", // stock: 300 entries, the oldest came at 5
            "01", "01", "78", // unknown fields: x
            "01", "01", "79", // known fields: y
            "01", "01", "61", // unknown services: a
            "01", "01", "62", // known services: b
            "00", "00", // instances: none is unknown
            "bbd502", "ac02", // cursor
        ),
    );
}

#[test]
fn marks_have_these_bytes() {
    let mark = |event| {
        Record::Mark(Mark {
            time: 5,
            origin: Origin::service("a"),
            event,
        })
    };
    let start = "01050161 00".replace(' ', "");
    for (event, golden) in [
        (
            Event::ServerStarted {
                commit: Some("c".into()),
                before: Before::CutOff,
            },
            "00010163 02",
        ),
        (Event::AppStarted { pid: 300 }, "01ac02"),
        (
            Event::AppEnded {
                end: AppEnd::Code(1),
            },
            "020001",
        ),
        (
            Event::AppEnded {
                end: AppEnd::Signal(9),
            },
            "020109",
        ),
        (
            Event::Dropped {
                lines: 300,
                bytes: 5,
            },
            "03ac0205",
        ),
        (Event::SourceAway { reason: "r".into() }, "040172"),
        (Event::DiskLost { reason: "r".into() }, "050172"),
        (Event::DiskBack, "06"),
    ] {
        check(&mark(event), &format!("{start}{}", golden.replace(' ', "")));
    }
}
