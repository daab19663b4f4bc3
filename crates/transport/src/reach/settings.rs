//! Which proxy a server is reached through, by the variables that every HTTP client knows.

use std::fmt;
use std::net::IpAddr;

use thiserror::Error;
use zeroize::Zeroizing;

use super::Security;
use super::proxy::{Proxy, ProxyError};

/// What `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` say.
#[derive(Clone, Default)]
pub struct ProxySettings {
    https: Option<Variable>,
    http: Option<Variable>,
    except: Vec<Exception>,
}

/// A proxy's address as it was found. It is read only when it is needed: a SOCKS proxy in
/// `ALL_PROXY` harms nobody who does not go through it.
#[derive(Clone)]
struct Variable {
    name: &'static str,
    value: Zeroizing<String>,
}

impl ProxySettings {
    /// Reads the variables with `lookup`; the environment itself is the caller's.
    ///
    /// As in curl, lower case goes before upper case, `ALL_PROXY` stands for what is not there, and
    /// an empty variable means no proxy. `HTTP_PROXY` in upper case is what a web server makes
    /// of a stranger's header `Proxy` for its CGI programs, so it is not read where
    /// `REQUEST_METHOD` shows that this is one (as Go does it).
    #[must_use]
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Self {
        let first_of = |names: &[&'static str]| {
            names.iter().find_map(|&name| {
                let value = lookup(name).map(Zeroizing::new)?;
                Some(Variable { name, value })
            })
        };
        let chosen = |names| {
            first_of(names)
                .or_else(|| first_of(&["all_proxy", "ALL_PROXY"]))
                .filter(|variable| !variable.value.trim().is_empty())
        };
        let http: &[_] = match lookup("REQUEST_METHOD") {
            Some(_) => &["http_proxy"],
            None => &["http_proxy", "HTTP_PROXY"],
        };
        let except = first_of(&["no_proxy", "NO_PROXY"]);
        Self {
            https: chosen(&["https_proxy", "HTTPS_PROXY"]),
            http: chosen(http),
            except: except.map_or_else(Vec::new, |variable| exceptions(&variable.value)),
        }
    }

    /// Returns the proxy for a server, if there is one for it. This machine is never reached
    /// through a proxy.
    ///
    /// # Errors
    /// [`ProxySettingsError`] if what stands for it in the variable is no proxy.
    pub fn for_server(
        &self,
        security: &Security,
        host: &str,
        port: u16,
    ) -> Result<Option<Proxy>, ProxySettingsError> {
        let variable = match security {
            Security::Tls(_) => &self.https,
            Security::Plain => &self.http,
        };
        let Some(Variable { name, value }) = variable else {
            return Ok(None);
        };
        let target = Target::new(host, port);
        if target.is_loopback() || self.except.iter().any(|except| except.holds_for(&target)) {
            return Ok(None);
        }
        let refused = |source| ProxySettingsError {
            variable: name,
            source,
        };
        value.parse().map(Some).map_err(refused)
    }
}

/// A variable that holds no proxy's address. The user is at fault.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{variable} names no proxy that can be used")]
pub struct ProxySettingsError {
    /// Its name, as it was found.
    pub variable: &'static str,
    /// What is wrong with it.
    #[source]
    pub source: ProxyError,
}

/// One entry of `NO_PROXY`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Exception {
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
struct Target {
    name: String,
    address: Option<IpAddr>,
    port: u16,
}

impl Target {
    fn new(host: &str, port: u16) -> Self {
        let name = plain_name(host);
        let address = address(&name);
        Self {
            name,
            address,
            port,
        }
    }

    fn is_loopback(&self) -> bool {
        match self.address {
            Some(address) => address.is_loopback(),
            // RFC 6761, section 6.3.
            None => is_under(&self.name, "localhost"),
        }
    }
}

impl Exception {
    fn holds_for(&self, target: &Target) -> bool {
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

/// Entries are separated by commas or, as curl allows, by blanks. One that makes no sense is
/// passed over, as everybody does.
fn exceptions(text: &str) -> Vec<Exception> {
    text.split(|c: char| c == ',' || c.is_whitespace())
        .filter(|entry| !entry.is_empty())
        .filter_map(exception)
        .collect()
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

impl fmt::Debug for ProxySettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            https,
            http,
            except,
        } = self;
        let name = |variable: &Option<Variable>| variable.as_ref().map(|variable| variable.name);
        f.debug_struct("ProxySettings")
            .field("https", &name(https))
            .field("http", &name(http))
            .field("except", except)
            .finish()
    }
}
