//! The link between the ends: none at all, or one that is emulated.

use std::time::Duration;

/// A link with a name.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    /// What a packet meets on its way; `None` if the ends speak over loopback.
    pub(crate) way: Option<Way>,
}

/// What a packet meets on its way, the same in both directions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Way {
    /// Bytes a second, headers and all.
    pub(crate) rate: u64,
    /// From one end to the other, without queueing: half of the round trip.
    pub(crate) delay: Duration,
    /// How many bytes may wait; what comes on top is dropped.
    pub(crate) queue: u64,
    /// How many packets of a thousand are lost.
    pub(crate) loss: u32,
    /// What becomes of UDP.
    pub(crate) udp: Udp,
}

/// Whether a link carries UDP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Udp {
    /// As anything else.
    Passes,
    /// Not at all, and nobody says so.
    Dropped,
}

impl Link {
    /// Returns the link of this name.
    pub(crate) fn named(name: &str) -> Option<&'static Self> {
        LINKS.iter().find(|link| link.name == name)
    }
}

impl Way {
    /// Returns how long a packet takes there and back when nothing waits.
    pub(crate) const fn round_trip(&self) -> Duration {
        self.delay.saturating_mul(2)
    }

    const fn new(megabits: u64, round_trip: u64) -> Self {
        Self {
            rate: megabits * 1_000_000 / 8,
            delay: Duration::from_micros(round_trip * 1_000 / 2),
            queue: 512 * 1024,
            loss: 0,
            udp: Udp::Passes,
        }
    }

    const fn losing(self, thousandths: u32) -> Self {
        Self {
            loss: thousandths,
            ..self
        }
    }

    const fn with_long_queue(self) -> Self {
        Self {
            queue: 2 * 1024 * 1024,
            ..self
        }
    }

    const fn without_udp(self) -> Self {
        Self {
            udp: Udp::Dropped,
            ..self
        }
    }
}

/// Every link there is. The first is the default.
pub(crate) const LINKS: &[Link] = &[
    Link {
        name: "loopback",
        about: "no emulation: as fast as the machine",
        way: None,
    },
    emulated(
        "home",
        "100 Mbit/s, round trip 40 ms, queue of 512 KiB (42 ms)",
        HOME,
    ),
    emulated("home-lossy", "home with 1 % lost", HOME.losing(10)),
    emulated(
        "bloated",
        "20 Mbit/s, round trip 40 ms, queue of 2 MiB (839 ms)",
        BLOATED,
    ),
    emulated(
        "mobile",
        "20 Mbit/s, round trip 80 ms, queue of 512 KiB (210 ms), 1 % lost",
        MOBILE,
    ),
    emulated(
        "far",
        "50 Mbit/s, round trip 200 ms, queue of 512 KiB (84 ms)",
        FAR,
    ),
    emulated(
        "bad",
        "5 Mbit/s, round trip 100 ms, queue of 2 MiB (3.4 s), 3 % lost",
        BAD,
    ),
    emulated(
        "home-no-udp",
        "home, and UDP is dropped",
        HOME.without_udp(),
    ),
    emulated(
        "mobile-no-udp",
        "mobile, and UDP is dropped",
        MOBILE.without_udp(),
    ),
    emulated("far-no-udp", "far, and UDP is dropped", FAR.without_udp()),
    emulated("bad-no-udp", "bad, and UDP is dropped", BAD.without_udp()),
];

const fn emulated(name: &'static str, about: &'static str, way: Way) -> Link {
    Link {
        name,
        about,
        way: Some(way),
    }
}

const HOME: Way = Way::new(100, 40);
const BLOATED: Way = Way::new(20, 40).with_long_queue();
const MOBILE: Way = Way::new(20, 80).losing(10);
const FAR: Way = Way::new(50, 200);
const BAD: Way = Way::new(5, 100).losing(30).with_long_queue();
