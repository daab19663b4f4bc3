//! The bytes of sync's messages, as `docs/PROTOCOL.md` prints them.
//!
//! Lines may be added; one that changes needs a new version of sync.

use sanitize::{Persona, Treatment, ValueKind};

use super::table::{Column, Table, TableName};
use super::wire::{
    Ack, Begin, Chunk, ColumnPlan, Cursor, Engine, Identity, Item, Open, Plan, Pseudonyms,
    Sanitising, Selection, Skipped, Source, Start, TableEnd, TablePlan,
};

fn hex<M: serde::Serialize>(message: &M) -> String {
    let mut bytes = Vec::new();
    wire::encode(message, &mut bytes);
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn an_open_has_these_bytes() {
    let open = Open {
        tables: Selection::Named(vec!["courses".into()]),
        limit: Some(100),
        sanitising: Sanitising::On,
    };
    let golden = concat!(
        "00",
        "01",
        "07",
        "636f7572736573", // tables: named, one
        "01",
        "64", // limit: some
        "00", // sanitising: on
    );
    assert_eq!(hex(&open), golden);
    let all = Open {
        tables: Selection::All,
        limit: None,
        sanitising: Sanitising::Off,
    };
    assert_eq!(hex(&all), "010001");
}

fn plan() -> Plan {
    let name = TableName {
        schema: Some("public".into()),
        name: "users".into(),
    };
    let column = Column {
        name: "email".into(),
        declared: "text".into(),
        kind: ValueKind::Text,
        max_chars: Some(80),
        nullable: false,
        generated: false,
    };
    let table = Table {
        name: name.clone(),
        columns: vec![column],
        key: vec![0],
        unique: vec![],
        parents: vec![],
        estimated_rows: 300,
    };
    let treatment = Treatment::Pseudonymise(Persona::Email);
    Plan {
        source: Source {
            identity: Identity {
                id: [0xaa; 32],
                known_to_all: None,
            },
            engine: Engine::Postgres,
        },
        pseudonyms: Pseudonyms {
            fingerprint: [0xbb; 8],
            lasting: true,
        },
        tables: vec![TablePlan {
            table,
            columns: vec![ColumnPlan {
                treatment,
                reason: "name".into(),
            }],
            rows: 100,
            limit: Some(100),
        }],
        skipped: vec![Skipped {
            table: name,
            reason: "no".into(),
        }],
    }
}

#[test]
fn a_plan_has_these_bytes() {
    assert_eq!(hex(&plan()), PLAN);
}

#[test]
fn a_source_that_is_known_to_all_by_another_hash_has_these_bytes() {
    let mut source = plan().source;
    source.identity.known_to_all = Some([0xdd; 32]);
    let golden = ["aa".repeat(32), "01".into(), "dd".repeat(32), "00".into()];
    assert_eq!(hex(&source), golden.concat());
}

#[test]
fn a_start_has_these_bytes() {
    let start = Start {
        tables: vec![
            Begin::First,
            Begin::After {
                cursor: Cursor(vec![1, 2]),
                rows: 300,
            },
            Begin::Skip,
        ],
    };
    assert_eq!(
        hex(&start),
        concat!("03", "00", "01", "02", "0102", "ac02", "02")
    );
}

#[test]
fn items_and_acks_have_these_bytes() {
    let chunk = Item::Chunk(Chunk {
        table: 1,
        rows: 300,
        cursor: Some(Cursor(vec![7])),
        raw_bytes: 16_384,
        hash: [0xcc; 32],
        body: vec![0xdd, 0xee],
    });
    let golden = concat!(
        "00",
        "01",
        "ac02", // chunk, table, rows
        "01",
        "01",
        "07",                                                               // cursor: some
        "808001",                                                           // raw_bytes
        "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc", // hash
        "02",
        "ddee", // body
    );
    assert_eq!(hex(&chunk), golden);
    let end = Item::TableEnd(TableEnd {
        table: 1,
        rows: 300,
        replaced: vec![0, 5],
    });
    assert_eq!(hex(&end), concat!("01", "01", "ac02", "02", "00", "05"));
    assert_eq!(hex(&Ack { chunks: 300 }), "ac02");
}

const PLAN: &str = concat!(
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "00",
    "00", // source: identity, none known to all, PostgreSQL
    "bbbbbbbbbbbbbbbb",
    "01", // pseudonyms: lasting
    "01", // tables: one
    "01",
    "06",
    "7075626c6963",
    "05",
    "7573657273", // public, users
    "01",
    "05",
    "656d61696c",
    "04",
    "74657874", // columns: one, email, text
    "03",
    "01",
    "50",
    "00",
    "00", // text, at most 80, not null, not generated
    "01",
    "00",
    "00",
    "00",
    "ac02", // key: [0], unique, parents, estimate
    "01",
    "01",
    "00",
    "04",
    "6e616d65", // pseudonymise as e-mail, reason
    "64",
    "01",
    "64", // rows, limit
    "01",
    "01",
    "06",
    "7075626c6963",
    "05",
    "7573657273",
    "02",
    "6e6f", // skipped
);
