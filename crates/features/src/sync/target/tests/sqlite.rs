//! What holds for SQLite alone.

use std::fs;
use std::path::Path;

use sanitize::ValueKind;
use tempfile::TempDir;

use super::place::Place;
use super::{Chunk, column, courses, plan, plan_from, table, titles, write};
use crate::sync::cell::Cell;
use crate::sync::database::DatabaseUrl;
use crate::sync::source::{Snapshot, View};
use crate::sync::target::{Destination, Mode, Target, WriteError};
use crate::sync::wire::{Engine, Plan};

async fn open(path: &Path, plan: &Plan) -> Result<Target, WriteError> {
    Target::open(
        &Destination::Database(DatabaseUrl::Sqlite(path.to_owned())),
        plan,
    )
    .await
}

#[tokio::test]
async fn the_id_is_the_one_that_a_source_has() {
    let place = Place::sqlite().await;
    let mut target = place.open(&[]).await;
    let snapshot = Snapshot::open(&DatabaseUrl::Sqlite(place.file()))
        .await
        .unwrap();
    assert_eq!(
        target.identity().await.unwrap(),
        Some(snapshot.source().identity)
    );
}

#[cfg(unix)]
#[tokio::test]
async fn file_and_folder_are_made_for_the_user_alone() {
    use std::os::unix::fs::PermissionsExt;

    let folder = TempDir::new().unwrap();
    let file = folder.path().join("deep/.tunnel/local.db");
    let courses = courses();
    let mut target = open(&file, &plan(&[&courses])).await.unwrap();
    write(
        &mut target,
        &courses,
        Mode::Merge,
        None,
        &[titles(1, &[("1", "One")])],
    )
    .await
    .unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(file.parent().unwrap()), 0o700);
    for suffix in ["", "-wal", "-shm"] {
        assert_eq!(
            mode(&file.with_file_name(format!("local.db{suffix}"))),
            0o600,
            "{suffix}"
        );
    }
    target.close().await.unwrap();
    assert_eq!(
        fs::read_dir(file.parent().unwrap()).unwrap().count(),
        1,
        "the journal is gone"
    );
}

#[tokio::test]
async fn a_file_that_was_made_for_nothing_is_removed() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("local.db");
    let courses = courses();
    let mut target = open(&file, &plan(&[&courses])).await.unwrap();
    target.inspect(&courses, Mode::Merge).await.unwrap();
    target.abandon().await;
    assert!(!file.exists());

    let mut target = open(&file, &plan(&[&courses])).await.unwrap();
    target.begin(&courses, Mode::Merge, None).await.unwrap();
    target.abandon().await;
    assert!(file.exists(), "a table was begun in it");
}

#[tokio::test]
async fn the_journal_of_somebodys_database_stays_as_it_is() {
    let place = Place::sqlite().await;
    let courses = courses();
    let mut target = place.open(&[&courses]).await;
    write(
        &mut target,
        &courses,
        Mode::Merge,
        None,
        &[titles(1, &[("1", "One")])],
    )
    .await
    .unwrap();
    target.close().await.unwrap();
    assert_eq!(place.texts("PRAGMA journal_mode").await, ["delete"]);
}

#[tokio::test]
async fn a_file_that_is_no_database_is_left_alone() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("notes.txt");
    fs::write(
        &file,
        "these are notes, and long enough for a header of a database",
    )
    .unwrap();
    for path in [&file, folder.path()] {
        let refused = open(path, &plan(&[])).await.unwrap_err();
        assert!(
            matches!(refused, WriteError::NotADatabase { .. }),
            "{refused}"
        );
    }
    assert!(
        fs::read_to_string(&file)
            .unwrap()
            .starts_with("these are notes")
    );
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_named() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    let refused = open(&folder.path().join("file/local.db"), &plan(&[]))
        .await
        .unwrap_err();
    assert!(
        matches!(&refused, WriteError::File { path, .. } if path.ends_with("file")),
        "{refused}"
    );
}

#[tokio::test]
async fn a_database_that_is_read_only_is_told_apart() {
    let place = Place::sqlite().await;
    let courses = courses();
    // The format's own mark of a database that this version of SQLite may read and not write:
    // permissions would not stop root.
    let mut bytes = fs::read(place.file()).unwrap();
    bytes[18] = 9;
    fs::write(place.file(), bytes).unwrap();
    let refused = place.open_for(&plan(&[&courses])).await.unwrap_err();
    assert!(matches!(refused, WriteError::ReadOnly { .. }), "{refused}");
}

#[tokio::test]
async fn names_that_differ_by_case_alone_are_refused() {
    let place = Place::sqlite().await;
    let columns = vec![
        column("email", "text", ValueKind::Text),
        column("Email", "text", ValueKind::Text),
    ];
    let (upper, lower) = (table("Courses", courses().table.columns), courses());
    for plan in [plan(&[&table("users", columns)]), plan(&[&upper, &lower])] {
        let refused = place.open_for(&plan).await.unwrap_err();
        assert!(matches!(refused, WriteError::SameName { .. }), "{refused}");
    }
}

