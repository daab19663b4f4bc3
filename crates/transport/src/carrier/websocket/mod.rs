//! The WebSocket carrier: QUIC's packets as binary messages, for networks and hosts that let no UDP
//! through.
//!
//! ```text
//!  QUIC ── packets ──▶ socket ── queues ──▶ link ── messages ──▶ HTTP, TLS, proxies ──▶ the other end
//! ```
//! | part | is |
//! |---|---|
//! | `socket` | what QUIC takes for a UDP socket |
//! | `queues` | a few packets each way; they outlive a link |
//! | `link` | one WebSocket, and the task that carries packets over it |
//! | `client` | opens links: the first of a session, and the next when one is lost |
//! | `door` | takes links in: checks the pass, and finds the session that a link is for |
//!
//! QUIC sees one address for as long as the session lives, and never an error.

mod client;
mod door;
mod link;
mod queues;
mod socket;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Weak};
use std::time::SystemTime;

use quinn::Endpoint;
use tokio::sync::watch;
pub use tokio_tungstenite::tungstenite::handshake::derive_accept_key as accept_key;

pub use client::{Open, UpgradeError, Upgraded};
pub use door::{Door, Permit, Refusal};
pub use link::{LinkEnd, Unusable};

use door::Listed;
use queues::{Above, Queues};
use socket::PacketSocket;

use crate::congestion::Spur;
use crate::tasks::Tasks;
use crate::trust::KeyId;

/// Where the front takes the upgrade.
pub const PATH: &str = "/render-tunnel";

/// The header in which a server tells its clock, in seconds since 1970, with a refusal.
pub const TIME_HEADER: &str = "render-tunnel-time";

/// The longest QUIC packet on this carrier. Large, because each costs a message; twice as long would
/// be a fifth quicker over loopback, but QUIC sends bursts of ten, and ten of these take 33 ms on a
/// link of 20 Mbit/s already.
pub(crate) const MAX_PACKET: u16 = 8 * 1024;

/// What a session on this carrier holds, and what ends with it.
#[derive(Debug)]
pub(crate) struct Carrying {
    queues: Queues,
    endpoint: Endpoint,
    /// QUIC's own: with it the links end.
    socket: Weak<PacketSocket>,
    spur: Spur,
    role: Role,
}

#[derive(Debug)]
enum Role {
    /// A client opens the next link, and counts.
    Client {
        tasks: Tasks,
        links: watch::Receiver<LinkCount>,
        certificate_expires: Option<SystemTime>,
    },
    /// At a server the next link finds the session here.
    Server(Listed),
}

/// What has happened to the links of a client's session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct LinkCount {
    /// How many were lost.
    pub(crate) lost: u32,
    /// How many took the place of one that was lost.
    pub(crate) replaced: u32,
    /// Whether there will be no other.
    pub(crate) given_up: bool,
}

impl Carrying {
    /// Returns the count of a client's links, as it changes.
    pub(crate) fn links(&self) -> Option<watch::Receiver<LinkCount>> {
        match &self.role {
            Role::Client { links, .. } => Some(links.clone()),
            Role::Server(_) => None,
        }
    }

    /// Returns when the certificate expires that a client's first link was shown, if it was one of TLS.
    pub(crate) const fn certificate_expires(&self) -> Option<SystemTime> {
        match &self.role {
            Role::Client {
                certificate_expires,
                ..
            } => *certificate_expires,
            Role::Server(_) => None,
        }
    }

    /// Lets links prove themselves by the packets that the session takes, and lets them find it.
    pub(crate) fn begin(&self, connection: &quinn::Connection) {
        self.queues.sit_under(Some(Arc::new(Quic {
            connection: connection.clone(),
            endpoint: self.endpoint.clone(),
            socket: Weak::clone(&self.socket),
            spur: self.spur.clone(),
        })));
        if let Role::Server(listed) = &self.role {
            listed.list();
        }
    }

    /// Returns what spurs the connection on.
    pub(crate) fn spur(&self) -> Spur {
        self.spur.clone()
    }

    /// Returns the key that the WebSocket was opened with, at a server.
    pub(crate) fn key(&self) -> Option<KeyId> {
        match &self.role {
            Role::Client { .. } => None,
            Role::Server(listed) => Some(listed.key()),
        }
    }

    /// Returns the endpoint, whose only connection is the session's.
    pub(crate) const fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Whether there will be no other link, because the server that answers now does not know the
    /// session.
    pub(crate) fn is_lost(&self) -> bool {
        match &self.role {
            Role::Client { links, .. } => links.borrow().given_up,
            Role::Server(_) => false,
        }
    }

    /// Lets what QUIC has sent leave, and ends the links.
    pub(crate) async fn close(&self) {
        self.queues.sent().await;
        self.queues.abandon();
    }
}

impl Drop for Carrying {
    fn drop(&mut self) {
        // It would keep the connection open.
        self.queues.sit_under(None);
        if let Role::Client { tasks, .. } = &self.role {
            tasks.stop();
        }
    }
}

/// A session's connection, as its links know it.
struct Quic {
    connection: quinn::Connection,
    endpoint: Endpoint,
    socket: Weak<PacketSocket>,
    spur: Spur,
}

impl Above for Quic {
    /// QUIC counts a frame only if its packet could be decrypted. An idle session's packets are
    /// pings and acks.
    fn taken(&self) -> u64 {
        let frames = self.connection.stats().frame_rx;
        frames.acks + frames.ping + frames.stream + frames.max_data + frames.max_stream_data
    }

    fn stir(&self) {
        self.spur.give();
        if let Some(socket) = self.socket.upgrade() {
            // The same socket again, for the ping that QUIC then sends. It fails only for a socket
            // without an address.
            self.endpoint.rebind_abstract(socket).ok();
        }
    }
}
