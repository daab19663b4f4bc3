//! Where traffic is measured: two machines and what joins them, loopback or an emulated link.
//!
//! ```text
//! Machine (server) ── TUN ── Wire: rate, delay, queue, loss ── TUN ── Machine (client)
//! ```
//! Both machines are of this process, so that there is one clock, and each is in a network
//! namespace of its own, so that TCP and UDP are the kernel's and meet the same link.

mod door;
#[cfg(not(target_os = "linux"))]
mod elsewhere;
#[cfg(target_os = "linux")]
mod emulated;
mod machine;
#[cfg(target_os = "linux")]
mod namespace;
#[cfg(target_os = "linux")]
mod path;
#[cfg(target_os = "linux")]
mod wire;

use anyhow::Result;

pub(crate) use self::door::Door;
pub(crate) use self::machine::Machine;
#[cfg(target_os = "linux")]
use self::namespace::Namespace;
#[cfg(target_os = "linux")]
pub(crate) use self::wire::Wire;

#[cfg(not(target_os = "linux"))]
use self::elsewhere::Namespace;
#[cfg(not(target_os = "linux"))]
pub(crate) use self::elsewhere::Wire;

/// Two machines, and what joins them.
#[derive(Debug)]
pub(crate) struct Lab {
    pub(crate) server: Machine,
    pub(crate) client: Machine,
    /// `None` on loopback.
    pub(crate) wire: Option<Wire>,
}

/// How a machine's TCP finds out how fast it may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Congestion {
    Bbr,
    Cubic,
}

impl Congestion {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Bbr => "bbr",
            Self::Cubic => "cubic",
        }
    }
}

impl Lab {
    /// Makes two machines that are this one.
    pub(crate) fn on_loopback() -> Result<Self> {
        Ok(Self {
            server: Machine::here()?,
            client: Machine::here()?,
            wire: None,
        })
    }
}
