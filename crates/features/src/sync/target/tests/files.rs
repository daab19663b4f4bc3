//! What holds for files.

use std::fs;
use std::path::Path;

use sanitize::ValueKind;
use serde_json::Value;
use tempfile::TempDir;

use super::{Chunk, column, courses, plan, table, titles, write};
use crate::sync::cell::Cell;
use crate::sync::target::{Destination, Mode, OutputFile, Target, WriteError};
use crate::sync::wire::TablePlan;

async fn open(path: &Path, tables: &[&TablePlan]) -> Result<Target, WriteError> {
    Target::open(&Destination::File(OutputFile::new(path)?), &plan(tables)).await
}

fn names_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

/// Writes two chunks of courses and returns the file.
async fn written(name: &str) -> String {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join(name);
    let courses = courses();
    let mut target = open(&path, &[&courses]).await.unwrap();
    let chunks = [
        titles(1, &[("1", "Rust, \"fast\""), ("2", "")]),
        titles(2, &[("3", "SQL\nand more")]),
    ];
    assert_eq!(
        write(&mut target, &courses, Mode::Merge, None, &chunks)
            .await
            .unwrap()
            .rows,
        3
    );
    target.close().await.unwrap();
    assert_eq!(names_in(folder.path()), [name]);
    fs::read_to_string(path).unwrap()
}

#[tokio::test]
async fn json_of_one_table_is_an_array_of_objects() {
    assert_eq!(
        written("courses.json").await,
        "[\n{\"id\":1,\"title\":\"Rust, \\\"fast\\\"\"},\n{\"id\":2,\"title\":\"\"},\n{\"id\":3,\"title\":\"SQL\\nand more\"}\n]\n"
    );
}

#[tokio::test]
async fn ndjson_is_an_object_a_line() {
    for name in ["courses.ndjson", "courses.jsonl"] {
        let file = written(name).await;
        let rows: Vec<Value> = file
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(rows.len(), 3);
        assert_eq!(rows[2]["title"], "SQL\nand more");
    }
}

#[tokio::test]
async fn csv_reads_back_as_it_was_written() {
    let file = written("courses.CSV").await;
    let mut reader = csv::Reader::from_reader(file.as_bytes());
    assert_eq!(reader.headers().unwrap(), vec!["id", "title"]);
    let rows: Vec<(u64, String)> = reader.deserialize().map(Result::unwrap).collect();
    assert_eq!(
        rows,
        [
            (1, "Rust, \"fast\"".to_owned()),
            (2, String::new()),
            (3, "SQL\nand more".to_owned())
        ]
    );
}

#[tokio::test]
async fn json_of_several_tables_is_an_object_of_arrays() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("all.json");
    let (courses, users) = (
        courses(),
        table("users", vec![column("id", "bigint", ValueKind::Integer)]),
    );
    let mut target = open(&path, &[&courses, &users]).await.unwrap();
    write(
        &mut target,
        &courses,
        Mode::Merge,
        None,
        &[titles(1, &[("1", "One")])],
    )
    .await
    .unwrap();
    write(&mut target, &users, Mode::Merge, None, &[])
        .await
        .unwrap();
    target.close().await.unwrap();
    let all: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    assert_eq!(
        all,
        serde_json::json!({ "courses": [{ "id": 1, "title": "One" }], "users": [] })
    );
}

#[tokio::test]
async fn no_rows_are_an_empty_array_and_no_lines() {
    for (name, expected) in [
        ("a.json", "[\n]\n"),
        ("a.ndjson", ""),
        ("a.csv", "id,title\n"),
    ] {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join(name);
        let courses = courses();
        let mut target = open(&path, &[&courses]).await.unwrap();
        write(&mut target, &courses, Mode::Merge, None, &[])
            .await
            .unwrap();
        target.close().await.unwrap();
        assert_eq!(fs::read_to_string(path).unwrap(), expected);
    }
}

#[tokio::test]
async fn a_table_without_a_key_needs_none_in_a_file() {
    let folder = TempDir::new().unwrap();
    let mut courses = courses();
    courses.table.key.clear();
    let mut target = open(&folder.path().join("a.json"), &[&courses])
        .await
        .unwrap();
    let twice = Chunk {
        cursor: None,
        ..titles(1, &[("1", "One"), ("1", "One")])
    };
    assert_eq!(
        write(&mut target, &courses, Mode::Merge, None, &[twice])
            .await
            .unwrap()
            .rows,
        2
    );
}

