//! Values are equal on both sides: read by a source, written by a target, and read again.

use std::convert::Infallible;

use sanitize::Treatment;
use testkit::postgres::database;

use super::place::Place;
use super::{Chunk, write};
use crate::sync::cell::{Cell, RowsBuilder};
use crate::sync::database::DatabaseUrl;
use crate::sync::source::{Fill, Range, RowSink, Snapshot, View};
use crate::sync::table::{Table, TableName};
use crate::sync::target::{Destination, Mode, OutputFile, Target};
use crate::sync::wire::{ColumnPlan, Plan, Pseudonyms, TablePlan};

/// Takes rows as they are.
#[derive(Default)]
struct Rows {
    body: RowsBuilder,
}

impl RowSink for Rows {
    type Error = Infallible;

    fn push(&mut self, cells: &[Cell<'_>]) -> Result<Fill, Infallible> {
        cells.iter().for_each(|&cell| self.body.cell(cell));
        self.body.end_row();
        Ok(Fill::Room)
    }

    async fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

/// Reads a table whole, as one chunk, with the plan that keeps all of it.
async fn read(database: &DatabaseUrl, name: &str) -> (Plan, Chunk) {
    let mut snapshot = Snapshot::open(database).await.unwrap();
    let schema = snapshot.find(name).await.unwrap().schema;
    let table: Table = snapshot
        .describe(&TableName {
            schema,
            name: name.to_owned(),
        })
        .await
        .unwrap();
    let mut rows = Rows::default();
    snapshot
        .read(&table, &Range::default(), &mut rows)
        .await
        .unwrap();
    let keep = ColumnPlan {
        treatment: Treatment::Keep,
        reason: String::new(),
    };
    let table = TablePlan {
        columns: vec![keep; table.columns.len()],
        table,
        rows: 0,
        limit: None,
    };
    let plan = Plan {
        source: snapshot.source().clone(),
        pseudonyms: Pseudonyms {
            fingerprint: [0; 8],
            lasting: true,
        },
        tables: vec![table],
        skipped: Vec::new(),
    };
    snapshot.close().await;
    let chunk = Chunk {
        rows: rows.body.rows(),
        cursor: None,
        body: rows.body.body().to_vec(),
    };
    (plan, chunk)
}

/// Copies a table from one place to the other by a merge.
async fn copy(from: &DatabaseUrl, to: &Destination, name: &str) {
    let (plan, chunk) = read(from, name).await;
    let mut target = Target::open(to, &plan).await.unwrap();
    write(&mut target, &plan.tables[0], Mode::Merge, None, &[chunk])
        .await
        .unwrap();
    target.close().await.unwrap();
}

fn url(destination: &Destination) -> DatabaseUrl {
    let Destination::Database(database) = destination else {
        panic!("a file is no database")
    };
    database.clone()
}

/// Every type that a table is likely to have, and the values that are likely to break.
const EVERYTHING: &str = r#"
CREATE TYPE mood AS ENUM ('happy', 'so "so"');
CREATE DOMAIN positive AS integer CHECK (value > 0);
CREATE TABLE everything (
    id bigint PRIMARY KEY, small smallint, whole integer, exact numeric, price numeric(10, 2), single real,
    double double precision, cash money, yes boolean, note text, code character(5), short character varying(10),
    data bytea, day date, clock time, clock_tz timetz, moment timestamp, moment_tz timestamptz, span interval,
    uid uuid, doc json, docb jsonb, addr inet, net cidr, mac macaddr, bits bit(3), vary bit varying(5), mark mood,
    pos positive, words text[], numbers integer[], grid numeric[], docs jsonb[], moods mood[], period tstzrange,
    search tsvector, place point, doubled bigint GENERATED ALWAYS AS (id * 2) STORED
);
INSERT INTO everything VALUES (
    1, -32768, 2147483647, 12345678901234567890.1234567890, -0.10, 0.1, 1e-300, 1234.56, true,
    E'tab\t line\n return\r back\\slash \\N "quote" ''single'' Ünï 🦀 \x07', 'ab', 'short',
    '\x00ff5c6e', '2026-02-28', '23:59:59.999999', '23:59:59+02', '2026-01-31 10:00:00.5', '2026-01-31 10:00:00.5+02',
    '1 year 2 mons -3 days 04:05:06.789', '3f2504e0-4f89-11d3-9a0c-0305e82c3301',
    '{"b": 1.50,  "a": [null, "x\ny"]}', '{"n": 12345678901234567890.12}', '10.1.2.3/8', '10.0.0.0/8',
    '08:00:2b:01:02:03', '101', '1', 'so "so"', 7, '{a,"b c","NULL",NULL,"quo\"te","back\\slash",""}', '[0:1]={5,NULL}',
    '{{1.50,2},{3,4}}', '{"{\"k\": [1, 2]}",null}', '{happy,"so \"so\""}', '[2026-01-01,2026-02-01)', 'a fat cat', '(1.5,-2)'
);
INSERT INTO everything (id, exact, single, double, day, moment, moment_tz, note, data, words, docb) VALUES
    (2, 'NaN', 'Infinity', '-Infinity', 'infinity', '-infinity', 'infinity', '', '', '{}', '"text"'),
    (3, 0, -0.0, 'NaN', '0044-03-15 BC', '0044-03-15 01:02:03 BC', '12026-01-01 00:00:00+00', '\N', '\x', '{NULL}', '1'),
    (-4, -1e-20, 3.4028235e38, 1.7976931348623157e308, '9999-12-31', '9999-12-31', '1900-01-01 00:00:00+00', ' ', NULL, NULL, 'null');
INSERT INTO everything (id) VALUES (5);
"#;

#[tokio::test]
async fn postgres_to_postgres_keeps_every_value() {
    let (source, target) = (database().await, database().await);
    source.run(EVERYTHING).await;
    let destination = Destination::Database(DatabaseUrl::Postgres(target.url().parse().unwrap()));
    let from = DatabaseUrl::Postgres(source.url().parse().unwrap());
    // Once into a new table, and once merged into what is there by then.
    for _ in 0..2 {
        copy(&from, &destination, "everything").await;
        let (plan, sent) = read(&from, "everything").await;
        let (arrived, received) = read(&url(&destination), "everything").await;
        assert_eq!(received.body, sent.body);
        let types = |plan: &Plan| -> Vec<_> {
            plan.tables[0]
                .table
                .columns
                .iter()
                .map(|c| c.declared.clone())
                .collect()
        };
        let changed = types(&plan)
            .into_iter()
            .zip(types(&arrived))
            .filter(|(sent, here)| sent != here);
        let changed: Vec<_> = changed.collect();
        let pair = |sent: &str, here: &str| (sent.to_owned(), here.to_owned());
        assert_eq!(
            changed,
            [
                pair("public.mood", "text"),
                pair("public.positive", "bigint"),
                pair("public.mood[]", "text[]")
            ]
        );
    }
}

#[tokio::test]
async fn postgres_to_sqlite_keeps_every_value_in_its_form() {
    let source = database().await;
    source.run(EVERYTHING).await;
    let place = Place::sqlite().await;
    let from = DatabaseUrl::Postgres(source.url().parse().unwrap());
    copy(&from, &place.destination(), "everything").await;
    let stored = |column: &str, id: i64| {
        let sql = format!(
            "SELECT typeof({column}) || ' ' || CAST({column} AS TEXT) FROM everything WHERE id = {id}"
        );
        let place = &place;
        async move { place.texts(&sql).await.concat() }
    };
    let expected = [
        ("small", "integer -32768"),
        ("exact", "text 12345678901234567890.1234567890"),
        ("price", "text -0.10"),
        ("double", "real 1.0e-300"),
        ("yes", "integer 1"),
        ("code", "text ab   "),
        ("hex(data)", "text 00FF5C6E"),
        ("moment", "text 2026-01-31 10:00:00.5"),
        ("moment_tz", "text 2026-01-31T08:00:00.5Z"),
        ("doc", "text {\"b\": 1.50,  \"a\": [null, \"x\\ny\"]}"),
        ("docb", "text {\"n\": 12345678901234567890.12}"),
        (
            "words",
            r#"text ["a","b c","NULL",null,"quo\"te","back\\slash",""]"#,
        ),
        ("numbers", "text [5,null]"),
        ("grid", "text [[1.50,2],[3,4]]"),
        ("docs", r#"text [{"k": [1, 2]},null]"#),
        ("mark", "text so \"so\""),
        ("doubled", "integer 2"),
    ];
    for (column, value) in expected {
        assert_eq!(stored(column, 1).await, value, "{column}");
    }
    for (column, value) in [
        ("exact", "text NaN"),
        ("single", "text Infinity"),
        ("day", "text infinity"),
        ("moment_tz", "text infinity"),
    ] {
        assert_eq!(stored(column, 2).await, value, "{column}");
    }
}

#[tokio::test]
async fn sqlite_to_sqlite_keeps_every_value_and_its_storage() {
    let (source, target) = (Place::sqlite().await, Place::sqlite().await);
    source
        .run(
            "CREATE TABLE things (id INTEGER PRIMARY KEY, name VARCHAR(20) NOT NULL, price DECIMAL(10, 2), size REAL, \
             data BLOB, flag BOOLEAN, at DATETIME, doc JSON, count INT); \
             INSERT INTO things VALUES (1, 'a''b\"c', 1.5, 0.1, x'00ff', 1, '2026-01-31 10:00:00', '{\"a\": 1}', 9007199254740993), \
             (-2, '', 12, 1e300, x'', 0, 1769853600, NULL, 'not a number'), (3, 'Ünï', NULL, NULL, NULL, NULL, NULL, '[]', -1)",
        )
        .await;
    let from = url(&source.destination());
    for _ in 0..2 {
        copy(&from, &target.destination(), "things").await;
        let columns = [
            "id", "name", "price", "size", "data", "flag", "at", "doc", "count",
        ];
        for column in columns {
            let sql = format!(
                "SELECT typeof({column}) || ' ' || quote({column}) FROM things ORDER BY id"
            );
            assert_eq!(
                target.texts(&sql).await,
                source.texts(&sql).await,
                "{column}"
            );
        }
    }
    let declared = "SELECT group_concat(type, ',') FROM pragma_table_info('things')";
    assert_eq!(target.texts(declared).await, source.texts(declared).await);
}

#[tokio::test]
async fn postgres_to_sqlite_and_back_keeps_what_both_can_say() {
    let (source, back) = (database().await, database().await);
    source
        .run(
            "CREATE TABLE things (id bigint PRIMARY KEY, name text, exact numeric, double double precision, yes boolean, \
             data bytea, note text); INSERT INTO things VALUES (1, 'a\\b', 1.50, 0.1, true, '\\x00ff', NULL), \
             (2, '', 12345678901234567890.10, 'NaN', false, '', E'line\\n'), (3, NULL, NULL, NULL, NULL, NULL, '\\N')",
        )
        .await;
    let place = Place::sqlite().await;
    let from = DatabaseUrl::Postgres(source.url().parse().unwrap());
    copy(&from, &place.destination(), "things").await;
    back.run("CREATE TABLE things (id bigint PRIMARY KEY, name text, exact numeric, double double precision, yes boolean, data bytea, note text)").await;
    let to = Destination::Database(DatabaseUrl::Postgres(back.url().parse().unwrap()));
    copy(&url(&place.destination()), &to, "things").await;
    let (_, sent) = read(&from, "things").await;
    let (_, received) = read(&url(&to), "things").await;
    assert_eq!(received.body, sent.body);
}

#[tokio::test]
async fn postgres_to_json_is_json_of_every_value() {
    let source = database().await;
    source.run(EVERYTHING).await;
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("everything.json");
    let from = DatabaseUrl::Postgres(source.url().parse().unwrap());
    copy(
        &from,
        &Destination::File(OutputFile::new(&path).unwrap()),
        "everything",
    )
    .await;
    let file = std::fs::read_to_string(path).unwrap();
    let rows: Vec<serde_json::Value> = serde_json::from_str(&file).unwrap();
    assert_eq!(rows.len(), 5);
    for exact in [
        "\"exact\":12345678901234567890.1234567890",
        "\"price\":-0.10",
        "\"data\":\"\\\\x00ff5c6e\"",
        "\"exact\":\"NaN\"",
    ] {
        assert!(file.contains(exact), "{exact}");
    }
    assert_eq!(
        rows[1]["docb"],
        serde_json::json!({ "n": 12_345_678_901_234_567_890.12 })
    );
    assert_eq!(rows[1]["yes"], true);
    assert_eq!(rows[1]["words"][4], "quo\"te");
}
