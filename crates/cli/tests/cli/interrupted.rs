//! ^C in the middle.

use crate::support::Sandbox;

#[test]
fn a_sync_that_is_stopped_says_what_is_committed_and_goes_on_from_there() {
    let sandbox = Sandbox::new();
    let all = ["sync", "--all"];
    let mut running = sandbox.start_tunnel(&all);
    // The first table has ended by then.
    let mut tables = 0;
    while tables < 2 {
        running.said("syncing ");
        tables += 1;
    }
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
    sandbox.tunnel(&all).expect(0, &["synced 84,000 rows"]);
}

#[test]
fn a_file_that_is_not_finished_is_not_there() {
    let sandbox = Sandbox::new();
    let mut running =
        sandbox.start_tunnel(&["sync", "--table", "courses", "--output", "courses.json"]);
    running.said("syncing courses");
    running.signal("-INT");
    running.end().expect(130, &["courses.json was not written"]);
    assert!(!sandbox.path().join("courses.json").exists());
}
