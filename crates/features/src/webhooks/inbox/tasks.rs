//! What runs for an inbox, and how long: until nobody brings anything any more.

use std::convert::Infallible;
use std::sync::Arc;

use tokio::sync::mpsc;
use transport::tasks::Tasks;

use super::store::{self, Store};
use super::writer::Writer;

/// What has to run for an inbox.
#[derive(Debug)]
#[must_use = "without its tasks an inbox takes nothing"]
pub(crate) struct InboxTasks {
    pub(super) writer: Writer,
    pub(super) bringer: Bringer,
}

/// Whoever has one may still bring what is to be kept, when the tasks are asked to stop: the inbox is
/// closed when all have let go of theirs.
#[derive(Clone, Debug)]
pub(crate) struct Bringer {
    pub(super) _brings: mpsc::Sender<Infallible>,
}

impl InboxTasks {
    /// Returns what holds the inbox open.
    pub(crate) fn bringer(&self) -> Bringer {
        self.bringer.clone()
    }

    /// Starts them. When they are asked to stop and nobody has a [`Bringer`], they keep what was brought
    /// before, and close the inbox.
    pub(crate) fn start(self, tasks: &Tasks) {
        let shared = Arc::clone(&self.writer.shared);
        let listening = tasks.clone();
        if let Store::Postgres(_) = shared.store {
            tasks.spawn("inbox listener", async move {
                if let Store::Postgres(store) = &shared.store {
                    store::listen(store, &listening, |last| shared.changed_to(last)).await;
                }
            });
        }
        let (shared, stopping) = (Arc::clone(&self.writer.shared), tasks.clone());
        tasks.spawn("inbox standing", async move {
            tokio::select! {
                () = shared.tell_standing() => {}
                () = stopping.stopping() => {}
            }
        });
        tasks.spawn("inbox writer", self.writer.run(tasks.clone()));
    }
}
