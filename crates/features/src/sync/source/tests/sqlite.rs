//! SQLite, from files that each test makes.

use rusqlite::Connection;
use sanitize::ValueKind;
use tempfile::TempDir;

use super::*;

/// A file in a folder of its own, with a connection that writes.
struct File {
    folder: TempDir,
    writer: Connection,
}

impl File {
    fn with(statements: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let writer = Connection::open(folder.path().join("shop.db")).unwrap();
        writer.pragma_update(None, "journal_mode", "WAL").unwrap();
        let file = Self { folder, writer };
        file.run(statements);
        file
    }

    fn run(&self, statements: &str) {
        self.writer.execute_batch(statements).unwrap();
    }

    fn url(&self, name: &str) -> String {
        format!("sqlite://{}", self.folder.path().join(name).display())
    }

    async fn snapshot(&self) -> Snapshot {
        open(&self.url("shop.db")).await
    }
}

#[tokio::test]
async fn every_cell_says_itself_what_it_is() {
    let file = File::with(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER, r REAL, s VARCHAR(9), b BLOB, anything);
         INSERT INTO t VALUES (1, 9223372036854775807, 1, 'Ünï''', x'00ff', 1.5),
                              (2, 'no number', NULL, '', x'', '1.5'),
                              (3, -1, 1e300, CAST(x'ff41' AS TEXT), 'text', NULL);",
    );
    let rows = all_rows(&mut file.snapshot().await, "t").await;
    assert_eq!(
        rows[0],
        [
            "1i",
            "9223372036854775807i",
            "1.0r",
            "Ünï'",
            "[0, ff]",
            "1.5r"
        ]
    );
    assert_eq!(rows[1], ["2i", "no number", "NULL", "", "[]", "1.5"]);
    // Text that is not UTF-8 is bytes.
    assert_eq!(rows[2], ["3i", "-1i", "1e300r", "[ff, 41]", "text", "NULL"]);
}

