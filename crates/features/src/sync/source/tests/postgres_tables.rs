//! PostgreSQL's tables: which there are, what they look like, who may read them. Each test has a
//! database to itself.

use sanitize::ValueKind;

use super::*;

#[tokio::test]
async fn only_tables_are_tables_and_near_names_are_offered() {
    let database = database_with(
        "CREATE SCHEMA audit; CREATE TABLE audit.log (x int); CREATE TABLE courses (x int);
         CREATE TABLE _tunnel_sync (x int); CREATE VIEW report AS SELECT 1; CREATE MATERIALIZED VIEW sums AS SELECT 1;
         CREATE TABLE parted (k int) PARTITION BY RANGE (k);
         CREATE TABLE parted_low PARTITION OF parted FOR VALUES FROM (0) TO (3);",
    )
    .await;
    let mut snapshot = open(database.url()).await;
    assert_eq!(
        names(&snapshot.tables().await.unwrap()),
        ["audit.log", "courses", "parted"]
    );
    assert_eq!(
        snapshot.find("Audit.LOG").await.unwrap().to_string(),
        "audit.log"
    );
    assert_eq!(
        snapshot.find("parted_low").await.unwrap().name,
        "parted_low"
    );
    let unknown = snapshot.find("corses").await.unwrap_err();
    assert_eq!(
        unknown.to_string(),
        r#"there is no table "corses": did you mean "courses"?"#
    );
    assert!(matches!(
        snapshot.find("pg_class").await,
        Err(FindError::Unknown { .. })
    ));
    assert!(matches!(
        snapshot.find("sums").await,
        Err(FindError::NotATable {
            what: "a materialized view",
            ..
        })
    ));
    let hostile = "courses'; DROP TABLE courses; --\0\u{202e}";
    assert!(matches!(
        snapshot.find(hostile).await,
        Err(FindError::Unknown { .. })
    ));
}

