//! Sends a request as a provider does: over a connection of its own.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use features::webhooks::Request;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Sends a request, and returns the status of the answer.
///
/// # Errors
/// What the system says, or that there was no answer in time.
pub(super) async fn send(front: SocketAddr, request: &Request) -> io::Result<u16> {
    let exchange = async {
        let mut stream = TcpStream::connect(front).await?;
        stream.write_all(&written(request)).await?;
        let mut answer = Vec::new();
        (&mut stream).take(LONGEST).read_to_end(&mut answer).await?;
        status(&answer).ok_or_else(|| io::Error::other("the answer is no HTTP"))
    };
    timeout(PATIENCE, exchange).await?
}

/// Writes a request as HTTP has it. Whoever it is from is behind a proxy that ended its TLS.
fn written(request: &Request) -> Vec<u8> {
    let origin = &request.origin;
    let mut head = format!("{} {} HTTP/1.1\r\n", request.method, request.target).into_bytes();
    let mut line = |name: &str, value: &[u8]| {
        head.extend_from_slice(&[name.as_bytes(), b": ", value, b"\r\n"].concat());
    };
    line("host", origin.host.as_bytes());
    line("connection", b"close");
    line("content-length", request.body.len().to_string().as_bytes());
    line("x-forwarded-for", origin.client.to_string().as_bytes());
    line("x-forwarded-proto", origin.scheme.as_bytes());
    for header in &request.headers {
        line(&header.name, &header.value);
    }
    [&head[..], b"\r\n", &request.body].concat()
}

/// Reads `HTTP/1.1 200 OK`.
fn status(answer: &[u8]) -> Option<u16> {
    let line = answer.split(|&byte| byte == b'\r').next()?;
    let mut words = std::str::from_utf8(line).ok()?.split(' ');
    words.next()?.starts_with("HTTP/1.").then_some(())?;
    words.next()?.parse().ok()
}

/// No answer of the front's to a webhook is longer.
const LONGEST: u64 = 64 * 1024;

/// What providers wait, about.
const PATIENCE: Duration = Duration::from_secs(10);
