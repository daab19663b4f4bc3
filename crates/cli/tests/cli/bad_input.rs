//! What bad input gets: one clear message, the next step, the right exit code, nothing written.

use std::fs;

use crate::support::{OTHER_SECRET, SECRET, Sandbox, Serving, answering, demo_database, free_port};

#[test]
fn no_server_there() {
    let url = format!("quic://127.0.0.1:{}", free_port());
    let sandbox = Sandbox::new().set("RENDER_TUNNEL_SECRET", SECRET);
    for command in [
        &["health"][..],
        &["sync", "--table", "courses"],
        &["logs"],
        &["connect"],
    ] {
        let ended = sandbox.tunnel(&[command, &["--server", &url]].concat());
        ended.expect(
            3,
            &[
                "cannot connect to",
                &url,
                "nothing listens",
                "hint: start the server",
            ],
        );
    }
}

#[test]
fn a_web_server_that_is_no_tunnel() {
    let sandbox = Sandbox::new().set("RENDER_TUNNEL_SECRET", SECRET);
    for (answer, pieces) in [
        (
            "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 5\r\n\r\nLogin",
            ["HTTP status 200", "log in to this network"],
        ),
        (
            "HTTP/1.1 301 Moved\r\nLocation: https://app.example.com/\r\nContent-Length: 0\r\n\r\n",
            ["leads to https://app.example.com/", "with https://"],
        ),
        (
            "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n",
            ["HTTP status 403", "forbids it"],
        ),
        (
            "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
            ["HTTP status 404", "another program answers"],
        ),
        (
            "HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\n\r\n",
            ["HTTP status 426", "removes the WebSocket upgrade"],
        ),
        (
            "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n",
            ["HTTP status 502", "still starting"],
        ),
        (
            "SSH-2.0-OpenSSH\r\n",
            ["upgrade to a WebSocket failed", "another protocol"],
        ),
    ] {
        let url = format!("http://127.0.0.1:{}", answering(answer));
        for carrier in ["websocket", "auto"] {
            let arguments = ["health", "--server", &url, "--carrier", carrier];
            sandbox.tunnel(&arguments).expect(3, &pieces);
        }
    }
}

#[test]
fn a_wrong_secret_over_websocket() {
    let serving = Serving::at_a_lasting_port();
    let sandbox = Sandbox::new()
        .set("RENDER_TUNNEL_SECRET", OTHER_SECRET)
        .set("RENDER_TUNNEL_CARRIER", "websocket");
    let ended = sandbox.tunnel(&["health", "--server", &serving.http()]);
    ended.expect(
        4,
        &["hint: use the secret that this server was started with"],
    );
}

#[test]
fn a_proxy_that_wants_a_login_or_is_none() {
    let sandbox = |proxy: String| {
        Sandbox::new()
            .set("RENDER_TUNNEL_SECRET", SECRET)
            .set("HTTP_PROXY", proxy)
    };
    let asks = "HTTP/1.1 407 Who\r\nProxy-Authenticate: NTLM\r\nContent-Length: 0\r\n\r\n";
    let asks = format!("http://127.0.0.1:{}", answering(asks));
    let arguments = [
        "health",
        "--server",
        "http://app.example.com",
        "--carrier",
        "websocket",
    ];
    let ended = sandbox(asks).tunnel(&arguments);
    ended.expect(3, &["a user and a password", "cntlm"]);
    let ended = sandbox(format!("http://127.0.0.1:{}", free_port())).tunnel(&arguments);
    ended.expect(3, &["the proxy 127.0.0.1", "NO_PROXY"]);
    let ended = sandbox("socks5://me:s3cr3t@h:1".to_owned()).tunnel(&arguments);
    ended.expect(2, &["HTTP_PROXY names no proxy", "write HTTP_PROXY as"]);
    assert!(!ended.err.contains("s3cr3t"));
}

#[test]
fn a_wrong_secret() {
    let serving = Serving::start(None);
    let sandbox = Sandbox::new().set("RENDER_TUNNEL_SECRET", OTHER_SECRET);
    let ended = sandbox.tunnel(&["health", "--server", &serving.url]);
    ended.expect(
        4,
        &[
            "does not hold this secret",
            "hint: use the secret that this server was started with",
        ],
    );
    assert!(!ended.err.contains(OTHER_SECRET));
}

