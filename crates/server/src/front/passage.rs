//! A client's connection where an app is behind the front: the tunnel's own paths are answered here,
//! and everything else is the app's, but for what a feature takes.

use std::convert::Infallible;
use std::error::Error;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::Body as OwnBody;
use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpStream;
use tracing::debug;
use transport::carrier::websocket::PATH;
use transport::tasks::Tasks;

use super::entries::{Claimed, Entries};
use super::forwarded::Peer;
use super::hall::Place;
use super::metrics::SharedMetrics;
use super::presence::{Answering, By, ClientStream, Presence};
use super::upstream::Upstream;
use super::upstream::body::AppBody;
use super::upstream::headers::Caller;
use super::{MOST_APP_HEADER_LINES, MOST_APP_HEADERS};

/// What the front answers with, where an app is behind it.
#[derive(Clone, Debug)]
pub(super) struct Surface {
    pub(super) own: Router,
    pub(super) entries: Entries,
    pub(super) upstream: Arc<Upstream>,
    pub(super) metrics: SharedMetrics,
}

/// A client's connection.
#[derive(Clone, Debug)]
pub(crate) struct Stay {
    pub(crate) caller: Caller,
    /// Its place among the connections that there may be; an upgraded one keeps it.
    pub(crate) place: Arc<Place>,
    /// The owner of what outlives HTTP on it.
    pub(crate) tasks: Tasks,
    pub(super) presence: Arc<Presence>,
    peer: SocketAddr,
}

/// The body of an answer.
#[derive(Debug)]
pub(super) struct FrontBody {
    body: Whose,
    _answering: Answering,
}

/// A body of ours or of the app's.
#[derive(Debug)]
pub(super) enum Whose {
    Own(OwnBody),
    App(AppBody),
}

impl Stay {
    pub(super) fn new(peer: SocketAddr, place: Place, tasks: Tasks) -> Self {
        Self {
            caller: Caller::new(peer),
            place: Arc::new(place),
            tasks,
            presence: Arc::default(),
            peer,
        }
    }
}

impl Surface {
    /// Serves requests until the connection ends, or leaves HTTP. Told to stop, it finishes the
    /// request that is under way and says in its answer that it is the last.
    pub(super) async fn serve(self, stream: TcpStream, stay: Stay) {
        let (stopping, presence) = (stay.tasks.clone(), Arc::clone(&stay.presence));
        let stream = ClientStream::new(stream, Arc::clone(&presence));
        let answer = |request| {
            let (surface, stay) = (self.clone(), stay.clone());
            async move { Ok::<_, Infallible>(surface.answer(request, &stay).await) }
        };
        let connection = http1::Builder::new()
            .preserve_header_case(true)
            .title_case_headers(true)
            .max_buf_size(MOST_APP_HEADERS)
            .max_headers(MOST_APP_HEADER_LINES)
            .serve_connection(TokioIo::new(stream), service_fn(answer))
            .with_upgrades();
        let mut connection = pin!(connection);
        let ended = tokio::select! {
            biased;
            ended = connection.as_mut() => ended,
            () = presence.silent() => return,
            () = stopping.stopping() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            debug!("an HTTP connection ended early: {error}");
        }
    }

    async fn answer(&self, request: Request<Incoming>, stay: &Stay) -> Response<FrontBody> {
        if is_own(request.uri().path()) {
            return self.answer_ourselves(request, stay).await;
        }
        let copying = match self.entries.claim(Peer(stay.peer), &request) {
            Claimed::App => None,
            Claimed::Copy(copying) => Some(copying),
            Claimed::Feature => return self.answer_ourselves(request, stay).await,
        };
        let answering = stay.presence.answer(By::TheApp);
        let upstream = Arc::clone(&self.upstream);
        let response = upstream.pass(request, stay, copying).await;
        self.metrics.passed(response.status());
        response.map(|body| answering.with(body))
    }

    async fn answer_ourselves(
        &self,
        mut request: Request<Incoming>,
        stay: &Stay,
    ) -> Response<FrontBody> {
        let answering = stay.presence.answer(By::Us);
        request.extensions_mut().insert(Peer(stay.peer));
        let own = TowerToHyperService::new(self.own.clone());
        match own.call(request).await {
            Ok(response) => response.map(|body| answering.with(Whose::Own(body))),
            Err(never) => match never {},
        }
    }
}

impl Answering {
    pub(super) const fn with(self, body: Whose) -> FrontBody {
        FrontBody {
            body,
            _answering: self,
        }
    }
}

/// Whether a path is the tunnel's where an app is behind the front.
fn is_own(path: &str) -> bool {
    path == PATH || path.starts_with(OWN)
}

impl Body for FrontBody {
    type Data = Bytes;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match &mut self.get_mut().body {
            Whose::Own(body) => Pin::new(body).poll_frame(cx).map_err(Into::into),
            Whose::App(body) => Pin::new(body).poll_frame(cx).map_err(Into::into),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.body {
            Whose::Own(body) => body.is_end_stream(),
            Whose::App(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.body {
            Whose::Own(body) => body.size_hint(),
            Whose::App(body) => body.size_hint(),
        }
    }
}

/// Everything below it is the tunnel's.
const OWN: &str = "/_tunnel/";
