//! Which web pages may read what the tunnel's own paths answer: CORS, for origins that are named.

use axum::http::{HeaderName, HeaderValue, Method, header};
use serde::Deserialize;
use thiserror::Error;
use tower_http::cors::{Any, CorsLayer};

/// The section `[front]` of `tunnel.toml`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct FrontConfig {
    /// The origins of pages that may call the tunnel's own paths.
    pub(crate) cors_origins: Vec<String>,
}

/// The origins whose pages may.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Origins {
    /// None.
    #[default]
    Nowhere,
    /// These, with the credentials that a browser adds.
    Named(Vec<HeaderValue>),
    /// All, without credentials.
    Anywhere,
}

/// An origin that is none. The operator is at fault.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the CORS origin {origin:?} {reason}")]
pub struct OriginError {
    origin: String,
    reason: &'static str,
}

impl Origins {
    /// Reads origins, each of which may be several separated by commas.
    ///
    /// # Errors
    /// [`OriginError`] if one is none.
    pub(crate) fn parse<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Self, OriginError> {
        let items = texts.into_iter().flat_map(|text| text.split(','));
        let items: Vec<_> = items
            .map(str::trim)
            .filter(|item| !item.is_empty())
            .collect();
        match items[..] {
            [] => Ok(Self::Nowhere),
            ["*"] => Ok(Self::Anywhere),
            _ => Ok(Self::Named(
                items.into_iter().map(origin).collect::<Result<_, _>>()?,
            )),
        }
    }

    /// Makes the layer that answers preflights and names the origin in replies; none where no page
    /// may.
    pub(crate) fn layer(&self) -> Option<CorsLayer> {
        let layer = CorsLayer::new()
            .allow_methods([Method::GET, Method::POST])
            .allow_headers([header::AUTHORIZATION, header::CONTENT_TYPE, TUNNEL_KEY])
            .expose_headers([header::RETRY_AFTER])
            .max_age(PREFLIGHT);
        match self {
            Self::Nowhere => None,
            Self::Named(origins) => {
                let named = layer.allow_origin(origins.clone());
                Some(named.allow_credentials(true))
            }
            Self::Anywhere => Some(layer.allow_origin(Any)),
        }
    }
}

/// Reads one origin, as browsers write them (RFC 6454, section 6.1).
fn origin(text: &str) -> Result<HeaderValue, OriginError> {
    let wrong = |reason| OriginError {
        origin: text.to_owned(),
        reason,
    };
    if text == "*" {
        return Err(wrong("stands for all, and cannot be beside others"));
    }
    if text.contains('*') {
        return Err(wrong("has a wildcard: name each origin"));
    }
    let (scheme, authority) = text
        .split_once("://")
        .ok_or_else(|| wrong("has no scheme: write it as https://app.example.com"))?;
    let scheme = scheme.to_ascii_lowercase();
    if scheme != "https" && scheme != "http" {
        return Err(wrong("is neither https:// nor http://"));
    }
    if authority.contains(['/', '?', '#']) {
        return Err(wrong(
            "has a path: an origin ends with the host, or its port",
        ));
    }
    let host = host_and_port(authority, &scheme).ok_or_else(|| wrong("has no host, or no port"))?;
    HeaderValue::try_from(format!("{scheme}://{host}"))
        .map_err(|_| wrong("is no text for a header"))
}

/// Returns the host in lower case, with the port unless it is the scheme's own: as browsers do.
fn host_and_port(authority: &str, scheme: &str) -> Option<String> {
    let parsed: axum::http::uri::Authority = authority.parse().ok()?;
    if parsed.host().is_empty() || authority.contains('@') {
        return None;
    }
    let host = parsed.host().to_ascii_lowercase();
    let usual = if scheme == "https" { 443 } else { 80 };
    match (parsed.port_u16(), authority.ends_with(':')) {
        (None, false) if authority.len() == parsed.host().len() => Some(host),
        (Some(port), _) if port == usual => Some(host),
        (Some(port), _) => Some(format!("{host}:{port}")),
        (None, _) => None,
    }
}

/// What senders of log lines that have another use for `Authorization` show their key in.
const TUNNEL_KEY: HeaderName = HeaderName::from_static("x-tunnel-key");

/// An hour: a browser keeps an answer no longer than two.
const PREFLIGHT: std::time::Duration = std::time::Duration::from_secs(3600);

#[cfg(test)]
mod tests {
    use super::*;

    fn named(text: &str) -> Vec<String> {
        match Origins::parse([text]).unwrap() {
            Origins::Named(origins) => origins
                .iter()
                .map(|origin| origin.to_str().unwrap().to_owned())
                .collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn origins_are_read_as_browsers_write_them() {
        assert_eq!(
            named("https://app.example.com, http://localhost:5173"),
            ["https://app.example.com", "http://localhost:5173"]
        );
        assert_eq!(
            named("HTTPS://App.Example.com:443"),
            ["https://app.example.com"]
        );
        assert_eq!(named("http://[::1]:8080"), ["http://[::1]:8080"]);
        assert_eq!(Origins::parse(["*"]), Ok(Origins::Anywhere));
        assert_eq!(Origins::parse([" , "]), Ok(Origins::Nowhere));
        assert_eq!(Origins::parse([]), Ok(Origins::Nowhere));
    }

    #[test]
    fn what_is_no_origin_is_refused_with_what_is_wrong() {
        for (text, wrong) in [
            ("app.example.com", "scheme"),
            ("https://app.example.com/", "path"),
            ("https://app.example.com/a?b", "path"),
            ("https://*.example.com", "wildcard"),
            ("*, https://app.example.com", "beside"),
            ("ftp://app.example.com", "neither"),
            ("https://", "host"),
            ("https://me@app.example.com", "host"),
            ("https://app.example.com:", "port"),
            ("https://app.example.com:99999", "port"),
            ("https://a b", "host"),
            ("null", "scheme"),
        ] {
            let error = Origins::parse([text]).unwrap_err().to_string();
            assert!(error.contains(wrong), "{text}: {error}");
        }
    }
}
