use tempfile::TempDir;

use super::*;
use crate::sync::target::Holds;
use crate::sync::target::tests::{courses, plan, titles};

#[tokio::test]
async fn a_full_database_keeps_what_was_committed() {
    let courses = courses();
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("local.db");
    let mut target = SqliteTarget::open(&file, &plan(&[&courses])).await.unwrap();
    target.begin(&courses, Mode::Merge, None).await.unwrap();
    let one = titles(1, &[("1", "One")]);
    target.apply(&courses, one.decoded()).await.unwrap();

    // SQLite's word for a full disk, without one.
    run(&mut target.connection, "PRAGMA max_page_count = 16")
        .await
        .unwrap();
    let long = "x".repeat(100_000);
    let two = titles(2, &[("2", &long)]);
    let refused = target.apply(&courses, two.decoded()).await.unwrap_err();
    assert!(matches!(refused, WriteError::Full { .. }), "{refused}");
    target.close().await;

    let mut target = SqliteTarget::open(&file, &plan(&[&courses])).await.unwrap();
    let found = target.inspect(&courses, Mode::Merge).await.unwrap();
    assert!(matches!(found.holds, Holds::Unfinished(resume) if resume.rows == 1));
}
