//! The link between the ends: none at all, or one that is emulated by a relay for UDP.
//!
//! ```text
//! client ── UDP ──▶ Relay: one Path each way ── UDP ──▶ server
//! ```

mod path;
mod relay;

use std::time::Duration;

pub(crate) use self::relay::Relay;

/// A link with a name.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    /// What a packet meets on its way; `None` if the ends speak without a relay.
    pub(crate) way: Option<Way>,
}

/// What a packet meets on its way, the same in both directions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Way {
    /// Bytes a second.
    pub(crate) rate: u64,
    /// From one end to the other, without queueing: half of the round trip.
    pub(crate) delay: Duration,
    /// How many bytes may wait; what comes on top is dropped.
    pub(crate) queue: u64,
    /// How many packets of a thousand are lost.
    pub(crate) loss: u32,
}

/// Every link there is. The first is the default.
pub(crate) const LINKS: &[Link] = &[
    Link {
        name: "loopback",
        about: "no emulation: as fast as the machine",
        way: None,
    },
    Link {
        name: "broadband",
        about: "100 Mbit/s, round trip 40 ms, queue of 1 MiB (84 ms)",
        way: Some(Way {
            rate: 100 * MEGABIT,
            delay: Duration::from_millis(20),
            queue: 1024 * KIB,
            loss: 0,
        }),
    },
    Link {
        name: "bloated",
        about: "10 Mbit/s, round trip 30 ms, queue of 1 MiB (839 ms)",
        way: Some(Way {
            rate: 10 * MEGABIT,
            delay: Duration::from_millis(15),
            queue: 1024 * KIB,
            loss: 0,
        }),
    },
    Link {
        name: "mobile",
        about: "20 Mbit/s, round trip 60 ms, queue of 256 KiB (105 ms), 1 % lost",
        way: Some(Way {
            rate: 20 * MEGABIT,
            delay: Duration::from_millis(30),
            queue: 256 * KIB,
            loss: 10,
        }),
    },
    Link {
        name: "overseas",
        about: "50 Mbit/s, round trip 180 ms, queue of 512 KiB (84 ms), 0.1 % lost",
        way: Some(Way {
            rate: 50 * MEGABIT,
            delay: Duration::from_millis(90),
            queue: 512 * KIB,
            loss: 1,
        }),
    },
];

/// In bytes a second.
const MEGABIT: u64 = 1_000_000 / 8;

const KIB: u64 = 1024;
