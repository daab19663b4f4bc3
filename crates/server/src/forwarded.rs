//! Who asks, where a proxy stands between: the address that the nearest proxy of ours has noted.

use std::net::{IpAddr, SocketAddr};

use axum::http::HeaderMap;

/// The other end of the TCP connection that a request came on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// Returns the address of the client.
///
/// Only a proxy on this machine or on its private network is believed, as Render's is: whoever comes
/// from elsewhere could write anything into the header. Of what the proxy sends the last entry is its
/// own; those before it are hearsay.
pub(crate) fn client_address(peer: SocketAddr, headers: &HeaderMap) -> IpAddr {
    let peer = peer.ip().to_canonical();
    if !is_private(peer) {
        return peer;
    }
    let forwarded = headers.get_all("x-forwarded-for").iter().next_back();
    forwarded
        .and_then(|value| value.to_str().ok()?.rsplit(',').next()?.trim().parse().ok())
        .map_or(peer, |address: IpAddr| address.to_canonical())
}

fn is_private(address: IpAddr) -> bool {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn address(peer: &str, forwarded: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", value.parse().unwrap());
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
            ("10.1.2.3:9", &[], "10.1.2.3"),
        ] {
            assert_eq!(address(peer, forwarded), address_is, "{peer} {forwarded:?}");
        }
    }
}