#[tokio::test]
async fn names_may_be_hostile() {
    // 63 bytes, the most that a name may have.
    let name = format!("{:x<63}", r#"we"ird ' ; -- $1 %s Tabelle "#);
    let quoted = name.replace('"', "\"\"");
    let database = database_with(&format!(
        "CREATE SCHEMA \"{quoted}\";
         CREATE TABLE \"{quoted}\".\"{quoted}\" (\"select\" int, \"a\"\"b\" text, \"{quoted}\" text, PRIMARY KEY (\"select\", \"{quoted}\"));
         INSERT INTO \"{quoted}\".\"{quoted}\" VALUES (1, 'x', 'y'), (1, 'x', 'z'), (3, 'x', 'w')"
    ))
    .await;
    let mut snapshot = open(database.url()).await;
    reads_alike_in_pieces(&mut snapshot, &name, 3).await;
}

#[tokio::test]
async fn the_shape_of_a_table() {
    let database = database_with(
        "CREATE TABLE parent (id int PRIMARY KEY);
         CREATE DOMAIN sure AS text NOT NULL;
         CREATE TABLE t (
            gone int, id int GENERATED ALWAYS AS IDENTITY, email varchar(160) NOT NULL, sure sure,
            parent int REFERENCES parent, self int REFERENCES t (id) DEFERRABLE,
            twice int GENERATED ALWAYS AS (parent * 2) STORED, a int, b int,
            UNIQUE (id), UNIQUE (b, a), UNIQUE (email) INCLUDE (a));
         ALTER TABLE t DROP COLUMN gone;
         CREATE UNIQUE INDEX ON t (a) WHERE a > 0;
         INSERT INTO t (email, sure) VALUES ('a@example.com', ''), ('b@example.com', '');",
    )
    .await;
    let mut snapshot = open(database.url()).await;
    let t = table(&mut snapshot, "t").await;
    // No primary key: the narrowest unique index over columns that are never null stands in.
    assert_eq!(t.key, [0]);
    assert_eq!(t.unique, [vec![1], vec![7, 6]]);
    assert_eq!(names(&t.parents), ["parent"]);
    assert_eq!(t.estimated_rows, 2);
    let email = column(&t, "email");
    assert_eq!(
        (&email.kind, email.max_chars, email.nullable),
        (&ValueKind::Text, Some(160), false)
    );
    assert_eq!(
        (column(&t, "sure").nullable, column(&t, "a").nullable),
        (false, true)
    );
    let generated: Vec<_> = t.columns.iter().filter(|column| column.generated).collect();
    assert_eq!(generated, [column(&t, "twice")]);
}

#[tokio::test]
async fn estimates_are_right_before_and_after_an_analysis() {
    let database = database_with(
        "CREATE TABLE few (x int); INSERT INTO few SELECT generate_series(1, 9000);
         CREATE TABLE many (x int) PARTITION BY HASH (x);
         CREATE TABLE many_0 PARTITION OF many FOR VALUES WITH (MODULUS 2, REMAINDER 0);
         CREATE TABLE many_1 PARTITION OF many FOR VALUES WITH (MODULUS 2, REMAINDER 1);
         INSERT INTO many SELECT generate_series(1, 40000)",
    )
    .await;
    let mut snapshot = open(database.url()).await;
    assert_eq!(table(&mut snapshot, "few").await.estimated_rows, 9000);
    let guessed = table(&mut snapshot, "many").await.estimated_rows;
    assert!((20_000..80_000).contains(&guessed), "{guessed}");
    database.run("ANALYZE").await;
    let mut snapshot = open(database.url()).await;
    assert_eq!(table(&mut snapshot, "many").await.estimated_rows, 40_000);
}

#[tokio::test]
async fn a_missing_permission_is_named_with_the_grant_that_gives_it() {
    let database = database_with(
        "CREATE TABLE plain (id int); CREATE TABLE partly (id int, secret text);
         CREATE SCHEMA closed; CREATE TABLE closed.t (id int);
         CREATE TABLE policed (id int); ALTER TABLE policed ENABLE ROW LEVEL SECURITY",
    )
    .await;
    let user = database.user().await;
    let name = &user.name;
    database
        .run(format!(
            "GRANT SELECT (id) ON partly TO {name}; GRANT SELECT ON policed TO {name}"
        ))
        .await;

    for typed in ["plain", "partly", "closed.t"] {
        let mut snapshot = open(&user.url).await;
        let found = snapshot.find(typed).await.unwrap();
        assert!(
            !snapshot.tables().await.unwrap().contains(&found),
            "{typed}"
        );
        let grant = match snapshot.describe(&found).await.unwrap_err() {
            ReadError::Permission { grant, .. } => grant,
            ReadError::ColumnPermission { grant, columns, .. } => {
                assert_eq!(columns, ["secret"]);
                grant
            }
            other => panic!("{other}"),
        };
        // What is advised is what helps.
        database.run(grant).await;
        let mut snapshot = open(&user.url).await;
        assert!(snapshot.tables().await.unwrap().contains(&found), "{typed}");
        assert!(all_rows(&mut snapshot, typed).await.is_empty());
    }

    let mut snapshot = open(&user.url).await;
    let policed = snapshot.find("policed").await.unwrap();
    assert!(matches!(
        snapshot.describe(&policed).await,
        Err(ReadError::RowSecurity { .. })
    ));
    assert!(
        all_rows(&mut snapshot, "plain").await.is_empty(),
        "a refusal leaves the snapshot usable"
    );
}

#[tokio::test]
async fn a_database_has_one_identity_for_everybody() {
    let (database, other) = (database_with("").await, database_with("").await);
    let user = database.user().await;
    let identity = async |url: &str| open(url).await.source().identity;
    assert_eq!(identity(database.url()).await, identity(&user.url).await);
    let elsewhere = identity(other.url()).await;
    assert!(!identity(database.url()).await.is_same(&elsewhere));
    // Without the right to ask for the cluster's own number.
    database
        .run("REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC")
        .await;
    other
        .run("REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC")
        .await;
    let (owner, user) = (identity(database.url()).await, identity(&user.url).await);
    assert_ne!(owner.id, user.id, "the owner may ask for more");
    assert!(owner.is_same(&user) && user.is_same(&owner));
    let elsewhere = identity(&other.user().await.url).await;
    assert!(!user.is_same(&elsewhere) && !owner.is_same(&elsewhere));
}

#[tokio::test]
async fn what_stands_between_is_named() {
    let database = database_with("").await;
    let user = database.user().await;
    let refused = async |url: &str| Snapshot::open(&url.parse().unwrap()).await.unwrap_err();

    let wrong = user
        .url
        .replacen(&format!(":{}@", user.name), ":s3cr3t@", 1);
    let authentication = refused(&wrong).await;
    assert!(
        matches!(authentication, ReadError::Authentication { .. }),
        "{authentication:?}"
    );
    assert!(!format!("{authentication:?} {authentication}").contains("s3cr3t"));

    let nowhere = format!("{}_gone", database.url());
    assert!(matches!(
        refused(&nowhere).await,
        ReadError::NoDatabase { .. }
    ));

    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let unreachable = refused(&format!("postgres://u@127.0.0.1:{port}/d")).await;
    assert!(
        matches!(unreachable, ReadError::Unreachable { .. }),
        "{unreachable:?}"
    );

    ping(&database.url().parse().unwrap()).await.unwrap();
    assert!(ping(&nowhere.parse().unwrap()).await.is_err());
}
