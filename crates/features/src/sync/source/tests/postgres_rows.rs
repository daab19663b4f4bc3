//! PostgreSQL's rows: that all of them come, as they were, in order. Each test has a database to
//! itself.

use sanitize::ValueKind;

use super::*;

#[tokio::test]
async fn every_type_is_read_in_one_text_form_whatever_the_settings() {
    let database = database_with(
        "CREATE TYPE mood AS ENUM ('calm', 'wild');
         CREATE DOMAIN email AS varchar(40) CHECK (VALUE LIKE '%@%');
         CREATE TYPE pair AS (a int, b text);
         CREATE TABLE t (
            id int8, yes bool, small int2, money money, exact numeric(20, 2), single float4, double float8,
            fixed char(5), bounded varchar(7), free text, one \"char\", js json, jsb jsonb, raw bytea,
            day date, clock timetz, moment timestamptz, span interval, who uuid, net inet, mac macaddr,
            feeling mood, mail email, tags text[], grid int[], mails email[], bits bit(3), week daterange,
            words tsvector, spot point, mixed pair, doc xml, nothing text);
         INSERT INTO t VALUES (
            9223372036854775807, true, -1, 1234.5, 12345678901234567.80, 0.1, 'NaN',
            'ab', 'Ünï''\\', E'a\\tb', 'x', '{\"a\" : 1}', '{\"b\": 1, \"a\": 2.50}', '\\x00ff27',
            '0044-03-15 BC', '10:00+02', '2024-02-29 23:59:59.123456+02', '1 year 2 days 03:04', 
            'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '10.0.0.1/8', '08:00:2b:01:02:03',
            'wild', 'a@b.c', '{a,\"b c\",NULL}', '{{1,2},{3,4}}', '{a@b.c}', '101', '[2024-01-01,2024-01-08)',
            'fat cat', '(1,2)', '(1,x)', '<a/>', NULL);
         DO $$ BEGIN
            EXECUTE format('ALTER DATABASE %I SET DateStyle = ''German''', current_database());
            EXECUTE format('ALTER DATABASE %I SET IntervalStyle = ''iso_8601''', current_database());
            EXECUTE format('ALTER DATABASE %I SET bytea_output = ''escape''', current_database());
            EXECUTE format('ALTER DATABASE %I SET extra_float_digits = -10', current_database());
            EXECUTE format('ALTER DATABASE %I SET quote_all_identifiers = on', current_database());
         END $$",
    )
    .await;
    let mut snapshot = open(database.url()).await;
    let t = table(&mut snapshot, "t").await;
    let values = rows(&mut snapshot, &t, Range::default())
        .await
        .rows
        .remove(0);
    for ((column, value), (name, text, kind)) in t.columns.iter().zip(values).zip(forms()) {
        assert_eq!(
            (column.name.as_str(), value.as_str(), &column.kind),
            (name, text, &kind)
        );
    }
    let bounds = |name| column(&t, name).max_chars;
    assert_eq!(
        ["fixed", "bounded", "mail", "mails", "free"].map(bounds),
        [Some(5), Some(7), Some(40), Some(40), None]
    );
    assert_eq!(column(&t, "bounded").declared, "character varying(7)");
    assert_eq!(column(&t, "mail").declared, "public.email");
}

