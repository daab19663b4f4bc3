//! Every untreated value is the same on both sides; every treated one is not.

use rusqlite::Connection;
use sqlx::{PgConnection, Row};
use testkit::postgres;

use crate::harness::{sqlite, sync, sync_once};

/// Tables with every kind of value and key that a shop has, parents and children, a cycle, names
/// that need quotes, and nothing personal but where a column says so.
const SHOP: &str = r#"
CREATE TYPE mood AS ENUM ('fine', 'so "so"', 'off');
CREATE DOMAIN sku AS varchar(12) CHECK (VALUE ~ '^[A-Z]');
CREATE TABLE kinds (
    id bigint PRIMARY KEY, small smallint, whole integer, exact numeric(30, 8), any_exact numeric,
    real_one real, real_two double precision, price money, yes boolean, words text, fixed char(5), short varchar(20),
    day date, at time, at_zone timestamptz, at_plain timestamp, span interval, uid uuid,
    doc json, docb jsonb, tags text[], grid integer[][], mood mood, code sku, bits varbit,
    twice bigint GENERATED ALWAYS AS (id * 2) STORED
);
INSERT INTO kinds
SELECT n, (n % 30000)::smallint, n * 1000, n / 7.0, (n::numeric ^ 9) / 13,
    (n / 3.0)::real, n / 3.0, (n / 100.0)::numeric::money, n % 2 = 0,
    E'line\ttab\\ "quoted" ünïcode ' || n, left(md5(n::text), 5), 'short ' || n,
    date '2000-02-29' + n, time '00:00' + n * interval '1.5 second', timestamptz '2001-09-09 01:46:40.123456+00' + n * interval '1 hour',
    timestamp '1999-12-31 23:59:59.999999' + n * interval '1 day', n * interval '1 day 2 hours',
    md5(n::text)::uuid, json_build_object('n', n, 'deep', json_build_array(1.10, null, 'x')),
    jsonb_build_object('n', n, 'big', 12345678901234567890.5), ARRAY['a', 'b,c', '"', NULL, 'n' || n], ARRAY[[1, n], [3, NULL]],
    (ARRAY['fine', 'so "so"', 'off'])[1 + n % 3]::mood, ('A' || n)::sku, n::bit(9)::varbit
FROM generate_series(1, 500) AS n;
INSERT INTO kinds (id) VALUES (0);
INSERT INTO kinds (id, exact, real_one, real_two, any_exact, at_plain, at_zone, day) VALUES
    (-1, 0, 'NaN', '-Infinity', 'NaN', 'infinity', '-infinity', 'infinity'),
    (-2, -0.00000001, 1e-30, 5e-324, 0.000000000000000000000000000001, '0001-01-01 BC', '294276-01-01', '4713-01-01 BC');
CREATE TABLE "Odd ""Name""" ("Select" integer, "a b" text, PRIMARY KEY ("a b", "Select"));
INSERT INTO "Odd ""Name""" SELECT n, chr(64 + n) FROM generate_series(1, 20) AS n;
CREATE TABLE artists (id integer PRIMARY KEY, boss integer REFERENCES artists, title text NOT NULL UNIQUE);
INSERT INTO artists SELECT n, NULLIF(n - 1, 0), 'Artist ' || n FROM generate_series(1, 50) AS n;
CREATE TABLE albums (artist integer REFERENCES artists, number smallint, title text, PRIMARY KEY (artist, number));
INSERT INTO albums SELECT a, n, 'Album ' || n FROM generate_series(1, 50) AS a, generate_series(1, 3) AS n;
CREATE TABLE nothing (id uuid PRIMARY KEY, words text);
"#;

