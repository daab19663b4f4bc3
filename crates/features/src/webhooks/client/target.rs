//! Where a local app is: the address that deliveries are posted to.

use std::fmt;
use std::str::FromStr;

use http::HeaderValue;
use http::uri::{Authority, PathAndQuery};
use thiserror::Error;

/// The address of a local app: `3000`, `3000/hooks`, `localhost:3000`, `http://127.0.0.1:3000/hooks`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Target {
    host: String,
    port: u16,
    path: Option<PathAndQuery>,
    authority: HeaderValue,
}

impl Target {
    /// Returns the host's name or address, without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Returns the port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Posts to this path instead of that to which a delivery was sent.
    ///
    /// # Errors
    /// [`TargetError`] if it is none.
    pub fn with_path(mut self, path: &str) -> Result<Self, TargetError> {
        self.path = Some(parse_path(path)?);
        Ok(self)
    }

    /// Returns what `Host` says.
    pub(super) const fn authority(&self) -> &HeaderValue {
        &self.authority
    }

    /// Returns what a request for `target` asks this app for: the path of ours, if there is one, and
    /// the query of theirs; `None` if `target` is no path.
    pub(super) fn path_for(&self, target: &str) -> Option<PathAndQuery> {
        let theirs = || target.starts_with('/').then(|| target.parse().ok())?;
        match &self.path {
            None => theirs(),
            Some(ours) if ours.query().is_some() => Some(ours.clone()),
            Some(ours) => match target.split_once('?') {
                None => Some(ours.clone()),
                Some((_, query)) => format!("{}?{query}", ours.path()).parse().ok(),
            },
        }
    }

    /// Returns the address at which a request for `target` reaches the local app.
    #[must_use]
    pub fn url(&self, target: &str) -> String {
        let path = self.path_for(target);
        let path = path.as_ref().map_or("/", PathAndQuery::as_str);
        format!("http://{}{path}", self.shown())
    }

    /// Returns the address that a signature covers, without the query of the request, which belongs to
    /// it too.
    pub(super) fn url_to_sign(&self, target: &str) -> String {
        let bare = target.split_once('?').map_or(target, |(path, _)| path);
        self.url(bare)
    }

    fn shown(&self) -> String {
        authority(&self.host, self.port)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.as_ref().map_or("", PathAndQuery::as_str);
        write!(f, "http://{}{path}", self.shown())
    }
}

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        let text = text.trim();
        let rest = match text.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => rest,
            Some((scheme, _)) if scheme.eq_ignore_ascii_case("https") => {
                return Err(TargetError::Tls);
            }
            Some(_) => return Err(TargetError::Form),
            None => text,
        };
        let is_url = rest.len() < text.len();
        let (place, path) = match rest.find('/') {
            Some(slash) => rest.split_at(slash),
            None => (rest, ""),
        };
        let (host, port) = host_and_port(place, is_url)?;
        let shown = authority(&host, port);
        Ok(Self {
            path: (!path.is_empty()).then(|| parse_path(path)).transpose()?,
            authority: HeaderValue::try_from(shown).map_err(|_| TargetError::Form)?,
            host,
            port,
        })
    }
}

/// Reads `3000`, `:3000` and `host:3000`; in a URL, the port may be left out.
fn host_and_port(place: &str, is_url: bool) -> Result<(String, u16), TargetError> {
    let port = |text: &str| match text.parse() {
        Ok(0) | Err(_) => Err(TargetError::Port),
        Ok(port) => Ok(port),
    };
    if !is_url && place.bytes().all(|it| it.is_ascii_digit()) {
        return Ok((LOCALHOST.to_owned(), port(place)?));
    }
    if let Some(number) = place.strip_prefix(':') {
        return Ok((LOCALHOST.to_owned(), port(number)?));
    }
    let parsed: Authority = place.parse().map_err(|_| TargetError::Form)?;
    if place.contains('@') {
        return Err(TargetError::Form);
    }
    let host = parsed.host().trim_matches(['[', ']']).to_owned();
    match place.rsplit_once(':') {
        Some((_, number)) if !place.ends_with(']') => Ok((host, port(number)?)),
        _ if is_url => Ok((host, 80)),
        _ => Err(TargetError::Port),
    }
}

fn parse_path(path: &str) -> Result<PathAndQuery, TargetError> {
    // A fragment stays at home, and parsing would leave it out in silence.
    if !path.starts_with('/') || path.contains('#') {
        return Err(TargetError::Path);
    }
    path.parse().map_err(|_| TargetError::Path)
}

fn authority(host: &str, port: u16) -> String {
    if host.contains(':') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    }
}

/// A text that is no local app's address. Whoever wrote it is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum TargetError {
    /// It is no address.
    #[error("not an address: write 3000, 3000/path, or http://host:port/path")]
    Form,
    /// It has no port.
    #[error("it needs a port from 1 to 65535, as in localhost:3000")]
    Port,
    /// Its path is none.
    #[error("a path begins with / and has no #")]
    Path,
    /// It wants TLS.
    #[error("a local app is spoken to over http, not https")]
    Tls,
}

const LOCALHOST: &str = "localhost";

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Result<String, TargetError> {
        text.parse().map(|target: Target| target.to_string())
    }

    #[test]
    fn an_address_may_be_short() {
        for (text, url) in [
            ("3000", "http://localhost:3000"),
            (":3000", "http://localhost:3000"),
            ("3000/hooks", "http://localhost:3000/hooks"),
            ("app.test:8080", "http://app.test:8080"),
            ("http://127.0.0.1:3000/a?b=c", "http://127.0.0.1:3000/a?b=c"),
            ("http://app.test/", "http://app.test:80/"),
            ("[::1]:3000", "http://[::1]:3000"),
        ] {
            assert_eq!(shown(text).as_deref(), Ok(url), "{text}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused_with_the_reason() {
        use TargetError::{Form, Path, Port, Tls};
        for (text, error) in [
            ("", Port),
            ("0", Port),
            ("65536", Port),
            ("localhost", Port),
            ("localhost:x", Port),
            ("local host:3000", Form),
            ("https://localhost:3000", Tls),
            ("ftp://localhost:3000", Form),
            ("me:secret@localhost:3000", Form),
            ("3000/a#b", Path),
            ("3000/a b", Path),
        ] {
            assert_eq!(shown(text), Err(error), "{text}");
        }
    }

    #[test]
    fn a_path_of_ours_takes_the_place_of_theirs_and_keeps_their_query() {
        let target = |text: &str| text.parse::<Target>().unwrap();
        let theirs = "/api/webhooks/stripe/a%2Fb/../c?x=1&x=2";
        for (text, path) in [
            ("3000", theirs),
            ("3000/hooks", "/hooks?x=1&x=2"),
            ("3000/hooks?y=3", "/hooks?y=3"),
        ] {
            let found = target(text).path_for(theirs);
            assert_eq!(found.unwrap().as_str(), path, "{text}");
        }
        assert_eq!(target("3000").path_for("*"), None);
        assert_eq!(target("3000/x").url("/y"), "http://localhost:3000/x");
    }
}