#[tokio::test]
async fn a_table_has_its_own_name_and_another_schemas_stands_before_it() {
    let place = Place::sqlite().await;
    let (mut odd, mut other) = (courses(), courses());
    odd.table.name.name = r#"odd "name""#.to_owned();
    other.table.name.schema = Some("crm".to_owned());
    let mut target = place.open(&[&odd, &other]).await;
    for table in [&odd, &other] {
        write(&mut target, table, Mode::Merge, None, &[])
            .await
            .unwrap();
    }
    let names = place
        .texts("SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> '_tunnel_sync'")
        .await;
    assert_eq!(names, [r#"odd "name""#, "crm.courses"]);

    let mut same = courses();
    same.table.name.name = "crm.courses".to_owned();
    let plan = plan(&[&other, &same]);
    let refused = place.open_for(&plan).await.unwrap_err();
    assert!(matches!(refused, WriteError::SameName { .. }), "{refused}");
}

#[tokio::test]
async fn a_local_table_of_another_case_is_the_table() {
    let place = Place::sqlite().await;
    place
        .run("CREATE TABLE Courses (ID integer PRIMARY KEY, Title text UNIQUE)")
        .await;
    let courses = courses();
    let mut target = place.open(&[&courses]).await;
    for title in ["One", "Uno"] {
        write(
            &mut target,
            &courses,
            Mode::Merge,
            None,
            &[titles(1, &[("1", title)])],
        )
        .await
        .unwrap();
    }
    assert_eq!(place.courses().await, ["1 Uno"]);
}

#[tokio::test]
async fn a_change_of_case_is_a_change() {
    let place = Place::sqlite().await;
    place
        .run("CREATE TABLE courses (id integer PRIMARY KEY, title text COLLATE NOCASE)")
        .await;
    let courses = courses();
    let mut target = place.open(&[&courses]).await;
    for title in ["one", "One"] {
        write(
            &mut target,
            &courses,
            Mode::Merge,
            None,
            &[titles(1, &[("1", title)])],
        )
        .await
        .unwrap();
    }
    assert_eq!(place.courses().await, ["1 One"]);
}

#[tokio::test]
async fn dangling_rows_are_counted_and_nothing_cascades() {
    let place = Place::sqlite().await;
    place.run("CREATE TABLE courses (id integer PRIMARY KEY, title text REFERENCES courses (id) ON DELETE CASCADE)").await;
    let courses = courses();
    let mut target = place.open(&[&courses]).await;
    let chunks = [
        titles(1, &[("1", "2"), ("2", "9")]),
        titles(2, &[("3", "8")]),
    ];
    let finished = write(&mut target, &courses, Mode::Replace, None, &chunks)
        .await
        .unwrap();
    assert_eq!((finished.rows, finished.dangling), (3, 2));
}

#[tokio::test]
async fn text_with_nul_is_stored_whole() {
    let place = Place::sqlite().await;
    let columns = vec![
        column("id", "INTEGER", ValueKind::Integer),
        column("note", "TEXT", ValueKind::Text),
    ];
    let notes = table("notes", columns);
    let mut target = place
        .open_for(&plan_from(Engine::Sqlite, &[&notes]))
        .await
        .unwrap();
    let chunk = Chunk::new(1, &[&[Cell::Integer(1), Cell::Text("a\0b")]]);
    write(&mut target, &notes, Mode::Merge, None, &[chunk])
        .await
        .unwrap();
    assert_eq!(place.texts("SELECT hex(note) FROM notes").await, ["610062"]);
}

#[tokio::test]
async fn a_wide_table_merges() {
    let place = Place::sqlite().await;
    let columns = (0..1500)
        .map(|number| column(&format!("c{number}"), "bigint", ValueKind::Integer))
        .collect();
    let wide = table("wide", columns);
    let rows: Vec<Vec<_>> = (0..50).map(|id| vec![Cell::Integer(id); 1500]).collect();
    let chunk = Chunk::new(1, &rows.iter().map(Vec::as_slice).collect::<Vec<_>>());
    let mut target = place.open(&[&wide]).await;
    write(&mut target, &wide, Mode::Merge, None, &[chunk])
        .await
        .unwrap();
    assert_eq!(
        place
            .texts("SELECT count(*) || ' ' || sum(c1499) FROM wide")
            .await,
        ["50 1225"]
    );
}

#[tokio::test]
async fn a_value_that_does_not_fit_is_named_by_its_column_alone() {
    let place = Place::sqlite().await;
    let courses = courses();
    for (columns, value) in [
        ("(id integer PRIMARY KEY, title text NOT NULL)", Cell::Null),
        (
            "(id integer PRIMARY KEY, title integer) STRICT",
            Cell::Text("secret"),
        ),
    ] {
        place
            .run(&format!(
                "DROP TABLE IF EXISTS courses; CREATE TABLE courses {columns}"
            ))
            .await;
        let mut target = place.open(&[&courses]).await;
        let chunk = Chunk::new(1, &[&[Cell::Text("1"), value]]);
        let refused = write(&mut target, &courses, Mode::Merge, None, &[chunk])
            .await
            .unwrap_err();
        assert!(refused.to_string().contains("courses.title"), "{refused}");
        assert!(!format!("{refused:?}").contains("secret"), "{refused:?}");
        target.abandon().await;
    }
}
