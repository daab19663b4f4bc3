//! The app behind the front: its traffic passes through, both ways at once, and nothing is kept.
//!
//! ```text
//! client ─▶ front ── headers.rs ──▶ pool.rs, connection.rs ──▶ app on 127.0.0.1 or [::1]
//!        ◀───────── body.rs ◀──────────────────────────────
//!        ◀═════════ upgrade.rs: bytes, after a 101 ═══════▶
//! ```
//! What the app answers is the app's: errors, sizes and times are not ours to judge. Only if it does
//! not answer at all, a 502 is ours, and a 400 where that is the client's fault.

pub(crate) mod body;
mod connection;
pub(crate) mod headers;
mod hearsay;
mod pool;
mod stream;
mod upgrade;

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::body::Body as OwnBody;
use hyper::body::{Body as _, Incoming};
use hyper::http::{HeaderValue, StatusCode, header};
use hyper::{Request, Response};
use thiserror::Error;
use tokio::net::TcpStream;
use tracing::debug;
use transport::tasks::Tasks;

use self::body::{AppBody, CutOff, RequestBody};
use self::connection::AppConnection;
use self::headers::prepare_response;
use self::pool::{Pool, SWEEP};
use super::copy::Copying;
use super::passage::{Stay, Whose};
use super::presence::Presence;

/// The app that traffic is passed to.
#[derive(Debug)]
pub(crate) struct Upstream {
    port: u16,
    /// For clients that name no host.
    host: HeaderValue,
    /// Whether the app was found on `[::1]` last.
    on_ipv6: AtomicBool,
    pool: Pool,
}

impl Upstream {
    pub(crate) fn new(port: u16) -> Self {
        let host = SocketAddr::from((Ipv4Addr::LOCALHOST, port)).to_string();
        Self {
            port,
            host: HeaderValue::try_from(host)
                .unwrap_or_else(|_| HeaderValue::from_static("localhost")),
            on_ipv6: AtomicBool::new(false),
            pool: Pool::default(),
        }
    }

    /// Closes connections that nobody uses, until `tasks` are told to stop.
    pub(crate) async fn tidy(self: Arc<Self>, tasks: Tasks) {
        let mut ticks = tokio::time::interval(SWEEP);
        loop {
            tokio::select! {
                _ = ticks.tick() => self.pool.sweep(),
                () = tasks.stopping() => return,
            }
        }
    }

    /// Passes a request to the app, and its answer back, and lets a copy be made if one is wanted.
    pub(crate) async fn pass(
        self: Arc<Self>,
        mut request: Request<Incoming>,
        stay: &Stay,
        copying: Option<Copying>,
    ) -> Response<Whose> {
        let method = request.method().clone();
        let client = upgrade::wanted(&mut request);
        let (mut head, body) = request.into_parts();
        stay.caller.prepare(&mut head, &self.host);
        let mut request = RequestBody::of(Request::from_parts(head, body), &stay.presence);
        let (tap, asking) = copying.map(Copying::split).unzip();
        if let Some(tap) = tap {
            request = request.map(|body| body.tapped(tap));
        }
        let answer = self.answer(request, &stay.presence).await;
        if let Some(asking) = asking {
            let status = answer.as_ref().map(|(response, _)| response.status());
            asking.answered(status.unwrap_or_else(Silence::status));
        }
        match answer {
            Ok((response, connection)) => {
                let (mut head, body) = response.into_parts();
                prepare_response(&mut head);
                let mut response = Response::from_parts(head, body);
                if upgrade::is_granted(&method, &response)
                    && let Some(client) = client
                {
                    upgrade::join(client, &mut response, connection, stay);
                    return response.map(|_| Whose::Own(OwnBody::empty()));
                }
                let presence = Arc::clone(&stay.presence);
                response.map(|body| Whose::App(AppBody::new(body, connection, self, presence)))
            }
            Err(silence) => {
                debug!("no answer from the app: {silence:?}");
                no_answer(&silence)
            }
        }
    }

    /// Sends a request over a connection that is free, or over a new one. The app may be closing a free
    /// one at this very moment: what may be asked twice then is, and what may not has a new one of its
    /// own, which on this machine takes less than a tenth of a millisecond.
    async fn answer(
        &self,
        mut request: Request<RequestBody>,
        client: &Presence,
    ) -> Result<(Response<Incoming>, AppConnection), Silence> {
        if let Some(spare) = repeated(&request)
            && let Some(mut connection) = self.pool.take()
        {
            match connection.exchange(request, client).await {
                Ok(response) => return Ok((response, connection)),
                Err(mut failed) => request = failed.take_message().unwrap_or(spare),
            }
        }
        let stream = self.connect().await.map_err(Silence::NotListening)?;
        let opened = AppConnection::open(stream).await;
        let mut connection = opened.map_err(Silence::Unanswered)?;
        match connection.exchange(request, client).await {
            Ok(response) => Ok((response, connection)),
            Err(failed) => Err(Silence::of(failed.into_error())),
        }
    }

    async fn connect(&self) -> io::Result<TcpStream> {
        let v4 = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let v6 = IpAddr::V6(Ipv6Addr::LOCALHOST);
        let on_ipv6 = self.on_ipv6.load(Ordering::Relaxed);
        let (first, second) = if on_ipv6 { (v6, v4) } else { (v4, v6) };
        let stream = match TcpStream::connect((first, self.port)).await {
            Err(refused) if refused.kind() == io::ErrorKind::ConnectionRefused => {
                // The first answer says more: a machine may have no IPv6.
                let other = TcpStream::connect((second, self.port)).await;
                let stream = other.map_err(|_| refused)?;
                self.on_ipv6.store(!on_ipv6, Ordering::Relaxed);
                stream
            }
            connected => connected?,
        };
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    /// Takes a connection back whose exchange has ended; closes it if it has not.
    fn give_back(&self, connection: AppConnection) {
        self.pool.put(connection);
    }
}

/// Returns a request once more if it asks for nothing but an answer.
fn repeated(request: &Request<RequestBody>) -> Option<Request<RequestBody>> {
    let may_be = request.method().is_safe() && request.body().is_end_stream();
    may_be.then(|| {
        let mut again = Request::new(RequestBody::empty());
        *again.method_mut() = request.method().clone();
        *again.uri_mut() = request.uri().clone();
        *again.headers_mut() = request.headers().clone();
        *again.extensions_mut() = request.extensions().clone();
        again
    })
}

/// Why there is no answer from the app.
#[derive(Debug, Error)]
enum Silence {
    #[error("the app behind this address is not listening")]
    NotListening(#[source] io::Error),
    #[error("the app behind this address closed the connection without an answer")]
    Unanswered(#[source] hyper::Error),
    #[error("the request's body is not whole")]
    NotAsked(#[source] hyper::Error),
}

impl Silence {
    fn of(failed: hyper::Error) -> Self {
        if CutOff::caused(&failed) {
            Self::NotAsked(failed)
        } else {
            Self::Unanswered(failed)
        }
    }

    /// Returns the status that says whose fault it is.
    const fn status(&self) -> StatusCode {
        match self {
            Self::NotListening(_) | Self::Unanswered(_) => StatusCode::BAD_GATEWAY,
            Self::NotAsked(_) => StatusCode::BAD_REQUEST,
        }
    }
}

fn no_answer(silence: &Silence) -> Response<Whose> {
    let status = silence.status();
    let text = OwnBody::from(format!("{}: {silence}.\n", status.as_u16()));
    let mut response = Response::new(Whose::Own(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    headers.insert(header::CONTENT_TYPE, plain);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // A proxy before us is to look for another instance.
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}
