//! What holds for a database of either kind.

use sanitize::{Treatment, ValueKind};

use super::place::Place;
use super::{Chunk, column, courses, cursor, plan, table, titles, write};
use crate::sync::cell::Cell;
use crate::sync::table::TableName;
use crate::sync::target::{Found, Holds, Mode, Problem, Resume, Whole, WriteError};

/// Makes a test of each play for each kind of database.
macro_rules! plays {
    ($($play:ident),* $(,)?) => {
        mod postgres {
            $(#[tokio::test] async fn $play() { super::$play(&super::Place::postgres().await).await })*
        }
        mod sqlite {
            $(#[tokio::test] async fn $play() { super::$play(&super::Place::sqlite().await).await })*
        }
    };
}

plays!(
    a_missing_table_is_made_with_its_key_and_unique_indexes,
    merging_inserts_and_updates_by_key,
    merging_leaves_columns_alone_that_are_only_local,
    a_table_that_is_all_key_merges,
    composite_keys_merge,
    replacing_shows_the_old_rows_until_the_end,
    replacing_that_stops_half_way_changes_nothing,
    appending_adds_and_refuses_what_is_there,
    a_dropped_target_keeps_what_was_committed_and_the_next_goes_on,
    a_resumed_merge_takes_rows_twice,
    another_plan_does_not_go_on,
    a_table_is_whole_until_all_of_its_sync_are,
    rows_that_were_deleted_since_do_not_count_as_committed,
    rows_and_cursor_are_committed_together,
    two_syncs_of_a_table_do_not_mix,
    rows_that_no_sync_has_touched_are_theirs_until_one_has,
    a_table_made_anew_under_the_name_is_theirs,
    a_table_without_a_key_is_not_merged,
    a_table_without_a_key_is_appended_whole_or_not_at_all,
    no_rows_make_an_empty_table,
    hostile_names_are_only_names,
    names_that_would_end_a_statement_are_refused,
    children_come_before_their_parents_into_tables_of_ours,
    differences_are_reported_and_nothing_is_altered,
    what_cannot_be_written_is_said_before_anything_is,
    generated_columns_are_left_to_the_database,
    a_chunk_that_is_not_rows_of_the_plan_is_refused_whole,
    a_table_that_has_not_begun_takes_no_rows,
    a_unique_index_of_redacted_values_is_left_out,
);

async fn a_missing_table_is_made_with_its_key_and_unique_indexes(place: &Place) {
    let mut courses = courses();
    courses.table.unique = vec![vec![1]];
    let mut target = place.open(&[&courses]).await;
    let found = target.inspect(&courses, Mode::Merge).await.unwrap();
    assert_eq!(
        found,
        Found {
            holds: Holds::Missing,
            problems: Vec::new()
        }
    );
    let finished = write(
        &mut target,
        &courses,
        Mode::Merge,
        None,
        &[titles(1, &[("1", "Rust"), ("2", "SQL")])],
    )
    .await;
    assert_eq!(finished.unwrap().rows, 2);
    target.close().await.unwrap();
    assert_eq!(place.courses().await, ["1 Rust", "2 SQL"]);

    let mut target = place.open(&[&courses]).await;
    for (chunk, what) in [
        (titles(2, &[("1", "Go")]), "key"),
        (titles(2, &[("3", "SQL")]), "index"),
    ] {
        let refused = write(&mut target, &courses, Mode::Append, None, &[chunk])
            .await
            .unwrap_err();
        assert!(
            matches!(refused, WriteError::Duplicate { .. }),
            "{what}: {refused}"
        );
        target.abandon().await;
        target = place.open(&[&courses]).await;
    }
    assert_eq!(place.courses().await, ["1 Rust", "2 SQL"]);
}

async fn merging_inserts_and_updates_by_key(place: &Place) {
    place
        .run("CREATE TABLE courses (id bigint PRIMARY KEY, title text)")
        .await;
    place
        .run("INSERT INTO courses VALUES (1, 'Old'), (2, 'Mine')")
        .await;
    let courses = courses();
    let mut target = place.open(&[&courses]).await;
    let chunks = [
        titles(1, &[("1", "New"), ("3", "Three")]),
        titles(2, &[("4", "Four")]),
    ];
    write(&mut target, &courses, Mode::Merge, None, &chunks)
        .await
        .unwrap();
    assert_eq!(
        place.courses().await,
        ["1 New", "2 Mine", "3 Three", "4 Four"]
    );
}

async fn merging_leaves_columns_alone_that_are_only_local(place: &Place) {
    place
        .run("CREATE TABLE courses (note text DEFAULT 'none', title text, id bigint PRIMARY KEY)")
        .await;
    place
        .run("INSERT INTO courses VALUES ('keep', 'Old', 1)")
        .await;
    let courses = courses();
    let mut target = place.open(&[&courses]).await;
    write(
        &mut target,
        &courses,
        Mode::Merge,
        None,
        &[titles(1, &[("1", "New"), ("2", "Two")])],
    )
    .await
    .unwrap();
    let rows = place
        .texts("SELECT id || title || note FROM courses ORDER BY id")
        .await;
    assert_eq!(rows, ["1Newkeep", "2Twonone"]);
}

async fn a_table_that_is_all_key_merges(place: &Place) {
    let mut tags = table(
        "tags",
        vec![
            column("course", "bigint", ValueKind::Integer),
            column("tag", "text", ValueKind::Text),
        ],
    );
    tags.table.key = vec![0, 1];
    let mut target = place.open(&[&tags]).await;
    for _ in 0..2 {
        write(
            &mut target,
            &tags,
            Mode::Merge,
            None,
            &[titles(1, &[("1", "a"), ("1", "b")])],
        )
        .await
        .unwrap();
    }
    assert_eq!(
        place
            .texts("SELECT course || tag FROM tags ORDER BY tag")
            .await,
        ["1a", "1b"]
    );
}

async fn composite_keys_merge(place: &Place) {
    let columns = vec![
        column("grade", "integer", ValueKind::Integer),
        column("student", "uuid", ValueKind::Uuid),
        column("course", "text", ValueKind::Text),
    ];
    let mut grades = table("grades", columns);
    // The key's columns are neither first nor in their order.
    grades.table.key = vec![2, 1];
    let student = Cell::Text("3f2504e0-4f89-11d3-9a0c-0305e82c3301");
    let first = Chunk::new(
        1,
        &[
            &[Cell::Text("1"), student, Cell::Text("a")],
            &[Cell::Text("2"), student, Cell::Text("b")],
        ],
    );
    let second = Chunk::new(
        1,
        &[
            &[Cell::Text("5"), student, Cell::Text("b")],
            &[Cell::Null, student, Cell::Text("c")],
        ],
    );
    let mut target = place.open(&[&grades]).await;
    write(&mut target, &grades, Mode::Merge, None, &[first])
        .await
        .unwrap();
    write(&mut target, &grades, Mode::Merge, None, &[second])
        .await
        .unwrap();
    let rows = place
        .texts("SELECT course || coalesce(CAST(grade AS text), '-') FROM grades ORDER BY course")
        .await;
    assert_eq!(rows, ["a1", "b5", "c-"]);
}

async fn replacing_shows_the_old_rows_until_the_end(place: &Place) {
    place
        .run("CREATE TABLE courses (id bigint PRIMARY KEY, title text)")
        .await;
    place
        .run("INSERT INTO courses VALUES (1, 'Old'), (9, 'Gone')")
        .await;
    let courses = courses();
    let mut target = place.open(&[&courses]).await;
    target.begin(&courses, Mode::Replace, None).await.unwrap();
    for chunk in [titles(1, &[("1", "New")]), titles(2, &[("2", "Two")])] {
        target.apply(&courses, chunk.decoded()).await.unwrap();
        assert_eq!(place.courses().await, ["1 Old", "9 Gone"]);
    }
    assert_eq!(target.finish(&courses).await.unwrap().rows, 2);
    assert_eq!(place.courses().await, ["1 New", "2 Two"]);
}

async fn replacing_that_stops_half_way_changes_nothing(place: &Place) {
    let courses = courses();
    let mut target = place.open(&[&courses]).await;
    write(
        &mut target,
        &courses,
        Mode::Merge,
        None,
        &[titles(1, &[("1", "Old")])],
    )
    .await
    .unwrap();
    target.begin(&courses, Mode::Replace, None).await.unwrap();
    target
        .apply(&courses, titles(1, &[("1", "New")]).decoded())
        .await
        .unwrap();
    target.abandon().await;
    assert_eq!(place.courses().await, ["1 Old"]);
    let found = place
        .open(&[&courses])
        .await
        .inspect(&courses, Mode::Replace)
        .await
        .unwrap();
    assert_eq!(found.holds, Holds::Ours { rows: 1 });
}

async fn appending_adds_and_refuses_what_is_there(place: &Place) {
    place
        .run("CREATE TABLE courses (id bigint PRIMARY KEY, title text)")
        .await;
    place.run("INSERT INTO courses VALUES (1, 'Mine')").await;
    let courses = courses();
    let mut target = place.open(&[&courses]).await;
    write(
        &mut target,
        &courses,
        Mode::Append,
        None,
        &[titles(1, &[("2", "Two")])],
    )
    .await
    .unwrap();
    let refused = write(
        &mut target,
        &courses,
        Mode::Append,
        None,
        &[titles(1, &[("3", "Three"), ("1", "secret")])],
    )
    .await;
    let refused = refused.unwrap_err();
    assert!(
        matches!(&refused, WriteError::Duplicate { table, constraint: Some(_), .. } if table == "courses")
    );
    assert!(!format!("{refused} {refused:?}").contains("secret"));
    target.abandon().await;
    assert_eq!(place.courses().await, ["1 Mine", "2 Two"]);
}

async fn a_dropped_target_keeps_what_was_committed_and_the_next_goes_on(place: &Place) {
    let courses = courses();
    for mode in [Mode::Merge, Mode::Append] {
        let mut target = place.open(&[&courses]).await;
        target.begin(&courses, mode, None).await.unwrap();
        target
            .apply(&courses, titles(1, &[("1", "One"), ("2", "Two")]).decoded())
            .await
            .unwrap();
        target
            .apply(&courses, titles(2, &[("3", "Three")]).decoded())
            .await
            .unwrap();
        drop(target);

        let mut target = place.open(&[&courses]).await;
        let found = target.inspect(&courses, mode).await.unwrap();
        let resume = Resume {
            cursor: cursor(2),
            rows: 3,
            pseudonyms: [9; 8],
        };
        assert_eq!(found.holds, Holds::Unfinished(resume.clone()), "{mode}");
        let finished = write(
            &mut target,
            &courses,
            mode,
            Some(&resume),
            &[titles(3, &[("4", "Four")])],
        )
        .await
        .unwrap();
        assert_eq!(finished.rows, 4, "{mode}");
        assert_eq!(
            place.courses().await,
            ["1 One", "2 Two", "3 Three", "4 Four"],
            "{mode}"
        );
        assert_eq!(
            target.inspect(&courses, mode).await.unwrap().holds,
            Holds::Ours { rows: 4 },
            "{mode}"
        );
        target.close().await.unwrap();
        place.run("DELETE FROM courses").await;
    }
}

async fn a_resumed_merge_takes_rows_twice(place: &Place) {
    let courses = courses();
    let mut target = place.open(&[&courses]).await;
    target.begin(&courses, Mode::Merge, None).await.unwrap();
    target
        .apply(&courses, titles(1, &[("1", "One"), ("2", "Two")]).decoded())
        .await
        .unwrap();
    drop(target);
    let mut target = place.open(&[&courses]).await;
    let Holds::Unfinished(resume) = target.inspect(&courses, Mode::Merge).await.unwrap().holds
    else {
        panic!()
    };
    // The snapshot of the second run has a row again that the first one has sent.
    let chunks = [
        titles(2, &[("2", "Two, newer"), ("3", "Three")]),
        titles(3, &[("4", "Four")]),
    ];
    write(&mut target, &courses, Mode::Merge, Some(&resume), &chunks)
        .await
        .unwrap();
    assert_eq!(
        place.courses().await,
        ["1 One", "2 Two, newer", "3 Three", "4 Four"]
    );
}

async fn another_plan_does_not_go_on(place: &Place) {
    let courses = courses();
    let mut target = place.open(&[&courses]).await;
    target.begin(&courses, Mode::Merge, None).await.unwrap();
    target
        .apply(&courses, titles(1, &[("1", "One")]).decoded())
        .await
        .unwrap();
    drop(target);

    let ours = Holds::Ours { rows: 1 };
    let mut redacted = courses.clone();
    redacted.columns[1].treatment = Treatment::Redact;
    let mut target = place.open(&[&redacted]).await;
    assert_eq!(
        target.inspect(&redacted, Mode::Merge).await.unwrap().holds,
        ours,
        "treatments"
    );
    assert_eq!(
        target.inspect(&courses, Mode::Append).await.unwrap().holds,
        ours,
        "mode"
    );
    let mut elsewhere = plan(&[&courses]);
    elsewhere.source.identity.id = [8; 32];
    let mut target = place.open_for(&elsewhere).await.unwrap();
    assert_eq!(
        target.inspect(&courses, Mode::Merge).await.unwrap().holds,
        ours,
        "source"
    );
    let mut renewed = plan(&[&courses]);
    renewed.pseudonyms.fingerprint = [1; 8];
    let mut target = place.open_for(&renewed).await.unwrap();
    let Holds::Unfinished(resume) = target.inspect(&courses, Mode::Merge).await.unwrap().holds
    else {
        panic!()
    };
    assert_eq!(
        resume.pseudonyms, [9; 8],
        "the caller is told of other pseudonyms"
    );
}

async fn a_table_is_whole_until_all_of_its_sync_are(place: &Place) {
    let (courses, mut users) = (courses(), courses());
    users.table.name.name = "users".to_owned();
    let both = [&courses, &users];
    let rows = [titles(1, &[("1", "One"), ("2", "Two")])];
    let mut target = place.open(&both).await;
    write(&mut target, &courses, Mode::Append, None, &rows)
        .await
        .unwrap();
    target.abandon().await;

    let mut target = place.open(&both).await;
    let found = target.inspect(&courses, Mode::Append).await.unwrap();
    let pseudonyms = plan(&both).pseudonyms.fingerprint;
    assert_eq!(
        found.holds,
        Holds::Whole(Whole {
            rows: 2,
            pseudonyms
        })
    );
    let merged = target.inspect(&courses, Mode::Merge).await.unwrap();
    assert_eq!(merged.holds, Holds::Ours { rows: 2 });
    let mut alone = place.open(&[&courses]).await;
    let found = alone.inspect(&courses, Mode::Append).await.unwrap();
    assert_eq!(found.holds, Holds::Ours { rows: 2 });
    alone.close().await.unwrap();

    write(&mut target, &users, Mode::Append, None, &rows)
        .await
        .unwrap();
    for table in both {
        let found = target.inspect(table, Mode::Append).await.unwrap();
        assert_eq!(found.holds, Holds::Ours { rows: 2 });
    }
}

async fn rows_that_were_deleted_since_do_not_count_as_committed(place: &Place) {
    let courses = courses();
    let mut target = place.open(&[&courses]).await;
    target.begin(&courses, Mode::Merge, None).await.unwrap();
    target
        .apply(&courses, titles(1, &[("1", "One"), ("2", "Two")]).decoded())
        .await
        .unwrap();
    drop(target);
    place.run("DELETE FROM courses WHERE id = 1").await;
    let found = place
        .open(&[&courses])
        .await
        .inspect(&courses, Mode::Merge)
        .await
        .unwrap();
    assert_eq!(found.holds, Holds::Ours { rows: 1 });
}

async fn rows_and_cursor_are_committed_together(place: &Place) {
    let courses = courses();
    let mut target = place.open(&[&courses]).await;
    target.begin(&courses, Mode::Merge, None).await.unwrap();
    target
        .apply(&courses, titles(1, &[("1", "One"), ("2", "Two")]).decoded())
        .await
        .unwrap();
    place.refuse_to_note_more_than(2).await;
    target
        .apply(&courses, titles(2, &[("3", "Three")]).decoded())
        .await
        .unwrap_err();
    target.abandon().await;
    assert_eq!(place.courses().await, ["1 One", "2 Two"]);
    let found = place
        .open(&[&courses])
        .await
        .inspect(&courses, Mode::Merge)
        .await
        .unwrap();
    assert_eq!(
        found.holds,
        Holds::Unfinished(Resume {
            cursor: cursor(1),
            rows: 2,
            pseudonyms: [9; 8]
        })
    );
}

async fn two_syncs_of_a_table_do_not_mix(place: &Place) {
    let courses = courses();
    let mut first = place.open(&[&courses]).await;
    first.begin(&courses, Mode::Merge, None).await.unwrap();
    first
        .apply(&courses, titles(1, &[("1", "One")]).decoded())
        .await
        .unwrap();
    let mut second = place.open(&[&courses]).await;
    second.begin(&courses, Mode::Merge, None).await.unwrap();
    let overtaken = first
        .apply(&courses, titles(2, &[("2", "Two")]).decoded())
        .await
        .unwrap_err();
    assert!(
        matches!(overtaken, WriteError::Overtaken { .. }),
        "{overtaken}"
    );
    first.abandon().await;
    assert_eq!(place.courses().await, ["1 One"]);
}

async fn rows_that_no_sync_has_touched_are_theirs_until_one_has(place: &Place) {
    place
        .run("CREATE TABLE courses (id bigint PRIMARY KEY, title text)")
        .await;
    let courses = courses();
    let mut target = place.open(&[&courses]).await;
    assert_eq!(
        target.inspect(&courses, Mode::Merge).await.unwrap().holds,
        Holds::Empty
    );
    place.run("INSERT INTO courses VALUES (1, 'Mine')").await;
    assert_eq!(
        target.inspect(&courses, Mode::Merge).await.unwrap().holds,
        Holds::Theirs { rows: 1 }
    );
    write(
        &mut target,
        &courses,
        Mode::Merge,
        None,
        &[titles(1, &[("2", "Two")])],
    )
    .await
    .unwrap();
    assert_eq!(
        target.inspect(&courses, Mode::Merge).await.unwrap().holds,
        Holds::Ours { rows: 2 }
    );
}

async fn a_table_made_anew_under_the_name_is_theirs(place: &Place) {
    let courses = courses();
    let mut target = place.open(&[&courses]).await;
    target.begin(&courses, Mode::Merge, None).await.unwrap();
    target
        .apply(&courses, titles(1, &[("1", "One")]).decoded())
        .await
        .unwrap();
    target.abandon().await;
    place
        .run("DROP TABLE courses; CREATE TABLE courses (id integer PRIMARY KEY, title text)")
        .await;
    place.run("INSERT INTO courses VALUES (1, 'Mine')").await;
    let found = place
        .open(&[&courses])
        .await
        .inspect(&courses, Mode::Merge)
        .await
        .unwrap();
    assert_eq!(found.holds, Holds::Theirs { rows: 1 });
}

async fn a_table_without_a_key_is_not_merged(place: &Place) {
    let mut courses = courses();
    courses.table.key.clear();
    let mut target = place.open(&[&courses]).await;
    let refusals = [
        target
            .inspect(&courses, Mode::Merge)
            .await
            .map(drop)
            .unwrap_err(),
        target.begin(&courses, Mode::Merge, None).await.unwrap_err(),
    ];
    for refused in refusals {
        assert!(
            matches!(&refused, WriteError::NoKey { table } if table == "courses"),
            "{refused}"
        );
    }
    assert_eq!(
        target.inspect(&courses, Mode::Append).await.unwrap().holds,
        Holds::Missing
    );
}

async fn a_table_without_a_key_is_appended_whole_or_not_at_all(place: &Place) {
    let mut courses = courses();
    courses.table.key.clear();
    let keyless = |rows| Chunk {
        cursor: None,
        ..titles(0, rows)
    };
    let mut target = place.open(&[&courses]).await;
    write(
        &mut target,
        &courses,
        Mode::Append,
        None,
        &[keyless(&[("1", "One")])],
    )
    .await
    .unwrap();
    target.begin(&courses, Mode::Append, None).await.unwrap();
    target
        .apply(&courses, keyless(&[("2", "Two")]).decoded())
        .await
        .unwrap();
    drop(target);
    let mut target = place.open(&[&courses]).await;
    assert_eq!(
        target.inspect(&courses, Mode::Append).await.unwrap().holds,
        Holds::Ours { rows: 1 }
    );
    write(
        &mut target,
        &courses,
        Mode::Replace,
        None,
        &[keyless(&[("1", "a"), ("1", "b")])],
    )
    .await
    .unwrap();
    assert_eq!(
        place
            .texts("SELECT id || title FROM courses ORDER BY title")
            .await,
        ["1a", "1b"]
    );
}

async fn no_rows_make_an_empty_table(place: &Place) {
    let courses = courses();
    let mut target = place.open(&[&courses]).await;
    assert_eq!(
        write(&mut target, &courses, Mode::Merge, None, &[])
            .await
            .unwrap()
            .rows,
        0
    );
    assert_eq!(
        target.inspect(&courses, Mode::Merge).await.unwrap().holds,
        Holds::Empty
    );
    assert!(place.courses().await.is_empty());
}

async fn hostile_names_are_only_names(place: &Place) {
    place.run("CREATE TABLE users (id integer)").await;
    let names = [
        "with space",
        "quote\"quote",
        "Ünïcödé 🦀",
        "users\"; DROP TABLE users; --",
        "select",
        "tab\tline\n",
        "'",
        "100%",
    ];
    for name in names {
        let mut hostile = table(
            name,
            vec![
                column(name, "bigint", ValueKind::Integer),
                column("title", "text", ValueKind::Text),
            ],
        );
        hostile.table.name.schema = Some("sch\"ema".to_owned());
        hostile.table.unique = vec![vec![1]];
        let mut target = place.open(&[&hostile]).await;
        for title in ["one", "two"] {
            write(
                &mut target,
                &hostile,
                Mode::Merge,
                None,
                &[titles(1, &[("1", title)])],
            )
            .await
            .unwrap();
        }
        let again = target.inspect(&hostile, Mode::Merge).await.unwrap();
        assert_eq!(
            again,
            Found {
                holds: Holds::Ours { rows: 1 },
                problems: Vec::new()
            },
            "{name}"
        );
        target.close().await.unwrap();
    }
    assert!(
        place
            .texts("SELECT CAST(id AS text) FROM users")
            .await
            .is_empty(),
        "the table is still there"
    );
}

async fn names_that_would_end_a_statement_are_refused(place: &Place) {
    for name in ["a\0b", ""] {
        let hostile = table("courses", vec![column(name, "bigint", ValueKind::Integer)]);
        let refused = place.open_for(&plan(&[&hostile])).await.unwrap_err();
        assert!(matches!(refused, WriteError::Name { .. }), "{refused}");
        let hostile = table(name, vec![column("id", "bigint", ValueKind::Integer)]);
        let refused = place.open_for(&plan(&[&hostile])).await.unwrap_err();
        assert!(matches!(refused, WriteError::Name { .. }), "{refused}");
    }
    let ours = table(
        "_tunnel_sync",
        vec![column("id", "bigint", ValueKind::Integer)],
    );
    assert!(matches!(
        place.open_for(&plan(&[&ours])).await,
        Err(WriteError::Name { .. })
    ));
}

async fn children_come_before_their_parents_into_tables_of_ours(place: &Place) {
    let mut employees = table(
        "employees",
        vec![
            column("id", "bigint", ValueKind::Integer),
            column("reports_to", "bigint", ValueKind::Integer),
        ],
    );
    employees.table.parents = vec![TableName {
        schema: Some("public".to_owned()),
        name: "departments".to_owned(),
    }];
    let mut target = place.open(&[&employees]).await;
    // The first reports to one who comes in the next chunk, the second to nobody who ever comes.
    let chunks = [
        titles(1, &[("1", "3"), ("2", "99")]),
        titles(2, &[("3", "1")]),
    ];
    let finished = write(&mut target, &employees, Mode::Merge, None, &chunks)
        .await
        .unwrap();
    assert_eq!((finished.rows, finished.dangling), (3, 0));
}

async fn differences_are_reported_and_nothing_is_altered(place: &Place) {
    place
        .run("CREATE TABLE courses (id bigint PRIMARY KEY, extra text)")
        .await;
    let courses = courses();
    let mut target = place.open(&[&courses]).await;
    let found = target.inspect(&courses, Mode::Merge).await.unwrap();
    assert_eq!(
        found.problems,
        [Problem::MissingColumn {
            column: "title".to_owned()
        }]
    );
    assert!(found.is_fit());
    write(
        &mut target,
        &courses,
        Mode::Merge,
        None,
        &[titles(1, &[("1", "left out")])],
    )
    .await
    .unwrap();
    assert_eq!(
        place
            .texts("SELECT id || coalesce(extra, '-') FROM courses")
            .await,
        ["1-"]
    );
}

async fn what_cannot_be_written_is_said_before_anything_is(place: &Place) {
    let mut nulled = courses();
    nulled.columns[1].treatment = Treatment::Null;
    let id = || "id".to_owned();
    let cases = [
        (
            "(id bigint, title text)",
            Problem::NoUniqueKey {
                columns: vec![id()],
            },
        ),
        (
            "(title text PRIMARY KEY)",
            Problem::MissingKeyColumn { column: id() },
        ),
        (
            "(id bigint PRIMARY KEY, title text, owner text NOT NULL)",
            Problem::RequiredColumn {
                column: "owner".to_owned(),
            },
        ),
        (
            "(id bigint PRIMARY KEY, title text NOT NULL)",
            Problem::NeverNull {
                column: "title".to_owned(),
            },
        ),
        ("(other text)", Problem::NoColumn),
    ];
    for (columns, problem) in cases {
        place
            .run(&format!(
                "DROP TABLE IF EXISTS courses; CREATE TABLE courses {columns}"
            ))
            .await;
        let mut target = place.open(&[&nulled]).await;
        let found = target.inspect(&nulled, Mode::Merge).await.unwrap();
        assert!(
            found.problems.contains(&problem) && !found.is_fit(),
            "{columns}: {found:?}"
        );
        let refused = target.begin(&nulled, Mode::Merge, None).await.unwrap_err();
        assert!(
            refused.to_string().contains(&problem.to_string()),
            "{refused}"
        );
        target.abandon().await;
    }
    place
        .run("DROP TABLE courses; CREATE VIEW courses AS SELECT 1 AS id, 'a' AS title")
        .await;
    let found = place
        .open(&[&nulled])
        .await
        .inspect(&nulled, Mode::Merge)
        .await
        .unwrap();
    assert_eq!(found.problems, [Problem::NotATable]);
}

async fn generated_columns_are_left_to_the_database(place: &Place) {
    place.run("CREATE TABLE courses (id bigint PRIMARY KEY, title text, twice bigint GENERATED ALWAYS AS (id * 2) STORED)").await;
    let mut courses = courses();
    courses
        .table
        .columns
        .push(column("twice", "bigint", ValueKind::Integer));
    courses.columns.push(courses.columns[0].clone());
    let mut target = place.open(&[&courses]).await;
    assert!(
        target
            .inspect(&courses, Mode::Merge)
            .await
            .unwrap()
            .problems
            .is_empty()
    );
    let row = [Cell::Text("4"), Cell::Text("Rust"), Cell::Text("0")];
    for _ in 0..2 {
        write(
            &mut target,
            &courses,
            Mode::Merge,
            None,
            &[Chunk::new(1, &[&row])],
        )
        .await
        .unwrap();
    }
    assert_eq!(
        place.texts("SELECT CAST(twice AS text) FROM courses").await,
        ["8"]
    );
}

async fn a_chunk_that_is_not_rows_of_the_plan_is_refused_whole(place: &Place) {
    let courses = courses();
    let good = titles(1, &[("1", "One"), ("2", "Two")]);
    let short = Chunk {
        body: good.body[..good.body.len() - 1].to_vec(),
        cursor: None,
        ..titles(1, &[("1", ""), ("2", "")])
    };
    let few = Chunk {
        rows: 1,
        cursor: None,
        body: good.body.clone(),
    };
    for (chunk, what) in [(short, "short"), (few, "too few rows announced")] {
        let mut target = place.open(&[&courses]).await;
        let refused = write(&mut target, &courses, Mode::Merge, None, &[chunk])
            .await
            .unwrap_err();
        assert!(
            matches!(
                refused,
                WriteError::Body { .. } | WriteError::RowCount { .. }
            ),
            "{what}: {refused}"
        );
        target.abandon().await;
        assert!(place.courses().await.is_empty(), "{what}");
    }
}

async fn a_table_that_has_not_begun_takes_no_rows(place: &Place) {
    let courses = courses();
    let other = table("other", courses.table.columns.clone());
    let mut target = place.open(&[&courses, &other]).await;
    target.begin(&courses, Mode::Merge, None).await.unwrap();
    let refused = target
        .apply(&other, titles(1, &[("1", "One")]).decoded())
        .await
        .unwrap_err();
    assert!(
        matches!(&refused, WriteError::NotBegun { table } if table == "other"),
        "{refused}"
    );
    assert!(matches!(
        target.finish(&other).await,
        Err(WriteError::NotBegun { .. })
    ));
}

async fn a_unique_index_of_redacted_values_is_left_out(place: &Place) {
    let mut courses = courses();
    courses.table.unique = vec![vec![1]];
    courses.columns[1].treatment = Treatment::Redact;
    let mut target = place.open(&[&courses]).await;
    write(
        &mut target,
        &courses,
        Mode::Merge,
        None,
        &[titles(1, &[("1", ""), ("2", "")])],
    )
    .await
    .unwrap();
    assert_eq!(place.courses().await, ["1 ", "2 "]);
}
