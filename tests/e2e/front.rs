//! The HTTP front: what a probe sees.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::{ANY, production};

/// Asks and returns the status line and the body.
async fn get(address: std::net::SocketAddr, path: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream
        .write_all(request.as_bytes())
        .await
        .expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
    (
        head.lines().next().unwrap_or_default().to_owned(),
        body.to_owned(),
    )
}

#[tokio::test]
async fn a_probe_hears_that_the_server_is_well_and_nothing_else() {
    let server = production("sqlite:///nowhere.db")
        .http_address(Some(ANY))
        .start()
        .await
        .unwrap();
    let address = server.http_address().unwrap();
    for path in ["/health", "/_tunnel/health"] {
        let (status, body) = get(address, path).await;
        assert_eq!(
            (status.as_str(), body.as_str()),
            ("HTTP/1.1 200 OK", r#"{"status":"pass"}"#)
        );
    }
    assert_eq!(get(address, "/").await.0, "HTTP/1.1 404 Not Found");
    // A connection that is open and idle does not keep the server from stopping.
    let _idle = TcpStream::connect(address).await.unwrap();
    assert!(server.stop().await.is_empty());
}
