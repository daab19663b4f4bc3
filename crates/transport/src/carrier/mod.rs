//! What carries QUIC's packets, and the numbers that a session runs with on it.

pub mod udp;
pub mod websocket;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use quinn::{
    AckFrequencyConfig, EndpointConfig, IdleTimeout, MtuDiscoveryConfig, TransportConfig, VarInt,
};
use serde::{Deserialize, Serialize};

use crate::congestion::{ShortQueue, Spur};

/// A kind of carrier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Carrier {
    /// UDP datagrams.
    Udp,
    /// Binary messages of a WebSocket.
    WebSocket,
    /// A virtual network inside the process.
    Memory,
}

impl fmt::Display for Carrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Udp => "udp",
            Self::WebSocket => "websocket",
            Self::Memory => "memory",
        })
    }
}

/// Returns the settings of a connection whose peer has not proved itself: room for a hello
/// and the first call.
pub(crate) fn stranger_config(carrier: Carrier, spur: &Spur) -> Arc<TransportConfig> {
    let mut config = common_config(carrier, spur);
    config
        .max_concurrent_bidi_streams(VarInt::from_u32(STRANGER_STREAMS))
        .receive_window(VarInt::from_u32(STRANGER_WINDOW));
    Arc::new(config)
}

/// Returns the settings of a client, who knows its server by the time it opens anything.
pub(crate) fn client_config(carrier: Carrier, spur: &Spur) -> Arc<TransportConfig> {
    let mut config = common_config(carrier, spur);
    config
        // The server opens no channel.
        .max_concurrent_bidi_streams(VarInt::from_u32(0))
        .receive_window(VarInt::from_u32(CLIENT_WINDOW));
    Arc::new(config)
}

/// Widens a connection whose peer has proved itself.
pub(crate) fn trust(connection: &quinn::Connection) {
    connection.set_max_concurrent_bi_streams(VarInt::from_u32(MOST_CHANNELS));
    connection.set_receive_window(VarInt::from_u32(SESSION_WINDOW));
}

/// Returns the settings of an endpoint.
pub(crate) fn endpoint_config(carrier: Carrier) -> EndpointConfig {
    let mut config = EndpointConfig::default();
    if carrier == Carrier::WebSocket {
        // Fails only below 1200 or above 65527, and this is a constant in between.
        config.max_udp_payload_size(websocket::MAX_PACKET).ok();
    }
    config
}

fn common_config(carrier: Carrier, spur: &Spur) -> TransportConfig {
    let mut acks = AckFrequencyConfig::default();
    // An ack that waits looks like a queue on the path. RFC 9000's default is 25 ms.
    acks.max_ack_delay(Some(Duration::from_millis(5)));
    let mut config = TransportConfig::default();
    config
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .datagram_receive_buffer_size(None)
        .stream_receive_window(VarInt::from_u32(STREAM_WINDOW))
        .send_window(SEND_WINDOW)
        .max_idle_timeout(Some(IdleTimeout::from(VarInt::from_u32(idle_millis(
            carrier,
        )))))
        .keep_alive_interval(Some(KEEP_ALIVE))
        .ack_frequency_config(Some(acks))
        .congestion_controller_factory(Arc::new(short_queue(carrier).spurred_by(spur.clone())));
    if carrier == Carrier::WebSocket {
        // Every packet passes, so the longest is used at once, and nothing is looked for. QUIC takes
        // what a lost WebSocket took with it for a path of shorter packets now and then; discovery
        // is what brings it back. The smallest stays as it is: a first packet is padded to that, and
        // would fill TCP's first window with nothing.
        let mut discovery = MtuDiscoveryConfig::default();
        discovery
            .upper_bound(websocket::MAX_PACKET)
            .black_hole_cooldown(LONG_AGAIN);
        config
            .initial_mtu(websocket::MAX_PACKET)
            .mtu_discovery_config(Some(discovery));
    }
    config
}

fn short_queue(carrier: Carrier) -> ShortQueue {
    match carrier {
        Carrier::Udp | Carrier::Memory => ShortQueue::over_udp(),
        Carrier::WebSocket => ShortQueue::over_tcp(),
    }
}

const fn idle_millis(carrier: Carrier) -> u32 {
    match carrier {
        Carrier::Udp | Carrier::Memory => IDLE_MILLIS,
        Carrier::WebSocket => REPLACED_MILLIS,
    }
}

/// The hello's, and that of the first call, which is not read before the hello is accepted.
const STRANGER_STREAMS: u32 = 2;

/// A hello takes up to 4 KiB, a first call some hundred bytes; the rest is slack for their
/// retransmissions.
const STRANGER_WINDOW: u32 = 16 * 1024;

/// What may lie unread in one channel. 2 MiB in flight are 80 Mbit/s at a round trip of 200 ms.
const STREAM_WINDOW: u32 = 2 * 1024 * 1024;

/// What may lie unread in all channels together: a bulk channel and three others that stand still.
const SESSION_WINDOW: u32 = 4 * STREAM_WINDOW;

/// The same at a client, whose session several commands may share: a dozen of their channels may stand
/// still, with somebody's ^Z or a slow app behind them, and the others still go on.
const CLIENT_WINDOW: u32 = 16 * STREAM_WINDOW;

/// What may wait for its acknowledgement. Twice a stream's window, so that a bulk channel whose
/// peer stands still leaves room for the others.
const SEND_WINDOW: u64 = 2 * STREAM_WINDOW as u64;

/// Six features, some of them several times, with room to spare.
const MOST_CHANNELS: u32 = 64;

/// A link that is dead is known within ten seconds.
const IDLE_MILLIS: u32 = 10_000;

/// A WebSocket that is dead is known within ten seconds by itself; the session then has as long
/// again, and some more, for the next one.
const REPLACED_MILLIS: u32 = 30_000;

/// How long packets stay short after a false alarm.
const LONG_AGAIN: Duration = Duration::from_secs(5);

/// Three keep-alives may be lost before a link counts as dead.
const KEEP_ALIVE: Duration = Duration::from_millis(2_500);
