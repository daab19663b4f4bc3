//! One session for all commands: held by `tunnel connect`, found by the others.

use std::fs::{self, Permissions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::thread;

use crate::support::{Running, SECRET, Sandbox, Serving, demo_database};

/// A server, and a folder whose programs know it.
struct Play {
    serving: Serving,
    sandbox: Sandbox,
}

impl Play {
    fn begin() -> Self {
        Self::of(Serving::start(None))
    }

    fn of(serving: Serving) -> Self {
        let sandbox = Sandbox::new()
            .set("RENDER_TUNNEL_SECRET", SECRET)
            .set("RENDER_EXTERNAL_URL", &*serving.url);
        Self { serving, sandbox }
    }

    /// Starts a holder, and waits until it holds.
    fn hold(&self) -> Running {
        let mut holder = self.sandbox.start_tunnel(&["connect"]);
        holder.said("connected to tunnel-server");
        self.until_held();
        holder
    }

    fn until_held(&self) {
        while self.sandbox.tunnel(&["status"]).code != Some(0) {
            thread::yield_now();
        }
    }

    fn file(&self, extension: &str) -> Option<PathBuf> {
        let folder = fs::read_dir(self.folder()).ok()?;
        let mut paths = folder.map(|entry| entry.unwrap().path());
        paths.find(|path| path.extension().is_some_and(|its| its == extension))
    }

    fn folder(&self) -> PathBuf {
        self.sandbox.path().join("render-tunnel")
    }

    /// Returns the number of sessions that the server counts, and the carrier.
    fn sessions(&self, more: &[&str]) -> u64 {
        let health = self.sandbox.tunnel(&[&["health", "--json"], more].concat());
        health.expect(0, &[]);
        health.json()["checks"]["server:sessions"][0]["observedValue"]
            .as_u64()
            .unwrap()
    }
}

#[test]
fn commands_run_over_the_session_that_is_held_unless_told_otherwise() {
    let play = Play::begin();
    let _holder = play.hold();
    assert_eq!(play.sessions(&[]), 1);
    assert_eq!(play.sessions(&["--own-session"]), 2);
    assert_eq!(play.sessions(&["--carrier", "udp"]), 2);
}

#[test]
fn status_and_disconnect_say_what_there_is() {
    let play = Play::begin();
    let none = format!("no session with {} is held", play.serving.url);
    play.sandbox.tunnel(&["status"]).expect(3, &[&none]);
    play.sandbox.tunnel(&["disconnect"]).expect(3, &[&none]);
    let holder = play.hold();
    let mut logs = play.sandbox.start_tunnel(&["logs"]);
    logs.said("connected to tunnel-server");
    let status = play.sandbox.tunnel(&["status", "--json"]).json();
    let keys: Vec<_> = status.as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        [
            "server",
            "state",
            "server_id",
            "environment",
            "process",
            "version",
            "held_seconds",
            "carrier",
            "round_trip_ms",
            "reconnects",
            "runs",
            "attached"
        ]
    );
    assert_eq!(
        (&status["state"], &status["carrier"]),
        (&"up".into(), &"udp".into())
    );
    assert_eq!(status["server"], play.serving.url);
    assert_eq!(status["attached"][0]["command"], "logs");
    let shown = play.sandbox.tunnel(&["status"]);
    shown.expect(0, &[]);
    for piece in [
        "tunnel-server (production)",
        "round trip",
        "attached",
        "logs (process ",
    ] {
        assert!(shown.out.contains(piece), "{shown:?}");
    }
    let ended = play.sandbox.tunnel(&["disconnect", "--json"]);
    ended.expect(0, &[]);
    assert_eq!(ended.json()["state"], "disconnected");
    holder.end().expect(0, &[]);
    assert_eq!(play.file("sock"), None);
    // Who ran over it goes on alone.
    logs.said("connected to tunnel-server");
    logs.signal("-INT");
    assert_eq!(logs.end().code, Some(130));
}

#[test]
fn without_a_server_there_is_nothing_to_hold() {
    let sandbox = Sandbox::new();
    for command in [
        &["status"][..],
        &["disconnect"],
        &["connect", "--background"],
    ] {
        sandbox
            .tunnel(command)
            .expect(3, &["no server is configured"]);
    }
}

#[test]
fn a_session_is_held_in_the_background_until_it_is_disconnected() {
    let play = Play::begin();
    let started = play.sandbox.tunnel(&["connect", "--background"]);
    started.expect(0, &["holds a session with", "what it says is in"]);
    assert_eq!(play.sessions(&[]), 1);
    let again = play.sandbox.tunnel(&["connect", "--background"]);
    again.expect(0, &["already"]);
    let log = fs::read_to_string(play.file("log").unwrap()).unwrap();
    assert!(log.contains("connected to tunnel-server"), "{log}");
    assert!(!log.contains(SECRET));
    play.sandbox
        .tunnel(&["disconnect"])
        .expect(0, &["disconnected from"]);
    play.sandbox.tunnel(&["status"]).expect(3, &[]);
}

