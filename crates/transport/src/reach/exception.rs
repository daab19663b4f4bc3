//! `NO_PROXY`: the servers that are reached without a proxy, read as curl and Go read it.

use std::net::IpAddr;

/// One entry of `NO_PROXY`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Exception {
    hosts: Hosts,
    port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Hosts {
    All,
    /// A name and all names under it.
    Domain(String),
    Address(IpAddr),
    /// The addresses whose first `bits` bits are the same.
    Network {
        address: IpAddr,
        bits: u32,
    },
}

/// A server as the exceptions see it.
pub(super) struct Target {
    name: String,
    address: Option<IpAddr>,
    port: u16,
}

impl Target {
    pub(super) fn new(host: &str, port: u16) -> Self {
        let name = plain_name(host);
        let address = address(&name);
        Self {
            name,
            address,
            port,
        }
    }

    pub(super) fn is_loopback(&self) -> bool {
        match self.address {
            Some(address) => address.is_loopback(),
            // RFC 6761, section 6.3.
            None => is_under(&self.name, "localhost"),
        }
    }
}

impl Exception {
    /// Reads a whole `NO_PROXY`. Entries are separated by commas or, as curl allows, by blanks.
    /// One that makes no sense is passed over, as everybody does.
    pub(super) fn all_in(text: &str) -> Vec<Self> {
        text.split(|c: char| c == ',' || c.is_whitespace())
            .filter(|entry| !entry.is_empty())
            .filter_map(exception)
            .collect()
    }

    /// Whether `target` is reached without a proxy by this entry.
    pub(super) fn holds_for(&self, target: &Target) -> bool {
        let Self { hosts, port } = self;
        if port.is_some_and(|port| port != target.port) {
            return false;
        }
        match (hosts, target.address) {
            (Hosts::All, _) => true,
            (Hosts::Domain(domain), None) => is_under(&target.name, domain),
            (Hosts::Address(address), Some(target)) => *address == target,
            (Hosts::Network { address, bits }, Some(target)) => {
                let in_common = leading_bits_in_common(*address, target);
                in_common.is_some_and(|in_common| in_common >= *bits)
            }
            (Hosts::Domain(_), Some(_)) | (Hosts::Address(_) | Hosts::Network { .. }, None) => {
                false
            }
        }
    }
}

fn exception(entry: &str) -> Option<Exception> {
    let entry = entry.to_ascii_lowercase();
    if let Some((network, bits)) = entry.split_once('/') {
        let hosts = network_of(network, bits)?;
        return Some(Exception { hosts, port: None });
    }
    // An IPv6 address has colons of its own, and a port behind it only after brackets.
    let (host, port) = match entry.rsplit_once(':') {
        Some((host, port)) if address(&entry).is_none() => (host, Some(port.parse().ok()?)),
        _ => (entry.as_str(), None),
    };
    let hosts = match address(host) {
        Some(address) => Hosts::Address(address),
        None if host == "*" => Hosts::All,
        None => Hosts::Domain(domain(host)?),
    };
    Some(Exception { hosts, port })
}

/// `.example.com` and `*.example.com` are `example.com` with all that is under it, as in curl.
fn domain(host: &str) -> Option<String> {
    let host = host.strip_prefix('*').unwrap_or(host);
    let host = host.trim_matches('.');
    (!host.is_empty()).then(|| host.to_owned())
}

fn network_of(address_text: &str, bits: &str) -> Option<Hosts> {
    let address = address(address_text)?;
    let bits: u32 = bits.parse().ok()?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    (bits <= most).then_some(Hosts::Network { address, bits })
}

fn plain_name(host: &str) -> String {
    let host = host.to_ascii_lowercase();
    host.strip_suffix('.').unwrap_or(&host).to_owned()
}

/// Reads an address, in brackets or without, and takes the IPv4 address out of an IPv6 address
/// that stands for one.
fn address(host: &str) -> Option<IpAddr> {
    let inner = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host);
    let address: IpAddr = inner.parse().ok()?;
    Some(address.to_canonical())
}

fn is_under(name: &str, domain: &str) -> bool {
    let above = name.strip_suffix(domain);
    above.is_some_and(|above| above.is_empty() || above.ends_with('.'))
}

/// Counts the first bits that two addresses of one family have in common.
fn leading_bits_in_common(one: IpAddr, other: IpAddr) -> Option<u32> {
    match (one, other) {
        (IpAddr::V4(one), IpAddr::V4(other)) => {
            Some((one.to_bits() ^ other.to_bits()).leading_zeros())
        }
        (IpAddr::V6(one), IpAddr::V6(other)) => {
            Some((one.to_bits() ^ other.to_bits()).leading_zeros())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(entry: &str, host: &str, port: u16) -> bool {
        let target = Target::new(host, port);
        let mut all = Exception::all_in(entry).into_iter();
        all.any(|exception| exception.holds_for(&target))
    }

    #[test]
    fn servers_are_reached_without_a_proxy_where_an_entry_names_them() {
        for (entry, host) in [
            ("*", "app.example.com"),
            ("app.example.com", "app.example.com"),
            ("example.com", "app.example.com"),
            (".example.com", "a.b.example.com"),
            (".example.com", "example.com"),
            ("*.example.com", "app.example.com"),
            ("EXAMPLE.com.", "App.Example.COM."),
            ("x.org, example.com", "example.com"),
            ("x.org example.com", "example.com"),
            ("example.com:443", "app.example.com"),
            ("10.1.2.3", "10.1.2.3"),
            ("10.1.2.3:443", "10.1.2.3"),
            ("10.0.0.0/8", "10.255.0.1"),
            ("10.1.2.3/32", "10.1.2.3"),
            ("0.0.0.0/0", "192.0.2.1"),
            ("10.1.2.3", "::ffff:10.1.2.3"),
            ("2001:db8::1", "2001:db8:0::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("[2001:db8::1]:443", "2001:db8::1"),
            ("2001:db8::/32", "2001:db8:1::1"),
            ("::/0", "2001:db8:1::1"),
        ] {
            assert!(holds(entry, host, 443), "{entry} for {host}");
        }
    }

    #[test]
    fn servers_that_no_entry_names_go_through_the_proxy() {
        for (entry, host) in [
            ("", "app.example.com"),
            (" , ,", "app.example.com"),
            (".", "app.example.com"),
            ("example.com", "notexample.com"),
            ("example.com", "example.com.org"),
            ("app.example.com", "example.com"),
            ("example.com:80", "example.com"),
            ("example.com:", "example.com"),
            ("10.1.2.3", "10.1.2.4"),
            ("10.1.2.3:80", "10.1.2.3"),
            ("10.0.0.0/8", "11.0.0.1"),
            ("10.0.0.0/8", "10.example.com"),
            ("10.0.0.0/33", "10.0.0.0"),
            ("10.0.0.0/-1", "10.0.0.0"),
            // An address is no domain with names under it.
            ("0.0.1", "10.0.0.1"),
            ("2001:db8::/32", "2001:db9::1"),
            ("::/0", "10.0.0.1"),
            ("[2001:db8::1]:80", "2001:db8::1"),
        ] {
            assert!(!holds(entry, host, 443), "{entry} for {host}");
        }
    }
}
