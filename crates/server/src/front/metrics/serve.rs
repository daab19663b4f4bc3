//! Where metrics are read: at a path of the front, with a key; or on a port of their own.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use serde::Deserialize;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tracing::{debug, warn};
use transport::tasks::Tasks;
use transport::trust::Secret;

use super::SharedMetrics;
use crate::error::ServerError;

/// The section `[metrics]` of `tunnel.toml`: a port of their own, where nobody needs a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct MetricsConfig {
    port: Option<u16>,
    address: IpAddr,
}

impl Default for MetricsConfig {
    fn default() -> Self {
        Self {
            port: None,
            // Whoever lets others in says so.
            address: Ipv4Addr::LOCALHOST.into(),
        }
    }
}

/// What the route shows, and to whom.
#[derive(Clone, Debug)]
struct Exposition {
    metrics: SharedMetrics,
    key: Arc<Secret>,
}

/// Returns the route of the front, for whoever has the key; without a key there is none.
pub(crate) fn routes(metrics: SharedMetrics, key: Option<Secret>) -> Router {
    let Some(key) = key.map(Arc::new) else {
        return Router::new();
    };
    Router::new()
        .route(PATH, get(guarded))
        .with_state(Exposition { metrics, key })
}

/// Counts the requests to routes of the tunnel's own.
pub(crate) fn counted(routes: Router, name: &'static str, metrics: SharedMetrics) -> Router {
    if !routes.has_routes() {
        return routes;
    }
    let count = move |State(metrics): State<SharedMetrics>, request: Request, next: Next| async move {
        let response = next.run(request).await;
        metrics.request(name, response.status());
        response
    };
    routes.route_layer(from_fn_with_state(metrics, count))
}

async fn guarded(State(exposition): State<Exposition>, headers: HeaderMap) -> Response {
    if bearer(&headers).is_some_and(|shown| exposition.key.matches(shown)) {
        return text(&exposition.metrics);
    }
    let scheme = [(header::WWW_AUTHENTICATE, "Bearer")];
    (
        StatusCode::UNAUTHORIZED,
        scheme,
        "the metrics need their key: send it as `Authorization: Bearer KEY`\n",
    )
        .into_response()
}

/// Returns the token of the request, if it has exactly one.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return None;
    };
    let (scheme, token) = value.as_bytes().split_at_checked(SCHEME.len())?;
    scheme
        .eq_ignore_ascii_case(SCHEME)
        .then(|| token.trim_ascii())
}

fn text(metrics: &SharedMetrics) -> Response {
    match metrics.text() {
        Ok(text) => {
            let headers = [
                (header::CONTENT_TYPE, OPEN_METRICS),
                (header::CACHE_CONTROL, "no-store"),
            ];
            (headers, text).into_response()
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// A port for metrics alone.
#[derive(Debug)]
pub(crate) struct OwnPort {
    listener: TcpListener,
}

impl OwnPort {
    /// Listens, if the configuration says where.
    ///
    /// # Errors
    /// [`ServerError::Http`] if the port cannot be had.
    pub(crate) async fn bind(config: MetricsConfig) -> Result<Option<Self>, ServerError> {
        let Some(port) = config.port else {
            return Ok(None);
        };
        let address = SocketAddr::new(config.address, port);
        let listener = TcpListener::bind(address).await;
        let listener = listener.map_err(|source| ServerError::Http { address, source })?;
        Ok(Some(Self { listener }))
    }

    /// Returns the address that it listens on.
    pub(crate) fn local_addr(&self) -> Option<SocketAddr> {
        self.listener.local_addr().ok()
    }

    /// Serves until `tasks` are told to stop.
    pub(crate) async fn run(self, metrics: SharedMetrics, tasks: Tasks) {
        let show = |State(metrics): State<SharedMetrics>| async move { text(&metrics) };
        let routes = Router::new()
            .route(PATH, get(show))
            .route("/metrics", get(show))
            .with_state(metrics);
        let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                () = tasks.stopping() => return,
            };
            let Ok((stream, _)) = accepted.inspect_err(|error| warn!("metrics: {error}")) else {
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            };
            // One too many is turned away, by the end of its connection.
            if let Ok(place) = Arc::clone(&places).try_acquire_owned() {
                let serving = serve(stream, routes.clone());
                tasks.spawn("metrics", async move {
                    serving.await;
                    drop(place);
                });
            }
        }
    }
}

async fn serve(stream: TcpStream, routes: Router) {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(routes));
    match tokio::time::timeout(CONNECTION_TIME, connection).await {
        Ok(Ok(())) | Err(_) => {}
        Ok(Err(error)) => debug!("a connection for metrics ended early: {error}"),
    }
}

/// The path of the front; a port of its own answers `/metrics` too, as scrapers ask.
const PATH: &str = "/_tunnel/metrics";

const SCHEME: &[u8] = b"Bearer ";

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// A few scrapers, and a person.
const MOST_CONNECTIONS: usize = 16;

/// A scraper asks once, and reads some kilobytes.
const CONNECTION_TIME: Duration = Duration::from_secs(10);

/// No descriptor left: to ask at once would only burn time.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
