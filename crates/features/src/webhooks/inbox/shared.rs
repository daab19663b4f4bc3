//! What an inbox and its writer share: the store, what is known of it, and what waits to be written.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, watch};
use tracing::info;

use super::cache::Cache;
use super::error::InboxError;
use super::lazy::Lazy;
use super::ledger::Bounds;
use super::store::Store;
use super::types::{Item, Standing, Taken};
use super::writer::InboxState;
use crate::wall_clock;

/// What an inbox and its writer share.
pub(super) struct Shared {
    pub(super) store: Store,
    pub(super) bounds: Bounds,
    // None of these is held across an await.
    pub(super) cache: Mutex<Cache>,
    pub(super) lazy: Mutex<Lazy>,
    pub(super) state: Mutex<InboxState>,
    pub(super) lazily: Notify,
    pub(super) changed: watch::Sender<u64>,
}

impl Shared {
    /// Says what a former run has left. What cannot be read is told where it is wanted.
    pub(super) async fn tell_standing(&self) {
        let standing = self.store.standing().await.unwrap_or_default();
        let Some(oldest) = standing.oldest else {
            return;
        };
        let Standing { kept, bytes, .. } = standing;
        let age = wall_clock::millis().saturating_sub(oldest) / 1000;
        info!("the inbox holds {kept} webhooks, {bytes} bytes; the oldest is {age} s old");
    }

    /// Lets everybody see what is kept.
    pub(super) fn publish(
        &self,
        new: Vec<(String, Item)>,
        last: u64,
        takes: &[Result<Taken, InboxError>],
    ) {
        let mut cache = self.cache();
        cache.add(new);
        for taken in takes {
            if let Ok(Taken::Repeated(repeated)) = taken {
                cache.repeat(repeated);
            }
        }
        drop(cache);
        self.changed_to(last);
    }

    pub(super) fn changed_to(&self, last: u64) {
        self.cache().learn(last);
        self.changed.send_if_modified(|known| {
            let later = last > *known;
            *known = last.max(*known);
            later
        });
    }

    // Each is whole after every statement: a panic elsewhere has not broken it.
    pub(super) fn cache(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn lazy(&self) -> MutexGuard<'_, Lazy> {
        self.lazy.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn state(&self) -> MutexGuard<'_, InboxState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { store, bounds, .. } = self;
        f.debug_struct("Shared")
            .field("store", store)
            .field("bounds", bounds)
            .finish_non_exhaustive()
    }
}
