//! Where a server is, as a user writes it.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;
use url::{Host, Url};

/// The address of a server.
///
/// `https://HOST` is a server behind a front that ends TLS, as on Render; `http://HOST:PORT` a plain
/// server, as in development, which listens for QUIC on the UDP port of the same number;
/// `quic://HOST:PORT` is UDP alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerAddress {
    scheme: Scheme,
    host: String,
    port: u16,
}

/// What an HTTP port speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Http {
    /// HTTP as it is.
    Plain,
    /// HTTP inside TLS.
    Tls,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scheme {
    Quic,
    Http,
    Https,
}

impl ServerAddress {
    /// Returns the name or the address of the host, without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Returns the port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Returns the port where UDP is to be tried, if the address says so.
    #[must_use]
    pub const fn udp_port(&self) -> Option<u16> {
        match self.scheme {
            Scheme::Quic | Scheme::Http => Some(self.port),
            Scheme::Https => None,
        }
    }

    /// Returns how the server's HTTP port is spoken to, if it has one.
    #[must_use]
    pub const fn http(&self) -> Option<Http> {
        match self.scheme {
            Scheme::Quic => None,
            Scheme::Http => Some(Http::Plain),
            Scheme::Https => Some(Http::Tls),
        }
    }
}

impl FromStr for ServerAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(AddressError::Empty);
        }
        // `HOST:PORT` alone would be taken for a scheme.
        let url = if text.contains("://") {
            text.to_owned()
        } else {
            format!("quic://{text}")
        };
        let url = Url::parse(&url).map_err(AddressError::NotAUrl)?;
        let scheme = match url.scheme() {
            "quic" => Scheme::Quic,
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            other => return Err(AddressError::Scheme(other.to_owned())),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(AddressError::Credentials);
        }
        if !matches!(url.path(), "" | "/") {
            return Err(AddressError::Path(url.path().to_owned()));
        }
        let host = match url.host() {
            Some(Host::Ipv6(address)) => address.to_string(),
            Some(host) => host.to_string(),
            None => return Err(AddressError::NoHost),
        };
        let port = url.port().unwrap_or(match scheme {
            Scheme::Quic => DEFAULT_PORT,
            Scheme::Http => 80,
            Scheme::Https => 443,
        });
        Ok(Self { scheme, host, port })
    }
}

impl fmt::Display for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.scheme {
            Scheme::Quic => "quic",
            Scheme::Http => "http",
            Scheme::Https => "https",
        };
        write!(f, "{scheme}://{}", authority(&self.host, self.port))
    }
}

/// Returns a host and a port as they stand in a URL: an IPv6 address in brackets (RFC 3986).
pub(crate) fn authority(host: &str, port: u16) -> String {
    match host.contains(':') {
        true => format!("[{host}]:{port}"),
        false => format!("{host}:{port}"),
    }
}

/// A text that is no server's address. The user is at fault.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AddressError {
    /// Nothing.
    #[error("the server's address is empty")]
    Empty,
    /// Not a URL.
    #[error("the server's address is no URL: {0}; write it like https://app.example.com")]
    NotAUrl(url::ParseError),
    /// A URL of something else.
    #[error("a server's address begins with https://, http:// or quic://, not {0}://")]
    Scheme(String),
    /// A path in it.
    #[error("a server's address has no path, and this one has {0}: the tunnel is at {path} of its host", path = crate::carrier::websocket::PATH)]
    Path(String),
    /// No host in it.
    #[error("the server's address names no host; write it like https://app.example.com")]
    NoHost,
    /// A user or a password in it.
    #[error(
        "a server's address holds no user and no password: the secret comes from RENDER_TUNNEL_SECRET"
    )]
    Credentials,
}

/// What a server listens on unless it is told otherwise.
pub const DEFAULT_PORT: u16 = 3001;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_users_write_them() {
        for (text, shown, host, port) in [
            (
                "quic://app.example.com",
                "quic://app.example.com:3001",
                "app.example.com",
                3001,
            ),
            ("localhost:4000", "quic://localhost:4000", "localhost", 4000),
            (
                "http://127.0.0.1:3001/",
                "http://127.0.0.1:3001",
                "127.0.0.1",
                3001,
            ),
            ("http://[::1]:3001", "http://[::1]:3001", "::1", 3001),
            (
                "https://app.onrender.com/",
                "https://app.onrender.com:443",
                "app.onrender.com",
                443,
            ),
        ] {
            let address: ServerAddress = text.parse().unwrap();
            assert_eq!(
                (address.to_string().as_str(), address.host(), address.port()),
                (shown, host, port)
            );
        }
    }

    #[test]
    fn an_address_says_which_ways_there_are() {
        for (text, udp, http) in [
            ("quic://a:1", Some(1), None),
            ("http://a:1", Some(1), Some(Http::Plain)),
            ("https://a", None, Some(Http::Tls)),
        ] {
            let address: ServerAddress = text.parse().unwrap();
            assert_eq!((address.udp_port(), address.http()), (udp, http), "{text}");
        }
    }

    #[test]
    fn what_is_no_address_says_why() {
        let error = |text: &str| text.parse::<ServerAddress>().unwrap_err();
        assert_eq!(error(" "), AddressError::Empty);
        assert_eq!(error("https://x/tun"), AddressError::Path("/tun".into()));
        assert_eq!(error("ftp://x"), AddressError::Scheme("ftp".into()));
        assert_eq!(error("quic://user:secret@x"), AddressError::Credentials);
        assert!(matches!(error("quic://:1"), AddressError::NotAUrl(_)));
        assert!(matches!(error("quic://x:99999"), AddressError::NotAUrl(_)));
    }
}