#[test]
fn a_secret_that_is_none_at_either_end() {
    for (secret, why) in [
        ("hunter2", "has 7 bytes, and at least 32"),
        ("CHANGE_ME_CHANGE_ME_CHANGE_ME_9142", "placeholder"),
        ("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "easy to guess"),
    ] {
        let sandbox = Sandbox::new().set("RENDER_TUNNEL_SECRET", secret);
        let client = sandbox.tunnel(&["health", "--server", "quic://127.0.0.1:1"]);
        let server = sandbox.server(&["--port", "0"]);
        for ended in [client, server] {
            ended.expect(2, &[why, "tunnel keygen"]);
            assert!(!ended.err.contains(secret), "{ended:?}");
        }
    }
    Sandbox::new()
        .server(&[])
        .expect(2, &["no secret is configured", "tunnel keygen"]);
    let no_secret = Sandbox::new().tunnel(&["health", "--server", "quic://127.0.0.1:1"]);
    no_secret.expect(2, &["no secret is configured", "--secret-file"]);
}

#[test]
fn addresses_and_values_that_make_no_sense() {
    let sandbox = Sandbox::new().set("RENDER_TUNNEL_SECRET", SECRET);
    for (arguments, why) in [
        (
            &["health", "--server", "quic://user:pass@host"][..],
            "no password",
        ),
        (
            &["health", "--server", "quic://a:1", "--carrier", "websocket"],
            "--carrier auto",
        ),
        (&["health", "--carrier", "pigeon"], "[possible values: auto"),
        (&["health", "--pin", "123"], "sha256/"),
        (&["health", "--ca", "/nowhere.pem"], "/nowhere.pem"),
        (&["sync"], "--table"),
        (&["sync", "--table", "courses", "--limit", "0"], "--limit"),
        (&["sync", "--table", "courses", "--all"], "cannot be used"),
        (
            &["sync", "--table", "courses", "--output", "x.xml"],
            ".json, .ndjson",
        ),
        (
            &["sync", "--table", "courses", "--to", "mysql://localhost/x"],
            "postgres:// or sqlite://",
        ),
        (&["health", "--secret-file", "/nowhere"], "no server"),
        (&["demo", "--server", "quic://a:1"], "--server"),
        (&["keygen", "--secret-file", "secret"], "--secret-file"),
        (
            &["completions", "bash", "--environment", "x"],
            "--environment",
        ),
    ] {
        sandbox.tunnel(arguments).expect(2, &[why]);
    }
    assert!(
        !sandbox.path().join(".tunnel").exists(),
        "nothing was begun"
    );
}

#[test]
fn options_of_logs_that_make_no_sense() {
    let sandbox = Sandbox::new();
    for (arguments, why) in [
        (
            &["logs", "--filter", "loud"][..],
            "trace, debug, info, warn, error or fatal",
        ),
        (&["logs", "--tail", "many"], "--tail"),
        (
            &["logs", "--filter", "warn", "--only", "error"],
            "cannot be used",
        ),
        // The caret stands under what is wrong.
        (
            &["logs", "--grep", "a(b"],
            "    a(b\n     ^\nerror: unclosed group",
        ),
        (
            &["logs", "--exclude", "[z-a]"],
            "invalid character class range",
        ),
        (&["logs", "--field", "status"], "name=value, name!=value"),
        (&["logs", "--field", "path~=("], "unclosed group"),
        (&["logs", "--since", "soon"], "\"soon\" is no time: use 15m"),
        (
            &["logs", "--since", "5m", "--until", "10m"],
            "no line is between --since and --until",
        ),
        (
            &["logs", "--template", "{mesage}"],
            "there is no {mesage}, but {message}",
        ),
        (&["logs", "--timezone", "Atlantis"], "knows no such zone"),
        (&["logs", "--raw", "--template", "x"], "cannot be used"),
        (&["logs", "--raw", "--json"], "--json cannot be used"),
        (&["logs", "--color", "mauve"], "[possible values: auto"),
    ] {
        sandbox.tunnel(arguments).expect(2, &[why]);
    }
}

#[test]
fn an_unknown_table_and_hostile_names() {
    let sandbox = Sandbox::new();
    sandbox
        .tunnel(&["sync", "--table", "cuorses"])
        .expect(1, &["no table \"cuorses\"", "\"courses\""]);
    for hostile in [
        "x\"; DROP TABLE courses; --",
        "two words",
        "küche",
        "courses;",
        "%",
        "\u{202e}x",
        "a.b.c.d",
    ] {
        let ended = sandbox.tunnel(&["sync", "--table", hostile]);
        ended.expect(1, &["error: "]);
        assert!(!ended.err.contains('\u{202e}'), "{ended:?}");
    }
    sandbox
        .tunnel(&["sync", "--table=--all"])
        .expect(1, &["--all"]);
    assert!(
        !sandbox.path().join(".tunnel/demo.db").exists(),
        "nothing was written"
    );
    sandbox
        .tunnel(&["sync", "--table", "courses", "--limit", "5"])
        .expect(0, &["synced 5 rows"]);
}

#[test]
fn a_target_on_another_machine() {
    let url = "postgres://app:s3cr3t@db.example.com/app";
    let ended = Sandbox::new().tunnel(&["sync", "--table", "courses", "--to", url]);
    ended.expect(
        5,
        &[
            "db.example.com",
            "not on this machine",
            "--allow-remote-target",
        ],
    );
    assert!(!ended.err.contains("s3cr3t"));
}

#[test]
fn a_database_url_on_another_machine_is_not_written_to() {
    let demo = Sandbox::new();
    let serving = Serving::start(Some(&format!("sqlite://{}", demo_database(&demo))));
    let sandbox = Sandbox::new()
        .set("RENDER_TUNNEL_SECRET", SECRET)
        .set("RENDER_EXTERNAL_URL", &*serving.url)
        .set("DATABASE_URL", "postgres://app:s3cr3t@db.example.com/app");
    let ended = sandbox.tunnel(&["sync", "--table", "courses", "--limit", "5"]);
    ended.expect(0, &["db.example.com", "to .tunnel/local.db"]);
    assert!(!ended.err.contains("s3cr3t"));
}

#[test]
fn a_target_that_is_the_source() {
    let demo = Sandbox::new();
    let database = format!("sqlite://{}", demo_database(&demo));
    let serving = Serving::start(Some(&database));
    let sandbox = Sandbox::new().set("RENDER_TUNNEL_SECRET", SECRET);
    let arguments = [
        "sync",
        "--table",
        "courses",
        "--server",
        &serving.url,
        "--to",
        &database,
        "--yes",
    ];
    sandbox
        .tunnel(&arguments)
        .expect(5, &["the very database that the server reads"]);
}

#[test]
fn rows_of_ones_own() {
    let sandbox = Sandbox::new();
    let mine = sandbox.path().join("mine.db");
    fs::copy(demo_database(&sandbox), &mine).unwrap();
    let arguments = [
        "sync",
        "--table",
        "courses",
        "--limit",
        "5",
        "--to",
        "sqlite://mine.db",
    ];
    let refused = sandbox.tunnel(&arguments);
    refused.expect(
        5,
        &["courses has 24,000 rows that no sync has made", "--yes"],
    );
    sandbox
        .tunnel(&[&arguments[..], &["--yes"]].concat())
        .expect(0, &["synced 5 rows"]);
}

#[test]
fn places_that_cannot_be_written() {
    let sandbox = Sandbox::new();
    fs::write(
        sandbox.path().join("text.db"),
        "this is not a database, but it is long enough to look",
    )
    .unwrap();
    for (option, value, why) in [
        ("--output", "missing/courses.json", "missing/courses.json"),
        // Nobody can write there, not even root.
        ("--output", "/proc/courses.json", "/proc/courses.json"),
        ("--to", "sqlite:///proc/local.db", "/proc/local.db"),
        ("--to", "sqlite://text.db", "is not a SQLite database"),
        ("--to", "postgres://nobody@127.0.0.1:1/none", "127.0.0.1:1"),
    ] {
        let ended = sandbox.tunnel(&["sync", "--table", "courses", option, value]);
        ended.expect(1, &["error: ", why]);
    }
}

#[test]
fn rows_as_they_are_without_consent() {
    let ended = Sandbox::new().tunnel(&["sync", "--table", "courses", "--no-sanitize"]);
    ended.expect(5, &["may not ask for rows as they are"]);
}

#[test]
fn a_dotenv_that_makes_no_sense_is_named_without_its_values() {
    let sandbox = Sandbox::new();
    fs::write(
        sandbox.path().join(".env"),
        "RENDER_TUNNEL_SECRET='hunter2\n",
    )
    .unwrap();
    let ended = sandbox.tunnel(&["health"]);
    ended.expect(2, &[".env"]);
    assert!(!ended.err.contains("hunter2"));
}
