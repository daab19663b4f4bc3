//! `tunnel-server`: its start, its first words and its end.

use std::fs;
use std::net::TcpListener;

use crate::support::{OTHER_SECRET, SECRET, Sandbox, demo_database};

#[test]
fn it_says_what_it_serves_and_stops_in_order() {
    let sandbox = Sandbox::new().set("RENDER_TUNNEL_SECRET", SECRET);
    let mut running = sandbox.start_server(&["--port", "0"]);
    running.said("listening for QUIC on UDP");
    running.said("listening for HTTP on TCP");
    running.said("keys: default");
    running.said("RENDER_TUNNEL_PSEUDONYM_KEY");
    running.signal("-TERM");
    let ended = running.end();
    ended.expect(0, &["stopping"]);
    assert!(!ended.err.contains(SECRET));
}

#[test]
fn it_listens_where_it_is_told_to_alone() {
    let sandbox = Sandbox::new().set("RENDER_TUNNEL_SECRET", SECRET);
    let mut running = sandbox.start_server(&["--host", "127.0.0.1", "--port", "0"]);
    running.said("listening for QUIC on UDP 127.0.0.1:");
    running.said("listening for HTTP on TCP 127.0.0.1:");
    running.signal("-TERM");
    running.end().expect(0, &[]);
    sandbox
        .server(&["--host", "localhost"])
        .expect(2, &["--host <ADDRESS>"]);
}

#[test]
fn a_probe_finds_a_server_that_is_there_and_no_other() {
    let sandbox = Sandbox::new().set("RENDER_TUNNEL_SECRET", SECRET);
    let mut running = sandbox.start_server(&["--port", "0"]);
    let line = running.said("listening for HTTP on TCP");
    let port = line.trim().rsplit(':').next().unwrap().to_owned();
    // It needs no secret.
    let beside = Sandbox::new().set("PORT", port);
    beside.server(&["probe"]).expect(0, &[]);
    running.signal("-TERM");
    running.end().expect(0, &[]);
    beside
        .server(&["probe"])
        .expect(1, &["/_tunnel/health: nothing listens there"]);
    beside
        .server(&["probe", "https://example.com"])
        .expect(2, &["a probe asks http:// alone"]);
}

#[test]
fn keys_and_consent_come_from_the_configuration_file() {
    let demo = Sandbox::new();
    let database = format!("sqlite://{}", demo_database(&demo));
    let sandbox = Sandbox::new()
        .set("CI_SECRET", OTHER_SECRET)
        .set("DATABASE_URL", database);
    let text = "[[keys]]\nname = 'ci'\nsecret-env = 'CI_SECRET'\nno-sanitize = true\n\
                [sync]\nno-sanitize = ['courses']\n";
    fs::write(sandbox.path().join("tunnel.toml"), text).unwrap();
    let mut running = sandbox.start_server(&["--port", "0"]);
    let line = running.said("listening for QUIC on UDP");
    let url = format!(
        "quic://127.0.0.1:{}",
        line.trim().rsplit(':').next().unwrap()
    );
    assert!(running.said("keys: ").ends_with("keys: ci\n"));
    let client = Sandbox::new();
    let secret = client.path().join("secret");
    fs::write(&secret, format!("{OTHER_SECRET}\n")).unwrap();
    let sync = |table: &str| {
        let secret = secret.to_str().unwrap();
        let options = [
            "--no-sanitize",
            "--limit",
            "5",
            "--server",
            &url,
            "--secret-file",
            secret,
        ];
        client.tunnel(&[&["sync", "--table", table][..], &options].concat())
    };
    sync("courses").expect(0, &["courses: 5 rows; nothing treated"]);
    sync("users").expect(5, &["does not consent to rows of users"]);
}

#[test]
fn lines_of_a_pipe_and_of_a_file_are_served() {
    let folder = Sandbox::new();
    let log = folder.path().join("worker.log");
    fs::write(&log, "").unwrap();
    let sandbox = Sandbox::new().set("RENDER_TUNNEL_SECRET", SECRET);
    let mut running = sandbox.start_server(&[
        "--port",
        "0",
        "--stdin-logs",
        "--log-file",
        log.to_str().unwrap(),
    ]);
    let line = running.said("listening for QUIC on UDP");
    let url = format!(
        "quic://127.0.0.1:{}",
        line.trim().rsplit(':').next().unwrap()
    );
    running.said("standard input has ended");
    let client = Sandbox::new().set("RENDER_TUNNEL_SECRET", SECRET);
    let mut logs = client.start_tunnel(&["logs", "--server", &url]);
    logs.said("connected to");
    fs::write(&log, "ERROR it broke\n").unwrap();
    let line = logs.wrote("it broke");
    assert!(line.ends_with("ERROR worker › it broke\n"), "{line}");
}

