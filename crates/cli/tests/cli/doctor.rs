//! `tunnel doctor`: each thing that can be wrong is found, named, and comes with a remedy.

use std::fs;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::SystemTime;

use serde_json::Value;
use server::TunnelServer;

use crate::support::{Ended, OTHER_SECRET, SECRET, Sandbox, Serving, answering, free_port};

fn sandbox() -> Sandbox {
    Sandbox::new().set("RENDER_TUNNEL_SECRET", SECRET)
}

fn doctor(sandbox: &Sandbox, arguments: &[&str]) -> Ended {
    sandbox.tunnel(&[&["doctor", "--json"], arguments].concat())
}

#[track_caller]
fn row(ended: &Ended, check: &str) -> Value {
    let table = ended.json();
    let rows = table.as_array().unwrap();
    let row = rows.iter().find(|row| row["check"] == check);
    row.unwrap_or_else(|| panic!("no {check}: {table}")).clone()
}

/// Holds a check's status and a piece of what it says against what is expected.
#[track_caller]
fn expect(ended: &Ended, check: &str, status: &str, piece: &str) {
    let row = row(ended, check);
    assert_eq!(row["status"], status, "{row}");
    let says = format!("{} {}", row["seen"], row["remedy"]);
    assert!(says.contains(piece), "{piece:?} is not in {row}");
    let is_fine = matches!(status, "pass" | "skip");
    assert_eq!(row["remedy"].is_null(), is_fine, "{row}");
}

#[test]
fn a_sound_server_passes_and_nothing_is_changed() {
    let serving = Serving::at_a_lasting_port();
    let sandbox = sandbox();
    let http = serving.http();
    let app = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = app.local_addr().unwrap().port().to_string();
    let ended = doctor(&sandbox, &["--server", &http, "--port", &port]);
    ended.expect(0, &[]);
    for (check, status, piece) in [
        ("configuration", "pass", "RENDER_TUNNEL_SECRET"),
        ("DNS", "pass", "127.0.0.1"),
        ("TCP", "pass", "connected to 127.0.0.1"),
        ("proxy", "skip", "none"),
        ("TLS", "skip", "http://"),
        ("upgrade", "pass", "a tunnel server answers"),
        ("UDP", "pass", "answers"),
        ("authentication", "pass", "default"),
        ("clock", "pass", "the same"),
        (
            "versions",
            "pass",
            "protocol 1; env 1, health 2, logs 1, sync 1",
        ),
        ("local database", "pass", ".tunnel/local.db"),
        ("webhook target", "pass", "listens"),
    ] {
        expect(&ended, check, status, piece);
    }
    assert!(!ended.out.contains(SECRET));
    assert_eq!(fs::read_dir(sandbox.path()).unwrap().count(), 0);
}

#[test]
fn people_get_a_table_with_a_remedy_under_each_fault() {
    let url = format!("http://127.0.0.1:{}", free_port());
    let ended = sandbox().tunnel(&["doctor", "--server", &url]);
    ended.expect(1, &[]);
    for line in [
        "✓  DNS             127.0.0.1  (",
        "✗  TCP             connect to 127.0.0.1:",
        "                   → start the server there",
        "–  upgrade         not checked, because an earlier check failed",
        "–  authentication  not checked, because an earlier check failed",
    ] {
        assert!(ended.out.contains(line), "{line:?} is not in {}", ended.out);
    }
}

#[test]
fn without_a_server_the_demo_is_examined() {
    let ended = doctor(&Sandbox::new(), &[]);
    ended.expect(0, &["built-in demo production"]);
    expect(&ended, "configuration", "pass", "demo");
    expect(&ended, "UDP", "pass", "answers");
    expect(&ended, "TCP", "skip", "quic://");
}

#[test]
fn nothing_listens() {
    let url = format!("http://127.0.0.1:{}", free_port());
    let ended = doctor(
        &sandbox(),
        &["--server", &url, "--port", &free_port().to_string()],
    );
    ended.expect(1, &[]);
    expect(&ended, "TCP", "fail", "start the server");
    expect(&ended, "UDP", "fail", "start the server");
    expect(&ended, "authentication", "skip", "earlier");
    expect(&ended, "webhook target", "fail", "start the app");
}

#[test]
fn a_wrong_secret_is_no_fault_of_the_way() {
    let serving = Serving::at_a_lasting_port();
    let sandbox = Sandbox::new().set("RENDER_TUNNEL_SECRET", OTHER_SECRET);
    for carrier in ["auto", "udp", "websocket"] {
        let ended = doctor(
            &sandbox,
            &["--server", &serving.http(), "--carrier", carrier],
        );
        ended.expect(1, &[]);
        expect(&ended, "authentication", "fail", "use the secret");
        for check in ["upgrade", "UDP"] {
            assert_ne!(row(&ended, check)["status"], "fail", "{carrier}: {ended:?}");
        }
        assert!(!ended.out.contains(OTHER_SECRET));
    }
}