#[test]
fn in_the_background_no_lines_are_kept_that_nobody_reads() {
    let play = Play::of(Serving::with_log(b"ERROR the first\n"));
    let configured = "[connect]\nlogs = true\nwebhooks = ['stripe=3000/hooks']\n";
    fs::write(play.sandbox.path().join("tunnel.toml"), configured).unwrap();
    let started = play.sandbox.tunnel(&["connect", "--background", "--logs"]);
    started.expect(0, &["holds a session with"]);
    let status = play.sandbox.tunnel(&["status", "--json"]).json();
    let webhooks = serde_json::json!(["webhooks stripe=3000/hooks"]);
    assert_eq!(status["runs"], webhooks);
    play.sandbox.tunnel(&["disconnect"]).expect(0, &[]);
    let log = fs::read_to_string(play.file("log").unwrap()).unwrap();
    assert!(!log.contains("the first"), "{log}");
}

#[test]
fn what_keeps_a_session_from_being_held_in_the_background_is_said() {
    let play = Play::begin();
    let weak = play.sandbox.path().join("other");
    fs::write(&weak, crate::support::OTHER_SECRET).unwrap();
    let other = [
        "connect",
        "--background",
        "--secret-file",
        weak.to_str().unwrap(),
    ];
    let refused = play.sandbox.tunnel(&other);
    refused.expect(4, &["error: ", "hint: "]);
}

#[test]
fn a_secret_on_standard_input_is_for_nobody_in_the_background() {
    let arguments = ["connect", "--background", "--secret-file", "-"];
    let ended = Sandbox::new()
        .set("RENDER_EXTERNAL_URL", "quic://127.0.0.1:9")
        .tunnel(&arguments);
    ended.expect(2, &["on standard input", "name its file"]);
}

#[cfg(target_os = "linux")]
#[test]
fn who_stops_the_wait_for_a_holder_leaves_none_behind() {
    let silent = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let sandbox = Sandbox::new().set("RENDER_TUNNEL_SECRET", SECRET).set(
        "RENDER_EXTERNAL_URL",
        format!("quic://{}", silent.local_addr().unwrap()),
    );
    let starting = sandbox.start_tunnel(&["connect", "--background"]);
    while !holder_runs(&sandbox) {
        thread::yield_now();
    }
    starting.signal("-INT");
    starting.end().expect(130, &[]);
    assert!(!holder_runs(&sandbox));
}

/// Whether a program that was started in the background runs in a sandbox.
#[cfg(target_os = "linux")]
fn holder_runs(sandbox: &Sandbox) -> bool {
    let is_one = |process: PathBuf| {
        let arguments = fs::read_to_string(process.join("cmdline")).unwrap_or_default();
        let is_here = fs::read_link(process.join("cwd")).is_ok_and(|cwd| cwd == sandbox.path());
        is_here && arguments.contains("--detached")
    };
    let processes = fs::read_dir("/proc").unwrap();
    processes.flatten().any(|entry| is_one(entry.path()))
}

#[test]
fn a_second_one_says_truly_whether_it_runs_over_the_session_that_is_held() {
    let play = Play::begin();
    let _holder = play.hold();
    for (more, sessions, words) in [
        (&[][..], 1, "this one runs over it"),
        (&["--own-session"], 2, "this one has one of its own"),
        (&["--carrier", "udp"], 2, "this one has one of its own"),
    ] {
        let mut second = play.sandbox.start_tunnel(&[&["connect"], more].concat());
        second.said(words);
        second.said("connected to tunnel-server");
        assert_eq!(play.sessions(&[]), sessions, "{more:?}");
        second.signal("-INT");
        assert_eq!(second.end().code, Some(130));
    }
}

#[test]
fn of_two_that_connect_at_once_one_holds_and_both_run() {
    let play = Play::begin();
    let mut two = [(); 2].map(|()| play.sandbox.start_tunnel(&["connect"]));
    for one in &mut two {
        one.said("connected to tunnel-server");
    }
    play.until_held();
    let mut third = play.sandbox.start_tunnel(&["connect"]);
    third.said("holds a session with");
    third.said("connected to tunnel-server");
    let [one, other] = two;
    for one in [one, other, third] {
        one.signal("-INT");
        assert_eq!(one.end().code, Some(130));
    }
}

#[test]
fn a_holder_that_was_killed_leaves_a_socket_that_harms_nobody() {
    let play = Play::begin();
    let holder = play.hold();
    holder.signal("-KILL");
    assert_eq!(holder.end().code, None);
    assert!(play.file("sock").is_some());
    play.sandbox.tunnel(&["status"]).expect(3, &[]);
    play.sandbox.tunnel(&["health"]).expect(0, &[]);
    let _next = play.hold();
    assert!(play.sandbox.tunnel(&["status"]).out.contains("nobody"));
}