#[test]
fn a_port_that_is_taken_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let sandbox = Sandbox::new()
        .set("RENDER_TUNNEL_SECRET", SECRET)
        .set("PORT", port.clone());
    sandbox.server(&[]).expect(1, &[&port, "--port"]);
}

#[test]
fn configuration_that_makes_no_sense_is_refused_by_name() {
    let sandbox = Sandbox::new().set("RENDER_TUNNEL_SECRET", SECRET);
    sandbox
        .server(&["--config", "missing.toml"])
        .expect(2, &["missing.toml"]);
    fs::write(sandbox.path().join("tunnel.toml"), "[snyc]\n").unwrap();
    sandbox.server(&[]).expect(2, &["[snyc]"]);
}

#[test]
fn an_env_file_and_a_database_of_the_apps_kind_do_not_keep_it_from_starting() {
    let sandbox = Sandbox::new()
        .set("RENDER_TUNNEL_SECRET", SECRET)
        .set("DATABASE_URL", "mysql://root:s3cr3t@localhost/app");
    let env = sandbox.path().join(".env");
    fs::write(&env, "A=1\nF=s3cr3t b c\nD=it's\n").unwrap();
    let ended = sandbox.server(&["run", "--port", "0", "--app-port", "none", "--", "true"]);
    ended.expect(0, &[".env: lines 2, 3 cannot be read", "nothing to sync"]);
    assert!(!ended.err.contains("s3cr3t"), "{ended:?}");
    sandbox.server(&["keys"]).expect(0, &["lines 2, 3"]);
    sandbox.tunnel(&["health"]).expect(2, &[".env, line 2:"]);
    fs::write(&env, "A=1\nRENDER_TUNNEL_METRICS_KEY='s3cr3t\n").unwrap();
    let ended = sandbox.server(&["run", "--port", "0", "--", "true"]);
    ended.expect(2, &[".env, line 2:"]);
    assert!(!ended.err.contains("s3cr3t"), "{ended:?}");
}

#[test]
fn what_makes_no_sense_is_said_of_the_file_that_was_read_if_one_was() {
    let sandbox = Sandbox::new().set("RENDER_TUNNEL_SECRET", SECRET);
    let other = sandbox.path().join("other.toml");
    let refused = |text: &str, pieces: &[&str]| {
        fs::write(&other, text).unwrap();
        let options = ["--config", "other.toml", "--port", "0"];
        let alone = sandbox.server(&options);
        let run = [&["run"], &options[..], &["--", "true"]].concat();
        for ended in [alone, sandbox.server(&run)] {
            ended.expect(2, pieces);
            assert!(!ended.err.contains("tunnel.toml"), "{ended:?}");
        }
    };
    refused("[limits]\ncalls = 'x'\n", &["error: other.toml: [limits]:"]);
    refused("[logs]\nretention = 3\n", &["error: other.toml: [logs]:"]);
    let named = ["other.toml: [[keys]]", "\"log\", which is no feature"];
    let key = "[[keys]]\nname = 'ci'\nsecret-env = 'RENDER_TUNNEL_SECRET'\nfeatures = ['log']\n";
    refused(key, &named);
    sandbox
        .server(&["keys", "--config", "other.toml"])
        .expect(2, &named);
    let sandbox = sandbox.set("RENDER_TUNNEL_INGEST_KEY", "guess");
    let ended = sandbox.server(&["--port", "0"]);
    ended.expect(2, &["RENDER_TUNNEL_INGEST_KEY is refused"]);
    assert!(!ended.err.contains("tunnel.toml"), "{ended:?}");
    let sandbox = sandbox.set("RENDER_TUNNEL_INGEST_KEY", SECRET);
    let ended = sandbox.server(&["--port", "0"]);
    ended.expect(2, &["a sender of log lines has the secret of"]);
}

#[test]
fn a_log_file_that_is_not_there_yet_is_said_to_be_so() {
    let sandbox = Sandbox::new().set("RENDER_TUNNEL_SECRET", SECRET);
    fs::write(sandbox.path().join("api.log"), "").unwrap();
    let files = ["--log-file", "api.log", "--log-file", "missing.log"];
    let mut server = sandbox.start_server(&[&["--port", "0"], &files[..]].concat());
    server.said("following api.log");
    assert!(server.said("missing.log is not there yet").contains("WARN"));
}
