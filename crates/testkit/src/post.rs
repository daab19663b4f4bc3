//! Sends a request as it is written, as a provider does, and reads the answer.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// What was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// The status.
    pub status: u16,
    /// Head and body, as they came.
    pub whole: Vec<u8>,
}

/// Posts a body with these headers, on a connection of its own.
///
/// # Errors
/// What the system says, and an answer that ends early or is none.
pub async fn post<N: AsRef<str>, V: AsRef<[u8]>>(
    address: SocketAddr,
    target: &str,
    headers: &[(N, V)],
    body: &[u8],
) -> io::Result<Answered> {
    let mut request = format!("POST {target} HTTP/1.1\r\n").into_bytes();
    let length = body.len().to_string();
    let own: [(&str, &[u8]); 2] = [
        ("content-length", length.as_bytes()),
        ("connection", b"close"),
    ];
    let theirs = headers
        .iter()
        .map(|(name, value)| (name.as_ref(), value.as_ref()));
    for (name, value) in theirs.chain(own) {
        request.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
    }
    request.extend_from_slice(b"\r\n");
    request.extend_from_slice(body);
    exchange(address, &request).await
}

async fn exchange(address: SocketAddr, request: &[u8]) -> io::Result<Answered> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    stream.write_all(request).await?;
    let mut whole = Vec::new();
    stream.read_to_end(&mut whole).await?;
    let status = whole
        .get(9..12)
        .and_then(|digits| std::str::from_utf8(digits).ok());
    let status = status.and_then(|digits| digits.parse().ok());
    // Whoever is killed while it answers has not answered.
    let is_whole = whole.windows(4).any(|end| end == b"\r\n\r\n");
    match status.filter(|_| is_whole) {
        Some(status) => Ok(Answered { status, whole }),
        None => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}
