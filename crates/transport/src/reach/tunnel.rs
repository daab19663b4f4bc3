//! The stage between: a proxy is asked to connect to the server (RFC 9110, section 9.3.6).

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::time::{Instant, timeout};
use zeroize::Zeroizing;

use super::Peer;
use super::error::{ReachError, ReachFault, Stage};
use super::proxy::Proxy;
use super::stream::{ByteStream, Io, Tunnelled};

/// Asks `proxy`, at the other end of `stream`, to connect to `server`. Cancel-safe: an
/// attempt that is dropped closes the stream.
///
/// # Errors
/// [`ReachError`] if the proxy does not do it.
pub async fn tunnel(
    stream: ByteStream,
    proxy: &Proxy,
    server: &Peer,
) -> Result<ByteStream, ReachError> {
    let started = Instant::now();
    let (io, mut seen) = stream.into_parts();
    let asked = timeout(TUNNELLING, ask(io, proxy, server)).await;
    match asked.unwrap_or(Err(ReachFault::Slow)) {
        Ok(io) => {
            seen.tunnelled = Some(Tunnelled {
                proxy: proxy.peer().clone(),
                took: started.elapsed(),
            });
            Ok(ByteStream::new(io, seen))
        }
        Err(fault) => Err(fault.at(Stage::Tunnel, proxy.peer(), seen)),
    }
}

async fn ask(mut io: Box<dyn Io>, proxy: &Proxy, server: &Peer) -> Result<BehindHead, ReachFault> {
    let request = request(proxy, server)?;
    io.write_all(request.as_bytes())
        .await
        .map_err(ReachFault::Cut)?;
    io.flush().await.map_err(ReachFault::Cut)?;
    let (head, early) = read_head(&mut io).await?;
    match head.status {
        200..=299 => Ok(BehindHead { early, io }),
        407 => Err(ReachFault::ProxyNeedsAuth {
            schemes: head.schemes,
        }),
        status => Err(ReachFault::ProxyRefused { status }),
    }
}

fn request(proxy: &Proxy, server: &Peer) -> Result<Zeroizing<String>, ReachFault> {
    // What is no host would be a header of its own here.
    if server.host.is_empty() || !server.host.bytes().all(is_of_a_host) {
        return Err(ReachFault::NotAHost);
    }
    let authority = server.authority();
    let mut request = format!(
        "CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\nUser-Agent: {USER_AGENT}\r\n"
    );
    if let Some(credentials) = proxy.authorization() {
        request.extend(["Proxy-Authorization: ", credentials, "\r\n"]);
    }
    request.push_str("\r\n");
    Ok(Zeroizing::new(request))
}

const fn is_of_a_host(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b':')
}

/// What we want to know of a response.
struct Head {
    status: u16,
    schemes: Vec<String>,
}

/// Reads the head of the response, and what came with it of the bytes behind it.
async fn read_head(io: &mut Box<dyn Io>) -> Result<(Head, BytesMut), ReachFault> {
    let mut read = BytesMut::with_capacity(1024);
    while read.len() < LONGEST_HEAD {
        let mut room = (&mut *io).take((LONGEST_HEAD - read.len()) as u64);
        if room.read_buf(&mut read).await.map_err(ReachFault::Cut)? == 0 {
            return Err(ReachFault::Cut(io::ErrorKind::UnexpectedEof.into()));
        }
        if let Some((head, length)) = parse(&read)? {
            read.advance(length);
            return Ok((head, read));
        }
    }
    Err(ReachFault::NotAProxy)
}

/// Returns the head and its length, or `None` if it is not whole yet.
fn parse(read: &[u8]) -> Result<Option<(Head, usize)>, ReachFault> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    match response.parse(read) {
        Ok(httparse::Status::Complete(length)) => {
            let status = response.code.ok_or(ReachFault::NotAProxy)?;
            let schemes = schemes(response.headers);
            Ok(Some((Head { status, schemes }, length)))
        }
        Ok(httparse::Status::Partial) => Ok(None),
        Err(_) => Err(ReachFault::NotAProxy),
    }
}

/// Returns the first word of each `Proxy-Authenticate`, if it is one: it is shown to users.
fn schemes(headers: &[httparse::Header<'_>]) -> Vec<String> {
    let is_wanted = |name: &str| name.eq_ignore_ascii_case("proxy-authenticate");
    let first_word = |value: &[u8]| {
        let word = value.split(|&byte| byte == b' ').next()?;
        let is_word = word
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-');
        let word = word.get(..LONGEST_SCHEME).unwrap_or(word);
        is_word.then(|| String::from_utf8_lossy(word).into_owned())
    };
    headers
        .iter()
        .filter(|header| is_wanted(header.name))
        .filter_map(|header| first_word(header.value))
        .collect()
}

/// A stream whose first bytes came together with the proxy's answer.
struct BehindHead {
    early: BytesMut,
    io: Box<dyn Io>,
}

impl AsyncRead for BehindHead {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.early.is_empty() {
            return Pin::new(&mut self.io).poll_read(cx, buf);
        }
        let length = self.early.len().min(buf.remaining());
        buf.put_slice(&self.early.split_to(length));
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for BehindHead {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}

/// Some proxies turn away whoever does not say what it is.
const USER_AGENT: &str = concat!("render-tunnel/", env!("CARGO_PKG_VERSION"));

/// The proxy looks up and connects in our place, which takes 6 and 8 s at the most when we do it.
const TUNNELLING: Duration = Duration::from_secs(15);

/// As much as servers take of a request's head; a proxy's answer has a few hundred bytes.
const LONGEST_HEAD: usize = 16 * 1024;

/// hyper's servers send no more than a hundred either.
const MOST_HEADERS: usize = 100;

/// `Negotiate` has nine letters, `SCRAM-SHA-256` thirteen.
const LONGEST_SCHEME: usize = 24;
