//! An emulated link: two network namespaces, and a TUN device in each.

use std::io;
use std::net::Ipv4Addr;

use anyhow::{Context as _, Result};
use tun_rs::{DeviceBuilder, SyncDevice};

use super::namespace::Namespace;
use super::wire::{Devices, Wire};
use super::{Congestion, Lab, Machine};
use crate::link::Way;
use crate::run::Skipped;

impl Lab {
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
fn plug_in(namespace: &Namespace, address: Ipv4Addr, congestion: Congestion) -> Result<SyncDevice> {
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

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use tokio::net::UdpSocket;

    use super::*;
    use crate::link::Link;

    /// A link, or nothing where none can be made.
    fn home() -> Option<(Lab, Way)> {
        let way = Link::named("home")?.way?;
        match Lab::emulated(way, Congestion::Cubic, 1) {
            Err(error) if error.is::<Skipped>() => None,
            lab => Some((lab.unwrap(), way)),
        }
    }

    async fn echo(lab: &Lab) -> std::net::SocketAddr {
        let (address, tasks) = (lab.server.any_port(), lab.server.tasks().clone());
        let start = async move {
            let socket = UdpSocket::bind(address).await?;
            let address = socket.local_addr()?;
            tasks.spawn("echo", async move {
                let mut buffer = [0; 100];
                while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
                    socket.send_to(&buffer[..length], from).await.ok();
                }
            });
            Ok(address)
        };
        lab.server.run(start).await.unwrap()
    }

    #[tokio::test]
    async fn a_question_and_its_answer_take_the_round_trip_and_are_counted() {
        let Some((lab, way)) = home() else { return };
        let (server, client) = (echo(&lab).await, lab.client.any_port());
        let ask = async move {
            let socket = UdpSocket::bind(client).await?;
            let began = Instant::now();
            socket.send_to(&[7; 72], server).await?;
            socket.recv(&mut [0; 100]).await?;
            Ok(began.elapsed())
        };
        let took = lab.client.run(ask).await.unwrap();
        assert!(took >= way.round_trip(), "{took:?}");
        // With the headers of IP and UDP. They are counted once they are there.
        let counted = async {
            while lab.wire.as_ref().map(Wire::carried) != Some(100) {
                tokio::task::yield_now().await;
            }
        };
        let counted = tokio::time::timeout(Duration::from_secs(10), counted).await;
        assert!(
            counted.is_ok(),
            "{:?}",
            lab.wire.as_ref().map(Wire::carried)
        );
    }

    #[tokio::test]
    async fn what_one_machine_binds_another_cannot_reach() {
        let Some((lab, _)) = home() else { return };
        let server = echo(&lab).await;
        let here = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        // Either there is no way, or nobody answers.
        let sent = here.send_to(&[7], server).await;
        assert!(sent.is_err() || lab.wire.as_ref().map(Wire::carried) == Some(0));
    }
}
