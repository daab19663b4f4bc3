//! `tunnel-server run`: what an app gets, and what comes through of what it writes.

use std::fs;
use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use crate::support::{OTHER_SECRET, Running, SECRET, Sandbox, lasting_port};

fn sandbox() -> Sandbox {
    Sandbox::new().set("RENDER_TUNNEL_SECRET", SECRET)
}

#[test]
fn the_outputs_and_the_exit_code_are_the_apps() {
    let ended = sandbox()
        .wrap("printf 'no line feed'; printf 'odd \\377 bytes\\n' >&2; exit 7")
        .end_raw();
    assert_eq!(ended.code, Some(7));
    assert_eq!(ended.out, b"no line feed");
    assert!(ended.err_has(b"odd \xff bytes\n"), "{ended:?}");
}

#[test]
fn an_app_that_is_not_there_is_said_to_be_so() {
    let sandbox = sandbox();
    let run = |program: &str| sandbox.server(&["run", "--port", "0", "--", program]);
    run("no-such-app").expect(127, &["no-such-app is not there", "hint: is it installed"]);
    run("./nor-this").expect(127, &["./nor-this is not there"]);
}

#[test]
fn an_app_that_cannot_be_run_is_said_to_be_so_and_why() {
    let sandbox = sandbox();
    let run = |program: &str| sandbox.server(&["run", "--port", "0", "--", program]);
    let script = sandbox.path().join("app");
    fs::write(&script, "#!/no/such/interpreter\n").unwrap();
    run("./app").expect(126, &["cannot be run: Permission denied", "chmod +x"]);
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    run("./app").expect(126, &["cannot be run", "after #!"]);
    fs::write(&script, "\x01\x02\x03").unwrap();
    run("./app").expect(126, &["cannot be run", "no program of this machine's kind"]);
}

#[test]
fn what_makes_no_sense_is_refused_before_the_app_starts() {
    let sandbox = sandbox();
    let run = |options: &[&str]| {
        let arguments = [options, &["--", "touch", "started"]].concat();
        sandbox.server(&arguments)
    };
    run(&["run", "--app-port", "0"]).expect(2, &["a port from 1 to 65535, or none"]);
    run(&["run", "--port", "4000", "--app-port", "4000"]).expect(2, &["4000 is the public one"]);
    run(&["--stdin-logs", "run"]).expect(2, &["--stdin-logs"]);
    let hint = "hint: write the options after the command: tunnel-server run";
    run(&["--port", "4000", "run"]).expect(2, &["--port", hint]);
    let unknown = "unexpected argument '--stdin-logs'";
    run(&["run", "--stdin-logs"]).expect(2, &[unknown]);
    fs::write(
        sandbox.path().join("tunnel.toml"),
        "[app]\nstop-grace = '1h'\n",
    )
    .unwrap();
    run(&["run"]).expect(2, &["[app]", "stop-grace = \"1h\""]);
    assert!(!sandbox.path().join("started").exists());
}

#[test]
fn an_end_that_nobody_asked_for_is_a_warning() {
    let sandbox = sandbox();
    let mut fails = sandbox.wrap("exit 7");
    assert!(fails.said("ended with code 7").contains("WARN"));
    let mut done = sandbox.wrap("exit 0");
    assert!(done.said("ended with code 0").contains("INFO"));
    let mut asked = sandbox.wrap("echo ready; exec sleep 1000");
    asked.wrote("ready");
    asked.signal("-TERM");
    assert!(asked.said("ended by signal 15").contains("INFO"));
    let mut silent = sandbox.wrap_with(&["--app-port", "41234"], "exit 0");
    silent.said("ended before it ever listened on port 41234");
}

