//! The WebSocket road in: the route that clients upgrade, and who is let through.
//!
//! ```text
//! GET /render-tunnel ─▶ an upgrade? ─▶ a good pass? ─▶ 101 ─▶ session
//!                          426     400 401 409 429 503   (too often: 429)
//! ```

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, HttpBody as _};
use axum::extract::{Request, State};
use axum::http::{
    HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, Version, header,
};
use axum::routing::any;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tracing::{debug, info};
use transport::carrier::websocket::{Door, PATH, Permit, Refusal, TIME_HEADER, accept_key};
use transport::trust::BadPass;

use crate::audit::{Event, Refused};
use crate::front::forwarded::{Peer, client_address};
use crate::front::manners::{TooOften, Who, later};
use crate::guests::Guests;
use crate::oversight::Manners;

/// What the route needs.
#[derive(Clone, Debug)]
pub(crate) struct Upgrades {
    pub(crate) door: Arc<Door>,
    pub(crate) guests: Guests,
}

/// Returns the route.
pub(crate) fn routes(upgrades: Upgrades) -> Router {
    Router::new()
        .route(PATH, any(upgrade))
        .with_state(Arc::new(upgrades))
}

async fn upgrade(
    State(upgrades): State<Arc<Upgrades>>,
    Peer(peer): Peer,
    request: Request,
) -> Response<Body> {
    let Some(key) = websocket_key(&request) else {
        return no_upgrade();
    };
    let from = client_address(peer, request.headers());
    match upgrades.door.check(request.headers(), from).await {
        Ok(permit) => let_in(permit, &key, from, request, &upgrades),
        Err(refusal) => turn_away(refusal, from, &upgrades),
    }
}

/// Lets a client in who has shown a key, unless it comes too often.
fn let_in(
    permit: Permit,
    key: &HeaderValue,
    from: IpAddr,
    mut request: Request,
    upgrades: &Upgrades,
) -> Response<Body> {
    let (guests, manners) = (upgrades.guests.clone(), upgrades.guests.manners());
    let holder = Who::holder(permit.key(), from);
    if let Err(too_often) = manners.limits.upgrades.check(holder) {
        manners.audit.note(&Event::SessionRefused(Refused {
            address: from,
            key_id: Some(permit.key().to_string()),
            carrier: None,
            status: StatusCode::TOO_MANY_REQUESTS.as_u16(),
            reason: too_often.to_string(),
        }));
        return not_now(too_often, from, upgrades);
    }
    let upgraded = hyper::upgrade::on(&mut request);
    let entering = enter(permit, upgraded, guests.clone());
    guests.tasks().spawn("websocket session", entering);
    switching(key)
}

/// Refuses whoever has shown no key, within a limit of their own: what they do behind an address costs
/// those who have a key nothing.
fn turn_away(refusal: Refusal, from: IpAddr, upgrades: &Upgrades) -> Response<Body> {
    let manners = upgrades.guests.manners();
    if let Err(too_often) = manners.limits.upgrades.check(Who::at(from)) {
        return not_now(too_often, from, upgrades);
    }
    note(refusal, from, manners);
    refused(refusal, upgrades.door.time())
}

/// Answers whoever comes too often. With the server's time, by which a client knows that a tunnel
/// server has said it, and tries again later.
fn not_now(too_often: TooOften, from: IpAddr, upgrades: &Upgrades) -> Response<Body> {
    let status = StatusCode::TOO_MANY_REQUESTS.as_u16();
    debug!(%from, status, "upgrade refused: {too_often}");
    upgrades.guests.manners().metrics.refused("upgrade", status);
    let mut response = later(too_often);
    let time = HeaderValue::from(upgrades.door.time());
    response.headers_mut().insert(TIME_HEADER, time);
    response
}

