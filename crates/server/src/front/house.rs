//! The connections of a front that has no app behind it: probes, clients on their way to a session, and
//! whoever sends webhooks.
//!
//! When there is no place left, the connection that has been there longest without a request under way
//! makes room. Whoever's request is under way stays: how long that may take, its route says. Proxies keep
//! connections for their next requests, so one that is not used is kept as long as there is room.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::{Arc, Weak};
use std::time::Duration;

use axum::Router;
use axum::extract::Extension;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tracing::debug;
use transport::tasks::Tasks;

use super::accept;
use super::descriptors;
use super::forwarded::Peer;
use super::passage::{FrontBody, Whose};
use super::presence::{By, ClientStream, Presence};

/// Serves until `tasks` are told to stop. Then nobody is let in any more, and who is there finishes
/// the request that is under way.
pub(super) async fn run(listener: TcpListener, routes: Router, tasks: Tasks) {
    let house = House::new(descriptors::most_connections().min(MOST_CONNECTIONS));
    house.open(listener, routes, tasks).await;
}

/// The places that there are, and who has them, the oldest first.
#[derive(Debug)]
struct House {
    places: Arc<Semaphore>,
    connections: VecDeque<Weak<Connection>>,
}

/// A connection, as the house knows it.
#[derive(Debug, Default)]
struct Connection {
    presence: Arc<Presence>,
    asked_to_leave: Notify,
}

/// A connection, as its task has it.
#[derive(Debug)]
struct Served {
    connection: Arc<Connection>,
    _place: OwnedSemaphorePermit,
}

impl House {
    fn new(most: usize) -> Self {
        Self {
            places: Arc::new(Semaphore::new(most)),
            connections: VecDeque::new(),
        }
    }

    async fn open(mut self, listener: TcpListener, routes: Router, tasks: Tasks) {
        loop {
            let entered = tokio::select! {
                entered = self.enter(&listener) => entered,
                () = tasks.stopping() => return,
            };
            let Some((stream, peer, served)) = entered else {
                continue;
            };
            let (routes, stopping) = (routes.clone(), tasks.clone());
            tasks.spawn(
                "http connection",
                served.serve(stream, peer, routes, stopping),
            );
        }
    }

    /// Waits for somebody, and then for a place. Cancel-safe, but for a connection that waits for its
    /// place: it is closed.
    async fn enter(&mut self, listener: &TcpListener) -> Option<(TcpStream, SocketAddr, Served)> {
        let (stream, peer) = accept(listener).await?;
        let place = self.place().await?;
        let connection = Arc::new(Connection::default());
        self.connections.push_back(Arc::downgrade(&connection));
        let served = Served {
            connection,
            _place: place,
        };
        Some((stream, peer, served))
    }

    async fn place(&mut self) -> Option<OwnedSemaphorePermit> {
        if let Ok(place) = Arc::clone(&self.places).try_acquire_owned() {
            self.forget_some();
            return Some(place);
        }
        loop {
            self.make_room();
            let place = Arc::clone(&self.places).acquire_owned();
            // Who was busy may be idle when it is looked again.
            if let Ok(place) = tokio::time::timeout(LOOK_AGAIN, place).await {
                return place.ok();
            }
        }
    }

    /// Asks the oldest that has nothing under way to leave. An upgraded connection has left the house.
    fn make_room(&mut self) {
        self.connections
            .retain(|connection| connection.strong_count() > 0);
        let mut connections = self.connections.iter();
        let idle =
            connections.position(|connection| connection.upgrade().is_some_and(|it| it.is_idle()));
        if let Some(connection) = idle.and_then(|at| self.connections.remove(at)?.upgrade()) {
            connection.asked_to_leave.notify_one();
        }
    }

    /// Forgets those at the head of the list that have left, so that it stays short.
    fn forget_some(&mut self) {
        while self
            .connections
            .front()
            .is_some_and(|it| it.strong_count() == 0)
        {
            self.connections.pop_front();
        }
        if self.connections.len() >= 2 * MOST_CONNECTIONS {
            self.connections
                .retain(|connection| connection.strong_count() > 0);
        }
    }
}

impl Connection {
    fn is_idle(&self) -> bool {
        !self.presence.is_answering()
    }
}

impl Served {
    /// Serves requests until the connection ends, or is upgraded: then it is a session's.
    async fn serve(self, stream: TcpStream, peer: SocketAddr, routes: Router, stopping: Tasks) {
        transport::reach::tune(&stream);
        let presence = &self.connection.presence;
        let stream = ClientStream::new(stream, Arc::clone(presence));
        let routes = TowerToHyperService::new(routes.layer(Extension(Peer(peer))));
        let answer = |request| answer(routes.clone(), request, Arc::clone(presence));
        let connection = http1::Builder::new()
            .max_buf_size(MOST_HEADERS)
            .serve_connection(TokioIo::new(stream), service_fn(answer))
            .with_upgrades();
        let mut connection = pin!(connection);
        let ended = tokio::select! {
            biased;
            ended = connection.as_mut() => ended,
            () = presence.silent() => return,
            () = self.is_to_end(&stopping) => {
                if self.connection.is_idle() {
                    return;
                }
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            debug!("an HTTP connection ended early: {error}");
        }
    }

    async fn is_to_end(&self, stopping: &Tasks) {
        tokio::select! {
            () = self.connection.asked_to_leave.notified() => {}
            () = stopping.stopping() => {}
        }
    }
}

async fn answer(
    routes: TowerToHyperService<Router>,
    request: Request<Incoming>,
    presence: Arc<Presence>,
) -> Result<Response<FrontBody>, Infallible> {
    let answering = presence.answer(By::Us);
    let response = routes.call(request).await?;
    Ok(response.map(|body| answering.with(Whose::Own(body))))
}

/// Probes, a few people, clients whose upgrade is under way, and what the proxies of ten providers keep
/// open: some dozens each. Each takes some 20 KiB, and 32 KiB more with the longest head.
const MOST_CONNECTIONS: usize = 512;

/// Only in a house in which every request is under way: most of them take a few milliseconds.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// The head of a request. Providers sign in one line of it, and proxies add some: Render and Cloudflare
/// some 2 KiB. hyper answers a longer one with 431.
const MOST_HEADERS: usize = 32 * 1024;

#[cfg(test)]
mod tests;
