//! A proxy as a user writes it: where it is, whether it speaks TLS, and who asks.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use thiserror::Error;
use tokio::task::spawn_blocking;
use url::{Host, Url};
use zeroize::Zeroizing;

use super::trust::{TlsTrust, TrustError};
use super::{Peer, Role};

/// A proxy that connects to servers when it is asked with CONNECT.
///
/// Written `http://HOST:PORT` or `HOST:PORT`, with `https://` if the proxy itself speaks TLS, and
/// with `USER:PASSWORD@` before the host if it asks who one is.
#[derive(Clone)]
pub struct Proxy {
    peer: Peer,
    leg: Leg,
    credentials: Option<Credentials>,
}

/// How the proxy itself is spoken to.
#[derive(Clone, Debug)]
enum Leg {
    Plain,
    /// The system's roots, unless a trust was given.
    Tls(Option<Arc<TlsTrust>>),
}

/// The value of `Proxy-Authorization`.
#[derive(Clone)]
struct Credentials(Zeroizing<String>);

impl Proxy {
    /// Checks the certificate of an `https://` proxy by `trust` in place of the system's roots.
    /// For a proxy that speaks no TLS it means nothing.
    #[must_use]
    pub fn trusting(self, trust: Arc<TlsTrust>) -> Self {
        let leg = match self.leg {
            Leg::Plain => Leg::Plain,
            Leg::Tls(_) => Leg::Tls(Some(trust)),
        };
        Self { leg, ..self }
    }

    /// Returns where it is.
    #[must_use]
    pub const fn peer(&self) -> &Peer {
        &self.peer
    }

    /// Whether it is told who asks.
    #[must_use]
    pub const fn has_credentials(&self) -> bool {
        self.credentials.is_some()
    }

    /// Returns what its certificate is checked by, if it has one.
    pub(super) async fn trust(&self) -> Result<Option<Arc<TlsTrust>>, TrustError> {
        match &self.leg {
            Leg::Plain => Ok(None),
            Leg::Tls(Some(trust)) => Ok(Some(Arc::clone(trust))),
            Leg::Tls(None) => {
                let read = spawn_blocking(TlsTrust::system).await;
                // Such a task ends without an answer only where the runtime is going down.
                let trust = read.unwrap_or(Err(TrustError::NoRoots(None)))?;
                Ok(Some(Arc::new(trust)))
            }
        }
    }

    /// Returns the value of `Proxy-Authorization`. A secret.
    pub(super) fn authorization(&self) -> Option<&str> {
        let Credentials(value) = self.credentials.as_ref()?;
        Some(value)
    }
}

impl FromStr for Proxy {
    type Err = ProxyError;

    fn from_str(text: &str) -> Result<Self, ProxyError> {
        let text = text.trim();
        // `HOST:PORT` alone would be taken for a scheme.
        let text = if text.contains("://") {
            Zeroizing::new(text.to_owned())
        } else {
            Zeroizing::new(format!("http://{text}"))
        };
        let url = Url::parse(&text).map_err(ProxyError::NotAUrl)?;
        let leg = match url.scheme() {
            "http" => Leg::Plain,
            "https" => Leg::Tls(None),
            other => return Err(ProxyError::Scheme(other.to_owned())),
        };
        // A `/`, `?` or `#` in a password ends the host, and what follows would be shown as part
        // of an address.
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return Err(ProxyError::Path);
        }
        let host = match url.host() {
            Some(Host::Ipv6(address)) => address.to_string(),
            Some(host) => host.to_string(),
            None => return Err(ProxyError::NotAUrl(url::ParseError::EmptyHost)),
        };
        let peer = Peer {
            role: Role::Proxy,
            host,
            port: url.port_or_known_default().unwrap_or(80),
        };
        Ok(Self {
            peer,
            leg,
            credentials: Credentials::of(&url),
        })
    }
}

