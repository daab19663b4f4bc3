//! What holds for PostgreSQL alone.

use sanitize::ValueKind;
use sqlx::postgres::PgConnectOptions;
use testkit::postgres::{Database, database};

use super::{Chunk, column, courses, plan, plan_from, table, titles, write};
use crate::sync::cell::Cell;
use crate::sync::database::DatabaseUrl;
use crate::sync::source::{Snapshot, View};
use crate::sync::target::{Destination, Holds, Mode, Problem, Readiness, Target, WriteError, look};
use crate::sync::wire::{Engine, Plan, TablePlan};

fn address(url: &str) -> Destination {
    Destination::Database(DatabaseUrl::Postgres(url.parse().unwrap()))
}

async fn open(database: &Database, tables: &[&TablePlan]) -> Target {
    Target::open(&address(database.url()), &plan(tables))
        .await
        .unwrap()
}

async fn text(database: &Database, sql: &'static str) -> String {
    sqlx::query_scalar(sql)
        .fetch_one(&mut database.connect().await)
        .await
        .unwrap()
}

#[tokio::test]
async fn the_id_is_the_one_that_a_source_has() {
    let (one, other) = (database().await, database().await);
    let mut target = open(&one, &[]).await;
    let id = target.identity().await.unwrap().unwrap();
    let source = |database: &Database| DatabaseUrl::Postgres(database.url().parse().unwrap());
    assert_eq!(
        id,
        Snapshot::open(&source(&one))
            .await
            .unwrap()
            .source()
            .identity
    );
    assert_ne!(
        id,
        Snapshot::open(&source(&other))
            .await
            .unwrap()
            .source()
            .identity
    );
}

#[tokio::test]
async fn a_look_tells_whether_tables_could_be_made_and_makes_none() {
    let database = database().await;
    let url: DatabaseUrl = database.url().parse().unwrap();
    assert_eq!(look(&url).await.unwrap(), Readiness::Found);
    let tables = "SELECT count(*)::text FROM pg_tables WHERE schemaname = current_schema()";
    assert_eq!(text(&database, tables).await, "0");
    database
        .run(
            "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on', \
             current_database()); END $$",
        )
        .await;
    let error = look(&url).await.unwrap_err();
    assert!(matches!(error, WriteError::ReadOnly { .. }), "{error:?}");
}

#[tokio::test]
async fn sequences_move_past_the_rows_and_never_back() {
    let database = database().await;
    database
        .run(
            "CREATE TABLE courses (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, title text)",
        )
        .await;
    let courses = courses();
    let mut target = open(&database, &[&courses]).await;
    for (rows, next) in [
        ([("1", "One"), ("41", "Two")], "42"),
        ([("1", "Uno"), ("7", "Seven")], "43"),
    ] {
        write(
            &mut target,
            &courses,
            Mode::Merge,
            None,
            &[titles(1, &rows)],
        )
        .await
        .unwrap();
        let id = text(
            &database,
            "INSERT INTO courses (title) VALUES ('mine') RETURNING id::text",
        )
        .await;
        assert_eq!(id, next);
    }
    assert_eq!(
        text(&database, "SELECT title FROM courses WHERE id = 1").await,
        "Uno"
    );
}

#[tokio::test]
async fn rows_that_have_not_changed_are_not_written_again() {
    let database = database().await;
    let courses = courses();
    let mut target = open(&database, &[&courses]).await;
    for rows in [[("1", "One"), ("2", "two")], [("1", "One"), ("2", "Two")]] {
        write(
            &mut target,
            &courses,
            Mode::Merge,
            None,
            &[titles(1, &rows)],
        )
        .await
        .unwrap();
    }
    // The first transaction of a row stays with it until it is written again.
    let sql = "SELECT (count(DISTINCT xmin::text) = 2 AND max(title) = 'Two')::text FROM courses";
    assert_eq!(text(&database, sql).await, "true");
}

#[tokio::test]
async fn a_changed_digit_or_case_counts_as_a_change() {
    let database = database().await;
    database
        .run("CREATE TABLE prices (id bigint PRIMARY KEY, price numeric, doc json, spot point)")
        .await;
    let columns = vec![
        column("id", "bigint", ValueKind::Integer),
        column("price", "numeric", ValueKind::Decimal),
        column("doc", "json", ValueKind::Json),
        column("spot", "point", ValueKind::Opaque),
    ];
    let prices = table("prices", columns);
    let mut target = open(&database, &[&prices]).await;
    for (price, doc) in [("1.0", "{}"), ("1.00", "{}"), ("1.00", "{ }")] {
        let row = [
            Cell::Text("1"),
            Cell::Text(price),
            Cell::Text(doc),
            Cell::Text("(1,2)"),
        ];
        write(
            &mut target,
            &prices,
            Mode::Merge,
            None,
            &[Chunk::new(1, &[&row])],
        )
        .await
        .unwrap();
        assert_eq!(
            text(&database, "SELECT price || doc::text FROM prices").await,
            format!("{price}{doc}")
        );
    }
}