#[test]
fn the_app_has_our_environment_but_for_the_port_and_the_secrets() {
    let sandbox = sandbox()
        .set("CI_SECRET", OTHER_SECRET)
        .set("DATABASE_URL", "sqlite://nowhere.db")
        .set("PORT", lasting_port().to_string())
        .set("MINE", "two words");
    let file = "[[keys]]\nname = 'ci'\nsecret-env = 'CI_SECRET'\n";
    fs::write(sandbox.path().join("tunnel.toml"), file).unwrap();
    let ended = sandbox.server(&["run", "--app-port", "41234", "--", "env"]);
    ended.expect(0, &[]);
    let mut variables: Vec<_> = ended.out.lines().collect();
    variables.sort_unstable();
    let home = format!("HOME={}", sandbox.path().display());
    let expected = [
        "DATABASE_URL=sqlite://nowhere.db",
        &home,
        "MINE=two words",
        "PORT=41234",
    ];
    assert_eq!(variables, expected);
}

#[test]
fn the_app_has_a_free_port_unless_it_wants_none() {
    let (some, other) = (sandbox(), sandbox());
    let ended = some.server(&["run", "--port", "0", "--", "sh", "-c", "echo $PORT"]);
    ended.expect(0, &[]);
    let port: u16 = ended.out.trim().parse().unwrap();
    assert!(![10_000, 18_012, 18_013, 19_099].contains(&port));
    let ended = other.set("PORT", "0").wrap("echo \"<$PORT>\"").end();
    assert_eq!(ended.out, "<>\n");
}

/// Root may read everything, unless it gives up its rights.
#[test]
fn the_app_cannot_read_our_secrets_from_our_own_environment() {
    let sandbox = sandbox();
    let server = env!("CARGO_BIN_EXE_tunnel-server");
    let read = "tr '\\0' '\\n' < /proc/$PPID/environ";
    let run = [
        "run",
        "--port",
        "0",
        "--app-port",
        "none",
        "--",
        "sh",
        "-c",
        read,
    ];
    let is_root = Command::new("id").arg("-u").output().unwrap().stdout == b"0\n";
    let ended = if is_root {
        let limits = ["--bounding-set=-all", "--inh-caps=-all", server];
        Running::start(sandbox.command("setpriv", &[&limits[..], &run].concat())).end()
    } else {
        Running::start(sandbox.command(server, &run)).end()
    };
    assert!(ended.err.contains("Permission denied"), "{ended:?}");
    assert!(!ended.out.contains("RENDER_TUNNEL_SECRET"), "{ended:?}");
}

#[test]
fn the_app_reads_our_standard_input() {
    let sandbox = sandbox();
    let run = ["run", "--port", "0", "--app-port", "none", "--", "cat"];
    let mut command = sandbox.command(env!("CARGO_BIN_EXE_tunnel-server"), &run);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"typed\n").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.stdout, b"typed\n");
    assert!(output.status.success());
}

#[test]
fn an_app_that_writes_more_than_the_log_takes_loses_nothing_of_its_own_output() {
    // In a few milliseconds more than the log takes in a second.
    let line = "a long line of a log ".repeat(40);
    let script = format!("yes '{line}' | head -n 40000");
    let ended = sandbox().wrap(&script).end();
    ended.expect(0, &[]);
    assert_eq!(ended.out.lines().count(), 40_000);
    assert!(ended.out.lines().all(|each| each == line));
}

#[test]
fn an_app_whose_reader_has_gone_hears_of_it() {
    // As without us: by SIGPIPE.
    let ended = sandbox().wrap("exec yes").end_unread();
    assert_eq!(ended.code, Some(128 + 13), "{ended:?}");
}

#[test]
fn the_servers_own_log_leaves_the_apps_lines_whole() {
    let script =
        "i=0; while [ $i -lt 200 ]; do printf 'half ' >&2; echo line >&2; i=$((i+1)); done";
    let ended = sandbox().set("RUST_LOG", "debug").wrap(script).end();
    let own =
        |line: &&str| line.contains("INFO") || line.contains("WARN") || line.contains("DEBUG");
    let (own, apps): (Vec<_>, Vec<_>) = ended.err.lines().partition(own);
    assert!(own.iter().all(|line| !line.contains("half")), "{own:?}");
    assert_eq!(apps, vec!["half line"; 200]);
}

