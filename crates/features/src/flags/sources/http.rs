//! Asks a service over HTTP for flags, with the ETag of its last answer.

use std::sync::Arc;
use std::time::Duration;

use axum::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::response::Parts;
use axum::http::uri::Scheme;
use axum::http::{HeaderValue, Method, Request, StatusCode, Uri};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use http_body_util::Full;
use thiserror::Error;
use tokio::time::timeout;
use transport::reach::{ProxySettings, ProxySettingsError, Route, Security, TlsTrust, TrustError};
use transport::tasks::heavy;

use super::{Polled, answers};
use crate::exchange::{ExchangeError, exchange, to};
use crate::flags::MOST_BYTES;
use crate::flags::config::Format;
use crate::flags::set::Reading;

/// Where flags are asked for.
#[derive(Clone, Debug)]
pub(super) struct Place {
    format: Format,
    scheme: Scheme,
    host: String,
    port: u16,
    authority: String,
    path: String,
}

/// Asks one place.
#[derive(Debug)]
pub(super) struct Asker {
    place: Place,
    token: Option<HeaderValue>,
    proxies: ProxySettings,
    security: Option<Security>,
    etag: Option<HeaderValue>,
}

impl Place {
    /// Reads an address.
    pub(super) fn parse(url: &str, format: Format) -> Result<Self, PlaceError> {
        let uri: Uri = url.parse().map_err(|_| PlaceError::Address)?;
        let host = uri.host().ok_or(PlaceError::Address)?;
        let host = host.trim_matches(['[', ']']).to_owned();
        let is_local = matches!(&*host, "127.0.0.1" | "::1" | "localhost");
        let (scheme, usual) = match uri.scheme_str() {
            Some("https") => (Scheme::HTTPS, 443),
            // A token would lie open on its way, and anybody could change a flag there.
            Some("http") if is_local => (Scheme::HTTP, 80),
            _ => return Err(PlaceError::Address),
        };
        let authority = uri.authority().ok_or(PlaceError::Address)?;
        if authority.as_str().contains('@') {
            return Err(PlaceError::Password);
        }
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let path = match format {
            Format::Ofrep if !path.contains(OFREP) => {
                format!("{}{OFREP}", path.trim_end_matches('/'))
            }
            _ => path.to_owned(),
        };
        Ok(Self {
            format,
            scheme,
            host,
            port: uri.port_u16().unwrap_or(usual),
            authority: authority.to_string(),
            path,
        })
    }
}

impl Polled for Asker {
    fn poll(&mut self) -> BoxFuture<'_, Option<Reading>> {
        Box::pin(self.ask())
    }
}

impl Asker {
    pub(super) const fn new(
        place: Place,
        token: Option<HeaderValue>,
        proxies: ProxySettings,
    ) -> Self {
        Self {
            place,
            token,
            proxies,
            security: None,
            etag: None,
        }
    }

    /// Trusts others than the system's authorities.
    #[cfg(test)]
    pub(super) fn trusting(mut self, tls: TlsTrust) -> Self {
        self.security = Some(Security::Tls(Arc::new(tls)));
        self
    }

    /// Asks; `None` if nothing has changed.
    async fn ask(&mut self) -> Option<Reading> {
        let asked = timeout(LONGEST, self.fetch()).await;
        match asked.unwrap_or(Err(Trouble::Slow)) {
            Ok(None) => None,
            Ok(Some((etag, body))) => {
                let reading = answers::read(self.place.format, &body);
                self.etag = etag.filter(|_| reading.is_ok());
                Some(reading)
            }
            Err(trouble) => {
                // What it says next is news, even if it is what it said before.
                self.etag = None;
                Some(Err(trouble.to_string()))
            }
        }
    }