#[tokio::test]
async fn a_value_that_does_not_fit_is_named_by_its_column_alone() {
    let database = database().await;
    let cases = [
        (
            "integer",
            ValueKind::Integer,
            "secret",
            "not of the local column's type",
        ),
        ("smallint", ValueKind::Integer, "70000", "out of the range"),
        (
            "character varying(3)",
            ValueKind::Text,
            "secret",
            "too long",
        ),
        ("date", ValueKind::Date, "2026-13-45", "not a date"),
        (
            "jsonb",
            ValueKind::Json,
            "{secret",
            "not of the local column's type",
        ),
        (
            "jsonb",
            ValueKind::Json,
            "\"secret\\u0000\"",
            "cannot store",
        ),
        ("text", ValueKind::Text, "sec\0ret", "NUL"),
    ];
    for (declared, kind, value, reason) in cases {
        let table = table(
            "things",
            vec![
                column("id", "bigint", ValueKind::Integer),
                column("a: b", declared, kind),
            ],
        );
        let mut target = open(&database, &[&table]).await;
        let chunk = Chunk::new(1, &[&[Cell::Text("1"), Cell::Text(value)]]);
        let refused = write(&mut target, &table, Mode::Merge, None, &[chunk])
            .await
            .unwrap_err();
        let said = refused.to_string();
        assert!(
            said.contains("things.a: b") && said.contains(reason),
            "{declared}: {said}"
        );
        assert!(
            !format!("{said} {refused:?}").contains(value),
            "{said} {refused:?}"
        );
        target.abandon().await;
        database.run("DROP TABLE things").await;
    }
}

#[tokio::test]
async fn text_in_a_number_column_of_sqlite_is_refused_and_bytes_in_text_too() {
    let database = database().await;
    let columns = vec![
        column("id", "INTEGER", ValueKind::Integer),
        column("count", "INTEGER", ValueKind::Integer),
        column("note", "TEXT", ValueKind::Text),
    ];
    let table = table("things", columns);
    let plan = plan_from(Engine::Sqlite, &[&table]);
    for (row, at) in [
        (
            [Cell::Integer(1), Cell::Text("secret"), Cell::Null],
            "things.count",
        ),
        (
            [Cell::Integer(1), Cell::Integer(2), Cell::Blob(b"secret")],
            "things.note",
        ),
    ] {
        let mut target = Target::open(&address(database.url()), &plan).await.unwrap();
        let refused = write(
            &mut target,
            &table,
            Mode::Merge,
            None,
            &[Chunk::new(1, &[&row])],
        )
        .await
        .unwrap_err();
        assert!(
            matches!(refused, WriteError::Value { .. }) && refused.to_string().contains(at),
            "{refused}"
        );
        assert!(!refused.to_string().contains("secret"));
        target.abandon().await;
    }
}

#[tokio::test]
async fn another_unique_column_that_clashes_is_named() {
    let database = database().await;
    database
        .run("CREATE TABLE courses (id bigint PRIMARY KEY, title text CONSTRAINT one_title UNIQUE)")
        .await;
    database
        .run("INSERT INTO courses VALUES (9, 'secret')")
        .await;
    let courses = courses();
    let mut target = open(&database, &[&courses]).await;
    let refused = write(
        &mut target,
        &courses,
        Mode::Merge,
        None,
        &[titles(1, &[("1", "secret")])],
    )
    .await
    .unwrap_err();
    assert!(
        refused.to_string().contains("one_title") && !refused.to_string().contains("secret"),
        "{refused}"
    );
}

#[tokio::test]
async fn a_foreign_key_of_the_local_table_is_named() {
    let database = database().await;
    database
        .run("CREATE TABLE teachers (id bigint PRIMARY KEY)")
        .await;
    database
        .run("CREATE TABLE courses (id bigint PRIMARY KEY, title text, teacher bigint CONSTRAINT taught REFERENCES teachers)")
        .await;
    let mut courses = courses();
    courses.table.columns[1] = column("teacher", "bigint", ValueKind::Integer);
    let mut target = open(&database, &[&courses]).await;
    let refused = write(
        &mut target,
        &courses,
        Mode::Merge,
        None,
        &[titles(1, &[("1", "77")])],
    )
    .await
    .unwrap_err();
    assert!(
        matches!(&refused, WriteError::Reference { constraint: Some(name), .. } if name == "taught"),
        "{refused}"
    );
}

#[tokio::test]
async fn replacing_never_cascades() {
    let database = database().await;
    database
        .run("CREATE TABLE courses (id bigint PRIMARY KEY, title text)")
        .await;
    database
        .run("CREATE TABLE seats (course bigint REFERENCES courses ON DELETE CASCADE)")
        .await;
    database
        .run("INSERT INTO courses VALUES (1, 'Old'); INSERT INTO seats VALUES (1)")
        .await;
    let courses = courses();
    let mut target = open(&database, &[&courses]).await;
    let found = target.inspect(&courses, Mode::Replace).await.unwrap();
    assert_eq!(
        found.problems,
        [Problem::Cascades {
            child: "seats".to_owned()
        }]
    );
    assert!(matches!(
        target.begin(&courses, Mode::Replace, None).await,
        Err(WriteError::Unfit { .. })
    ));
    target.abandon().await;
    assert_eq!(
        text(&database, "SELECT count(*)::text FROM seats").await,
        "1"
    );
}

