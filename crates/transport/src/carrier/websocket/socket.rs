//! What QUIC takes for a UDP socket: packets go into the queues, and come from there.

use std::io::{self, IoSliceMut};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use quinn::udp::{RecvMeta, Transmit};
use quinn::{AsyncUdpSocket, UdpPoller};

use super::queues::Queues;

/// The socket of one end of one session. It never fails: an error of a socket would end QUIC's
/// endpoint, while a link that is lost is replaced below it.
#[derive(Debug)]
pub(super) struct PacketSocket {
    queues: Queues,
    end: SocketAddr,
    peer: SocketAddr,
}

impl PacketSocket {
    /// Makes the socket of a client.
    pub(super) fn of_client(queues: Queues) -> Arc<Self> {
        Arc::new(Self {
            queues,
            end: CLIENT,
            peer: SERVER,
        })
    }

    /// Makes the socket of a server.
    pub(super) fn of_server(queues: Queues) -> Arc<Self> {
        Arc::new(Self {
            queues,
            end: SERVER,
            peer: CLIENT,
        })
    }
}

impl AsyncUdpSocket for PacketSocket {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        Box::pin(Writable(self.queues.clone()))
    }

    fn try_send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        let whole = transmit.contents.len().max(1);
        let packets = transmit
            .contents
            .chunks(transmit.segment_size.unwrap_or(whole).max(1));
        self.queues
            .send(packets)
            .map_err(|_full| io::ErrorKind::WouldBlock.into())
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        let most = bufs.len().min(meta.len()).min(MOST_AT_ONCE);
        let mut count = 0;
        ready!(self.queues.poll_received(cx, most, |packet| {
            // A link hands over no packet that is empty or longer than QUIC's buffers.
            let length = packet.len().min(bufs[count].len());
            bufs[count][..length].copy_from_slice(&packet[..length]);
            meta[count] = RecvMeta {
                addr: self.peer,
                len: length,
                stride: length.max(1),
                ecn: None,
                dst_ip: None,
            };
            count += 1;
        }));
        Poll::Ready(Ok(count))
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.end)
    }

    fn may_fragment(&self) -> bool {
        false
    }
}

impl Drop for PacketSocket {
    fn drop(&mut self) {
        self.queues.finish();
    }
}

#[derive(Debug)]
struct Writable(Queues);

impl UdpPoller for Writable {
    fn poll_writable(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_writable(cx).map(Ok)
    }
}

/// Where QUIC believes the server to be: an address for documentation (RFC 5737), which no link
/// changes, so that a session does not notice that its link is another.
pub(super) const SERVER: SocketAddr =
    SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::new(203, 0, 113, 1), 443));

/// Where it believes the client to be.
const CLIENT: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::new(203, 0, 113, 2), 443));

/// QUIC has buffers for 32 packets of the longest kind: those that are never used are never
/// touched, and cost nothing.
const MOST_AT_ONCE: usize = 8;
