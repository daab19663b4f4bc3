//! What answers at a server's address and is no server, and what the library makes of it.

use client::{CarrierChoice, ErrorKind, TunnelClient, TunnelError};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use transport::carrier::websocket::UpgradeError;
use transport::endpoint::DialError;

use crate::harness::{ANY, SECRET};

/// Dials something that answers the first request with `answer` and hangs up.
async fn dial(answer: &str) -> TunnelError {
    let listener = TcpListener::bind(ANY).await.expect("a port");
    let address = listener.local_addr().expect("a bound socket");
    let answering = async {
        let (mut stream, _) = listener.accept().await.expect("a client");
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            request.push(stream.read_u8().await.expect("a request"));
        }
        let sent = stream.write_all(answer.as_bytes()).await;
        sent.expect("the answer is taken");
    };
    let dialled = TunnelClient::builder()
        .server(format!("http://{address}").parse().expect("an address"))
        .secret(SECRET.parse().expect("a good secret"))
        .carrier(CarrierChoice::WebSocket)
        .connect();
    let (dialled, ()) = tokio::join!(dialled, answering);
    dialled.expect_err("there is no server")
}

#[tokio::test]
async fn whatever_a_proxy_says_instead_of_a_server_is_told_by_its_status() {
    let html = "<!DOCTYPE html><title>Sign in to the hotel's network</title>";
    for (line, status) in [
        ("200 OK", 200),
        (
            "301 Moved Permanently\r\nLocation: https://elsewhere.example/",
            301,
        ),
        ("302 Found\r\nLocation: http://10.0.0.1/login", 302),
        ("401 Unauthorized\r\nWWW-Authenticate: Basic", 401),
        ("403 Forbidden", 403),
        ("404 Not Found", 404),
        ("407 Proxy Authentication Required", 407),
        ("426 Upgrade Required", 426),
        ("500 Internal Server Error", 500),
        ("502 Bad Gateway", 502),
        ("503 Service Unavailable", 503),
        ("520 Unknown", 520),
    ] {
        let length = html.len();
        let answer = format!(
            "HTTP/1.1 {line}\r\nContent-Type: text/html\r\nContent-Length: {length}\r\n\r\n{html}"
        );
        let error = dial(&answer).await;
        assert_eq!((error.kind(), error.code()), (ErrorKind::Connection, 503));
        let Some(DialError::Upgrade(UpgradeError::NoTunnel {
            status: said,
            location,
        })) = error.dial()
        else {
            panic!("{line}: {error:?}")
        };
        assert_eq!(*said, status);
        let leads_to = line.split_once("Location: ").map(|(_, to)| to);
        assert_eq!(location.as_deref(), leads_to);
        // Whatever a stranger writes does not get to the terminal.
        assert!(!error.chain().to_string().contains("hotel"));
    }
}

#[tokio::test]
async fn a_servers_own_refusal_is_told_from_a_proxys() {
    let answer = "HTTP/1.1 401 Unauthorized\r\nRender-Tunnel-Time: 1\r\nContent-Length: 11\r\n\r\nno,\x1b[31m no\n";
    let error = dial(answer).await;
    assert_eq!(error.kind(), ErrorKind::Authentication);
    // Without the control characters, which could write to the terminal what they like.
    assert!(error.chain().to_string().contains("no,[31m no"));
}

#[tokio::test]
async fn what_is_no_answer_is_an_error_of_the_connection() {
    for answer in [
        "",
        "SSH-2.0-OpenSSH_9.2p1\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Accept: bm90IHRoZSBhbnN3ZXIgYXQgYWxs\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\n\r\n",
    ] {
        let error = dial(answer).await;
        assert_eq!(error.kind(), ErrorKind::Connection, "{answer:?}");
        let Some(DialError::Upgrade(UpgradeError::WebSocket(_))) = error.dial() else {
            panic!("{answer:?}: {error:?}")
        };
    }
}
