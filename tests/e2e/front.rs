//! The HTTP front: what a probe sees, and who asks for an upgrade and gets none.

use std::net::SocketAddr;

use client::CarrierChoice;
use server::TunnelServer;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

use crate::harness::{ANY, laptop, production};
use crate::support::relay::Relay;

/// A connection to a front, on which one request follows the other.
struct Talk(BufReader<TcpStream>);

struct Answer {
    status: u16,
    /// In lower case.
    head: String,
    body: String,
}

impl Talk {
    async fn with(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.expect("a connection");
        Self(BufReader::new(stream))
    }

    async fn ask(&mut self, request: &str) -> Answer {
        let sent = self.0.write_all(request.as_bytes()).await;
        sent.expect("the request is taken");
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            let length = self.0.read_line(&mut head).await.expect("an answer");
            assert_ne!(length, 0, "the answer breaks off: {head}");
        }
        let head = head.to_ascii_lowercase();
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        let length = length.filter(|_| !request.starts_with("HEAD"));
        let mut body = vec![0; length.map_or(0, |length| length.parse().expect("a number"))];
        self.0.read_exact(&mut body).await.expect("a body");
        Answer {
            status: head[9..12].parse().expect("a status"),
            head,
            body: String::from_utf8(body).expect("text"),
        }
    }
}

async fn server() -> (TunnelServer, SocketAddr) {
    let server = production("sqlite:///nowhere.db")
        .http_address(Some(ANY))
        .start()
        .await
        .expect("a server");
    let address = server.http_address().expect("a front");
    (server, address)
}

/// Returns an upgrade without a pass, with these lines more.
fn upgrade(more: &str) -> String {
    format!(
        "GET /render-tunnel HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n{more}\r\n"
    )
}

const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

#[tokio::test]
async fn a_probe_hears_that_the_server_is_well_and_nothing_else() {
    let (server, address) = server().await;
    let mut talk = Talk::with(address).await;
    for path in ["/health", "/_tunnel/health"] {
        let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n");
        let answer = talk.ask(&request).await;
        assert_eq!(
            (answer.status, answer.body.as_str()),
            (200, r#"{"status":"pass"}"#)
        );
    }
    let head = "HEAD /health HTTP/1.1\r\nHost: x\r\n\r\n";
    assert_eq!(talk.ask(head).await.status, 200);
    let root = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    assert_eq!(talk.ask(root).await.status, 404);
    // A connection that is open and idle does not keep the server from stopping.
    let _idle = TcpStream::connect(address).await.unwrap();
    assert!(server.stop().await.is_empty());
}

#[tokio::test]
async fn what_is_no_upgrade_hears_what_is_taken_here() {
    let (server, address) = server().await;
    let upgrade = upgrade("");
    let requests = [
        "GET /render-tunnel HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(),
        "HEAD /render-tunnel HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(),
        "POST /render-tunnel HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi".to_owned(),
        upgrade.replace("GET ", "POST "),
        upgrade.replace("HTTP/1.1", "HTTP/1.0"),
        upgrade.replace(", Upgrade", ""),
        upgrade.replace("websocket", "h2c"),
        upgrade.replace("Version: 13", "Version: 8"),
        upgrade.replace(KEY, "c2hvcnQ="),
        upgrade.replace("\r\nSec-WebSocket-Key", "\r\nX-Key"),
        upgrade.replace("Host: x", &format!("Sec-WebSocket-Key: {KEY}")),
        upgrade.replace("Host: x\r\n", "Host: x\r\nContent-Length: 2\r\n") + "hi",
    ];
    for request in requests {
        let answer = Talk::with(address).await.ask(&request).await;
        assert_eq!(answer.status, 426, "{request}");
        assert!(answer.head.contains("sec-websocket-version: 13\r\n"));
        assert!(
            !answer.head.contains("render-tunnel-time"),
            "{}",
            answer.head
        );
    }
    server.stop().await;
}

#[tokio::test]
async fn a_refused_upgrade_leaves_the_connection_to_the_next_request() {
    let (server, address) = server().await;
    let mut talk = Talk::with(address).await;
    for more in ["", "Authorization: Bearer x\r\n", "X-Forwarded-For: ä\r\n"] {
        let answer = talk.ask(&upgrade(more)).await;
        assert_eq!(answer.status, 401, "{more}");
        assert_eq!(
            answer.body,
            "the request carries no pass of a tunnel client"
        );
        assert!(answer.head.contains("www-authenticate: rendertunnel\r\n"));
        assert!(answer.head.contains("render-tunnel-time: "));
    }
    let probe = "GET /health HTTP/1.1\r\nHost: x\r\n\r\n";
    assert_eq!(talk.ask(probe).await.status, 200);
    server.stop().await;
}

#[tokio::test]
async fn a_pass_opens_once_and_never_beside_another() {
    let (server, address) = server().await;
    let relay = Relay::before(address).await;
    let client = laptop(&server)
        .server(format!("http://{}", relay.address).parse().unwrap())
        .carrier(CarrierChoice::WebSocket)
        .connect()
        .await
        .unwrap();
    let taken = relay.requests(1).await.remove(0);
    let mut talk = Talk::with(address).await;
    let again = talk.ask(&taken).await;
    assert_eq!(
        (again.status, again.body.as_str()),
        (401, "the pass was used before")
    );
    // Which of two a proxy has looked at, nobody knows.
    let two = taken.replace("Host:", "Authorization: RenderTunnel AAAA\r\nHost:");
    let two = talk.ask(&two).await;
    assert_eq!(
        (two.status, two.body.as_str()),
        (401, "the request carries no pass of a tunnel client")
    );
    // Whose pass it was notices nothing.
    assert_eq!(client.health_check().await.unwrap().report.sessions, 1);
    client.disconnect().await;
    server.stop().await;
}
