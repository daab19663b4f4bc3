//! What the front serves for a feature: its HTTP routes, whom the feature knows of those who ask, and
//! what others send to paths that are the app's.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderMap, Method, StatusCode, request};
use bytes::Bytes;
use transport::trust::KeyId;

/// The HTTP routes of a feature.
#[derive(Clone, Debug)]
pub struct Served {
    /// Whole paths, which begin with `/_tunnel/` unless the configuration names others.
    pub routes: Router,
    /// Whom the feature knows: the front counts them apart from strangers.
    pub callers: Callers,
    /// What others send to paths outside of `/_tunnel/`, if the feature takes any of it.
    pub entry: Option<Arc<dyn Entry>>,
}

/// Takes requests at paths that are not the tunnel's own, such as webhooks.
///
/// Where no app is behind the front, [`Entry::routes`] answer. Where one is, the app answers what
/// [`Entry::claim`] does not claim for the feature.
pub trait Entry: Send + Sync + fmt::Debug {
    /// Returns the routes. They bring their own limits of size, time and rate: the front adds none, and
    /// tells them in an extension who asks, as [`Client`].
    fn routes(self: Arc<Self>) -> Router;

    /// Says whose a request is, where an app is behind the front. `path` is as it came.
    fn claim(&self, method: &Method, path: &str) -> Claim;

    /// Returns the longest body that [`Entry::copied`] wants, in bytes.
    fn most_copied(&self) -> usize;

    /// Takes the copy of a request that the app has answered. Returns at once: the app's client
    /// waits for nothing of this.
    fn copied(&self, copied: Copied);
}

/// Whose a request is, where an app is behind the front.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// The app's alone.
    App,
    /// The app's, and the feature gets a copy of it.
    Copy,
    /// The feature's: its routes answer.
    Feature,
}

/// Who asks, and where to, by what the proxies before us say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// The client's address.
    pub address: IpAddr,
    /// `https` or `http`: what the client speaks, whatever reaches us.
    pub scheme: &'static str,
    /// The host as the client named it, with its port if it was written; empty if it named none.
    pub host: String,
}

/// A request that the app has answered, or has not.
#[derive(Debug)]
pub struct Copied {
    /// As it came to the front, before anything was added for the app. Without extensions.
    pub head: request::Parts,
    /// Who sent it.
    pub client: Client,
    /// Its body, as far as it was taken.
    pub body: CopiedBody,
    /// The status that went back: the app's, or the front's own 502 where there is no answer from the
    /// app. `None` if the sender had left before.
    pub answered: Option<StatusCode>,
    /// How long the app took for the head of its answer.
    pub took: Duration,
}

/// What was copied of a body.
#[derive(Debug)]
pub enum CopiedBody {
    /// All of it, in the pieces in which it came: none of them holds much more memory than it is long.
    Whole(Vec<Bytes>),
    /// Nothing, because it is longer than [`Entry::most_copied`].
    TooLong,
    /// Nothing, because there was no room for it beside those of other requests.
    NoRoom,
    /// Nothing, because it did not come whole, or the app did not take it whole.
    Cut,
}

/// Tells those who show a key of the feature's from strangers.
#[derive(Clone)]
pub struct Callers(Arc<WhoCalls>);

type WhoCalls = dyn Fn(&HeaderMap) -> Option<KeyId> + Send + Sync;

impl Callers {
    /// Knows callers by what their requests show.
    pub fn new(known: impl Fn(&HeaderMap) -> Option<KeyId> + Send + Sync + 'static) -> Self {
        Self(Arc::new(known))
    }

    /// Returns the key that a request shows, if it is right.
    #[must_use]
    pub fn key(&self, headers: &HeaderMap) -> Option<KeyId> {
        (self.0)(headers)
    }
}

impl fmt::Debug for Callers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Callers")
    }
}