#[tokio::test]
async fn a_local_type_of_another_kind_and_triggers_are_reported() {
    let database = database().await;
    database
        .run("CREATE TABLE courses (id integer PRIMARY KEY, title uuid)")
        .await;
    database
        .run("CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'")
        .await;
    database
        .run("CREATE TRIGGER t BEFORE INSERT ON courses FOR EACH ROW EXECUTE FUNCTION f()")
        .await;
    let courses = courses();
    let found = open(&database, &[&courses])
        .await
        .inspect(&courses, Mode::Merge)
        .await
        .unwrap();
    let other = |column: &str, source: &str, local: &str| Problem::OtherType {
        column: column.to_owned(),
        source: source.to_owned(),
        local: local.to_owned(),
    };
    assert_eq!(
        found.problems,
        [
            Problem::Triggers,
            other("id", "bigint", "integer"),
            other("title", "text", "uuid")
        ]
    );
    assert!(found.is_fit());
}

#[tokio::test]
async fn a_user_without_the_right_is_told_so() {
    let database = database().await;
    database
        .run("CREATE TABLE courses (id bigint PRIMARY KEY, title text)")
        .await;
    let user = database.user().await;
    database
        .run(format!(
            "GRANT CREATE ON SCHEMA public TO {}; GRANT SELECT ON courses TO {0}",
            user.name
        ))
        .await;
    let courses = courses();
    let mut target = Target::open(&address(&user.url), &plan(&[&courses]))
        .await
        .unwrap();
    assert_eq!(
        target.inspect(&courses, Mode::Merge).await.unwrap().holds,
        Holds::Empty
    );
    let refused = write(
        &mut target,
        &courses,
        Mode::Merge,
        None,
        &[titles(1, &[("1", "One")])],
    )
    .await
    .unwrap_err();
    assert!(
        matches!(&refused, WriteError::Denied { table, .. } if table == "courses"),
        "{refused}"
    );
}

#[tokio::test]
async fn a_database_that_only_reads_is_told_apart() {
    let database = database().await;
    database.run("DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on', current_database()); END $$").await;
    let courses = courses();
    let mut target = open(&database, &[&courses]).await;
    let refused = target.begin(&courses, Mode::Merge, None).await.unwrap_err();
    assert!(matches!(refused, WriteError::ReadOnly { .. }), "{refused}");
}

#[tokio::test]
async fn a_server_that_goes_away_is_a_lost_connection() {
    let database = database().await;
    let courses = courses();
    let mut target = open(&database, &[&courses]).await;
    target.begin(&courses, Mode::Merge, None).await.unwrap();
    target
        .apply(&courses, titles(1, &[("1", "One")]).decoded())
        .await
        .unwrap();
    database
        .run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'tunnel' AND datname = current_database()")
        .await;
    let refused = target
        .apply(&courses, titles(2, &[("2", "Two")]).decoded())
        .await
        .unwrap_err();
    assert!(matches!(refused, WriteError::Lost { .. }), "{refused}");
    target.abandon().await;
    assert_eq!(
        text(&database, "SELECT string_agg(title, ',') FROM courses").await,
        "One"
    );
}

#[tokio::test]
async fn a_database_that_cannot_be_reached_says_why_and_shows_no_password() {
    let database = database().await;
    let options: PgConnectOptions = database.url().parse().unwrap();
    let cases = [
        (
            options.clone().password("wrong-password"),
            "the user or the password is wrong",
        ),
        (options.clone().database("missing"), "no such database"),
        (
            options.host("127.0.0.1").port(1),
            "is PostgreSQL running there?",
        ),
    ];
    for (options, reason) in cases {
        let destination = Destination::Database(DatabaseUrl::Postgres(options));
        let refused = Target::open(&destination, &plan(&[])).await.unwrap_err();
        assert!(
            matches!(refused, WriteError::Unreachable { .. }),
            "{refused}"
        );
        assert!(refused.to_string().contains(reason), "{refused}");
        assert!(!format!("{refused} {refused:?}").contains("wrong-password"));
    }
}

#[tokio::test]
async fn names_that_would_be_cut_off_or_run_together_are_refused() {
    let database = database().await;
    let long = table(&"n".repeat(64), courses().table.columns);
    let mut twice = courses();
    twice.table.columns[1].name = "id".to_owned();
    let plans: [Plan; 2] = [plan(&[&long]), plan(&[&twice])];
    for plan in plans {
        let refused = Target::open(&address(database.url()), &plan)
            .await
            .unwrap_err();
        assert!(
            matches!(
                refused,
                WriteError::Name { .. } | WriteError::SameName { .. }
            ),
            "{refused}"
        );
    }
    let fits = table(&"n".repeat(63), courses().table.columns);
    let mut target = open(&database, &[&fits]).await;
    write(
        &mut target,
        &fits,
        Mode::Merge,
        None,
        &[titles(1, &[("1", "One")])],
    )
    .await
    .unwrap();
}
