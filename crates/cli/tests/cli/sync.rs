//! Syncs that go well, and what they print.

use std::fs;

use crate::support::{SECRET, Sandbox, Serving, demo_database};

#[test]
fn the_first_command_of_a_newcomer_works_and_says_that_it_is_the_demo() {
    let sandbox = Sandbox::new().set("DATABASE_URL", "sqlite://not-here.db");
    let ended = sandbox.tunnel(&["sync", "--table", "courses"]);
    ended.expect(
        0,
        &[
            "synced 24,000 rows",
            "to .tunnel/demo.db",
            "instructor_email 24,000",
            "on the wire",
        ],
    );
    let first = ended.err.lines().next().unwrap();
    assert!(
        first.contains("demo production") && first.contains("RENDER_EXTERNAL_URL"),
        "{first}"
    );
    assert_eq!(
        ended.out, "",
        "rows go to the database, words to standard error"
    );
    assert!(!sandbox.path().join("not-here.db").exists());
    assert_eq!(
        fs::read_to_string(sandbox.path().join(".tunnel/.gitignore")).unwrap(),
        "*\n"
    );
}

#[cfg(unix)]
#[test]
fn the_folder_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let sandbox = Sandbox::new();
    sandbox.tunnel(&["health"]).expect(0, &[]);
    let mode = fs::metadata(sandbox.path().join(".tunnel"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[test]
fn a_plan_shows_every_column_and_writes_nothing() {
    let sandbox = Sandbox::new();
    let plan = sandbox.tunnel(&["sync", "--table", "courses", "--plan"]);
    plan.expect(0, &[]);
    let row = plan
        .out
        .lines()
        .find(|line| line.contains("instructor_email"))
        .unwrap();
    let cells: Vec<_> = row.split_whitespace().collect();
    assert_eq!(
        &cells[..5],
        [
            "courses",
            "instructor_email",
            "TEXT",
            "pseudonymise",
            "(email)"
        ]
    );
    assert!(
        plan.out.contains("courses: about 24,000 rows"),
        "{}",
        plan.out
    );
    assert!(!sandbox.path().join(".tunnel/demo.db").exists());
}

#[test]
fn scripts_get_a_plan_and_a_summary_as_one_document_each() {
    let sandbox = Sandbox::new();
    let plan = sandbox
        .tunnel(&[
            "sync", "--table", "courses", "--limit", "7", "--plan", "--json",
        ])
        .json();
    let table = &plan["tables"][0];
    assert_eq!(
        (&table["table"], &table["estimated_rows"]),
        (&"courses".into(), &7.into())
    );
    assert_eq!(table["key"], serde_json::json!(["id"]));
    assert_eq!(table["columns"][0]["treatment"], "keep");
    let ended = sandbox.tunnel(&[
        "sync", "--table", "courses", "--limit", "7", "--json", "--quiet",
    ]);
    let summary = ended.json();
    assert_eq!(
        (&summary["type"], &summary["rows"]),
        (&"sync".into(), &7.into())
    );
    assert_eq!(summary["tables"][0]["treated"]["instructor_email"], 7);
    let said: Vec<_> = ended.err.lines().collect();
    assert!(
        matches!(said[..], [demo] if demo.contains("demo production")),
        "quiet is quiet, but for what the rows are: {said:?}"
    );
}

#[test]
fn a_file_gets_the_newest_rows_in_its_format() {
    let sandbox = Sandbox::new();
    for (file, lines) in [("c.ndjson", 3), ("c.csv", 4)] {
        let ended = sandbox.tunnel(&[
            "sync", "--table", "courses", "--limit", "3", "--output", file,
        ]);
        ended.expect(0, &["synced 3 rows", file]);
        assert_eq!(
            fs::read_to_string(sandbox.path().join(file))
                .unwrap()
                .lines()
                .count(),
            lines
        );
    }
    sandbox
        .tunnel(&[
            "sync", "--table", "courses", "--limit", "3", "--output", "c.json",
        ])
        .expect(0, &[]);
    let text = fs::read_to_string(sandbox.path().join("c.json")).unwrap();
    let rows: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (rows.as_array().unwrap().len(), &rows[0]["id"]),
        (3, &24_000.into())
    );
}

#[test]
fn a_sync_alone_ends_a_connect() {
    let sandbox = Sandbox::new();
    let ended = sandbox.tunnel(&["connect", "--sync", "courses", "--json"]);
    ended.expect(0, &[]);
    let types: Vec<_> = ended
        .out
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["type"].clone())
        .collect();
    assert_eq!(types, ["authenticated", "sync"]);
}

#[test]
fn a_server_of_ones_own_is_found_in_the_environment_and_in_dotenv() {
    let demo = Sandbox::new();
    let serving = Serving::start(Some(&format!("sqlite://{}", demo_database(&demo))));
    let sandbox = Sandbox::new();
    let text = format!(
        "RENDER_EXTERNAL_URL={}\nRENDER_TUNNEL_SECRET={SECRET}\n",
        serving.url
    );
    fs::write(sandbox.path().join(".env"), text).unwrap();
    let ended = sandbox.tunnel(&["sync", "--table", "courses", "--limit", "5"]);
    ended.expect(
        0,
        &[
            "connected to tunnel-server (production)",
            "synced 5 rows",
            ".tunnel/local.db",
        ],
    );
}
