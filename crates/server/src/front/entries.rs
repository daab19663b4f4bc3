//! What features take of requests to paths that are not the tunnel's own, such as webhooks.
//!
//! ```text
//!                       ┌─ the app's alone ──▶ the app
//! request ─▶ claim ─────┼─ copied ───────────▶ the app ─ ─ copy ─ ─▶ the feature (copy.rs)
//!                       └─ the feature's ────▶ its routes, which are there without an app as well
//! ```

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use features::{Claim, Entry};
use hyper::Request as HttpRequest;

use super::copy::{Copying, Room};
use super::forwarded::{Peer, client};

/// The entries of all features. Clones are the same.
#[derive(Clone, Debug)]
pub(crate) struct Entries {
    entries: Arc<[Arc<dyn Entry>]>,
    room: Arc<Room>,
}

/// Whose a request is, where an app is behind the front.
#[derive(Debug)]
pub(super) enum Claimed {
    App,
    Copy(Copying),
    Feature,
}

impl Entries {
    pub(crate) fn new(entries: impl IntoIterator<Item = Arc<dyn Entry>>) -> Self {
        Self::of(entries, Arc::default())
    }

    /// Makes them with a room of their own for copies.
    pub(super) fn of(entries: impl IntoIterator<Item = Arc<dyn Entry>>, room: Arc<Room>) -> Self {
        Self {
            entries: entries.into_iter().collect(),
            room,
        }
    }

    /// Returns the routes, which hear who asks.
    pub(crate) fn routes(&self) -> Router {
        let all = self.entries.iter().map(|entry| Arc::clone(entry).routes());
        let routes = all.fold(Router::new(), Router::merge);
        match routes.has_routes() {
            true => routes.route_layer(from_fn(introduced)),
            false => routes,
        }
    }

    /// Says whose a request is.
    pub(super) fn claim<B>(&self, peer: Peer, request: &HttpRequest<B>) -> Claimed {
        for entry in self.entries.iter() {
            match entry.claim(request.method(), request.uri().path()) {
                Claim::App => {}
                Claim::Feature => return Claimed::Feature,
                Claim::Copy => {
                    let room = Arc::clone(&self.room);
                    return Claimed::Copy(Copying::new(Arc::clone(entry), room, peer, request));
                }
            }
        }
        Claimed::App
    }
}

/// Tells a feature's route who asks.
async fn introduced(Peer(peer): Peer, mut request: Request, next: Next) -> Response {
    let asks = client(peer, request.uri().authority(), request.headers());
    request.extensions_mut().insert(asks);
    next.run(request).await
}
