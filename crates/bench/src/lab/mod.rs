//! Where traffic is measured: two machines and what joins them, loopback or an emulated link.
//!
//! ```text
//! Machine (server) ── TUN ── Wire: rate, delay, queue, loss ── TUN ── Machine (client)
//! ```
//! Both machines are of this process, so that there is one clock, and each is in a network
//! namespace of its own, so that TCP and UDP are the kernel's and meet the same link.

mod door;
mod machine;
mod namespace;
mod path;
mod wire;

use std::io;
use std::net::Ipv4Addr;

use anyhow::{Context as _, Result};
use tun_rs::DeviceBuilder;

pub(crate) use self::door::Door;
pub(crate) use self::machine::Machine;
pub(crate) use self::wire::Wire;

use self::namespace::Namespace;
use self::wire::Devices;
use crate::link::Way;
use crate::run::Skipped;

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

    /// Makes two machines that are joined by a link. The same seed gives the same luck.
    ///
    /// # Errors
    /// [`Skipped`] to whoever may not make networks.
    pub(crate) fn emulated(way: Way, congestion: Congestion, seed: u64) -> Result<Self> {
        let (server, client) = (namespace()?, namespace()?);
        let devices = Devices {
            server: plug_in(&server, SERVER, congestion)?,
            client: plug_in(&client, CLIENT, congestion)?,
        };
        Ok(Self {
            server: Machine::within(server, SERVER)?,
            client: Machine::within(client, CLIENT)?,
            wire: Some(Wire::join(devices, way, seed).context("start the wire")?),
        })
    }
}

fn namespace() -> Result<Namespace> {
    Namespace::new().map_err(|error| match error.kind() {
        io::ErrorKind::PermissionDenied => {
            Skipped("an emulated link needs root, for network namespaces".to_owned()).into()
        }
        _ => anyhow::Error::new(error).context("make a network namespace"),
    })
}

/// Gives a namespace a loopback, a TUN device with an address, and its kind of TCP.
fn plug_in(
    namespace: &Namespace,
    address: Ipv4Addr,
    congestion: Congestion,
) -> Result<tun_rs::SyncDevice> {
    let device = namespace.inside(|| {
        // What one connection has learned of the link would change the next.
        std::fs::write("/proc/sys/net/ipv4/tcp_no_metrics_save", "1")?;
        ip(&["link", "set", "lo", "up"])?;
        let device = DeviceBuilder::new()
            .name(DEVICE)
            .ipv4(address, PREFIX, None)
            .mtu(MTU)
            .tx_queue_len(TX_QUEUE)
            .build_sync()?;
        // By the route: the namespace's own setting takes only what the system's allows.
        let (network, name) = (NETWORK, congestion.name());
        ip(&["route", "replace", network, "dev", DEVICE, "congctl", name])?;
        Ok(device)
    });
    device.map_err(|error| match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::NotFound => Skipped(format!(
            "an emulated link needs root, /dev/net/tun and the program ip: {error}"
        ))
        .into(),
        _ => anyhow::Error::new(error).context("make a TUN device"),
    })
}

/// Runs `ip` in the namespace of this thread.
fn ip(arguments: &[&str]) -> io::Result<()> {
    let done = std::process::Command::new("ip").args(arguments).output()?;
    if done.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&done.stderr);
    Err(io::Error::other(format!("ip {arguments:?}: {said}")))
}

/// Nobody else is in these networks: any private address does.
const SERVER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const CLIENT: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
const PREFIX: u8 = 24;
const NETWORK: &str = "10.0.0.0/24";

const DEVICE: &str = "tun0";

/// Ethernet's.
const MTU: u16 = 1500;

/// What waits before the wire takes it in, in packets. The link's queue is the wire's: here nothing
/// may be dropped, and 10,000 packets are more than any window here holds.
const TX_QUEUE: u32 = 10_000;
