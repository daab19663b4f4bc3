//! The UDP carrier: sockets of the system.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use socket2::{Domain, Protocol, Socket, Type};

/// Binds a socket; on `[::]` it takes IPv4 as well.
pub(crate) fn bind(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::DGRAM,
        Some(Protocol::UDP),
    )?;
    if address.is_ipv6() {
        socket.set_only_v6(!address.ip().is_unspecified())?;
    }
    // The system may grant less, and then a burst is retransmitted: slower, never wrong.
    socket.set_recv_buffer_size(SOCKET_BUFFER).ok();
    socket.set_send_buffer_size(SOCKET_BUFFER).ok();
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    Ok(socket.into())
}

/// Binds a socket that can reach `remote`.
pub(crate) fn bind_for(remote: SocketAddr) -> io::Result<UdpSocket> {
    bind(match remote {
        SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
        SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
    })
}

/// Returns when the system says that nobody listens at `remote`, and never otherwise.
///
/// A UDP socket hears of a closed port only if it is connected, which QUIC's is not: so a second
/// one asks, with a byte that every QUIC server ignores.
pub(crate) async fn refused(remote: SocketAddr) {
    if let Some(error) = ask(remote).await.err()
        && error.kind() == io::ErrorKind::ConnectionRefused
    {
        return;
    }
    std::future::pending::<()>().await;
}

async fn ask(remote: SocketAddr) -> io::Result<()> {
    let socket = tokio::net::UdpSocket::from_std(bind_for(remote)?)?;
    socket.connect(remote).await?;
    socket.send(&[0]).await?;
    let mut nothing_is_expected = [0; 1];
    socket.recv(&mut nothing_is_expected).await.map(drop)
}

/// What quinn's authors found to be enough for a gigabit.
const SOCKET_BUFFER: usize = 2 * 1024 * 1024;