/// The audit log writes a line when somebody comes, here in the middle of a line of the app's.
#[test]
fn an_audit_log_on_standard_error_has_lines_of_its_own() {
    let sandbox = sandbox();
    fs::write(sandbox.path().join("tunnel.toml"), "[audit]\npath = '-'\n").unwrap();
    let script =
        "printf half >&2; echo ready; until [ -e go ]; do sleep 0.01; done; echo ' line' >&2";
    let mut running = sandbox.wrap(script);
    let url = running.quic_url();
    running.wrote("ready");
    let logs = ["logs", "--server", &url, "--no-follow"];
    sandbox.tunnel(&logs).expect(0, &[]);
    let event = running.said("session_opened");
    assert!(event.starts_with("{\"time\":"), "{event}");
    fs::write(sandbox.path().join("go"), "").unwrap();
    running.end().expect(0, &[]);
}

#[test]
fn the_app_may_open_as_many_files_in_its_first_run_as_in_the_next() {
    let sandbox = sandbox();
    let server = env!("CARGO_BIN_EXE_tunnel-server");
    let app = "ulimit -n; [ -e failed ] || { touch failed; exit 1; }";
    let limited = "ulimit -Sn 300; exec \"$@\"";
    let run = [
        "run",
        "--port",
        "0",
        "--app-port",
        "none",
        "--restart",
        "on-failure",
    ];
    let shell = ["-c", limited, "sh", server];
    let ended = sandbox
        .start("sh", &[&shell[..], &run, &["--", "sh", "-c", app]].concat())
        .end();
    ended.expect(0, &[]);
    let limits: Vec<_> = ended.out.lines().collect();
    assert_eq!(limits.len(), 2, "{ended:?}");
    assert_eq!(limits[0], limits[1]);
}

#[test]
fn the_public_port_opens_when_the_app_listens() {
    let sandbox = sandbox();
    let port = lasting_port();
    let server = "import http.server, os; \
        http.server.HTTPServer(('127.0.0.1', int(os.environ['PORT'])), \
        http.server.BaseHTTPRequestHandler).serve_forever()";
    let script = format!(
        "echo started; until [ -e go ]; do sleep 0.01; done; exec /usr/bin/python3 -c \"{server}\""
    );
    let port_text = port.to_string();
    let mut running =
        sandbox.start_server(&["run", "--port", &port_text, "--", "sh", "-c", &script]);
    running.wrote("started");
    assert!(
        TcpStream::connect(("127.0.0.1", port)).is_err(),
        "it is open too early"
    );
    fs::write(sandbox.path().join("go"), "").unwrap();
    running.said("the app listens on port");
    running.said("listening for HTTP on TCP");
    TcpStream::connect(("127.0.0.1", port)).unwrap();
    running.signal("-TERM");
    running.end().expect(128 + 15, &[]);
}

#[test]
fn a_public_port_that_is_taken_ends_the_app_as_well() {
    let taken = TcpListener::bind("[::]:0").unwrap();
    let public = taken.local_addr().unwrap().port().to_string();
    let app = lasting_port();
    let sandbox = sandbox();
    let script = "trap 'echo told; exit 3' TERM; echo ready; while :; do sleep 0.01; done";
    let ports = ["run", "--port", &public, "--app-port", &app.to_string()];
    let mut running = sandbox.start_server(&[&ports[..], &["--", "sh", "-c", script]].concat());
    running.wrote("ready");
    // The app listens now, for all that anybody can see.
    let _listens = TcpListener::bind(("127.0.0.1", app)).unwrap();
    running.wrote("told");
    running.end().expect(1, &[&public]);
}
