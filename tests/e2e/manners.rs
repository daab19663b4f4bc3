//! What a server notes, bounds and counts while clients use it.

use std::path::Path;

use client::logs::{Feed, Origin};
use client::{CarrierChoice, ErrorKind, TunnelClient};
use features::parts::Sections;
use rusqlite::Connection;
use server::config::ConfigFile;
use server::{Allow, Scopes, ServerBuilder, TunnelServer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::harness::{ANY, laptop, numbers, production, sqlite, sync};

/// A server with more in its `tunnel.toml`.
fn configured(database: &str, folder: &Path, text: &str) -> ServerBuilder {
    let path = folder.join("tunnel.toml");
    std::fs::write(&path, text).expect("a file");
    let file = ConfigFile::read(&path).expect("a good configuration");
    production(database)
        .http_address(Some(ANY))
        .sections(file.sections)
}

/// Returns the status and the whole answer to a request.
async fn http(server: &TunnelServer, request: &str) -> (u16, String) {
    let address = server.http_address().expect("a front");
    asked(address, request).await
}

async fn asked(address: std::net::SocketAddr, request: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let request = format!("{request}\r\nHost: a\r\nConnection: close\r\n\r\n");
    stream
        .write_all(request.as_bytes())
        .await
        .expect("it is taken");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    let status = answer.split(' ').nth(1).expect("a status");
    (status.parse().expect("a number"), answer)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_log_tells_who_took_what() {
    let folder = tempfile::tempdir().expect("a folder");
    let (from, to) = (folder.path().join("from.db"), folder.path().join("to.db"));
    numbers(&from, 3000);
    let log = folder.path().join("audit.ndjson");
    let text = format!("[audit]\npath = '{}'\n", log.display());
    let server = configured(&sqlite(&from), folder.path(), &text);
    let server = server.start().await.expect("a server");
    let client = laptop(&server).connect().await.expect("a session");
    client
        .sync_data(&sync(&["numbers"], &sqlite(&to)), |_| {})
        .await
        .expect("a sync");
    client.disconnect().await;
    server.stop().await;

    let text = std::fs::read_to_string(&log).expect("the audit log");
    let lines: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let events: Vec<_> = lines
        .iter()
        .map(|line| line["event"].as_str().unwrap())
        .collect();
    assert_eq!(events.first(), Some(&"session_opened"));
    assert_eq!(events.last(), Some(&"session_closed"));
    let ended = lines
        .iter()
        .find(|line| line["event"] == "sync_ended")
        .expect("a sync");
    assert_eq!(ended["tables"], serde_json::json!(["numbers"]));
    assert_eq!(
        (&ended["rows"], &ended["complete"]),
        (&3000.into(), &true.into())
    );
    assert_eq!(
        (&ended["sanitised"], &ended["key"]),
        (&true.into(), &"default".into())
    );
    let channel = lines
        .iter()
        .find(|line| line["event"] == "channel" && line["feature"] == "sync")
        .expect("a channel");
    assert_eq!(
        (&channel["feature"], &channel["outcome"]),
        (&"sync".into(), &"served".into())
    );
    // Not a word of a row: rows of this table are hexadecimal.
    let words: String = Connection::open(&from)
        .and_then(|it| it.query_row("SELECT words FROM numbers", [], |row| row.get(0)))
        .expect("a row");
    assert!(!text.contains(&words));
    assert!(!text.contains(crate::harness::SECRET));
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_are_limited_and_flows_are_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = configured(
        "sqlite:///nowhere.db",
        folder.path(),
        "[limits]\ncalls = 3\n",
    );
    let server = server.start().await.expect("a server");
    let client = laptop(&server).connect().await.expect("a session");
    for _ in 0..3 {
        client.health_check().await.expect("within the limit");
    }
    let error = client.health_check().await.expect_err("one too many");
    assert!(error.to_string().contains("try again in 20 s"), "{error}");
    assert_eq!(
        error.fault().expect("a fault").status,
        wire::Status::TOO_MANY
    );
    let mut logs = client
        .stream_logs(crate::harness::from_the_oldest())
        .await
        .expect("logs");
    let mut feed = Feed::new(server.ring().clone(), Origin::service("app"));
    for _ in 0..500 {
        feed.push(b"line\n");
        logs.next().await.expect("a flow has no limit");
    }
    client.disconnect().await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn upgrades_are_limited_and_the_client_hears_when_to_come_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = configured(
        "sqlite:///nowhere.db",
        folder.path(),
        "[limits]\nupgrades = 2\n",
    );
    let server = server.start().await.expect("a server");
    let dial = || {
        let address = server.http_address().expect("a front");
        TunnelClient::builder()
            .server(format!("http://{address}").parse().expect("an address"))
            .secret(crate::harness::SECRET.parse().expect("a good secret"))
            .carrier(CarrierChoice::WebSocket)
            .connect()
    };
    let (one, two) = (dial().await.expect("one"), dial().await.expect("two"));
    let error = dial().await.expect_err("one too many");
    assert_eq!(error.kind(), ErrorKind::Connection, "it may try again");
    let shown = error.chain().to_string();
    assert!(shown.contains("try again in 30 s"), "{shown}");
    // Guesses from the same address take nothing from who has a key, and have a limit of their own.
    let upgrade = "GET /render-tunnel HTTP/1.1\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\
                   Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
    let guess = upgrade.replace("Connection: upgrade\r\n", "Connection: upgrade, close\r\n");
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(http(&server, &guess).await.0);
    }
    assert_eq!(statuses, [401, 401, 429]);
    one.health_check().await.expect("what is open goes on");
    one.disconnect().await;
    two.disconnect().await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_are_shown_with_the_key_and_on_a_port_of_their_own_without() {
    let folder = tempfile::tempdir().expect("a folder");
    let key = "6f2b8e0c9a714d36b1e7f08c2d9a6b43";
    let server = configured(
        "sqlite:///nowhere.db",
        folder.path(),
        "[metrics]\nport = 0\n",
    );
    let server = server
        .metrics_key(Some(key.to_owned()))
        .start()
        .await
        .expect("a server");
    let client = laptop(&server).connect().await.expect("a session");
    client.health_check().await.expect("an answer");
    let open = "GET /_tunnel/metrics HTTP/1.1";
    assert_eq!(http(&server, open).await.0, 401);
    let with_key = format!("{open}\r\nAuthorization: Bearer {key}");
    let own = server.metrics_address().expect("a port of their own");
    assert!(own.ip().is_loopback());
    // The channel is counted when it has ended, a moment after its answer.
    let counted = r#"channels_total{feature="health",outcome="served"} 1"#;
    while !asked(own, open).await.1.contains(counted) {}
    let answers = [
        http(&server, &with_key).await,
        asked(own, open).await,
        asked(own, "GET /metrics HTTP/1.1").await,
    ];
    for (status, text) in answers {
        assert_eq!(status, 200);
        for line in [
            r#"render_tunnel_sessions_open{carrier="udp",key="default"} 1"#,
            r#"render_tunnel_channels_total{feature="health",outcome="served"} 1"#,
        ] {
            assert!(text.contains(line), "{line}\n{text}");
        }
        assert!(!text.contains(key));
    }
    client.disconnect().await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_configured_wrong_is_refused_at_the_start_by_name() {
    let folder = tempfile::tempdir().expect("a folder");
    for (text, named) in [
        ("[limits]\nuploads = 3\n", "uploads"),
        ("[limits]\ncalls = -1\n", "[limits]"),
        ("[metrics]\nport = 70000\n", "[metrics]"),
        ("[audit]\npath = '/nowhere/audit'\n", "/nowhere/audit"),
        (
            "[front]\ncors-origins = ['app.example.com']\n",
            "app.example.com",
        ),
    ] {
        let server = configured("sqlite:///nowhere.db", folder.path(), text);
        let error = server.start().await.expect_err(text).to_string();
        assert!(error.contains(named), "{error}");
    }
    let weak = configured("sqlite:///nowhere.db", folder.path(), "");
    let error = weak.metrics_key(Some("metrics".into())).start().await;
    assert!(error.expect_err("weak").to_string().contains("metrics"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_is_refused_to_a_key_without_it_and_the_audit_log_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let (from, to) = (folder.path().join("from.db"), folder.path().join("to.db"));
    numbers(&from, 10);
    let courses = Scopes {
        tables: Allow::Only(["courses".to_owned()].into()),
        ..Scopes::default()
    };
    let (secret, log) = (
        "6f2b8e0c9a714d36b1e7f08c2d9a6b43",
        folder.path().join("audit"),
    );
    let text = format!("[audit]\npath = '{}'\n", log.display());
    let server = configured(&sqlite(&from), folder.path(), &text).key("ci", secret, courses);
    let server = server.start().await.expect("a server");
    let client = laptop(&server).secret(secret.parse().expect("a good secret"));
    let client = client.connect().await.expect("a session");
    let wanted = sync(&["numbers"], &sqlite(&to));
    let error = client
        .sync_data(&wanted, |_| {})
        .await
        .expect_err("it may not");
    let fault = error.fault().expect("a fault").clone();
    client.disconnect().await;
    server.stop().await;
    assert_eq!(fault.status, wire::Status::FORBIDDEN);
    for named in ["\"ci\"", "numbers", "`tables`"] {
        assert!(fault.reason.contains(named), "{fault:?}");
    }
    let log = std::fs::read_to_string(log).expect("the audit log");
    let refused = log
        .lines()
        .find(|line| line.contains("\"refused\""))
        .expect("a refusal");
    assert!(
        refused.contains("403") && refused.contains("`tables`"),
        "{refused}"
    );
    assert!(!log.contains("sync_began"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_feature_is_refused_to_a_key_without_its_scope_which_is_named() {
    let none = Scopes {
        features: Allow::Only([].into()),
        ..Scopes::default()
    };
    let secret = "6f2b8e0c9a714d36b1e7f08c2d9a6b43";
    let mentioned = ["flags", "webhooks"].map(|name| (name.to_owned(), toml::Table::new().into()));
    let server = production("sqlite:///nowhere.db")
        .key("ci", secret, none)
        .sections(Sections::new(mentioned.into()));
    let server = server.start().await.expect("a server");
    let secret: client::Secret = secret.parse().expect("a good secret");
    let key = transport::trust::Key::derive("client", &secret, Scopes::default());
    let name = transport::trust::ClientName {
        environment: "development".into(),
        program: "test".into(),
        features: Vec::new(),
    };
    let clock = transport::trust::system_clock();
    let dialer = transport::endpoint::Dialer::new(key.expect("a key").into(), name, clock);
    let address = server.quic_address().expect("a bound socket");
    let (session, welcome) = dialer
        .dial("127.0.0.1", address.port())
        .await
        .expect("a session");
    assert!(welcome.features.is_empty());
    for feature in features::ALL {
        let mut channel = session.open(&feature.protocol, &0_u8).await.unwrap();
        let error = channel.receive::<u8>().await.expect_err("it is refused");
        let transport::channel::ChannelError::Fault(fault) = error else {
            panic!("{error:?}")
        };
        assert_eq!(fault.status, wire::Status::FORBIDDEN);
        let scope = format!("{:?}", feature.protocol.feature);
        assert!(
            fault.reason.contains(&scope) && fault.reason.contains("\"ci\""),
            "{fault:?}"
        );
    }
    server.stop().await;
}

/// An app that answers one request after the other with the same word, and returns its port. It ends
/// with the test.
async fn app() -> u16 {
    let listener = TcpListener::bind(ANY).await.expect("a port");
    let port = listener.local_addr().expect("a bound socket").port();
    let answering = async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.expect("a request"));
            }
            let answer = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 3\r\n\r\napp";
            stream.write_all(answer).await.expect("it is taken");
        }
    };
    transport::tasks::Tasks::new().spawn("app", answering);
    port
}

#[tokio::test(flavor = "multi_thread")]
async fn the_apps_requests_are_counted_and_otherwise_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = "[limits]\ningest = 1\ncalls = 1\nupgrades = 1\n[metrics]\nport = 0\n";
    let origin = "https://page.example.com";
    let server = configured("sqlite:///nowhere.db", folder.path(), text)
        .upstream(app().await)
        .cors_origins(Some(origin.to_owned()));
    let server = server.start().await.expect("a server");
    let from_page = |path: &str| format!("GET {path} HTTP/1.1\r\nOrigin: {origin}");
    for _ in 0..5 {
        let (status, answer) = http(&server, &from_page("/health")).await;
        assert!(status == 200 && answer.ends_with("app"), "{answer}");
        assert!(
            !answer.to_ascii_lowercase().contains("access-control"),
            "{answer}"
        );
    }
    let (status, answer) = http(&server, &from_page("/_tunnel/health")).await;
    assert_eq!(status, 200);
    let allowed = format!("access-control-allow-origin: {origin}");
    assert!(answer.to_ascii_lowercase().contains(&allowed), "{answer}");
    let own = server.metrics_address().expect("a port of their own");
    let (_, counts) = asked(own, "GET /metrics HTTP/1.1").await;
    assert!(
        counts.contains(r#"render_tunnel_app_requests_total{class="2xx"} 5"#),
        "{counts}"
    );
    server.stop().await;
}
