//! How the front behaves towards those who ask it: how often, how much, how long, and from which web
//! pages. All of it is for the tunnel's own paths; the app's requests pass without.
//!
//! ```text
//! request ─▶ CORS ─▶ counted ─▶ limit ─▶ timeout ─▶ body cap ─▶ a feature's route
//!                                429       408        413
//! ```

mod cors;
mod limits;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use features::{Callers, Served};

pub use self::cors::OriginError;
pub(crate) use self::cors::{FrontConfig, Origins};
pub(crate) use self::limits::{Limits, TooOften, Who};
use crate::front::forwarded::{Peer, client_address};

/// Guards the routes of a feature, by rate, size and time.
pub(crate) fn guarded(served: Served, limits: Arc<Limits>) -> Router {
    let Served {
        routes, callers, ..
    } = served;
    // A layer needs something to lie on.
    if !routes.has_routes() {
        return routes;
    }
    routes
        .route_layer(DefaultBodyLimit::max(MOST_BODY))
        .route_layer(from_fn(in_time))
        .route_layer(from_fn_with_state((limits, callers), not_too_often))
}

/// Lets pages of these origins read the answers.
pub(crate) fn shared(routes: Router, origins: &Origins) -> Router {
    match origins.layer() {
        Some(layer) if routes.has_routes() => routes.route_layer(layer),
        _ => routes,
    }
}

async fn not_too_often(
    State((limits, callers)): State<(Arc<Limits>, Callers)>,
    request: Request,
    next: Next,
) -> Response {
    let peer = request.extensions().get::<Peer>().copied();
    // Whoever embeds the routes and does not say who asks is one who asks.
    let address = peer.map(|Peer(peer)| client_address(peer, request.headers()));
    // Whoever shows a key is counted by it, so that guesses from the same address cost them nothing.
    let who = match (callers.key(request.headers()), address) {
        (Some(key), Some(address)) => Who::holder(key, address),
        (Some(key), None) => Who::anywhere(key),
        (None, Some(address)) => Who::at(address),
        (None, None) => Who::OTHERS,
    };
    match limits.ingest.check(who) {
        Ok(()) => next.run(request).await,
        Err(too_often) => later(too_often),
    }
}

/// Answers that it was one too many.
pub(crate) fn later(too_often: TooOften) -> Response {
    let mut response = (StatusCode::TOO_MANY_REQUESTS, format!("{too_often}\n")).into_response();
    let wait = HeaderValue::from(too_often.wait.as_secs());
    response.headers_mut().insert(header::RETRY_AFTER, wait);
    response
}

async fn in_time(request: Request, next: Next) -> Response {
    match tokio::time::timeout(REQUEST_TIME, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            let text = "the request took too long to come, or to answer\n";
            (StatusCode::REQUEST_TIMEOUT, text).into_response()
        }
    }
}

/// What a route takes that does not set a cap of its own: a page of JSON, a hundred times over.
const MOST_BODY: usize = 1024 * 1024;

/// A body of the largest size on a link of 3 Mbit/s.
const REQUEST_TIME: Duration = Duration::from_secs(30);
