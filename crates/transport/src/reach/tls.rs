//! The last stage: TLS with a peer that proves who it is.

use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConnection, ProtocolVersion};
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;

use super::error::{ReachError, ReachFault, Stage};
use super::expiry::expires;
use super::pin::Pin;
use super::stream::{ByteStream, Secured, TlsVersion};
use super::trust::TlsTrust;
use super::{Peer, Role};

/// Speaks TLS with `peer` over `stream`, as HTTP/1.1. Cancel-safe: an
/// attempt that is dropped closes the stream.
///
/// # Errors
/// [`ReachError`] if the peer does not speak TLS or is not known by `trust`.
pub async fn secure(
    stream: ByteStream,
    peer: &Peer,
    trust: &TlsTrust,
) -> Result<ByteStream, ReachError> {
    let started = Instant::now();
    let (io, mut seen) = stream.into_parts();
    let Ok(name) = ServerName::try_from(peer.host.clone()) else {
        return Err(ReachFault::NotAHost.at(Stage::Tls, peer, seen));
    };
    let handshake = TlsConnector::from(trust.config()).connect(name, io);
    let mut io = match timeout(HANDSHAKING, handshake).await {
        Ok(Ok(io)) => io,
        Ok(Err(error)) => {
            return Err(ReachFault::of_handshake(error).at(Stage::Tls, peer, seen));
        }
        Err(_) => return Err(ReachFault::Slow.at(Stage::Tls, peer, seen)),
    };
    let (_, connection) = io.get_mut();
    connection.set_buffer_limit(Some(MOST_ENCRYPTED));
    let secured = match secured(connection, started.elapsed()) {
        Ok(secured) => secured,
        Err(error) => return Err(ReachFault::Tls(error).at(Stage::Tls, peer, seen)),
    };
    match peer.role {
        Role::Server => seen.secured = Some(secured),
        Role::Proxy => seen.proxy_secured = Some(secured),
    }
    Ok(ByteStream::new(io, seen))
}

fn secured(connection: &ClientConnection, took: Duration) -> Result<Secured, rustls::Error> {
    let missing = rustls::Error::NoCertificatesPresented;
    let leaf = connection.peer_certificates().and_then(<[_]>::first);
    let leaf = leaf.ok_or(missing)?;
    Ok(Secured {
        version: match connection.protocol_version() {
            Some(ProtocolVersion::TLSv1_2) => TlsVersion::Tls12,
            _ => TlsVersion::Tls13,
        },
        pin: Pin::of(leaf)?,
        expires: expires(leaf),
        took,
    })
}

/// Two round trips, and a flight lost twice on a link whose round trip is a second.
const HANDSHAKING: Duration = Duration::from_secs(10);

/// What may lie encrypted above the socket, where nothing can overtake it any more: one record.
/// rustls would take 64 KiB.
const MOST_ENCRYPTED: usize = 16 * 1024;