#[tokio::test]
async fn a_key_of_any_kind_is_read_whole_and_in_pieces() {
    let file = File::with(
        "CREATE TABLE number (id INTEGER PRIMARY KEY, x); INSERT INTO number (id) VALUES (-5), (1), (2), (7), (9);
         CREATE TABLE downward (id INTEGER PRIMARY KEY DESC, x);
         INSERT INTO downward (id) VALUES (-5), (1), (2), (7), (9);
         CREATE TABLE word (w TEXT PRIMARY KEY); INSERT INTO word VALUES (''), ('a'), ('B'), ('ä'), ('''');
         CREATE TABLE mixed (k PRIMARY KEY);
         INSERT INTO mixed VALUES (1), (1.5), ('1'), (x'31'), ('z');
         CREATE TABLE pair (a TEXT, b INTEGER, c, PRIMARY KEY (b, a)) WITHOUT ROWID;
         INSERT INTO pair VALUES ('x', 1, 0), ('y', 1, 0), ('x', 2, 0), ('y', 2, 0), ('z', 2, 0);
         CREATE TABLE folded (w TEXT COLLATE NOCASE PRIMARY KEY);
         INSERT INTO folded VALUES ('a'), ('B'), ('c'), ('D'), ('e');
         -- The index tells apart what the column's own comparison does not.
         CREATE TABLE apart (w TEXT NOT NULL COLLATE NOCASE);
         CREATE UNIQUE INDEX apart_w ON apart (w COLLATE BINARY);
         INSERT INTO apart VALUES ('a'), ('A'), ('aA'), ('Aa'), ('b');",
    );
    let mut snapshot = file.snapshot().await;
    for name in [
        "number", "downward", "word", "mixed", "pair", "folded", "apart",
    ] {
        reads_alike_in_pieces(&mut snapshot, name, 5).await;
    }
    let pair = table(&mut snapshot, "pair").await;
    assert_eq!(pair.key, [1, 0]);
}

#[tokio::test]
async fn newest_takes_the_largest_keys_first() {
    let file =
        File::with("CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1), (2), (30);");
    let mut snapshot = file.snapshot().await;
    let t = table(&mut snapshot, "t").await;
    let range = Range {
        order: Order::Newest,
        limit: Some(2),
        after: None,
    };
    assert_eq!(rows(&mut snapshot, &t, range).await.rows, [["30i"], ["2i"]]);
}

#[tokio::test]
async fn a_table_without_a_key_is_read_but_not_gone_on_with() {
    let file = File::with(
        "CREATE TABLE bare (x); INSERT INTO bare VALUES (1), (1), (NULL);
         CREATE TABLE holes (k TEXT PRIMARY KEY); INSERT INTO holes VALUES (NULL), ('a'), (NULL);
         CREATE TABLE perhaps (k TEXT UNIQUE); INSERT INTO perhaps VALUES ('a');",
    );
    let mut snapshot = file.snapshot().await;
    for (name, expected) in [("bare", 3), ("holes", 3), ("perhaps", 1)] {
        let table = table(&mut snapshot, name).await;
        assert!(table.key.is_empty(), "{name}");
        let newest = Range {
            order: Order::Newest,
            ..Default::default()
        };
        assert_eq!(
            rows(&mut snapshot, &table, newest).await.rows.len(),
            expected,
            "{name}"
        );
        let range = Range {
            after: Some(vec![KeyValue::Integer(1)]),
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
async fn a_snapshot_stays_as_it_was() {
    let file = File::with(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, x); INSERT INTO t VALUES (1, 'old'), (2, 'old');",
    );
    let mut snapshot = file.snapshot().await;
    file.run("UPDATE t SET x = 'new'; DELETE FROM t WHERE id = 1; INSERT INTO t VALUES (3, 'new'); CREATE TABLE late (x)");
    assert_eq!(
        all_rows(&mut snapshot, "t").await,
        [["1i", "old"], ["2i", "old"]]
    );
    assert_eq!(names(&snapshot.tables().await.unwrap()), ["t"]);
    snapshot.close().await;
    assert_eq!(
        all_rows(&mut file.snapshot().await, "t").await,
        [["2i", "new"], ["3i", "new"]]
    );
}

#[tokio::test]
async fn only_tables_are_tables_and_near_names_are_offered() {
    let file = File::with(
        "CREATE TABLE courses (id INTEGER PRIMARY KEY AUTOINCREMENT); CREATE TABLE _tunnel_sync (x);
         CREATE VIEW report AS SELECT 1; CREATE VIRTUAL TABLE words USING fts5(w);",
    );
    let mut snapshot = file.snapshot().await;
    // What the virtual table keeps its words in are shadows.
    assert_eq!(names(&snapshot.tables().await.unwrap()), ["courses"]);
    assert_eq!(snapshot.find("COURSES").await.unwrap().name, "courses");
    let Err(FindError::Unknown { near, .. }) =
        snapshot.find("corses'; DROP TABLE courses; --").await
    else {
        panic!("found")
    };
    assert!(near.is_empty());
    let unknown = snapshot.find("corses").await.unwrap_err();
    assert_eq!(
        unknown.to_string(),
        r#"there is no table "corses": did you mean "courses"?"#
    );
    assert!(matches!(
        snapshot.find("report").await,
        Err(FindError::NotATable { what: "a view", .. })
    ));
    assert!(matches!(
        snapshot.find("words").await,
        Err(FindError::NotATable { .. })
    ));
}

#[tokio::test]
async fn names_may_be_hostile() {
    let name = r#"we"ird ' ; -- Tabelle ü"#;
    let quoted = name.replace('"', "\"\"");
    let file = File::with(&format!(
        "CREATE TABLE \"{quoted}\" (\"select\" INTEGER PRIMARY KEY, \"a\"\"b\" TEXT, \"{quoted}\" TEXT UNIQUE);
         INSERT INTO \"{quoted}\" VALUES (1, 'x', 'y'), (2, 'x', 'z'), (3, 'x', 'w');"
    ));
    let mut snapshot = file.snapshot().await;
    reads_alike_in_pieces(&mut snapshot, name, 3).await;
}

#[tokio::test]
async fn the_shape_of_a_table() {
    let file = File::with(
        "CREATE TABLE parent (id INTEGER PRIMARY KEY);
         CREATE TABLE t (
            id INTEGER PRIMARY KEY, email VARCHAR(160) NOT NULL UNIQUE, flag BOOLEAN, data JSON,
            parent INTEGER REFERENCES PARENT(id), self INTEGER REFERENCES t(id),
            twice INTEGER GENERATED ALWAYS AS (parent * 2) VIRTUAL, a, b, UNIQUE (b, a));
         CREATE UNIQUE INDEX some ON t (a) WHERE a > 0;
         CREATE UNIQUE INDEX computed ON t (a + 1);
         INSERT INTO t (id, email) VALUES (1, 'a@example.com'), (2, 'b@example.com');",
    );
    let mut snapshot = file.snapshot().await;
    let t = table(&mut snapshot, "t").await;
    assert_eq!(t.key, [0]);
    assert_eq!(t.unique, [vec![1], vec![8, 7]]);
    assert_eq!(names(&t.parents), ["parent"]);
    assert_eq!(t.estimated_rows, 2);
    let email = column(&t, "email");
    assert_eq!(
        (&email.kind, email.max_chars, email.nullable),
        (&ValueKind::Text, Some(160), false)
    );
    assert_eq!(column(&t, "flag").kind, ValueKind::Boolean);
    assert_eq!(column(&t, "data").kind, ValueKind::Json);
    let generated: Vec<_> = t.columns.iter().filter(|column| column.generated).collect();
    assert_eq!(generated, [column(&t, "twice")]);
}

#[tokio::test]
async fn a_large_table_is_reckoned_by_its_numbers() {
    let file = File::with(
        "CREATE TABLE t (id INTEGER PRIMARY KEY);
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100001)
         INSERT INTO t SELECT i + 5000 FROM n;
         CREATE TABLE unnumbered (rowid TEXT PRIMARY KEY) WITHOUT ROWID;
         INSERT INTO unnumbered SELECT 'x' || id FROM t;",
    );
    let mut snapshot = file.snapshot().await;
    assert_eq!(table(&mut snapshot, "t").await.estimated_rows, 100_001);
    assert_eq!(
        table(&mut snapshot, "unnumbered").await.estimated_rows,
        100_001
    );
}

#[tokio::test]
async fn a_read_that_ends_early_leaves_the_snapshot_usable() {
    let file = File::with(
        "CREATE TABLE t (id INTEGER PRIMARY KEY);
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) INSERT INTO t SELECT i FROM n;",
    );
    let mut snapshot = file.snapshot().await;
    let t = table(&mut snapshot, "t").await;
    survives_an_early_end(&mut snapshot, &t, 5000).await;
}

#[tokio::test]
async fn a_file_has_one_identity_by_all_its_names() {
    let file = File::with("CREATE TABLE t (x)");
    let folder = file.folder.path();
    std::os::unix::fs::symlink(folder.join("shop.db"), folder.join("link.db")).unwrap();
    std::fs::copy(folder.join("shop.db"), folder.join("copy.db")).unwrap();
    let id = async |name: &str| open(&file.url(name)).await.source().identity;
    assert_eq!(id("shop.db").await, id("link.db").await);
    assert_ne!(id("shop.db").await, id("copy.db").await);
}

#[tokio::test]
async fn what_is_no_database_is_said_and_not_made() {
    let file = File::with("CREATE TABLE t (x)");
    let folder = file.folder.path();
    std::fs::write(
        folder.join("notes.txt"),
        "not a database, but long enough to be taken for one".repeat(99),
    )
    .unwrap();
    std::fs::create_dir(folder.join("folder")).unwrap();
    let refused = async |name: &str| {
        Snapshot::open(&file.url(name).parse().unwrap())
            .await
            .unwrap_err()
    };
    assert!(matches!(refused("none.db").await, ReadError::NoFile { .. }));
    assert!(!folder.join("none.db").exists());
    assert!(matches!(
        refused("notes.txt").await,
        ReadError::NotADatabase { .. }
    ));
    assert!(
        matches!(refused("folder").await, ReadError::Unreadable { .. }),
        "{:?}",
        refused("folder").await
    );
    assert!(ping(&file.url("none.db").parse().unwrap()).await.is_err());
    ping(&file.url("shop.db").parse().unwrap()).await.unwrap();
}
