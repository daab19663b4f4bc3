//! The bytes of every message of logs, as `docs/PROTOCOL.md` prints them.
//!
//! Lines may be added; one that changes needs a new version of the feature.

use std::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::super::wire::{Epoch, Item, Missed};
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
            level: Some(Threshold(Level::ERROR)),
            services: vec!["api".into()],
        },
    };
    let golden = concat!(
        "01", // start: the tail
        "32", // of 50
        "01", // follow: on
        "01", "11", // level: some, 17
        "01", "03", "617069", // services: one, api
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
            "00", // level: none
            "00", // services: any
        ),
    );
    check(
        &open(Start::At(CURSOR)),
        concat!(
            "02",     // start: at a cursor
            "bbd502", // epoch
            "ac02",   // sequence
            "00",     // follow: off
            "00",     // level: none
            "00",     // services: any
        ),
    );
}

#[test]
fn a_batch_has_these_bytes() {
    let entry = Entry {
        sequence: 299,
        line: Line {
            time: 1_800_000_000_000_000_000,
            level: Level::WARN,
            service: "api".into(),
            message: "slow".into(),
            fields: [("path".to_owned(), "/".to_owned())].into(),
            raw: Some(b"WARN".to_vec()),
        },
    };
    let golden = concat!(
        "00",                 // a batch
        "01",                 // one entry
        "ab02",               // sequence
        "8080d09de9ceb8fd18", // time
        "0d",                 // level: 13
        "03",
        "617069", // service
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
fn the_other_items_have_these_bytes() {
    let missed = |missed| Item::Missed {
        missed,
        cursor: CURSOR,
    };
    check(
        &missed(Missed::overrun(412)),
        concat!(
            "01", // missed
            "01", "9c03", // entries: some, 412
            "00",   // cause: overrun
            "bbd502", "ac02", // cursor
        ),
    );
    check(
        &missed(Missed::RESTART),
        concat!(
            "01", // missed
            "00", // entries: not known
            "01", // cause: restart
            "bbd502", "ac02", // cursor
        ),
    );
    check(
        &Item::Nothing { cursor: CURSOR },
        concat!(
            "02", // nothing
            "bbd502", "ac02", // cursor
        ),
    );
}
