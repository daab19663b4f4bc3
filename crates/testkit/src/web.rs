//! A server that clients reach by WebSocket over virtual connections: HTTP and the door of the real
//! thing, with a front of a few lines before them.

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
use transport::carrier::websocket::{Door, Open, Permit, Refusal, TIME_HEADER, accept_key};
use transport::endpoint::{DialError, Dialer, Reception};
use transport::keeper::Dial;
use transport::router::Router;
use transport::session::Session;
use transport::tasks::Tasks;
use transport::trust::{Scopes, system_clock};
use wire::WelcomeBody;

use crate::pair::{SECRET, dialer, receive, trust};
use crate::road::Road;
use crate::stream::{End, Path};

/// A server at the end of a road, and what clients need to reach it.
#[derive(Debug)]
pub struct Web {
    /// The road, to be cut and slowed.
    pub road: Road,
    /// Owns the server's tasks.
    pub server: Tasks,
}

impl Web {
    /// Starts a server that serves `router` to holders of [`SECRET`] with these scopes. The same
    /// seed gives the road the same luck.
    #[must_use]
    pub fn serve(router: Router, scopes: Scopes, path: Path, seed: u64) -> Self {
        let web = Self {
            road: Road::new(path, seed),
            server: Tasks::new(),
        };
        web.listen(router, scopes);
        web
    }

    /// Ends the server, as a restart does, and starts another at the same address.
    pub async fn restart(&mut self, router: Router, scopes: Scopes) {
        self.server.shutdown(Duration::from_secs(10)).await;
        self.server = Tasks::new();
        self.listen(router, scopes);
    }

    /// Kills the server and starts another at the same address. The system cuts its connections.
    pub async fn kill(&mut self, router: Router, scopes: Scopes) {
        self.road.cut();
        self.restart_at_once(router, scopes).await;
    }

    async fn restart_at_once(&mut self, router: Router, scopes: Scopes) {
        self.server.shutdown(Duration::ZERO).await;
        self.server = Tasks::new();
        self.listen(router, scopes);
    }

    /// Returns what opens sessions from a client.
    #[must_use]
    pub fn dial(&self) -> Arc<WebDial> {
        Arc::new(WebDial {
            dialer: dialer(SECRET, system_clock()),
            road: Arc::new(self.road.clone()),
        })
    }

    fn listen(&self, router: Router, scopes: Scopes) {
        let reception = Arc::new(Reception::new(trust(&router, scopes)));
        let front = Front {
            door: Arc::new(Door::new(reception).expect("the crypto library works")),
            router: Arc::new(router),
            tasks: self.server.clone(),
        };
        let (mut ends, tasks) = (self.road.listen(), self.server.clone());
        self.server.spawn("front", async move {
            let accept = async {
                while let Some(end) = ends.recv().await {
                    tasks.spawn("http connection", front.clone().connection(end));
                }
            };
            tokio::select! {
                () = accept => {}
                () = tasks.stopping() => {}
            }
        });
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
    tasks: Tasks,
}

impl Front {
    async fn connection(self, end: End) {
        let service = service_fn(|request| self.clone().answer(request));
        let connection = http1::Builder::new()
            .serve_connection(TokioIo::new(end), service)
            .with_upgrades();
        tokio::select! {
            // A client that is gone is nobody's fault.
            _ = connection => {}
            () = self.tasks.stopping() => {}
        }
    }

    async fn answer(self, mut request: Request<Incoming>) -> Result<Response<String>, Infallible> {
        let challenge = request.headers().get(header::SEC_WEBSOCKET_KEY);
        let accept = challenge.map(|challenge| accept_key(challenge.as_bytes()));
        Ok(match self.door.check(request.headers(), CLIENT).await {
            Ok(permit) => {
                let upgraded = hyper::upgrade::on(&mut request);
                let tasks = self.tasks.clone();
                tasks.spawn("websocket session", self.enter(permit, upgraded));
                switching(&accept.unwrap_or_default())
            }
            Err(refusal) => refused(refusal, self.door.time()),
        })
    }

    async fn enter(self, permit: Permit, upgraded: OnUpgrade) {
        let Ok(upgraded) = upgraded.await else {
            return;
        };
        let arrived = permit.enter(TokioIo::new(upgraded), &self.tasks).await;
        if let Some(arrival) = arrived {
            receive(arrival, self.router, &self.tasks).await;
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
