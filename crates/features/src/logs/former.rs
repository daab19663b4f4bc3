//! Flows that go on over sessions which others have superseded: what an old instance writes until
//! it ends is read to its end, beside the flow of the new one.

use std::future::pending;

use futures_util::FutureExt;
use futures_util::future::select_all;
use transport::flow::Drain;

use super::wire::{Epoch, Item};

/// The former flows of a stream: none, but while instances follow each other.
#[derive(Debug, Default)]
pub(super) struct Formers(Vec<Former>);

#[derive(Debug)]
struct Former {
    drain: Drain<Item>,
    epoch: Epoch,
}

impl Formers {
    /// Adds a flow whose items are of this epoch.
    pub(super) fn push(&mut self, drain: Drain<Item>, epoch: Epoch) {
        self.0.push(Former { drain, epoch });
    }

    /// Whether all have ended.
    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Waits for the next item of any; `None` when one has ended, which is then forgotten.
    /// Cancel-safe.
    pub(super) async fn next(&mut self) -> Option<Item> {
        if self.0.is_empty() {
            return pending().await;
        }
        let flows = self.0.iter_mut().map(|former| former.drain.next().boxed());
        let (next, which, _) = select_all(flows).await;
        if let Ok(Some(item)) = next {
            return Some(item);
        }
        // However it ended: its place is taken.
        self.0.swap_remove(which);
        None
    }

    /// Forgets the flows of a ring that another flow reads now.
    pub(super) fn forget(&mut self, epoch: Epoch) {
        self.0.retain(|former| former.epoch != epoch);
    }
}
