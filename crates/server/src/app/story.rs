//! What the log tells of the app: its lines, and what happened to it between them.

use std::sync::Arc;

use features::logs::{Event, Feed, Mark, Origin, Ring};
use features::wall_clock;

/// Tells the log of one app. Clones tell the same.
#[derive(Clone, Debug)]
pub(super) struct Story {
    ring: Arc<Ring>,
    origin: Origin,
}

impl Story {
    pub(super) const fn new(ring: Arc<Ring>, origin: Origin) -> Self {
        Self { ring, origin }
    }

    /// Makes a feed for one of the app's outputs.
    pub(super) fn feed(&self) -> Feed {
        Feed::new(Arc::clone(&self.ring), self.origin.clone())
    }

    /// Says what happened.
    pub(super) fn mark(&self, event: Event) {
        self.ring.mark(Mark {
            time: wall_clock::nanos(),
            origin: self.origin.clone(),
            event,
        });
    }
}
