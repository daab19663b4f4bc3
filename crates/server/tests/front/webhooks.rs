//! Webhooks on their way to an app, of which the laptop gets a copy, and to a server without one.

use std::time::Duration;

use features::parts::Sections;
use server::{Secret, ServerBuilder, TunnelServer};
use tokio::net::TcpListener;
use tokio::time::timeout;

use crate::stage::{ANY, Side, without_date, without_introduction};

/// A server with webhooks, whose inbox is a file in this folder.
fn server(folder: &tempfile::TempDir) -> ServerBuilder {
    let inbox = folder.path().join("inbox.db");
    with_webhooks(&format!("inbox = {inbox:?}\nmax-body = 100000"))
}

fn with_webhooks(text: &str) -> ServerBuilder {
    let text = format!("[webhooks]\n{text}");
    TunnelServer::builder()
        .quic_address(ANY)
        .http_address(Some(ANY))
        .secret(Secret::generate().unwrap().expose())
        .sections(Sections::new(toml::from_str(&text).unwrap()))
}

async fn sent(server: &TunnelServer, request: &str) -> Side {
    let mut side = Side::to(server.http_address().unwrap()).await;
    side.write(request).await;
    side
}

fn post(path: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nHost: app.example.com\r\nStripe-Signature: t=1,v1=00\r\nX-B: 1\r\n\
         X-A: 2\r\nX-B: 3\r\nContent-Length: {length}\r\n\r\n{body}"
    )
}

const ANSWER: &str =
    "HTTP/1.1 299 Fine\r\nX-App: 1\r\nSet-Cookie: a=b\r\nContent-Length: 4\r\n\r\ndone";

/// Posts to a server with an app behind it; returns what the app got, and what its client did.
async fn told(builder: ServerBuilder, path: &str) -> (String, String) {
    let app = TcpListener::bind(ANY).await.unwrap();
    let port = app.local_addr().unwrap().port();
    let server = builder.upstream(port).start().await.unwrap();
    let mut client = sent(&server, &post(path, "{}")).await;
    let mut at_app = Side::new(app.accept().await.unwrap().0);
    let request = at_app.until("{}").await;
    at_app.write(ANSWER).await;
    let answer = client.until("done").await;
    drop((client, at_app));
    server.stop().await;
    (without_introduction(&request), without_date(&answer))
}

#[tokio::test]
async fn an_app_and_its_provider_notice_nothing_of_the_copy() {
    let folder = tempfile::tempdir().unwrap();
    let path = "/api/webhooks/stripe/../x%2F?q=%2f";
    let plain = TunnelServer::builder()
        .quic_address(ANY)
        .http_address(Some(ANY))
        .secret(Secret::generate().unwrap().expose());
    let (with, without) = (told(server(&folder), path).await, told(plain, path).await);
    assert_eq!(with, without);
    assert!(with.0.starts_with(&format!("POST {path} HTTP/1.1\r\n")));
    assert_eq!(with.1, ANSWER);
}

#[tokio::test]
async fn an_inbox_that_never_answers_delays_no_app() {
    // It takes connections, and says nothing.
    let stuck = TcpListener::bind(ANY).await.unwrap();
    let address = stuck.local_addr().unwrap();
    let variable = move |name: &str| {
        (name == "STUCK").then(|| format!("postgres://me@{address}/inbox?sslmode=disable"))
    };
    let app = TcpListener::bind(ANY).await.unwrap();
    let port = app.local_addr().unwrap().port();
    let server = with_webhooks("inbox-env = 'STUCK'")
        .variables(variable)
        .upstream(port)
        .start()
        .await
        .unwrap();
    let exchanges = async {
        let mut client = Side::to(server.http_address().unwrap()).await;
        for _ in 0..100 {
            client.write(&post("/api/webhooks/stripe", "{}")).await;
            let mut at_app = Side::new(app.accept().await.unwrap().0);
            at_app.until("{}").await;
            at_app.write(ANSWER).await;
            client.until("done").await;
        }
    };
    // The inbox is waited for longer than this by whoever waits for it.
    timeout(Duration::from_secs(5), exchanges).await.unwrap();
    server.stop().await;
}

#[tokio::test]
async fn without_an_app_the_inbox_answers_and_the_tunnel_s_own_paths_still_do() {
    let folder = tempfile::tempdir().unwrap();
    let server = server(&folder).start().await.unwrap();
    let mut client = sent(&server, &post("/api/webhooks/acme", "{}")).await;
    let answer = client.until("\"}").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.contains("{\"id\":\"whd_"), "{answer}");
    client
        .write("GET /_tunnel/health HTTP/1.1\r\nHost: a\r\n\r\n")
        .await;
    client.until("pass\"}").await;
    server.stop().await;
}

#[tokio::test]
async fn what_bad_senders_send_is_refused_and_the_next_is_served() {
    let folder = tempfile::tempdir().unwrap();
    let server = server(&folder).start().await.unwrap();
    let head = "POST /api/webhooks/acme HTTP/1.1\r\nHost: a\r\n";
    let headers = format!("X-A: {}\r\n", "a".repeat(100_000));
    for (request, status) in [
        (
            format!("{head}Content-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
            "400",
        ),
        (
            format!("{head}Transfer-Encoding: chunked\r\n\r\nzz\r\n"),
            "400",
        ),
        (format!("{head}{headers}\r\n"), "431"),
        (format!("{head}Content-Length: 100001\r\n\r\n"), "413"),
        (post("/api/webhooks/%2e%2e/acme", "{}"), "404"),
    ] {
        let mut side = Side::to(server.http_address().unwrap()).await;
        // What is refused is not read to its end.
        let _cut = tokio::io::AsyncWriteExt::write_all(&mut side.stream, request.as_bytes()).await;
        let answer = side.until("\r\n").await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")),
            "{answer}"
        );
    }
    let mut client = sent(&server, &post("/api/webhooks/acme", "{}")).await;
    client.until("\"}").await;
    server.stop().await;
}
