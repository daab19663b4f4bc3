//! What is remembered of the ways to a server, for each network that this machine is on.

use std::fmt;
use std::net::{IpAddr, UdpSocket};
use std::sync::{Mutex, PoisonError};

use crate::carrier::Carrier;

/// What is known of the ways to a server from the network that this machine is on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// Where the server offers UDP, if it was heard to.
    pub udp_port: Option<u16>,
    /// What won the last time, or answered since.
    pub best: Option<Carrier>,
}

/// Remembers what is known, from one session to the next or longer.
pub trait Memory: Send + Sync + fmt::Debug {
    /// Returns what is known of a server on a network.
    fn recall(&self, network: &Network) -> Known;
    /// Remembers it.
    fn remember(&self, network: &Network, known: Known);
}

/// The network that this machine is on, as far as it can be told apart from others: what its own
/// address on the way to the world begins with.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Network(String);

/// Remembers for as long as the process lives.
#[derive(Debug, Default)]
pub struct InProcess(Mutex<Vec<(Network, Known)>>);

impl Network {
    /// Returns the network that this machine is on now.
    #[must_use]
    pub fn current() -> Self {
        Self::of(address_on_the_way_out())
    }

    fn of(address: Option<IpAddr>) -> Self {
        Self(match address {
            Some(IpAddr::V4(v4)) => {
                let [a, b, c, _] = v4.octets();
                format!("{a}.{b}.{c}.0/24")
            }
            Some(IpAddr::V6(v6)) => {
                let [a, b, c, d, ..] = v6.segments();
                format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
            }
            None => "none".to_owned(),
        })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Connecting a UDP socket sends nothing: the system only says which of its addresses it would use.
fn address_on_the_way_out() -> Option<IpAddr> {
    let socket = UdpSocket::bind(("0.0.0.0", 0)).ok()?;
    socket.connect(SOMEWHERE).ok()?;
    Some(socket.local_addr().ok()?.ip())
}

impl Memory for InProcess {
    fn recall(&self, network: &Network) -> Known {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut entries = known.iter();
        entries
            .find(|(there, _)| there == network)
            .map_or_else(Known::default, |(_, known)| *known)
    }

    fn remember(&self, network: &Network, known: Known) {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.retain(|(there, _)| there != network);
        entries.push((network.clone(), known));
        if entries.len() > MOST_NETWORKS {
            entries.remove(0);
        }
    }
}

/// A laptop's home, office, telephone and a few cafés.
const MOST_NETWORKS: usize = 32;

/// An address that stands for the world beyond this network (RFC 5737); nothing is sent there.
const SOMEWHERE: (&str, u16) = ("192.0.2.1", 9);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_what_its_addresses_begin_with() {
        let of = |address: &str| Network::of(Some(address.parse().unwrap())).to_string();
        assert_eq!(of("192.168.7.42"), "192.168.7.0/24");
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
        assert_eq!(Network::of(None).to_string(), "none");
    }

    #[test]
    fn networks_are_remembered_apart_and_the_oldest_is_forgotten() {
        let memory = InProcess::default();
        let network = |number: u8| Network::of(Some([10, number, 0, 1].into()));
        let known = |port| Known {
            udp_port: Some(port),
            best: None,
        };
        memory.remember(&network(0), known(1));
        memory.remember(&network(0), known(2));
        memory.remember(&network(1), known(3));
        assert_eq!(memory.recall(&network(0)), known(2));
        assert_eq!(memory.recall(&network(9)), Known::default());
        for number in 1..=MOST_NETWORKS {
            memory.remember(&network(u8::try_from(number).unwrap()), known(4));
        }
        assert_eq!(memory.recall(&network(0)), Known::default());
    }
}