async fn enter(permit: Permit, upgraded: OnUpgrade, guests: Guests) {
    let upgraded = match tokio::time::timeout(UPGRADE_TIME, upgraded).await {
        Ok(Ok(upgraded)) => upgraded,
        Ok(Err(error)) => return debug!("an upgrade was not finished: {error}"),
        Err(_) => return debug!("an upgrade was not finished in time"),
    };
    let arrived = permit.enter(TokioIo::new(upgraded), guests.tasks()).await;
    if let Some(arrival) = arrived {
        guests.receive(arrival).await;
    }
}

/// Writes a refusal to the log. What strangers can fill it with is below the default level: requests
/// that have no pass, as scanners make them, and those that come while too many others are looked at.
fn note(refusal: Refusal, from: IpAddr, manners: &Manners) {
    let status = refusal.status().as_u16();
    match refusal {
        Refusal::Busy | Refusal::Pass(BadPass::Missing | BadPass::Unreadable(_)) => {
            debug!(%from, status, "upgrade refused: {refusal}");
        }
        _ => {
            info!(%from, status, "upgrade refused: {refusal}");
            manners.audit.note(&Event::SessionRefused(Refused {
                address: from,
                key_id: None,
                carrier: None,
                status,
                reason: refusal.to_string(),
            }));
        }
    }
    manners.metrics.refused("upgrade", status);
}

/// Returns the client's challenge if the request asks for a WebSocket (RFC 6455, section 4.2.1).
fn websocket_key(request: &Request) -> Option<HeaderValue> {
    let headers = request.headers();
    let is_upgrade = request.method() == Method::GET
        && request.version() == Version::HTTP_11
        // What follows the head is the WebSocket's: a body would be taken for it.
        && request.body().is_end_stream()
        && lists(headers, &header::CONNECTION, "upgrade")
        && lists(headers, &header::UPGRADE, "websocket")
        && lists(headers, &header::SEC_WEBSOCKET_VERSION, VERSION);
    let mut keys = headers.get_all(header::SEC_WEBSOCKET_KEY).iter();
    match (keys.next(), keys.next()) {
        (Some(key), None) if is_upgrade && key.len() == KEY_LENGTH => Some(key.clone()),
        _ => None,
    }
}

fn lists(headers: &HeaderMap, name: &HeaderName, wanted: &str) -> bool {
    let mut values = headers
        .get_all(name)
        .iter()
        .filter_map(|it| it.to_str().ok());
    values.any(|value| {
        value
            .split(',')
            .any(|item| item.trim().eq_ignore_ascii_case(wanted))
    })
}

fn switching(key: &HeaderValue) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    if let Ok(accept) = HeaderValue::try_from(accept_key(key.as_bytes())) {
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    }
    response
}

fn refused(refusal: Refusal, time: u64) -> Response<Body> {
    let mut response = said(refusal.status(), refusal.to_string());
    let headers = response.headers_mut();
    headers.insert(TIME_HEADER, HeaderValue::from(time));
    match refusal.status() {
        StatusCode::UNAUTHORIZED => {
            let scheme = HeaderValue::from_static("RenderTunnel");
            headers.insert(header::WWW_AUTHENTICATE, scheme);
        }
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        _ => {}
    }
    response
}

/// A person with a browser, or a proxy that took the upgrade out of the request.
fn no_upgrade() -> Response<Body> {
    let text = "This is where render-tunnel's clients connect. It takes a WebSocket upgrade: if a \
                client brought you here, a proxy on the way has removed it.\n";
    let mut response = said(StatusCode::UPGRADE_REQUIRED, text.to_owned());
    let headers = response.headers_mut();
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    let version = HeaderValue::from_static(VERSION);
    headers.insert(header::SEC_WEBSOCKET_VERSION, version);
    response
}

fn said(status: StatusCode, text: String) -> Response<Body> {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    headers.insert(header::CONTENT_TYPE, plain);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The 101 leaves at once; then the stream is ours.
const UPGRADE_TIME: Duration = Duration::from_secs(5);

/// The version of WebSockets, since 2011.
const VERSION: &str = "13";

/// 16 random bytes in base64.
const KEY_LENGTH: usize = 24;