/// Each column's name, the text of its value and what it was understood as.
fn forms() -> [(&'static str, &'static str, ValueKind); 33] {
    let text = || ValueKind::Text;
    let array = |kind| ValueKind::Array(Box::new(kind));
    [
        ("id", "9223372036854775807", ValueKind::Integer),
        ("yes", "t", ValueKind::Boolean),
        ("small", "-1", ValueKind::Integer),
        ("money", "$1,234.50", ValueKind::Decimal),
        ("exact", "12345678901234567.80", ValueKind::Decimal),
        ("single", "0.1", ValueKind::Decimal),
        ("double", "NaN", ValueKind::Decimal),
        ("fixed", "ab   ", text()),
        ("bounded", "Ünï'\\", text()),
        ("free", "a\tb", text()),
        ("one", "x", text()),
        ("js", "{\"a\" : 1}", ValueKind::Json),
        ("jsb", "{\"a\": 2.50, \"b\": 1}", ValueKind::Json),
        ("raw", "[0, ff, 27]", ValueKind::Bytes),
        ("day", "0044-03-15 BC", ValueKind::Date),
        ("clock", "10:00:00+02", ValueKind::Time),
        (
            "moment",
            "2024-02-29 21:59:59.123456+00",
            ValueKind::Timestamp,
        ),
        ("span", "1 year 2 days 03:04:00", ValueKind::Interval),
        (
            "who",
            "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
            ValueKind::Uuid,
        ),
        ("net", "10.0.0.1/8", ValueKind::Network),
        ("mac", "08:00:2b:01:02:03", ValueKind::Network),
        ("feeling", "wild", ValueKind::Enum),
        ("mail", "a@b.c", text()),
        ("tags", "{a,\"b c\",NULL}", array(text())),
        ("grid", "{{1,2},{3,4}}", array(ValueKind::Integer)),
        ("mails", "{a@b.c}", array(text())),
        ("bits", "101", text()),
        ("week", "[2024-01-01,2024-01-08)", text()),
        ("words", "'cat' 'fat'", ValueKind::Opaque),
        ("spot", "(1,2)", ValueKind::Opaque),
        ("mixed", "(1,x)", ValueKind::Opaque),
        ("doc", "<a/>", ValueKind::Opaque),
        ("nothing", "NULL", text()),
    ]
}

