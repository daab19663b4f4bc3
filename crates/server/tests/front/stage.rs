//! Both sides of the front, byte by byte.

use std::net::{Ipv4Addr, SocketAddr};

use server::{Secret, TunnelServer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A front, and the app behind it that a test plays.
pub(crate) struct Stage {
    pub(crate) server: TunnelServer,
    pub(crate) app: TcpListener,
}

/// One side of a TCP connection.
pub(crate) struct Side {
    pub(crate) stream: TcpStream,
    read: Vec<u8>,
}

impl Stage {
    pub(crate) async fn new() -> Self {
        let app = TcpListener::bind(ANY).await.unwrap();
        let server = front(app.local_addr().unwrap().port()).await;
        Self { server, app }
    }

    /// A client comes to the front.
    pub(crate) async fn client(&self) -> Side {
        Side::to(self.server.http_address().unwrap()).await
    }

    /// The front comes to the app.
    pub(crate) async fn app(&self) -> Side {
        Side::new(self.app.accept().await.unwrap().0)
    }

    /// A request from a client, and the same at the app, without the headers that we add.
    pub(crate) async fn passes(&self, request: &str) -> (Side, Side, String) {
        let mut client = self.client().await;
        client.write(request).await;
        let mut app = self.app().await;
        let seen = app.until("\r\n\r\n").await;
        (client, app, without_introduction(&seen))
    }
}

impl Side {
    pub(crate) fn new(stream: TcpStream) -> Self {
        stream.set_nodelay(true).unwrap();
        let read = Vec::new();
        Self { stream, read }
    }

    pub(crate) async fn to(address: SocketAddr) -> Self {
        Self::new(TcpStream::connect(address).await.unwrap())
    }

    pub(crate) async fn write(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).await.unwrap();
    }

    /// Reads up to a text, and keeps what comes after it.
    pub(crate) async fn until(&mut self, end: &str) -> String {
        loop {
            let found = memmem(&self.read, end.as_bytes());
            if let Some(at) = found {
                let rest = self.read.split_off(at + end.len());
                let text = std::mem::replace(&mut self.read, rest);
                return String::from_utf8(text).unwrap();
            }
            let count = self.stream.read_buf(&mut self.read).await.unwrap();
            let so_far = String::from_utf8_lossy(&self.read);
            assert!(count > 0, "ended before {end:?}: {so_far:?}");
        }
    }

    /// Reads so many bytes, and forgets them.
    pub(crate) async fn skip(&mut self, bytes: usize) {
        let mut left = bytes - std::mem::take(&mut self.read).len();
        let mut block = vec![0; 64 * 1024];
        while left > 0 {
            let most = block.len().min(left);
            let count = self.stream.read(&mut block[..most]).await.unwrap();
            assert!(count > 0, "ended with {left} bytes to come");
            left -= count;
        }
    }

    /// Reads to the end.
    pub(crate) async fn rest(&mut self) -> String {
        // A connection that is cut may end with a reset.
        let _cut = self.stream.read_to_end(&mut self.read).await;
        String::from_utf8(std::mem::take(&mut self.read)).unwrap()
    }
}

pub(crate) async fn front(app_port: u16) -> TunnelServer {
    TunnelServer::builder()
        .quic_address(ANY)
        .http_address(Some(ANY))
        .secret(Secret::generate().unwrap().expose())
        .upstream(app_port)
        .start()
        .await
        .unwrap()
}

pub(crate) fn without_introduction(head: &str) -> String {
    let lines = head.split_inclusive("\r\n");
    lines
        .filter(|line| !line.to_ascii_lowercase().starts_with("x-forwarded-"))
        .collect()
}

/// Returns the lines of a head but for the `Date` that we add.
pub(crate) fn without_date(head: &str) -> String {
    let lines = head.split_inclusive("\r\n");
    lines.filter(|line| !line.starts_with("Date: ")).collect()
}

fn memmem(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|it| it == wanted)
}

pub(crate) const ANY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
