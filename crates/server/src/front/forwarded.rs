//! Who asks, where proxies stand between: the address that the nearest proxy which can be believed has
//! noted.
//!
//! ```text
//! client ─▶ Cloudflare ─▶ the host's load balancer ─▶ front
//!                         X-Forwarded-For: (hearsay,) client, Cloudflare
//!                         CF-Connecting-IP: client
//! ```

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, header};
use features::Client;

/// The other end of the TCP connection that a request came on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) SocketAddr);

impl<S: Sync> FromRequestParts<S> for Peer {
    type Rejection = Infallible;

    /// Where the front is not ours, it may tell. If it does not, all clients are taken for one at an
    /// address that is nobody's, and whose headers are not believed.
    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        let nobody = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
        let told = || {
            let ConnectInfo(peer) = parts.extensions.get::<ConnectInfo<SocketAddr>>()?;
            Some(Self(*peer))
        };
        let ours = parts.extensions.get::<Self>().copied();
        Ok(ours.or_else(told).unwrap_or(Self(nobody)))
    }
}

/// Returns the address of the client.
///
/// Only a proxy on this machine or on its private network is believed, as Render's is: whoever comes
/// from elsewhere could write anything into the headers. Each proxy adds at the end of the list whom it
/// was asked by, so the last entry that is none of ours is true, and those before it are hearsay. If it
/// is Cloudflare, its own header is true too: Cloudflare lets nobody else write it.
pub(crate) fn client_address(peer: SocketAddr, headers: &HeaderMap) -> IpAddr {
    let peer = peer.ip().to_canonical();
    if !is_private(peer) {
        return peer;
    }
    let outer = outermost(headers).unwrap_or(peer);
    if !is_cloudflare(outer) {
        return outer;
    }
    let told = headers.get("cf-connecting-ip");
    told.and_then(|value| address_in(value.to_str().ok()?))
        .unwrap_or(outer)
}

/// Returns who asks, and where to. `named` is the host of the request's target, if it has one.
///
/// What a proxy of ours says of scheme and host is taken, as its word on the address is.
pub(crate) fn client(peer: SocketAddr, named: Option<&Authority>, headers: &HeaderMap) -> Client {
    let believed = is_private(peer.ip().to_canonical());
    let told = |name| believed.then(|| first(headers, name)).flatten();
    let is_https = |scheme: &str| scheme.eq_ignore_ascii_case("https");
    let host = told("x-forwarded-host").filter(|host| host.parse::<Authority>().is_ok());
    let host = host
        .or_else(|| named.map(Authority::as_str))
        .or_else(|| first(headers, header::HOST.as_str()));
    Client {
        address: client_address(peer, headers),
        scheme: match told("x-forwarded-proto").is_some_and(is_https) {
            true => "https",
            false => "http",
        },
        host: host.unwrap_or_default().to_owned(),
    }
}

/// Returns the first item of a header's list: what the proxy that is nearest to the client has written.
fn first<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let list = headers.get(name)?.to_str().ok()?;
    list.split(',').next().map(str::trim)
}

/// Returns the last entry that is no proxy of ours; the last of all if every one is private, as where
/// the client is. What cannot be read ends the list.
fn outermost(headers: &HeaderMap) -> Option<IpAddr> {
    let values = headers.get_all("x-forwarded-for").iter().rev();
    let entries = values.flat_map(|value: &HeaderValue| value.to_str().unwrap_or("").rsplit(','));
    let mut addresses = entries.map_while(address_in).peekable();
    let last = addresses.peek().copied();
    addresses.find(|&it| !is_private(it)).or(last)
}

/// Reads an address; some proxies write the port beside it.
fn address_in(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let with_port = || Some(text.parse::<SocketAddr>().ok()?.ip());
    let address = text.parse().ok().or_else(with_port)?;
    Some(address.to_canonical())
}

pub(crate) fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            // The third is the shared address space of carriers and clouds (RFC 6598).
            v4.is_loopback()
                || v4.is_private()
                || v4.octets()[0] == 100 && v4.octets()[1] & 0xc0 == 64
        }
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

fn is_cloudflare(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => CLOUDFLARE_V4
            .iter()
            .any(|&(network, bits)| (v4.to_bits() ^ network.to_bits()) >> (32 - bits) == 0),
        IpAddr::V6(v6) => CLOUDFLARE_V6
            .iter()
            .any(|&(network, bits)| (v6.to_bits() ^ network.to_bits()) >> (128 - bits) == 0),
    }
}

