//! What the front serves for a feature: its HTTP routes, and whom the feature knows of those who ask.

use std::fmt;
use std::sync::Arc;

use axum::Router;
use axum::http::HeaderMap;
use transport::trust::KeyId;

/// The HTTP routes of a feature.
#[derive(Clone, Debug)]
pub struct Served {
    /// Whole paths, which begin with `/_tunnel/` unless the configuration names others.
    pub routes: Router,
    /// Whom the feature knows: the front counts them apart from strangers.
    pub callers: Callers,
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
