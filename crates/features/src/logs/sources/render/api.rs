//! Asks Render's API: for a page of a log, for a subscription to it, for the name of a service.

use std::time::Duration;

use axum::http::header::{AUTHORIZATION, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode};
use bytes::Bytes;
use http_body_util::Full;
use percent_encoding::utf8_percent_encode;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use thiserror::Error;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, Error as SocketError};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};
use transport::reach::{ByteStream, ReachError, Route, Security};

use super::config::UNRESERVED;
use super::entry::LogEntry;
use crate::exchange::{ExchangeError, exchange, to};

/// A subscription.
pub(super) type Socket = WebSocketStream<ByteStream>;

/// Render's API, for one workspace and what is followed there.
pub(super) struct Api {
    route: Route,
    authority: String,
    key: HeaderValue,
    query: String,
}

/// A part of a log, from its first time to its last, as RFC 3339 has them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) from: String,
    /// Now, unless it says otherwise.
    pub(super) until: Option<String>,
}

/// An answer to the question for a span: as much as fits, and where to go on.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Page {
    pub(super) logs: Vec<LogEntry>,
    #[serde(default)]
    pub(super) has_more: bool,
    pub(super) next_start_time: Option<String>,
    pub(super) next_end_time: Option<String>,
}

impl Api {
    pub(super) fn new(route: Route, key: HeaderValue, query: String) -> Self {
        let host = if route.host.contains(':') {
            format!("[{}]", route.host)
        } else {
            route.host.clone()
        };
        let authority = match (&route.security, route.port) {
            (Security::Plain, 80) | (Security::Tls(_), 443) => host,
            (_, port) => format!("{host}:{port}"),
        };
        Self {
            route,
            authority,
            key,
            query,
        }
    }

    /// Asks for the entries of a span, the oldest first.
    pub(super) async fn page(&self, span: &Span) -> Result<Page, ApiError> {
        let encoded = |text| utf8_percent_encode(text, UNRESERVED);
        let mut path = format!(
            "/v1/logs?{}&direction=forward&limit={PAGE}&startTime={}",
            self.query,
            encoded(&span.from)
        );
        if let Some(until) = &span.until {
            path.push_str(&format!("&endTime={}", encoded(until)));
        }
        self.get(&path).await
    }

    /// Asks for the name under which people know a service.
    pub(super) async fn slug(&self, service: &str) -> Result<String, ApiError> {
        #[derive(Deserialize)]
        struct Service {
            slug: String,
        }
        let service = utf8_percent_encode(service, UNRESERVED);
        let service: Service = self.get(&format!("/v1/services/{service}")).await?;
        Ok(service.slug)
    }

    /// Opens a subscription to what is written from now on.
    pub(super) async fn subscribe(&self) -> Result<Socket, ApiError> {
        let address = format!("ws://{}/v1/logs/subscribe?{}", self.authority, self.query);
        let mut request = address.into_client_request()?;
        request
            .headers_mut()
            .insert(AUTHORIZATION, self.key.clone());
        let config = WebSocketConfig::default()
            .max_message_size(Some(LONGEST_MESSAGE))
            .max_frame_size(Some(LONGEST_MESSAGE));
        let opening = async {
            let stream = self.route.connect().await?;
            Ok(client_async_with_config(request, stream, Some(config)).await?)
        };
        let opened: Result<_, ApiError> = timeout(ANSWER, opening)
            .await
            .unwrap_or(Err(ApiError::Slow));
        opened.map(|(socket, _)| socket)
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ApiError> {
        let asking = self.ask(path);
        let body = timeout(ANSWER, asking)
            .await
            .unwrap_or(Err(ApiError::Slow))?;
        serde_json::from_slice(&body).map_err(|_| ApiError::Form)
    }

    /// Asks over a connection of its own: pages are rare, and far apart.
    async fn ask(&self, path: &str) -> Result<Bytes, ApiError> {
        let stream = self.route.connect().await?;
        let request = to(&self.authority)
            .uri(path)
            .header(AUTHORIZATION, self.key.clone())
            .body(Full::default())
            .map_err(|_| ApiError::Form)?;
        let answer = exchange(stream, request, LONGEST_PAGE, |answer| {
            judge(answer.status, &answer.headers)
        });
        answer.await.map(Response::into_body)
    }
}

/// Says what a status means for whoever asked.
fn judge(status: StatusCode, headers: &HeaderMap) -> Result<(), ApiError> {
    match status {
        _ if status.is_success() => Ok(()),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(ApiError::Key),
        StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT => {
            Err(ApiError::Later(retry_after(headers)))
        }
        _ if status.is_server_error() => Err(ApiError::Later(retry_after(headers))),
        _ => Err(ApiError::Refused(status)),
    }
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers
        .get(RETRY_AFTER)?
        .to_str()
        .ok()?
        .trim()
        .parse()
        .ok()?;
    Some(Duration::from_secs(seconds).min(LONGEST_WAIT))
}

/// A question that was not answered as it was asked.
#[derive(Debug, Error)]
pub(super) enum ApiError {
    #[error("Render refuses the API key, or it may not see this workspace")]
    Key,
    #[error(
        "Render does not know what is asked for ({0}): check owner and resources under \
         [logs.render]; what was made anew has another id"
    )]
    Refused(StatusCode),
    #[error("Render asks to come again later")]
    Later(Option<Duration>),
    #[error("reach Render's API")]
    Reach(#[from] Box<ReachError>),
    #[error("speak HTTP with Render's API")]
    Http(#[source] hyper::Error),
    #[error("speak WebSocket with Render's API")]
    Socket(#[source] Box<SocketError>),
    #[error("the answer broke off")]
    Broken,
    #[error("there was no answer in time")]
    Slow,
    #[error("the answer is of another form than Render documents")]
    Form,
}

impl From<ReachError> for ApiError {
    fn from(error: ReachError) -> Self {
        Self::Reach(Box::new(error))
    }
}

impl From<ExchangeError> for ApiError {
    fn from(error: ExchangeError) -> Self {
        match error {
            ExchangeError::Http(error) => Self::Http(error),
            ExchangeError::Broken | ExchangeError::Long => Self::Broken,
        }
    }
}

impl From<SocketError> for ApiError {
    fn from(error: SocketError) -> Self {
        match error {
            tungstenite::Error::Http(response) => {
                // An upgrade that was answered with a success is none.
                judge(response.status(), response.headers())
                    .err()
                    .unwrap_or(Self::Form)
            }
            error => Self::Socket(Box::new(error)),
        }
    }
}

/// The most that Render gives at once.
const PAGE: u32 = 100;

/// Dialling, TLS, and a slow day of Render's.
const ANSWER: Duration = Duration::from_secs(30);

/// A hundred entries of the longest line that Render takes, and their labels.
const LONGEST_PAGE: usize = 16 * 1024 * 1024;

/// One entry.
const LONGEST_MESSAGE: usize = 2 * 1024 * 1024;

/// Whoever asks for more has made a mistake.
const LONGEST_WAIT: Duration = Duration::from_secs(10 * 60);
