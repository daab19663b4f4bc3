//! `tunnel-server run`: signals, and how an app and the server end.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use crate::support::{Running, SECRET, Sandbox};

fn sandbox() -> Sandbox {
    Sandbox::new().set("RENDER_TUNNEL_SECRET", SECRET)
}

/// Waits until something is so, which it will be within moments.
#[track_caller]
fn until(what: &str, is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < LONG, "{what} never came");
        thread::sleep(GLANCE);
    }
}

fn runs(process: &str) -> bool {
    Path::new("/proc").join(process).exists()
}

#[test]
fn an_app_that_a_signal_ends_gives_128_and_the_signal() {
    let ended = sandbox().wrap("kill -SEGV $$").end();
    ended.expect(128 + 11, &["ended by signal 11"]);
}

#[test]
fn signals_reach_the_app() {
    let script = "for s in USR1 USR2 QUIT HUP WINCH; do trap \"echo $s\" $s; done; \
                  trap 'echo TERM; exit 5' TERM; echo ready; while :; do sleep 0.01; done";
    let sandbox = sandbox();
    let mut running = sandbox.wrap(script);
    running.wrote("ready");
    for signal in ["USR1", "USR2", "QUIT", "HUP", "WINCH", "TERM"] {
        running.signal(&format!("-{signal}"));
        running.wrote(signal);
    }
    running.end().expect(5, &["stopping"]);
}

#[test]
fn an_app_that_does_not_handle_hup_outlives_it() {
    let script = "trap 'exit 5' USR1; echo ready; while :; do sleep 0.01; done";
    let sandbox = sandbox();
    let mut running = sandbox.wrap(script);
    running.wrote("ready");
    running.signal("-HUP");
    running.signal("-USR1");
    running.end().expect(5, &[]);
}

#[test]
fn what_the_app_says_while_it_ends_reaches_those_who_follow() {
    let script = "trap 'echo last words; exit 0' TERM; echo ready; while :; do sleep 0.01; done";
    let sandbox = sandbox();
    let mut running = sandbox.wrap(script);
    let url = running.quic_url();
    running.wrote("ready");
    let mut logs = sandbox.start_tunnel(&["logs", "--server", &url]);
    logs.said("connected to");
    running.signal("-TERM");
    logs.wrote("last words");
    running
        .end()
        .expect(0, &["stopping", "the app ended with code 0"]);
}

#[test]
fn an_app_that_ignores_term_is_killed_after_its_grace() {
    let sandbox = sandbox();
    fs::write(
        sandbox.path().join("tunnel.toml"),
        "[app]\nstop-grace = '1s'\n",
    )
    .unwrap();
    let mut running = sandbox.wrap("trap '' TERM; echo ready; while :; do sleep 0.01; done");
    running.wrote("ready");
    let start = Instant::now();
    running.signal("-TERM");
    running
        .end()
        .expect(128 + 9, &["has not ended within 1s and is killed"]);
    let took = start.elapsed();
    assert!(took >= Duration::from_secs(1) && took < LONG, "{took:?}");
}

#[test]
fn an_app_that_closes_its_outputs_is_still_the_app() {
    let sandbox = sandbox();
    let script = "exec >&- 2>&-; trap 'exit 6' TERM; touch ready; while :; do sleep 0.01; done";
    let running = sandbox.wrap(script);
    let ready = sandbox.path().join("ready");
    until("the app's word", || ready.exists());
    running.signal("-TERM");
    running.end().expect(6, &[]);
}

#[test]
fn what_an_app_leaves_behind_ends_with_it() {
    let sandbox = sandbox();
    let mut running = sandbox.wrap("sleep 1000 & echo $!; exit 4");
    let left = running.wrote("").trim().to_owned();
    // It holds the app's pipes open.
    running.end().expect(4, &[]);
    assert!(!runs(&left), "{left} still runs");
}

#[test]
fn a_daemon_that_holds_the_outputs_keeps_nobody() {
    let sandbox = sandbox();
    let mut running =
        sandbox.wrap("setsid sleep 1000 & echo $!; until [ -e go ]; do sleep 0.01; done");
    let daemon = running.wrote("").trim().to_owned();
    until("the daemon", || is_leader(&daemon));
    fs::write(sandbox.path().join("go"), "").unwrap();
    running.end().expect(0, &["not as a daemon"]);
    assert!(
        Command::new("kill")
            .arg(&daemon)
            .status()
            .unwrap()
            .success()
    );
}

/// Whether a process has a session of its own.
fn is_leader(process: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let after = stat.rsplit(')').next().unwrap_or_default().to_owned();
    after.split_whitespace().nth(3) == Some(process)
}

#[test]
fn orphans_are_reaped() {
    // The orphan waits until the server has adopted it, and ends.
    let orphan =
        "while read -r _ _ _ parent _ < /proc/$$/stat; [ $parent != $SERVER ]; do :; done; echo $$";
    let script = format!(
        "export SERVER=$PPID; (sh -c '{orphan}' &); trap 'exit 0' TERM; while :; do sleep 0.01; done"
    );
    let sandbox = sandbox();
    let mut running = sandbox.wrap(&script);
    let orphan = running.wrote("").trim().to_owned();
    until("the orphan's end", || !runs(&orphan));
    running.signal("-TERM");
    running.end().expect(0, &[]);
}