    async fn fetch(&mut self) -> Result<Option<(Option<HeaderValue>, Bytes)>, Trouble> {
        let route = self.route()?;
        let stream = route.connect().await.map_err(|_| Trouble::Unreachable)?;
        let accept = |answer: &Parts| match answer.status {
            StatusCode::NOT_MODIFIED => Ok(()),
            status if status.is_success() => Ok(()),
            status => Err(Trouble::Refused(status)),
        };
        let answer = exchange(stream, self.request()?, MOST_BYTES, accept).await?;
        if answer.status() == StatusCode::NOT_MODIFIED {
            return Ok(None);
        }
        let etag = answer.headers().get(ETAG).cloned();
        Ok(Some((etag, answer.into_body())))
    }

    fn route(&mut self) -> Result<Route, Trouble> {
        let security = match &self.security {
            Some(security) => security.clone(),
            None if self.place.scheme == Scheme::HTTP => Security::Plain,
            // Reads the system's authorities, which takes some tenths of a second.
            None => Security::Tls(Arc::new(heavy(TlsTrust::system)?)),
        };
        self.security = Some(security.clone());
        let Place { host, port, .. } = &self.place;
        let proxy = self.proxies.for_server(&security, host, *port);
        Ok(Route {
            host: host.clone(),
            port: *port,
            security,
            proxy: proxy?,
        })
    }

    fn request(&self) -> Result<Request<Full<Bytes>>, Trouble> {
        let (method, body) = match self.place.format {
            Format::Ofrep => (Method::POST, EMPTY_CONTEXT),
            Format::Unleash => (Method::GET, ""),
        };
        let mut request = to(&self.place.authority)
            .method(method)
            .uri(&self.place.path)
            .header(ACCEPT, "application/json");
        if !body.is_empty() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        if let Some(token) = &self.token {
            request = request.header(AUTHORIZATION, self.credentials(token));
        }
        if let Some(etag) = &self.etag {
            request = request.header(IF_NONE_MATCH, etag);
        }
        let whole = request.body(Full::new(Bytes::from_static(body.as_bytes())));
        whole.map_err(|_| Trouble::Address)
    }

    /// Shows the token as each format wants it: Unleash's has no scheme before it.
    fn credentials(&self, token: &HeaderValue) -> HeaderValue {
        let bearer = match self.place.format {
            Format::Ofrep => HeaderValue::from_bytes(&[b"Bearer ", token.as_bytes()].concat()).ok(),
            Format::Unleash => None,
        };
        let mut header = bearer.unwrap_or_else(|| token.clone());
        header.set_sensitive(true);
        header
    }
}

/// A question without an answer.
#[derive(Debug, Error)]
enum Trouble {
    #[error("{0}")]
    Trust(#[from] TrustError),
    #[error("{0}")]
    Proxy(#[from] ProxySettingsError),
    #[error("its address makes no request")]
    Address,
    #[error("it cannot be reached")]
    Unreachable,
    #[error("the connection to it broke off")]
    Http,
    #[error("it answers {0}")]
    Refused(StatusCode),
    #[error("its answer broke off")]
    Broken,
    #[error("its answer has over 8 MiB")]
    Long,
    #[error("there was no answer in time")]
    Slow,
}

impl From<ExchangeError> for Trouble {
    fn from(error: ExchangeError) -> Self {
        match error {
            // What hyper says may have a piece of the answer in it.
            ExchangeError::Http(_) => Self::Http,
            ExchangeError::Broken => Self::Broken,
            ExchangeError::Long => Self::Long,
        }
    }
}

/// An address that cannot be asked. The operator is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(in crate::flags) enum PlaceError {
    #[error("url is no https address (http is for this machine alone)")]
    Address,
    #[error(
        "url has a user or a password in it: put a token in a variable, and its name in token-env"
    )]
    Password,
}

/// Where OFREP evaluates all flags.
const OFREP: &str = "/ofrep/v1/evaluate/flags";

const EMPTY_CONTEXT: &str = "{\"context\":{}}";

/// Dialling, TLS, and a slow day of whoever answers.
const LONGEST: Duration = Duration::from_secs(10);
