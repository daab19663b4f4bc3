use testkit::postgres::database;

use super::*;
use crate::sync::target::tests::{courses, plan};

#[tokio::test]
async fn a_table_that_somebody_locks_is_not_waited_for_without_end() {
    let database = database().await;
    database
        .run("CREATE TABLE courses (id bigint PRIMARY KEY, title text)")
        .await;
    let courses = courses();
    let options = database.url().parse().unwrap();
    let mut target = PostgresTarget::open(&options, "here".to_owned(), &plan(&[&courses]))
        .await
        .unwrap();
    run(&mut target.connection, "SET lock_timeout = '1ms'")
        .await
        .unwrap();

    let mut other = database.connect().await;
    run(&mut other, "BEGIN; LOCK TABLE courses").await.unwrap();
    let refused = target.begin(&courses, Mode::Merge, None).await.unwrap_err();
    assert!(matches!(refused, WriteError::Locked { .. }), "{refused}");
}
