//! OFREP on loopback: any OpenFeature SDK reads production's flags from here, with no code of ours.
//!
//! ```text
//! local app ── HTTP ──▶ guard ──▶ routes ─┬─ evaluate one, or all ──▶ View
//!                                         └─ events ◀── a change ──── watch of View
//! ```
//! Only this machine reaches it, and web pages only if they are this machine's: a name that leads here from
//! elsewhere is refused by the request's Host, another site's page by its Origin.

mod answers;
mod body;
mod events;
mod guard;
mod routes;
mod stall;
#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tracing::debug;
use transport::tasks::Tasks;

use self::routes::Routes;
use self::stall::Unstalled;
use super::view::View;

/// A port of loopback on which flags are served.
#[derive(Debug)]
pub struct Ofrep {
    /// The first is of IPv4; the other, where the machine has it, of IPv6, for who asks `localhost`.
    listeners: Vec<TcpListener>,
    port: u16,
}

impl Ofrep {
    /// Listens; with 0, on a port that the system chooses.
    ///
    /// # Errors
    /// [`BindError`] if the port cannot be had.
    pub async fn bind(port: u16) -> Result<Self, BindError> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await;
        let failed = |source| BindError { port, source };
        let listener = listener.map_err(failed)?;
        let port = listener.local_addr().map_err(failed)?.port();
        let mut listeners = vec![listener];
        match TcpListener::bind((Ipv6Addr::LOCALHOST, port)).await {
            Ok(listener) => listeners.push(listener),
            Err(error) => debug!("flags are not served on [::1]:{port}: {error}"),
        }
        Ok(Self { listeners, port })
    }

    /// Returns where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), self.port)
    }

    /// Serves the newest view until the tasks are told to stop.
    pub async fn run(self, views: watch::Receiver<Arc<View>>, tasks: &Tasks) {
        let routes = Arc::new(Routes::new(self.port, views));
        let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
        let accepting = self.listeners.iter();
        let accepting = accepting.map(|listener| accept(listener, &routes, &places, tasks));
        tokio::select! {
            _ = futures_util::future::join_all(accepting) => {}
            () = tasks.stopping() => {}
        }
    }
}

async fn accept(
    listener: &TcpListener,
    routes: &Arc<Routes>,
    places: &Arc<Semaphore>,
    tasks: &Tasks,
) {
    loop {
        let Ok(place) = Arc::clone(places).acquire_owned().await else {
            return;
        };
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        // An evaluation is one packet each way: it is not to wait for another.
        stream.set_nodelay(true).ok();
        let serving = serve(stream, Arc::clone(routes), tasks.clone());
        tasks.spawn("flags over HTTP", async move {
            serving.await;
            drop(place);
        });
    }
}

async fn serve<S>(stream: S, routes: Arc<Routes>, tasks: Tasks)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let answer = |request| {
        let routes = Arc::clone(&routes);
        async move { Ok::<_, Infallible>(routes.answer(request).await) }
    };
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(LONGEST_HEAD)
        .serve_connection(TokioIo::new(Unstalled::new(stream)), service_fn(answer));
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        // A stream of events has no end of its own.
        () = tasks.stopping() => return,
    };
    if let Err(error) = ended {
        debug!("a connection for flags ended early: {error}");
    }
}

/// A port that cannot be had.
#[derive(Debug, Error)]
#[error("cannot listen on 127.0.0.1:{port}")]
pub struct BindError {
    /// Which.
    pub port: u16,
    source: io::Error,
}

impl BindError {
    /// Whether another program has it.
    #[must_use]
    pub fn is_in_use(&self) -> bool {
        self.source.kind() == io::ErrorKind::AddrInUse
    }
}

/// The port at which flagd serves OFREP.
pub const USUAL_PORT: u16 = 8016;

/// A dozen local programs, each with connections for its requests and one for events.
const MOST_CONNECTIONS: usize = 256;

/// Streams have no end: half of the places are left for what has.
const MOST_STREAMS: usize = MOST_CONNECTIONS / 2;

/// hyper's least, and more than any client of OFREP sends.
const LONGEST_HEAD: usize = 16 * 1024;

/// How long a connection may be silent before its next request's head is there: SDKs poll twice a minute.
const HEAD_TIME: Duration = Duration::from_secs(75);

/// No descriptor left: to ask at once would only burn time.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