#[test]
fn a_proxy_a_web_server_and_a_login_page_are_told_apart_from_a_tunnel_server() {
    for (answer, check, remedy) in [
        (
            "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
            "upgrade",
            "another program",
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 5\r\n\r\nLogin",
            "upgrade",
            "log in to this network",
        ),
    ] {
        let url = format!("http://127.0.0.1:{}", answering(answer));
        let ended = doctor(&sandbox(), &["--server", &url, "--carrier", "websocket"]);
        ended.expect(1, &[]);
        expect(&ended, check, "fail", remedy);
        expect(&ended, "TCP", "pass", "connected");
        expect(&ended, "authentication", "skip", "earlier");
    }
    let asks = "HTTP/1.1 407 Who\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n";
    let proxy = format!("http://127.0.0.1:{}", answering(asks));
    let ended = doctor(
        &sandbox().set("HTTPS_PROXY", proxy),
        &["--server", "https://app.example.com"],
    );
    ended.expect(1, &[]);
    expect(&ended, "proxy", "fail", "USER:PASSWORD");
    expect(&ended, "TLS", "skip", "earlier");
}

#[test]
fn a_port_that_speaks_no_tls() {
    let serving = Serving::at_a_lasting_port();
    let url = serving.http().replace("http://", "https://");
    let pin = "ab".repeat(32);
    let ended = doctor(&sandbox(), &["--server", &url, "--pin", &pin]);
    ended.expect(1, &[]);
    expect(&ended, "TLS", "fail", "does not speak TLS");
    expect(&ended, "upgrade", "skip", "earlier");
}

#[test]
fn what_is_wrong_in_the_configuration_is_a_finding_too() {
    let sandbox = Sandbox::new();
    fs::write(sandbox.path().join(".env"), "SECRET='s3cr3t\n").unwrap();
    let ended = doctor(&sandbox, &[]);
    ended.expect(1, &[]);
    expect(&ended, "configuration", "fail", ".env");
    expect(&ended, "DNS", "skip", "earlier");
    assert!(!ended.out.contains("s3cr3t"));
    let no_secret = doctor(&Sandbox::new(), &["--server", "https://app.example.com"]);
    no_secret.expect(1, &[]);
    expect(&no_secret, "configuration", "fail", "tunnel keygen");
}

#[test]
fn a_database_that_cannot_be_written_to() {
    let serving = Serving::at_a_lasting_port();
    let url = "postgres://nobody:s3cr3t@127.0.0.1:1/none";
    let ended = doctor(
        &sandbox().set("DATABASE_URL", url),
        &["--server", &serving.url],
    );
    ended.expect(1, &[]);
    expect(
        &ended,
        "local database",
        "fail",
        "is PostgreSQL running there?",
    );
    assert!(!ended.out.contains("s3cr3t"));
    let url = "postgres://nobody:s3cr3t@db.example.com/none";
    let ended = doctor(
        &sandbox().set("DATABASE_URL", url),
        &["--server", &serving.url],
    );
    ended.expect(0, &[]);
    expect(&ended, "local database", "warn", ".tunnel/local.db is used");
}

/// A server in this process, whose clock is so many seconds behind this machine's.
async fn server_behind(seconds: u64) -> TunnelServer {
    let now = move || {
        let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        since_1970.unwrap().as_secs() - seconds
    };
    let server = TunnelServer::builder()
        .quic_address(([127, 0, 0, 1], 0).into())
        .http_address(Some(([127, 0, 0, 1], 0).into()))
        .secret(SECRET)
        .clock(Arc::new(now));
    server.start().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_off_is_named_by_how_much() {
    for (seconds, code, status, words) in [
        (420, 1, "fail", "7 min ahead of"),
        (120, 0, "warn", "2 min ahead of"),
    ] {
        let server = server_behind(seconds).await;
        let quic = format!("quic://{}", server.quic_address().unwrap());
        let http = format!("http://{}", server.http_address().unwrap());
        let ways = [(quic, "udp"), (http, "websocket")];
        tokio::task::spawn_blocking(move || {
            for (url, carrier) in ways {
                let ended = doctor(&sandbox(), &["--server", &url, "--carrier", carrier]);
                ended.expect(code, &[]);
                expect(&ended, "clock", status, words);
                expect(&ended, "clock", status, "set-ntp");
            }
        })
        .await
        .unwrap();
        server.stop().await;
    }
}
