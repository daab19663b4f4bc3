use std::time::Duration;

use tempfile::TempDir;

use super::*;
use crate::sync::target::Holds;
use crate::sync::target::tests::{courses, plan, titles};

#[tokio::test]
async fn a_full_database_keeps_what_was_committed() {
    let courses = courses();
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("local.db");
    let target = SqliteTarget::open(&file, &plan(&[&courses])).await.unwrap();
    target.begin(&courses, Mode::Merge, None).await.unwrap();
    let one = titles(1, &[("1", "One")]);
    target.apply(&courses, one.decoded()).await.unwrap();

    // SQLite's word for a full disk, without one.
    let limit = |database: &mut Database| {
        database
            .connection
            .execute_batch("PRAGMA max_page_count = 16")
            .unwrap();
        Ok(())
    };
    target.run(limit).await.unwrap();
    let long = "x".repeat(100_000);
    let two = titles(2, &[("2", &long)]);
    let refused = target.apply(&courses, two.decoded()).await.unwrap_err();
    assert!(matches!(refused, WriteError::Full { .. }), "{refused}");
    target.close().await;

    let target = SqliteTarget::open(&file, &plan(&[&courses])).await.unwrap();
    let found = target.inspect(&courses, Mode::Merge).await.unwrap();
    assert!(matches!(found.holds, Holds::Unfinished(resume) if resume.rows == 1));
}

#[tokio::test]
async fn a_database_that_somebody_is_writing_to_is_locked() {
    let courses = courses();
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("local.db");
    let target = SqliteTarget::open(&file, &plan(&[&courses])).await.unwrap();
    target.begin(&courses, Mode::Merge, None).await.unwrap();
    let other = Connection::open(&file).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();

    let impatient = |database: &mut Database| {
        database.connection.busy_timeout(Duration::ZERO).unwrap();
        Ok(())
    };
    target.run(impatient).await.unwrap();
    let one = titles(1, &[("1", "One")]);
    let refused = target.apply(&courses, one.decoded()).await.unwrap_err();
    assert!(matches!(refused, WriteError::Locked { .. }), "{refused}");
}