/// What Cloudflare connects from (cloudflare.com/ips). A network that is missing here costs little:
/// clients that come through it share the delay of each other's wrong guesses.
const CLOUDFLARE_V4: [(Ipv4Addr, u32); 15] = [
    (Ipv4Addr::new(103, 21, 244, 0), 22),
    (Ipv4Addr::new(103, 22, 200, 0), 22),
    (Ipv4Addr::new(103, 31, 4, 0), 22),
    (Ipv4Addr::new(104, 16, 0, 0), 13),
    (Ipv4Addr::new(104, 24, 0, 0), 14),
    (Ipv4Addr::new(108, 162, 192, 0), 18),
    (Ipv4Addr::new(131, 0, 72, 0), 22),
    (Ipv4Addr::new(141, 101, 64, 0), 18),
    (Ipv4Addr::new(162, 158, 0, 0), 15),
    (Ipv4Addr::new(172, 64, 0, 0), 13),
    (Ipv4Addr::new(173, 245, 48, 0), 20),
    (Ipv4Addr::new(188, 114, 96, 0), 20),
    (Ipv4Addr::new(190, 93, 240, 0), 20),
    (Ipv4Addr::new(197, 234, 240, 0), 22),
    (Ipv4Addr::new(198, 41, 128, 0), 17),
];

const CLOUDFLARE_V6: [(Ipv6Addr, u32); 7] = [
    (Ipv6Addr::new(0x2400, 0xcb00, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x2405, 0x8100, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x2405, 0xb500, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x2606, 0x4700, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x2803, 0xf800, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x2a06, 0x98c0, 0, 0, 0, 0, 0, 0), 29),
    (Ipv6Addr::new(0x2c0f, 0xf248, 0, 0, 0, 0, 0, 0), 32),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn address(peer: &str, forwarded: &[&str], cloudflare: Option<&str>) -> String {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", value.parse().unwrap());
        }
        if let Some(told) = cloudflare {
            headers.append("cf-connecting-ip", told.parse().unwrap());
        }
        client_address(peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn a_proxy_of_ours_tells_who_asks_and_nobody_else_does() {
        for (peer, forwarded, address_is) in [
            ("127.0.0.1:9", &["198.51.100.7"][..], "198.51.100.7"),
            ("10.1.2.3:9", &["1.1.1.1, 198.51.100.7"], "198.51.100.7"),
            ("100.64.0.9:9", &["1.1.1.1", "2001:db8::1"], "2001:db8::1"),
            ("[::ffff:10.0.0.1]:9", &["198.51.100.7"], "198.51.100.7"),
            ("203.0.113.5:9", &["198.51.100.7"], "203.0.113.5"),
            ("10.1.2.3:9", &["unknown"], "10.1.2.3"),
            ("10.1.2.3:9", &["198.51.100.7, "], "10.1.2.3"),
            ("10.1.2.3:9", &[], "10.1.2.3"),
            // Several proxies of ours, one after the other.
            (
                "127.0.0.1:9",
                &["198.51.100.7, 10.0.0.4", "10.0.0.5"],
                "198.51.100.7",
            ),
            // Somebody in our own network.
            ("127.0.0.1:9", &["10.0.0.9"], "10.0.0.9"),
            ("127.0.0.1:9", &["198.51.100.7:4711"], "198.51.100.7"),
            ("127.0.0.1:9", &["[2001:db8::1]:4711"], "2001:db8::1"),
        ] {
            assert_eq!(
                address(peer, forwarded, None),
                address_is,
                "{peer} {forwarded:?}"
            );
        }
    }

    #[test]
    fn behind_cloudflare_and_a_load_balancer_each_client_is_itself() {
        for edge in ["172.71.9.9", "104.27.255.255", "2a06:98c7::1"] {
            let forwarded = format!("8.8.8.8, 198.51.100.7, {edge}, 10.0.0.4");
            let told = address("10.1.2.3:9", &[&forwarded], Some("198.51.100.7"));
            assert_eq!(told, "198.51.100.7");
            assert_eq!(address("10.1.2.3:9", &[&forwarded], None), edge);
        }
    }

    #[test]
    fn scheme_and_host_are_a_proxy_s_word_or_what_we_see() {
        let asked = |peer: &str, lines: &[(&'static str, &str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in lines {
                headers.append(*name, value.parse().unwrap());
            }
            let client = client(peer.parse().unwrap(), None, &headers);
            format!("{}://{}", client.scheme, client.host)
        };
        let said = [
            ("host", "inner:3001"),
            ("x-forwarded-proto", "https, http"),
            ("x-forwarded-host", "app.example.com, inner"),
        ];
        assert_eq!(asked("10.1.2.3:9", &said), "https://app.example.com");
        assert_eq!(asked("203.0.113.5:9", &said), "http://inner:3001");
        assert_eq!(asked("10.1.2.3:9", &said[..1]), "http://inner:3001");
        let nonsense = [
            ("host", "a"),
            ("x-forwarded-host", "b c"),
            ("x-forwarded-proto", "gopher"),
        ];
        assert_eq!(asked("10.1.2.3:9", &nonsense), "http://a");
        assert_eq!(asked("10.1.2.3:9", &[]), "http://");
    }

    #[test]
    fn who_is_not_cloudflare_cannot_speak_for_it() {
        for outer in [
            "198.51.100.7",
            "104.15.255.255",
            "104.28.0.0",
            "2a06:98c8::1",
        ] {
            assert_eq!(address("10.1.2.3:9", &[outer], Some("192.0.2.1")), outer);
        }
        let direct = address("172.71.9.9:9", &[], Some("192.0.2.1"));
        assert_eq!(direct, "172.71.9.9");
    }
}