#[test]
fn a_holder_of_another_version_is_named_and_left_alone() {
    let play = Play::begin();
    drop(play.hold());
    let socket = play.file("sock").unwrap();
    fs::remove_file(&socket).unwrap();
    let listener = UnixListener::bind(&socket).unwrap();
    let fake = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(b"rtcs\x00\x01\x0599.98").unwrap();
        // Until the command leaves.
        stream.read_to_end(&mut Vec::new()).ok();
    });
    let health = play.sandbox.tunnel(&["health", "--json"]);
    let ours = env!("CARGO_PKG_VERSION");
    let line = format!("`tunnel connect` is of version 99.98 and this is {ours}");
    health.expect(0, &[&line]);
    assert_eq!(health.err.lines().count(), 1, "{health:?}");
    fake.join().unwrap();
}

#[test]
fn a_folder_that_is_another_users_is_refused_and_nothing_fails() {
    let play = Play::begin();
    fs::create_dir(play.folder()).unwrap();
    fs::set_permissions(play.folder(), Permissions::from_mode(0o777)).unwrap();
    let mut reason = "is open to other users";
    if std::os::unix::fs::chown(play.folder(), Some(4242), None).is_ok() {
        reason = "is of another user (4242)";
    }
    let health = play.sandbox.tunnel(&["health"]);
    health.expect(0, &[reason, "connecting by itself"]);
    let mut connect = play.sandbox.start_tunnel(&["connect"]);
    connect.said(reason);
    connect.said("connected to tunnel-server");
    play.sandbox.tunnel(&["status"]).expect(1, &[reason]);
}

#[test]
fn a_holder_runs_what_the_configuration_names() {
    let play = Play::of(Serving::with_log(b"ERROR the first\nINFO the second\n"));
    let configured = "[connect]\nlogs = { filter = 'error' }\nwebhooks = ['stripe=3000/hooks']\n";
    fs::write(play.sandbox.path().join("tunnel.toml"), configured).unwrap();
    let mut holder = play.sandbox.start_tunnel(&["connect", "--json"]);
    holder.wrote("the first");
    let status = play.sandbox.tunnel(&["status", "--json"]).json();
    assert_eq!(
        status["runs"],
        serde_json::json!(["logs", "webhooks stripe=3000/hooks"])
    );
    holder.signal("-INT");
    let ended = holder.end();
    assert!(!ended.out.contains("the second"), "{ended:?}");
    fs::write(
        play.sandbox.path().join("tunnel.toml"),
        "[connect]\nlog = 1\n",
    )
    .unwrap();
    play.sandbox
        .tunnel(&["connect"])
        .expect(2, &["unknown field `log`"]);
}

#[test]
fn a_sync_whose_holder_is_killed_goes_on_alone_and_every_row_comes_once() {
    let source = Sandbox::new();
    let database = format!("sqlite://{}", demo_database(&source));
    let play = Play::of(Serving::start(Some(&database)));
    let holder = play.hold();
    let mut sync =
        play.sandbox
            .start_tunnel(&["sync", "--table", "courses", "--table", "enrollments"]);
    sync.said("connected to tunnel-server");
    sync.said("syncing");
    holder.signal("-KILL");
    let ended = sync.end();
    // It was in the middle: it connected once more.
    ended.expect(0, &["connected to tunnel-server", "synced "]);
    let here = play.sandbox.path().join(".tunnel/local.db");
    for table in ["courses", "enrollments"] {
        assert_eq!(
            rows(&here, table),
            rows(Path::new(&database[9..]), table),
            "{table}"
        );
    }
}

fn rows(database: &Path, table: &str) -> i64 {
    let database = rusqlite::Connection::open(database).unwrap();
    let count = format!("SELECT count(*) FROM {table}");
    database.query_row(&count, (), |row| row.get(0)).unwrap()
}

#[test]
fn six_commands_at_once_run_over_one_session() {
    let source = Sandbox::new();
    let database = format!("sqlite://{}", demo_database(&source));
    let play = Play::of(Serving::start(Some(&database)));
    let _holder = play.hold();
    let mut logs = play.sandbox.start_tunnel(&["logs"]);
    let mut webhook = play.sandbox.start_tunnel(&["webhook", "--port", "9"]);
    logs.said("connected");
    webhook.said("connected");
    let sync = [
        "sync",
        "--table",
        "courses",
        "--to",
        "sqlite://one.db",
        "--yes",
    ];
    let other = [
        "sync",
        "--table",
        "users",
        "--to",
        "sqlite://other.db",
        "--yes",
    ];
    let syncs = [&sync, &other].map(|arguments| play.sandbox.start_tunnel(arguments));
    assert_eq!(play.sessions(&[]), 1);
    play.sandbox.tunnel(&["webhook", "list"]).expect(0, &[]);
    for sync in syncs {
        sync.end().expect(0, &["synced"]);
    }
    logs.assert_runs();
    webhook.assert_runs();
    assert_eq!(play.sessions(&[]), 1);
}
