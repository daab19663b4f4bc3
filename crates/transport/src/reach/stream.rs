//! The stream that a route ends in, and what was seen on the way to it.

use std::fmt;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::Peer;

/// Bytes to and from a server, with what was seen on the way to it.
pub struct ByteStream {
    io: Box<dyn Io>,
    seen: Seen,
}

/// What each stage saw; `None` for a stage that was not reached or not needed.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// The addresses of the server, or of the proxy if there is one.
    pub resolved: Option<Resolved>,
    /// The TCP connection to one of them.
    pub connected: Option<Connected>,
    /// TLS with the proxy itself.
    pub proxy_secured: Option<Secured>,
    /// The way through the proxy.
    pub tunnelled: Option<Tunnelled>,
    /// TLS with the server.
    pub secured: Option<Secured>,
}

/// A name that was looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// The addresses in the order in which they are tried.
    pub addresses: Vec<SocketAddr>,
    /// How long it took.
    pub took: Duration,
}

/// A TCP connection that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connected {
    /// This end's address.
    pub local: SocketAddr,
    /// The peer's address.
    pub remote: SocketAddr,
    /// How long it took, addresses that did not answer included.
    pub took: Duration,
}

/// A proxy that let us through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tunnelled {
    /// The proxy.
    pub proxy: Peer,
    /// How long it took, the proxy's own way to the server included.
    pub took: Duration,
}

/// A peer that proved itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secured {
    /// The version of TLS.
    pub version: TlsVersion,
    /// The public key in the peer's certificate, as it would be pinned.
    pub pin: super::Pin,
    /// When the certificate expires; `None` if it does not say so in a form that we read.
    pub expires: Option<SystemTime>,
    /// How long it took.
    pub took: Duration,
}

/// A version of TLS; older ones are not spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsVersion {
    /// RFC 5246.
    Tls12,
    /// RFC 8446.
    Tls13,
}

/// What can be under a [`ByteStream`].
pub(super) trait Io: AsyncRead + AsyncWrite + Send + Sync + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Sync + Unpin> Io for T {}

impl ByteStream {
    /// Takes a stream of the caller's, of which nothing was seen yet.
    #[must_use]
    pub fn over(io: impl AsyncRead + AsyncWrite + Send + Sync + Unpin + 'static) -> Self {
        Self::new(io, Seen::default())
    }

    pub(super) fn new(io: impl Io + 'static, seen: Seen) -> Self {
        let io = Box::new(io);
        Self { io, seen }
    }

    /// Returns what was seen on the way.
    #[must_use]
    pub const fn seen(&self) -> &Seen {
        &self.seen
    }

    pub(super) fn into_parts(self) -> (Box<dyn Io>, Seen) {
        (self.io, self.seen)
    }
}

impl AsyncRead for ByteStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl AsyncWrite for ByteStream {
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
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}

impl fmt::Debug for ByteStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { io: _, seen } = self;
        f.debug_struct("ByteStream")
            .field("seen", seen)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for TlsVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tls12 => "TLS 1.2",
            Self::Tls13 => "TLS 1.3",
        })
    }
}