#[tokio::test]
async fn formats_of_one_table_refuse_several() {
    let folder = TempDir::new().unwrap();
    for name in ["a.csv", "a.ndjson"] {
        let refused = open(&folder.path().join(name), &[&courses(), &courses()])
            .await
            .unwrap_err();
        assert!(matches!(refused, WriteError::OneTable { .. }), "{refused}");
    }
    assert!(names_in(folder.path()).is_empty());
}

#[test]
fn an_extension_that_names_no_format_is_refused() {
    for name in ["data", "data.xml", ".json", "data.json.gz"] {
        assert!(
            matches!(OutputFile::new(name), Err(WriteError::Format { .. })),
            "{name}"
        );
    }
}

#[tokio::test]
async fn a_file_that_is_there_stays_until_the_new_one_is_whole() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("courses.json");
    fs::write(&path, "old").unwrap();
    let courses = courses();
    for ends_by in ["abandon", "drop"] {
        let mut target = open(&path, &[&courses]).await.unwrap();
        target.begin(&courses, Mode::Merge, None).await.unwrap();
        target
            .apply(&courses, titles(1, &[("1", "One")]).decoded())
            .await
            .unwrap();
        assert_eq!(names_in(folder.path()).len(), 2);
        if ends_by == "abandon" {
            target.abandon().await;
        } else {
            drop(target);
        }
        assert_eq!(names_in(folder.path()), ["courses.json"], "{ends_by}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn what_is_on_the_way_and_what_is_whole_is_for_the_user_alone() {
    use std::os::unix::fs::PermissionsExt;

    let folder = TempDir::new().unwrap();
    let courses = courses();
    let mut target = open(&folder.path().join("a.json"), &[&courses])
        .await
        .unwrap();
    let mode = || {
        let name = names_in(folder.path()).pop().unwrap();
        fs::metadata(folder.path().join(name))
            .unwrap()
            .permissions()
            .mode()
            & 0o777
    };
    assert_eq!(mode(), 0o600);
    write(&mut target, &courses, Mode::Merge, None, &[])
        .await
        .unwrap();
    target.close().await.unwrap();
    assert_eq!(mode(), 0o600);
}

#[cfg(unix)]
#[tokio::test]
async fn a_link_to_a_file_stays_a_link() {
    let folder = TempDir::new().unwrap();
    let (file, link) = (
        folder.path().join("there.json"),
        folder.path().join("link.json"),
    );
    fs::write(&file, "old").unwrap();
    std::os::unix::fs::symlink(&file, &link).unwrap();
    let courses = courses();
    let mut target = open(&link, &[&courses]).await.unwrap();
    write(&mut target, &courses, Mode::Merge, None, &[])
        .await
        .unwrap();
    target.close().await.unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::read_to_string(&file).unwrap(), "[\n]\n");
}

#[tokio::test]
async fn a_file_that_cannot_be_written_is_refused_at_the_start() {
    let folder = TempDir::new().unwrap();
    let read_only = folder.path().join("read-only.json");
    fs::write(&read_only, "mine").unwrap();
    let mut permissions = fs::metadata(&read_only).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&read_only, permissions).unwrap();
    fs::create_dir(folder.path().join("folder.json")).unwrap();
    for name in [
        "read-only.json",
        "folder.json",
        "missing/a.json",
        "read-only.json/a.json",
    ] {
        let path = folder.path().join(name);
        let refused = open(&path, &[&courses()]).await.unwrap_err();
        assert!(matches!(&refused, WriteError::File { .. }), "{refused}");
        assert!(refused.to_string().contains(name), "{refused}");
    }
    assert_eq!(fs::read_to_string(&read_only).unwrap(), "mine");
    assert_eq!(names_in(folder.path()).len(), 2);
}

#[tokio::test]
async fn a_chunk_that_is_not_rows_of_the_plan_is_refused() {
    let folder = TempDir::new().unwrap();
    let courses = courses();
    let mut target = open(&folder.path().join("a.json"), &[&courses])
        .await
        .unwrap();
    let odd = Chunk::new(1, &[&[Cell::Text("1")]]);
    let refused = write(&mut target, &courses, Mode::Merge, None, &[odd])
        .await
        .unwrap_err();
    assert!(matches!(refused, WriteError::Body { .. }), "{refused}");
}
