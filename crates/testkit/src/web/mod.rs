//! A server that clients reach by WebSocket over virtual connections: HTTP and the door of the real
//! thing, with a front of a few lines before them.

#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use http::{HeaderValue, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::sync::mpsc;
use transport::carrier::websocket::{Door, Open, Permit, Refusal, TIME_HEADER, accept_key};
use transport::endpoint::{DialError, Dialer, Reception};
use transport::keeper::Dial;
use transport::router::Router;
use transport::session::Session;
use transport::tasks::Tasks;
use transport::trust::{Scopes, system_clock};
use wire::WelcomeBody;

use crate::pair::{SECRET, STOPPING, dialer, receive, trust};
use crate::road::Road;
use crate::stream::{End, Path};

/// A server at the end of a road, and what clients need to reach it.
#[derive(Debug)]
pub struct Web {
    /// The road, to be cut and slowed.
    pub road: Road,
    /// The instance that new connections go to.
    pub server: WebInstance,
    starts: u16,
}

/// One start of a server.
#[derive(Debug)]
pub struct WebInstance {
    reception: Arc<Reception>,
    sessions: Tasks,
    doors: Tasks,
}

impl WebInstance {
    /// Stops as a server does, and returns the names of the tasks that were late.
    pub async fn shutdown(&self, grace: Duration) -> Vec<&'static str> {
        self.reception.leave();
        let late = self.sessions.shutdown(grace).await;
        self.doors.shutdown(grace).await;
        late
    }
}

impl Web {
    /// Starts a server that serves `router` to holders of [`SECRET`] with these scopes. The same
    /// seed gives the road the same luck.
    #[must_use]
    pub fn serve(router: Router, scopes: Scopes, path: Path, seed: u64) -> Self {
        let road = Road::new(path, seed);
        let server = start(&road, 1, router, scopes);
        Self {
            road,
            server,
            starts: 1,
        }
    }

    /// Ends the server, as a restart does, and starts another in its place.
    pub async fn restart(&mut self, router: Router, scopes: Scopes) {
        self.server.shutdown(STOPPING).await;
        self.deploy(router, scopes);
    }

    /// Kills the server, and starts another in its place. The system cuts the connections of a
    /// process that is gone.
    pub async fn kill_and_start(&mut self, router: Router, scopes: Scopes) {
        self.road.cut();
        self.server.shutdown(Duration::ZERO).await;
        self.deploy(router, scopes);
    }

    /// Starts another instance, lets new connections go to it, and returns the one before it, which
    /// runs on.
    pub fn deploy(&mut self, router: Router, scopes: Scopes) -> WebInstance {
        self.starts += 1;
        let next = start(&self.road, self.starts, router, scopes);
        std::mem::replace(&mut self.server, next)
    }

    /// Returns what opens sessions from a client.
    #[must_use]
    pub fn dial(&self) -> Arc<WebDial> {
        Arc::new(WebDial {
            dialer: dialer(SECRET, system_clock()),
            road: Arc::new(self.road.clone()),
        })
    }
}

/// Starts an instance, to which the road leads from now on.
fn start(road: &Road, number: u16, router: Router, scopes: Scopes) -> WebInstance {
    let reception = Arc::new(Reception::new(trust(&router, scopes, number)));
    let (sessions, doors) = (Tasks::new(), Tasks::new());
    let front = Front {
        door: Arc::new(Door::new(Arc::clone(&reception)).expect("the crypto library works")),
        router: Arc::new(router),
        sessions: sessions.clone(),
        doors: doors.clone(),
    };
    doors.spawn("front", front.run(road.listen()));
    WebInstance {
        reception,
        sessions,
        doors,
    }
}

/// Dials the server of a [`Web`].
#[derive(Debug)]
pub struct WebDial {
    dialer: Dialer,
    road: Arc<Road>,
}

impl Dial for WebDial {
    fn dial(&self) -> BoxFuture<'_, Result<(Session, WelcomeBody), DialError>> {
        let road: Arc<dyn Open> = Arc::<Road>::clone(&self.road);
        Box::pin(self.dialer.dial_websocket(road))
    }
}

#[derive(Clone)]
struct Front {
    door: Arc<Door>,
    router: Arc<Router>,
    sessions: Tasks,
    doors: Tasks,
}

impl Front {
    async fn run(self, mut ends: mpsc::UnboundedReceiver<End>) {
        loop {
            let end = tokio::select! {
                end = ends.recv() => end,
                () = self.doors.stopping() => None,
            };
            let Some(end) = end else {
                return;
            };
            self.doors
                .spawn("http connection", self.clone().connection(end));
        }
    }

    async fn connection(self, end: End) {
        let service = service_fn(|request| self.clone().answer(request));
        let connection = http1::Builder::new()
            .serve_connection(TokioIo::new(end), service)
            .with_upgrades();
        tokio::select! {
            // A client that is gone is nobody's fault.
            _ = connection => {}
            () = self.doors.stopping() => {}
        }
    }

    async fn answer(self, mut request: Request<Incoming>) -> Result<Response<String>, Infallible> {
        let challenge = request.headers().get(header::SEC_WEBSOCKET_KEY);
        let accept = challenge.map(|challenge| accept_key(challenge.as_bytes()));
        Ok(match self.door.check(request.headers(), CLIENT).await {
            Ok(permit) => {
                let upgraded = hyper::upgrade::on(&mut request);
                let sessions = self.sessions.clone();
                sessions.spawn("websocket session", self.enter(permit, upgraded));
                switching(&accept.unwrap_or_default())
            }
            Err(refusal) => refused(refusal, self.door.time()),
        })
    }

    async fn enter(self, permit: Permit, upgraded: OnUpgrade) {
        let Ok(upgraded) = upgraded.await else {
            return;
        };
        let arrived = permit.enter(TokioIo::new(upgraded), &self.sessions);
        if let Some(arrival) = arrived.await {
            receive(arrival, self.router, &self.sessions).await;
        }
    }
}

fn switching(accept: &str) -> Response<String> {
    let mut response = Response::new(String::new());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    let accept = HeaderValue::from_str(accept).expect("base64");
    headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    response
}

fn refused(refusal: Refusal, time: u64) -> Response<String> {
    let mut response = Response::new(refusal.to_string());
    *response.status_mut() = refusal.status();
    response
        .headers_mut()
        .insert(TIME_HEADER, HeaderValue::from(time));
    response
}

/// Where all clients are.
const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2));
