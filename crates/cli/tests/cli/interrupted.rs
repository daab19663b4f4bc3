//! Syncs that are stopped in the middle: by ^C, and by the death of the server.
//!
//! A relay lets a part of the rows through, so that no sync can be done before it is stopped.

use std::path::Path;
use std::thread;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use crate::relay::Relay;
use crate::support::{SECRET, Sandbox, Serving, demo_database};

/// A client's folder, and the demo's database served behind a relay that is open for a while.
struct Play {
    sandbox: Sandbox,
    serving: Serving,
    relay: Relay,
    database: String,
    _demo: Sandbox,
}

impl Play {
    fn begin() -> Self {
        let demo = Sandbox::new();
        let database = demo_database(&demo);
        let serving = Serving::lasting_with(&format!("sqlite://{database}"));
        let relay = Relay::before(&serving.url, A_PART_OF_COURSES);
        let sandbox = Sandbox::new()
            .set("RENDER_TUNNEL_SECRET", SECRET)
            .set("RENDER_EXTERNAL_URL", &*relay.url);
        Self {
            sandbox,
            serving,
            relay,
            database,
            _demo: demo,
        }
    }

    /// Waits until a chunk is committed, and returns how many rows are.
    fn committed(&self) -> u32 {
        for _ in 0..MOST_LOOKS {
            match rows(&self.sandbox.path().join(LOCAL)) {
                Some(rows @ 1..) => return rows,
                _ => thread::sleep(BETWEEN_LOOKS),
            }
        }
        panic!("nothing is ever committed")
    }
}

/// Counts the courses, if the table is there.
fn rows(local: &Path) -> Option<u32> {
    let local = Connection::open_with_flags(local, OpenFlags::SQLITE_OPEN_READ_ONLY).ok()?;
    local
        .query_row("SELECT count(*) FROM courses", (), |row| row.get(0))
        .ok()
}

#[test]
fn a_sync_that_is_stopped_says_what_is_committed_and_goes_on_from_there() {
    let play = Play::begin();
    let both = ["sync", "--table", "users", "--table", "courses"];
    let mut running = play.sandbox.start_tunnel(&both);
    running.said("syncing users");
    running.said("syncing courses");
    running.signal("-INT");
    let ended = running.end();
    ended.expect(
        130,
        &[
            "interrupted: ",
            "committed; the same command goes on from there",
        ],
    );
    assert!(!ended.err.contains("error"), "{ended:?}");
    play.relay.open();
    let again = play.sandbox.tunnel(&both);
    again.expect(0, &["synced 29,000 rows"]);
}

#[test]
fn a_file_that_is_not_finished_is_not_there() {
    let play = Play::begin();
    let arguments = ["sync", "--table", "courses", "--output", "courses.json"];
    let mut running = play.sandbox.start_tunnel(&arguments);
    running.said("syncing courses");
    running.signal("-INT");
    running.end().expect(130, &["courses.json was not written"]);
    assert!(!play.sandbox.path().join("courses.json").exists());
}

#[test]
fn after_a_server_was_killed_the_same_command_goes_on_from_the_last_chunk() {
    let play = Play::begin();
    let courses = ["sync", "--table", "courses"];
    let mut running = play.sandbox.start_tunnel(&courses);
    running.said("syncing courses");
    let before = play.committed();
    let serving = play.serving.kill_and_start_again();
    // It would wait for the server: the user does not.
    running.signal("-INT");
    running.end().expect(130, &["committed; the same command"]);

    play.relay.open();
    let again = play.sandbox.tunnel(&courses);
    again.expect(0, &["goes on after ", "synced 24,000 rows"]);
    let resumed = again.err.split("goes on after ").nth(1).unwrap();
    let resumed = resumed.split(" rows").next().unwrap().replace(',', "");
    let resumed: u32 = resumed.parse().unwrap();
    assert!((before..24_000).contains(&resumed), "{before}, {resumed}");
    assert_whole(&play.sandbox.path().join(LOCAL), &play.database);
    drop(serving);
}

/// Holds what is not treated against production: every row once, and none that is not there.
fn assert_whole(local: &Path, production: &str) {
    let local = Connection::open(local).unwrap();
    local
        .execute("ATTACH ? AS production", [production])
        .unwrap();
    let count = |of: &str| -> u32 {
        let query = format!("SELECT count(*) FROM ({of})");
        local.query_row(&query, (), |row| row.get(0)).unwrap()
    };
    let (here, there) = (
        "SELECT id, slug, title FROM main.courses",
        "SELECT id, slug, title FROM production.courses",
    );
    assert_eq!(count(here), 24_000);
    assert_eq!(count(&format!("{there} EXCEPT {here}")), 0);
    assert_eq!(count(&format!("{here} EXCEPT {there}")), 0);
}

/// Four times what users take, 0.3 MB, and half of what courses take, 2.6 MB in eight chunks: with
/// packets that are lost and sent again it still ends within courses.
const A_PART_OF_COURSES: u64 = 1_200_000;

/// Where a client writes to unless it is told.
const LOCAL: &str = ".tunnel/local.db";

/// A minute of them: a failure must end.
const MOST_LOOKS: u32 = 6000;

/// Leaves the processor to the programs that are waited for.
const BETWEEN_LOOKS: Duration = Duration::from_millis(10);