impl Credentials {
    /// RFC 7617: `user:password` in base64.
    fn of(url: &Url) -> Option<Self> {
        let (user, password) = (url.username(), url.password().unwrap_or_default());
        if user.is_empty() && password.is_empty() {
            return None;
        }
        let mut pair = Zeroizing::new(Vec::with_capacity(user.len() + password.len() + 1));
        pair.extend(percent_decode_str(user));
        pair.push(b':');
        pair.extend(percent_decode_str(password));
        let encoded = Zeroizing::new(STANDARD.encode(&*pair));
        Some(Self(Zeroizing::new(format!("Basic {}", *encoded))))
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.leg {
            Leg::Plain => "http",
            Leg::Tls(_) => "https",
        };
        write!(f, "{scheme}://{}", self.peer.authority())
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            peer,
            leg,
            credentials,
        } = self;
        f.debug_struct("Proxy")
            .field("peer", peer)
            .field("leg", leg)
            .field("credentials", &credentials.as_ref().map(|_| "<redacted>"))
            .finish()
    }
}

/// A text that is no proxy's address. The user is at fault; the text is not in the message, for a
/// password may be in it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ProxyError {
    /// Not a URL.
    #[error("the proxy's address is no URL: {0}")]
    NotAUrl(url::ParseError),
    /// A proxy of another kind, such as SOCKS.
    #[error("a proxy's address begins with http:// or https://, not {0}://")]
    Scheme(String),
    /// Something behind the port.
    #[error(
        "a proxy's address ends with its port; a password's /, ? and # are written %2F, %3F, %23"
    )]
    Path,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proxies_are_read_as_users_write_them() {
        for (text, shown, host, port) in [
            (
                "http://proxy.corp:3128",
                "http://proxy.corp:3128",
                "proxy.corp",
                3128,
            ),
            (
                "proxy.corp:3128",
                "http://proxy.corp:3128",
                "proxy.corp",
                3128,
            ),
            ("http://10.0.0.1/", "http://10.0.0.1:80", "10.0.0.1", 80),
            (
                "https://Proxy.corp",
                "https://proxy.corp:443",
                "proxy.corp",
                443,
            ),
            ("[::1]:8080", "http://[::1]:8080", "::1", 8080),
            (" u:p@proxy:1 ", "http://proxy:1", "proxy", 1),
        ] {
            let proxy: Proxy = text.parse().unwrap();
            let peer = proxy.peer();
            assert_eq!(
                (proxy.to_string().as_str(), peer.host.as_str(), peer.port),
                (shown, host, port)
            );
        }
    }

    #[test]
    fn credentials_are_decoded_for_the_proxy_and_shown_to_nobody() {
        let proxy: Proxy = "http://me:p%40ss%2Fw:rd@proxy:1".parse().unwrap();
        let expected = format!("Basic {}", STANDARD.encode("me:p@ss/w:rd"));
        assert_eq!(proxy.authorization(), Some(expected.as_str()));
        for shown in [format!("{proxy:?}"), format!("{proxy}")] {
            let secrets = ["me:", "ss", &expected, "Basic"];
            // `ss` is in no word that Debug writes here.
            assert!(
                secrets.iter().all(|secret| !shown.contains(secret)),
                "{shown}"
            );
        }
        let user_alone: Proxy = "http://me@proxy:1".parse().unwrap();
        let expected = format!("Basic {}", STANDARD.encode("me:"));
        assert_eq!(user_alone.authorization(), Some(expected.as_str()));
        let nobody: Proxy = "http://proxy:1".parse().unwrap();
        assert!(!nobody.has_credentials());
    }

    #[test]
    fn what_is_no_proxy_says_why_and_not_the_password() {
        let refusal = |text: &str| text.parse::<Proxy>().unwrap_err();
        assert!(matches!(refusal(""), ProxyError::NotAUrl(_)));
        assert_eq!(refusal("socks5://h:1"), ProxyError::Scheme("socks5".into()));
        assert_eq!(refusal("http://u:12/secret@h:1"), ProxyError::Path);
        for text in [
            "http://u:12/secret@h:1",
            "u:se/cret@h",
            "http://u:secret@h:99999",
        ] {
            let shown = format!("{0} {0:?}", refusal(text));
            assert!(!shown.contains("cret"), "{shown}");
        }
    }
}