#[test]
fn an_app_that_fails_is_started_again_if_that_is_asked_for() {
    let options = ["--app-port", "none", "--restart", "on-failure"];
    let script = "echo run; [ -e failed ] || { touch failed; exit 1; }";
    let ended = sandbox().wrap_with(&options, script).end();
    ended.expect(
        0,
        &[
            "the app ended with code 1",
            "started again in",
            "ended with code 0",
        ],
    );
    assert_eq!(ended.out, "run\nrun\n");
}

#[test]
fn an_app_that_is_stopped_is_not_started_again() {
    let options = ["--app-port", "none", "--restart", "always"];
    let script = "echo ready; while :; do sleep 0.01; done";
    let sandbox = sandbox();
    let mut running = sandbox.wrap_with(&options, script);
    running.wrote("ready");
    running.signal("-TERM");
    running.end().expect(128 + 15, &[]);
}

#[test]
fn a_stop_while_the_app_waits_to_be_started_again_is_heard_at_once() {
    let options = ["--app-port", "none", "--restart", "always"];
    let sandbox = sandbox();
    let mut running = sandbox.wrap_with(&options, "exit 3");
    for _ in 0..2 {
        running.said("the app is started again in");
    }
    running.signal("-TERM");
    running.end().expect(3, &[]);
}

#[test]
fn a_stop_that_is_heard_while_the_apps_leavings_end_stays_heard() {
    let options = ["--app-port", "none", "--restart", "always"];
    let sandbox = sandbox();
    let script = "trap '' TERM; sleep 1000 & echo $!; echo $$; exit 3";
    let mut running = sandbox.wrap_with(&options, script);
    let left = running.wrote("").trim().to_owned();
    let app = running.wrote("").trim().to_owned();
    until("the app's end", || !runs(&app));
    running.signal("-TERM");
    running.said("stopping: the app has ended already");
    let killed = Command::new("kill").args(["-KILL", &left]).status();
    assert!(killed.unwrap().success());
    running.end().expect(3, &["the app ended with code 3"]);
}

#[test]
fn a_stop_that_is_heard_while_the_apps_last_lines_are_read_stays_heard() {
    let options = ["--app-port", "none", "--restart", "always"];
    let sandbox = sandbox();
    // More than the test's pipe holds, and less than both do: the app ends before it is read.
    let script = "yes | head -n 50000; exit 3";
    let mut running = sandbox.wrap_with(&options, script);
    running.said("the app ended with code 3");
    running.signal("-TERM");
    running.said("stopping: the app has ended already");
    let ended = running.end();
    ended.expect(3, &[]);
    assert!(!ended.err.contains("started again"), "{ended:?}");
}

#[test]
fn a_server_that_is_cut_has_ended_its_log_in_order() {
    let sandbox = sandbox();
    let file = "[logs]\npath = 'log'\n";
    fs::write(sandbox.path().join("tunnel.toml"), file).unwrap();
    let mut running = sandbox.wrap("echo ready; while :; do sleep 0.01; done");
    let url = running.quic_url();
    running.wrote("ready");
    // It has nowhere to move to, so the server waits for it.
    let mut logs = sandbox.start_tunnel(&["logs", "--server", &url]);
    logs.said("connected to");
    running.signal("-TERM");
    running.said("the app was ended by signal 15");
    running.signal("-TERM");
    running.said("asked once more");
    running.end().expect(128 + 15, &[]);
    let mut next = sandbox.wrap("echo ready; while :; do sleep 0.01; done");
    let url = next.quic_url();
    next.wrote("ready");
    let arguments = [
        "logs",
        "--server",
        &url,
        "--no-follow",
        "--tail",
        "all",
        "--json",
    ];
    let seen = sandbox.tunnel(&arguments);
    seen.expect(0, &[]);
    assert!(seen.out.contains("\"cut_off\":false"), "{seen:?}");
    assert!(!seen.out.contains("\"cut_off\":true"), "{seen:?}");
    // Killed, it would leave its app behind.
    next.signal("-TERM");
    next.end().expect(128 + 15, &[]);
}

/// As process 1 of a container, where the system lets the test make one.
#[test]
fn it_serves_as_process_one() {
    let sandbox = sandbox();
    let server = env!("CARGO_BIN_EXE_tunnel-server");
    let script = "echo $PPID; (sleep 1000 &); exit 9";
    let run = [
        "run",
        "--port",
        "0",
        "--app-port",
        "none",
        "--",
        "sh",
        "-c",
        script,
    ];
    if !may_make_containers() {
        skipped("process 1 can be played by root alone, with the right to administer the system");
        return;
    }
    let container = ["--pid", "--fork", "--kill-child", server];
    let ended = Running::start(sandbox.command("unshare", &[&container[..], &run].concat())).end();
    ended.expect(9, &[]);
    assert_eq!(ended.out, "1\n");
}

/// Whether the test's process has CAP_SYS_ADMIN, as root has unless somebody has taken it away.
fn may_make_containers() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let effective = effective.map(|it| u64::from_str_radix(it.trim(), 16).unwrap());
    effective.is_some_and(|it| it >> SYS_ADMIN & 1 == 1)
}

fn skipped(why: &str) {
    eprintln!("SKIPPED: {why}");
}

/// The number of CAP_SYS_ADMIN.
const SYS_ADMIN: u32 = 21;

/// How often is looked at what cannot tell.
const GLANCE: Duration = Duration::from_millis(5);

/// Far longer than anything here takes, on a machine that is busy.
const LONG: Duration = Duration::from_secs(30);
