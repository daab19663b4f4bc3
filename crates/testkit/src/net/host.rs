//! The socket of a host on a virtual network, as quinn takes it.

use std::fmt;
use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use quinn::udp::{RecvMeta, Transmit};
use quinn::{AsyncUdpSocket, UdpPoller};
use tokio::time::{Instant, Sleep};

use super::{Network, Packet};

/// A host's socket. It sends and receives until another host has its address.
pub(super) struct HostSocket {
    pub(super) address: SocketAddr,
    /// The same as that of the inbox at the address, unless the host was unplugged.
    pub(super) plug: Arc<()>,
    network: Network,
    timer: Mutex<Pin<Box<Sleep>>>,
}

impl HostSocket {
    pub(super) fn new(address: SocketAddr, plug: Arc<()>, network: Network) -> Self {
        Self {
            address,
            plug,
            network,
            timer: Mutex::new(Box::pin(tokio::time::sleep(Duration::ZERO))),
        }
    }

    /// Takes the packets that have arrived, or says when the next one will.
    fn take(&self, cx: &Context<'_>, bufs: &mut [IoSliceMut<'_>], meta: &mut [RecvMeta]) -> Taken {
        let mut state = self.network.lock();
        let Some(inbox) = state.inbox_of(self) else {
            return Taken::Nothing;
        };
        let now = Instant::now();
        let mut taken = 0;
        while taken < bufs.len().min(meta.len()) {
            let Some(first) = inbox
                .packets
                .first_entry()
                .filter(|first| first.key().0 <= now)
            else {
                break;
            };
            let Packet { from, bytes } = first.remove();
            // Like a socket of the system: what does not fit is cut off.
            let length = bytes.len().min(bufs[taken].len());
            bufs[taken][..length].copy_from_slice(&bytes[..length]);
            meta[taken] = RecvMeta {
                addr: from,
                len: length,
                stride: length.max(1),
                ecn: None,
                dst_ip: None,
            };
            taken += 1;
        }
        if taken > 0 {
            return Taken::Packets(taken);
        }
        inbox.waker = Some(cx.waker().clone());
        inbox
            .packets
            .first_key_value()
            .map_or(Taken::Nothing, |((due, _), _)| Taken::Due(*due))
    }
}

enum Taken {
    Packets(usize),
    Due(Instant),
    Nothing,
}

impl AsyncUdpSocket for HostSocket {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        Box::pin(AlwaysWritable)
    }

    fn try_send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        let size = transmit
            .segment_size
            .unwrap_or(transmit.contents.len())
            .max(1);
        let mut state = self.network.lock();
        if state.inbox_of(self).is_none() {
            return Ok(());
        }
        for packet in transmit.contents.chunks(size) {
            state.send(self.address, transmit.destination, packet);
        }
        Ok(())
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        loop {
            match self.take(cx, bufs, meta) {
                Taken::Packets(count) => return Poll::Ready(Ok(count)),
                Taken::Nothing => return Poll::Pending,
                Taken::Due(due) => {
                    let mut timer = self.timer.lock().unwrap_or_else(PoisonError::into_inner);
                    timer.as_mut().reset(due);
                    if timer.as_mut().poll(cx).is_pending() {
                        return Poll::Pending;
                    }
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }

    fn max_transmit_segments(&self) -> usize {
        1
    }

    fn may_fragment(&self) -> bool {
        false
    }
}

impl Drop for HostSocket {
    fn drop(&mut self) {
        let mut state = self.network.lock();
        if state.inbox_of(self).is_some() {
            state.inboxes.remove(&self.address);
        }
    }
}

impl fmt::Debug for HostSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostSocket")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

/// A queue that is full drops; it never holds the sender back.
#[derive(Debug)]
struct AlwaysWritable;

impl UdpPoller for AlwaysWritable {
    fn poll_writable(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
