//! Questions to real databases: what they may take, and that nobody waits for them without end.

use rusqlite::Connection;
use testkit::postgres::database;

use super::*;

/// A SQLite file, empty.
fn file(folder: &tempfile::TempDir) -> DatabaseUrl {
    let path = folder.path().join("shop.db");
    Connection::open(&path).unwrap();
    DatabaseUrl::Sqlite(path)
}

/// Rows of 4 MiB, of which five are too much.
const LONG_ROWS: &str = "SELECT 'x' AS key, replace('....', '.', substr(quote(zeroblob(524288)), 1, 1048576)) AS value \
    FROM (WITH RECURSIVE counted(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < 5) SELECT n FROM counted)";

#[tokio::test]
async fn an_answer_of_sqlites_that_is_too_long_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let database = file(&folder);
    let question = Question::query(LONG_ROWS);
    assert_eq!(ask(&database, &question, 3).await.unwrap().len(), 3);
    let long = ask(&database, &question, 10).await.unwrap_err();
    assert_eq!(long, QuestionError::Long);
    let branched =
        "SELECT replace(hex(zeroblob(110000)), '00', '{}') AS key FROM (SELECT 1 UNION SELECT 2)";
    let branched = ask(&database, &Question::query(branched), 10).await;
    assert_eq!(branched.unwrap_err(), QuestionError::Branched);
}

#[tokio::test]
async fn a_question_to_sqlite_that_nobody_waits_for_ends() {
    let folder = tempfile::tempdir().unwrap();
    let DatabaseUrl::Sqlite(path) = file(&folder) else {
        panic!("a file")
    };
    let endless =
        "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n) SELECT max(n) FROM n";
    let (opened, connection) = oneshot::channel();
    let asking = std::thread::spawn(move || of_sqlite(&path, endless, 1, opened));
    let handle = connection.await.unwrap();
    // An interruption is for what runs, and nobody says when that has begun.
    while !asking.is_finished() {
        handle.interrupt();
        std::thread::yield_now();
    }
    let refused = QuestionError::Refused("OperationInterrupted".to_owned());
    assert_eq!(asking.join().unwrap(), Err(refused));
}

#[tokio::test]
async fn a_query_of_postgres_may_end_in_a_comment_and_its_answer_is_bounded() {
    let database = database().await;
    let url = DatabaseUrl::Postgres(database.url().parse().unwrap());
    let rows = ask(&url, &Question::query("SELECT 'a' AS key -- ours"), 10).await;
    assert_eq!(rows.unwrap()[0]["key"], "a");
    let rows = |count: u32, bytes: u32| {
        let sql = format!("SELECT repeat('x', {bytes}) AS key FROM generate_series(1, {count})");
        Question::query(&sql)
    };
    let four = rows(4, 4_000_000);
    assert_eq!(ask(&url, &four, 10).await.unwrap().len(), 4);
    for long in [rows(5, 4_000_000), rows(1, 20_000_000)] {
        assert_eq!(ask(&url, &long, 10).await.unwrap_err(), QuestionError::Long);
    }
    let branched = "SELECT array_to_json(array_fill('{}'::json, ARRAY[110000])) AS key \
        FROM generate_series(1, 2)";
    let refused = ask(&url, &Question::query(branched), 10).await;
    assert_eq!(refused.unwrap_err(), QuestionError::Branched);
}
