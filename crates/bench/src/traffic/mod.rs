//! The traffic that is measured: an endless bulk flow, and a line every ten milliseconds beside it.
//!
//! ```text
//! server ── lines: 200 bytes, with the time of their writing ──▶ client: Tally
//! server ── bulk: as much as goes ─────────────────────────────▶ client: Tally
//! ```
//! Below it is a session of ours, or what one would use instead.

mod bytes;
mod edge;
mod measure;
mod ours;
mod plain_quic;
mod tally;
mod tcp;
mod upgrades;
mod websocket;
mod yamux;

use std::fmt;

use anyhow::Result;
use futures_util::future::BoxFuture;

pub(crate) use self::measure::{Lines, Measured, Times, measure};
pub(crate) use self::ours::{Ours, Over, ask};
pub(crate) use self::tally::{Clock, Tally};

use crate::lab::Lab;

/// By what means traffic goes from end to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Means {
    /// A session over UDP.
    Udp,
    /// A session over WebSocket and TLS.
    WebSocket,
    /// Streams of QUIC as quinn has it.
    PlainQuic,
    /// Streams of yamux over WebSocket and TLS.
    Yamux,
    /// A connection of TCP for each flow, without TLS.
    Tcp,
}

/// One of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    Lines,
    Bulk,
}

/// Two ends that have come together.
pub(crate) trait Joined: Send + Sync + fmt::Debug {
    /// Opens a flow and tallies what arrives, until it ends. Runs on the client's machine.
    fn receive(&self, flow: Flow, tally: Tally) -> BoxFuture<'static, Result<()>>;
}

impl Flow {
    const fn name(self) -> &'static str {
        match self {
            Self::Lines => "lines",
            Self::Bulk => "bulk",
        }
    }
}

impl Means {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Udp => "UDP",
            Self::WebSocket => "WebSocket",
            Self::PlainQuic => "quinn's defaults",
            Self::Yamux => "yamux",
            Self::Tcp => "plain TCP",
        }
    }

    /// Starts a server end, and a client end that is joined to it.
    pub(crate) async fn join(self, lab: &Lab, clock: Clock) -> Result<Box<dyn Joined>> {
        match self {
            Self::Udp => ours::join(lab, Over::Udp, clock).await,
            Self::WebSocket => ours::join(lab, Over::WebSocket, clock).await,
            Self::PlainQuic => plain_quic::join(lab, clock).await,
            Self::Yamux => yamux::join(lab, clock).await,
            Self::Tcp => tcp::join(lab, clock).await,
        }
    }
}