#[tokio::test]
async fn a_key_of_any_type_is_read_whole_and_in_pieces() {
    let database = database_with(
        "CREATE EXTENSION citext;
         CREATE TYPE size AS ENUM ('small', 'medium', 'large', 'huge', 'vast');
         CREATE DOMAIN code AS text CHECK (VALUE <> 'x');
         CREATE COLLATION folded (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
         CREATE TABLE number (id int PRIMARY KEY); INSERT INTO number VALUES (-5), (1), (2), (7), (10);
         CREATE TABLE word (w text PRIMARY KEY); INSERT INTO word VALUES (''), ('a\\'''), ('B'), ('ä'), (E'\\n');
         CREATE TABLE pair (a text, b numeric, c int, PRIMARY KEY (b, a));
         INSERT INTO pair VALUES ('x', 1.50, 0), ('y', 1.5, 0), ('x', 'NaN', 0), ('x', 1e30, 0), ('y', -1, 0);
         CREATE TABLE id (id uuid PRIMARY KEY); INSERT INTO id SELECT gen_random_uuid() FROM generate_series(1, 5);
         CREATE TABLE sized (s size, d code, PRIMARY KEY (s, d));
         INSERT INTO sized VALUES ('large', 'b'), ('large', 'a'), ('small', 'a'), ('vast', 'a'), ('huge', 'a');
         CREATE TABLE loose (w public.citext PRIMARY KEY); INSERT INTO loose VALUES ('a'), ('B'), ('c'), ('D'), ('e');
         CREATE TABLE loose_pair (n int, w public.citext, m int, PRIMARY KEY (n, w, m));
         INSERT INTO loose_pair VALUES (1, 'a', 1), (1, 'B', 1), (1, 'B', 2), (1, 'c', 1), (2, 'A', 1);
         CREATE TABLE bytes (b bytea PRIMARY KEY, c char(3)); INSERT INTO bytes VALUES ('\\x'), ('\\x00'), ('\\x0027'), ('\\xff'), ('\\x7f');
         CREATE TABLE fixed (c char(3) PRIMARY KEY); INSERT INTO fixed VALUES ('a'), ('b'), ('ab'), ('abc'), ('');
         CREATE TABLE moment (t timestamptz PRIMARY KEY);
         INSERT INTO moment VALUES ('infinity'), ('-infinity'), ('2024-01-01'), ('0044-01-01 BC'), ('2024-01-01 00:00:00.000001');
         CREATE TABLE list (l int[] PRIMARY KEY); INSERT INTO list VALUES ('{}'), ('{1}'), ('{1,NULL}'), ('{2}'), ('{{1}}');
         CREATE TABLE fold (w text COLLATE folded PRIMARY KEY); INSERT INTO fold VALUES ('a'), ('B'), ('c'), ('D'), ('e');
         CREATE TABLE span (r int4range PRIMARY KEY); INSERT INTO span VALUES ('empty'), ('[1,2)'), ('[1,)'), ('(,2)'), ('[1,5)');
         CREATE TABLE pattern (w text NOT NULL);
         CREATE UNIQUE INDEX ON pattern (w COLLATE \"C\" text_pattern_ops);
         INSERT INTO pattern VALUES ('a'), ('B'), ('c'), ('D'), ('e');
         CREATE TABLE apart (w text COLLATE folded NOT NULL);
         CREATE UNIQUE INDEX ON apart (w COLLATE \"C\"); INSERT INTO apart VALUES ('a'), ('A'), ('b'), ('B'), ('c');
         CREATE TABLE downward (a int NOT NULL, b int NOT NULL); CREATE UNIQUE INDEX ON downward (a DESC, b);
         INSERT INTO downward VALUES (1, 1), (1, 2), (2, 1), (2, 2), (3, 1);
         CREATE TABLE parted (k int, v text, PRIMARY KEY (k)) PARTITION BY RANGE (k);
         CREATE TABLE parted_low PARTITION OF parted FOR VALUES FROM (0) TO (3);
         CREATE TABLE parted_high PARTITION OF parted FOR VALUES FROM (3) TO (9);
         INSERT INTO parted VALUES (1), (2), (3), (4), (5);",
    )
    .await;
    let mut snapshot = open(database.url()).await;
    for name in [
        "number",
        "word",
        "pair",
        "id",
        "sized",
        "loose",
        "loose_pair",
        "bytes",
        "fixed",
        "moment",
        "list",
        "fold",
        "span",
        "pattern",
        "apart",
        "downward",
        "parted",
    ] {
        reads_alike_in_pieces(&mut snapshot, name, 5).await;
    }
    let pair = table(&mut snapshot, "pair").await;
    assert_eq!(pair.key, [1, 0]);
    assert_eq!(all_rows(&mut snapshot, "sized").await[0], ["small", "a"]);
}

#[tokio::test]
async fn newest_takes_the_largest_keys_first() {
    let database =
        database_with("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1), (2), (30)")
            .await;
    let mut snapshot = open(database.url()).await;
    let t = table(&mut snapshot, "t").await;
    let range = Range {
        order: Order::Newest,
        limit: Some(2),
        after: None,
    };
    assert_eq!(rows(&mut snapshot, &t, range).await.rows, [["30"], ["2"]]);
}

#[tokio::test]
async fn a_table_larger_than_a_batch_comes_whole_and_in_constant_memory() {
    // 120 MB, which would show.
    let database = database_with(
        "CREATE TABLE t (id int PRIMARY KEY, body text);
         INSERT INTO t SELECT i, repeat(md5(i::text), 250) FROM generate_series(1, 15001) AS i",
    )
    .await;
    let mut snapshot = open(database.url()).await;
    let t = table(&mut snapshot, "t").await;
    let mut measured = Measured::default();
    let before = peak_memory();
    snapshot
        .read(&t, &Range::default(), &mut measured)
        .await
        .unwrap();
    assert_eq!((measured.rows, measured.bytes), (15_001, 15_001 * 8_000));
    assert!(
        peak_memory() - before < 32 << 20,
        "memory grew by {} bytes",
        peak_memory() - before
    );
}

#[derive(Default)]
struct Measured {
    rows: usize,
    bytes: usize,
}

impl RowSink for Measured {
    type Error = Refused;

    fn push(&mut self, cells: &[Cell<'_>]) -> Result<Fill, Refused> {
        self.rows += 1;
        if let Cell::Text(body) = cells[1] {
            self.bytes += body.len();
        }
        Ok(Fill::Full)
    }

    async fn flush(&mut self) -> Result<(), Refused> {
        Ok(())
    }
}

/// The most memory that this process ever held, in bytes; where the system does not say, none.
fn peak_memory() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:")?.split_whitespace().next());
    peak.map_or(0, |kilobytes| kilobytes.parse::<usize>().unwrap() * 1024)
}

#[tokio::test]
async fn a_snapshot_stays_as_it_was() {
    let database = database_with(
        "CREATE TABLE t (id int PRIMARY KEY, x text); INSERT INTO t VALUES (1, 'old'), (2, 'old')",
    )
    .await;
    let mut snapshot = open(database.url()).await;
    database
        .run("UPDATE t SET x = 'new'; DELETE FROM t WHERE id = 1; INSERT INTO t VALUES (3, 'new')")
        .await;
    assert_eq!(
        all_rows(&mut snapshot, "t").await,
        [["1", "old"], ["2", "old"]]
    );
    snapshot.close().await;
    assert_eq!(
        all_rows(&mut open(database.url()).await, "t").await,
        [["2", "new"], ["3", "new"]]
    );
}

#[tokio::test]
async fn a_table_is_let_go_of_with_the_next_question() {
    let database =
        database_with("CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE u (id int PRIMARY KEY)")
            .await;
    let mut snapshot = open(database.url()).await;
    all_rows(&mut snapshot, "t").await;
    all_rows(&mut snapshot, "u").await;
    // A migration need not wait for the end of a sync; NOWAIT fails where it would have to.
    database
        .run("BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE NOWAIT; ALTER TABLE t ADD x int; COMMIT")
        .await;
}

#[tokio::test]
async fn a_table_without_a_key_is_read_but_not_gone_on_with() {
    let database = database_with(
        "CREATE TABLE bare (x int); INSERT INTO bare VALUES (1), (1), (NULL);
         CREATE TABLE perhaps (x int UNIQUE); INSERT INTO perhaps VALUES (1), (NULL), (NULL);
         CREATE TABLE part (x int NOT NULL); CREATE UNIQUE INDEX ON part (x) WHERE x > 0;
         CREATE UNIQUE INDEX ON part ((x + 1)); INSERT INTO part VALUES (1), (2), (3);",
    )
    .await;
    let mut snapshot = open(database.url()).await;
    for name in ["bare", "perhaps", "part"] {
        let table = table(&mut snapshot, name).await;
        assert!(table.key.is_empty(), "{name}");
        let newest = Range {
            order: Order::Newest,
            ..Default::default()
        };
        assert_eq!(
            rows(&mut snapshot, &table, newest).await.rows.len(),
            3,
            "{name}"
        );
        let range = Range {
            after: Some(vec![KeyValue::Text("1".into())]),
            ..Default::default()
        };
        let gone_on = snapshot
            .read(&table, &range, &mut Collected::default())
            .await;
        assert!(
            matches!(gone_on, Err(RowsError::Read(ReadError::Position { .. }))),
            "{name}"
        );
    }
}

#[tokio::test]
async fn a_place_that_is_none_in_the_key_is_refused_and_does_no_harm() {
    let database =
        database_with("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)").await;
    let mut snapshot = open(database.url()).await;
    let t = table(&mut snapshot, "t").await;
    let text = |text: &str| KeyValue::Text(text.into());
    for after in [
        vec![text("1"), text("2")],
        vec![],
        vec![text("one")],
        vec![text("1\0")],
        vec![text("0'; DROP TABLE t; --")],
        vec![KeyValue::Blob(vec![1])],
    ] {
        let range = Range {
            after: Some(after),
            ..Default::default()
        };
        let read = snapshot.read(&t, &range, &mut Collected::default()).await;
        assert!(
            matches!(read, Err(RowsError::Read(ReadError::Position { .. }))),
            "{range:?}"
        );
    }
    assert_eq!(all_rows(&mut snapshot, "t").await, [["1"]]);
}

#[tokio::test]
async fn zero_rows_and_zero_columns_are_read() {
    let database = database_with("CREATE TABLE empty (id int PRIMARY KEY); CREATE TABLE bare (); INSERT INTO bare DEFAULT VALUES").await;
    let mut snapshot = open(database.url()).await;
    assert!(all_rows(&mut snapshot, "empty").await.is_empty());
    assert_eq!(
        all_rows(&mut snapshot, "bare").await,
        [Vec::<String>::new()]
    );
}

#[tokio::test]
async fn an_heir_has_its_own_rows() {
    let database = database_with(
        "CREATE TABLE base (id int PRIMARY KEY); CREATE TABLE heir () INHERITS (base);
         INSERT INTO base VALUES (1); INSERT INTO heir VALUES (1), (2)",
    )
    .await;
    let mut snapshot = open(database.url()).await;
    assert_eq!(all_rows(&mut snapshot, "base").await, [["1"]]);
    assert_eq!(all_rows(&mut snapshot, "heir").await, [["1"], ["2"]]);
}

#[tokio::test]
async fn a_read_that_ends_early_leaves_the_snapshot_usable() {
    let database = database_with(
        "CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 12000)",
    )
    .await;
    let mut snapshot = open(database.url()).await;
    let t = table(&mut snapshot, "t").await;
    survives_an_early_end(&mut snapshot, &t, 12_000).await;
}

#[tokio::test]
async fn a_table_that_changed_meanwhile_is_said_to_have() {
    let database = database_with(
        "CREATE TABLE altered (id int PRIMARY KEY, x int); CREATE TABLE dropped (id int PRIMARY KEY);
         CREATE TABLE emptied (id int PRIMARY KEY); INSERT INTO emptied VALUES (1);
         CREATE TABLE rewritten (id int PRIMARY KEY); INSERT INTO rewritten VALUES (1);
         CREATE TABLE parted (id int PRIMARY KEY) PARTITION BY RANGE (id);
         CREATE TABLE parted_low PARTITION OF parted FOR VALUES FROM (0) TO (3); INSERT INTO parted VALUES (1);",
    )
    .await;
    let mut snapshot = open(database.url()).await;
    let mut tables = Vec::new();
    for name in ["altered", "dropped", "emptied", "rewritten", "parted"] {
        tables.push(table(&mut snapshot, name).await);
    }
    // Lets go of the last one.
    snapshot.tables().await.unwrap();
    database
        .run(
            "ALTER TABLE altered DROP COLUMN x; DROP TABLE dropped; TRUNCATE emptied;
             ALTER TABLE rewritten ALTER id TYPE bigint;
             ALTER TABLE parted DETACH PARTITION parted_low",
        )
        .await;
    for table in tables {
        let read = snapshot
            .read(&table, &Range::default(), &mut Collected::default())
            .await;
        assert!(
            matches!(read, Err(RowsError::Read(ReadError::Changed { .. }))),
            "{}",
            table.name
        );
    }
}

#[tokio::test]
async fn a_lost_connection_is_said_to_be_lost() {
    let database = database_with("CREATE TABLE t (id int PRIMARY KEY)").await;
    let mut snapshot = open(database.url()).await;
    database
        .run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )
        .await;
    assert!(matches!(
        snapshot.tables().await,
        Err(ReadError::Lost { .. })
    ));
}
