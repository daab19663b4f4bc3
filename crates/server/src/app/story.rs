//! What the log tells of the app: its lines, and what happened to it between them.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use features::logs::{Event, Feed, Mark, Origin, Ring};

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
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        self.ring.mark(Mark {
            // A clock before 1970 is wrong by more than it can say.
            time: since.map_or(0, |it| u64::try_from(it.as_nanos()).unwrap_or(u64::MAX)),
            origin: self.origin.clone(),
            event,
        });
    }
}
