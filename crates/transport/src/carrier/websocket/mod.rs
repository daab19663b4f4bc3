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

pub use tokio_tungstenite::tungstenite::handshake::derive_accept_key as accept_key;

pub use client::{Io, Open, Opening, UpgradeError, Upgraded};
pub use door::{Door, Permit, Refusal};
pub use link::LinkEnd;

use tokio::sync::watch;

use door::Listed;
use queues::Queues;

use crate::tasks::Tasks;
use crate::trust::KeyId;

/// Where the front takes the upgrade.
pub const PATH: &str = "/render-tunnel";

/// The header in which a server tells its clock, in seconds since 1970, with a refusal.
pub const TIME_HEADER: &str = "render-tunnel-time";

/// The longest QUIC packet on this carrier. Large, because each costs a message; but QUIC sends
/// bursts of ten, which on a link of 20 Mbit/s take 33 ms, and a first packet, which is padded to
/// the full length, should fit into TCP's first window of some 14 KB.
pub(crate) const MAX_PACKET: u16 = 8 * 1024;

/// What a session on this carrier holds, and what ends with it.
#[derive(Debug)]
pub(crate) struct Carrying {
    queues: Queues,
    role: Role,
}

#[derive(Debug)]
enum Role {
    /// A client opens the next link, and counts.
    Client(Tasks, watch::Receiver<LinkCount>),
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
}

impl Carrying {
    /// Returns the count of a client's links, as it changes.
    pub(crate) fn links(&self) -> Option<watch::Receiver<LinkCount>> {
        match &self.role {
            Role::Client(_, links) => Some(links.clone()),
            Role::Server(_) => None,
        }
    }

    /// Lets links prove themselves by the packets that the session takes, and lets them find it.
    pub(crate) fn begin(&self, connection: &quinn::Connection) {
        if let Role::Server(listed) = &self.role {
            let connection = connection.clone();
            self.queues
                .count_taken(Some(Box::new(move || frames_taken(&connection))));
            listed.list();
        }
    }

    /// Returns the key that the WebSocket was opened with, at a server.
    pub(crate) fn key(&self) -> Option<KeyId> {
        match &self.role {
            Role::Client(..) => None,
            Role::Server(listed) => Some(listed.key()),
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
        match &self.role {
            Role::Client(tasks, _) => tasks.stop(),
            // It would keep the connection open.
            Role::Server(_) => self.queues.count_taken(None),
        }
    }
}

/// QUIC counts a frame only if its packet could be decrypted. An idle session's packets are pings
/// and acks.
fn frames_taken(connection: &quinn::Connection) -> u64 {
    let frames = connection.stats().frame_rx;
    frames.acks + frames.ping + frames.stream + frames.max_data + frames.max_stream_data
}