const TABLES: [&str; 5] = ["kinds", r#""Odd ""Name""""#, "artists", "albums", "nothing"];

/// Returns the rows of a PostgreSQL table as the text that PostgreSQL shows.
async fn rows(connection: &mut PgConnection, table: &str) -> Vec<String> {
    let text = format!("SELECT t::text FROM (SELECT * FROM {table}) AS t ORDER BY 1");
    sqlx::query_scalar(sqlx::AssertSqlSafe(text))
        .fetch_all(connection)
        .await
        .expect("rows")
}

#[tokio::test]
async fn postgres_to_postgres_every_value_is_the_same() {
    let (from, to) = (postgres::database().await, postgres::database().await);
    from.run(SHOP).await;
    let summary = sync_once(from.url(), &sync(&["*"], to.url()))
        .await
        .unwrap();
    assert_eq!(summary.tables.len(), TABLES.len());
    let (mut source, mut target) = (from.connect().await, to.connect().await);
    for table in TABLES {
        assert_eq!(
            rows(&mut target, table).await,
            rows(&mut source, table).await,
            "{table}"
        );
    }
}

#[tokio::test]
async fn a_second_sync_changes_what_changed_and_nothing_else() {
    let (from, to) = (postgres::database().await, postgres::database().await);
    from.run(SHOP).await;
    sync_once(from.url(), &sync(&["*"], to.url()))
        .await
        .unwrap();
    from.run("UPDATE artists SET title = 'Renamed' WHERE id = 7; INSERT INTO artists VALUES (99, 7, 'New')").await;
    to.run("UPDATE artists SET title = 'Local' WHERE id = 8")
        .await;
    sync_once(from.url(), &sync(&["artists"], to.url()))
        .await
        .unwrap();
    let (mut source, mut target) = (from.connect().await, to.connect().await);
    assert_eq!(
        rows(&mut target, "artists").await,
        rows(&mut source, "artists").await
    );
}

/// Returns the rows of a SQLite table as text, with the type that SQLite stores.
fn typed_rows(path: &std::path::Path, sql: &str) -> Vec<Vec<String>> {
    let connection = Connection::open(path).expect("a database");
    let mut query = connection.prepare(sql).expect("a query");
    let columns = query.column_count();
    let rows = query.query_map([], |row| {
        (0..columns)
            .map(|at| {
                Ok(row
                    .get::<_, Option<String>>(at)?
                    .unwrap_or_else(|| "NULL".into()))
            })
            .collect()
    });
    rows.expect("rows").collect::<Result<_, _>>().expect("text")
}

#[tokio::test]
async fn postgres_to_sqlite_every_value_is_as_its_type_is_written_there() {
    let from = postgres::database().await;
    from.run(SHOP).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("local.db");
    sync_once(from.url(), &sync(&["*"], &sqlite(&path)))
        .await
        .unwrap();

    let columns = [
        "id",
        "whole",
        "exact",
        "any_exact",
        "yes",
        "words",
        "fixed",
        "day",
        "doc",
        "tags",
        "grid",
        "mood",
        "code",
        "twice",
    ];
    let columns = columns
        .map(|name| format!("typeof({name}) || ' ' || {name}"))
        .join(", ");
    let rows = typed_rows(&path, &format!("SELECT {columns} FROM kinds WHERE id = 3"));
    let expected = [
        "integer 3",
        "integer 3000",
        "text 0.42857143",
        "text 1514.0769230769230769",
        "integer 0",
        "text line\ttab\\ \"quoted\" ünïcode 3",
        "text eccbc",
        "text 2000-03-03",
        r#"text {"n" : 3, "deep" : [1.10, null, "x"]}"#,
        r#"text ["a","b,c","\"",null,"n3"]"#,
        "text [[1,3],[3,null]]",
        "text fine",
        "text A3",
        "integer 6",
    ];
    assert_eq!(rows, [expected]);
    let counts = typed_rows(
        &path,
        r#"SELECT (SELECT count(*) FROM kinds) || '', (SELECT count(*) FROM "Odd ""Name""") || '',
           (SELECT count(*) FROM artists) || '', (SELECT count(*) FROM albums) || '', (SELECT count(*) FROM "nothing") || ''"#,
    );
    assert_eq!(counts, [["503", "20", "50", "150", "0"]]);
}

#[tokio::test]
async fn what_is_personal_leaves_treated_and_the_rest_as_it_is() {
    let (from, to) = (postgres::database().await, postgres::database().await);
    from.run(
        "CREATE TYPE owner AS ENUM ('nobody', 'wilhelmina@corp.test');
         CREATE TABLE users (id integer PRIMARY KEY, email text UNIQUE NOT NULL, first_name text, password_hash text, \
           avatar bytea, notes text, profile jsonb, tags text[], plan text, position point, owner owner);
         INSERT INTO users SELECT n, 'user' || n || '@corp.test', 'Wilhelmina', '$2b$12$abcdefghijklmnopqrstuv', '\\xdeadbeef', \
           'call +49 30 901820 or write wilhelmina@corp.test', \
           jsonb_build_object('contact', jsonb_build_object('wilhelmina@corp.test', 'x'), 'seats', n), \
           ARRAY['vip', 'wilhelmina@corp.test'], 'gold', point(1, 2), 'wilhelmina@corp.test'::owner FROM generate_series(1, 300) AS n",
    )
    .await;
    let summary = sync_once(from.url(), &sync(&["users"], to.url()))
        .await
        .unwrap();
    let mut target = to.connect().await;
    let text = rows(&mut target, "users").await;
    assert_eq!(text.len(), 300);
    for row in &text {
        for secret in [
            "corp.test",
            "Wilhelmina",
            "wilhelmina",
            "$2b$",
            "deadbeef",
            "901820",
            "(1,2)",
        ] {
            assert!(!row.contains(secret), "{secret} left in {row}");
        }
        assert!(
            row.contains("gold") && row.contains("vip") && row.contains("call "),
            "{row}"
        );
    }
    let distinct: i64 = sqlx::query_scalar("SELECT count(DISTINCT email) FROM users")
        .fetch_one(&mut target)
        .await
        .unwrap();
    assert_eq!(distinct, 300);
    let seats: i64 = sqlx::query_scalar("SELECT sum((profile->>'seats')::int) FROM users")
        .fetch_one(&mut target)
        .await
        .unwrap();
    assert_eq!(seats, 300 * 301 / 2);
    assert!(summary.tables[0].replaced.iter().sum::<u64>() >= 300 * 7);
}

#[tokio::test]
async fn the_newest_rows_are_those_with_the_largest_keys() {
    let (from, to) = (postgres::database().await, postgres::database().await);
    from.run("CREATE TABLE events (id integer PRIMARY KEY); INSERT INTO events SELECT generate_series(1, 5000)").await;
    let mut newest = sync(&["events"], to.url());
    newest.open.limit = Some(100);
    sync_once(from.url(), &newest).await.unwrap();
    let mut target = to.connect().await;
    let row = sqlx::query("SELECT min(id), max(id), count(*) FROM events")
        .fetch_one(&mut target)
        .await
        .unwrap();
    assert_eq!(
        (
            row.get::<i32, _>(0),
            row.get::<i32, _>(1),
            row.get::<i64, _>(2)
        ),
        (4901, 5000, 100)
    );
}
