//! How much memory the bodies of deliveries may take that are under way at once.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The room that there is. Clones are the same.
#[derive(Clone, Debug)]
pub(super) struct Room(Arc<Semaphore>);

/// What a body takes of it, until it is dropped.
#[derive(Debug)]
pub(super) struct Held {
    room: Room,
    permit: Option<OwnedSemaphorePermit>,
}

/// There is none left, and there was none after a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NoRoom;

impl Room {
    /// Makes room for so many bytes.
    pub(super) fn of(bytes: usize) -> Self {
        Self(Arc::new(Semaphore::new(bytes / GRAIN)))
    }

    /// Holds nothing of it yet.
    pub(super) fn hold(&self) -> Held {
        Held {
            room: self.clone(),
            permit: None,
        }
    }
}

impl Held {
    /// Holds as much as a body of so many bytes takes, and waits a moment for others to make room.
    pub(super) async fn grow(&mut self, bytes: usize) -> Result<(), NoRoom> {
        let wanted = self.wanted(bytes)?;
        if wanted == 0 {
            return Ok(());
        }
        let permits = Arc::clone(&self.room.0).acquire_many_owned(wanted);
        match tokio::time::timeout(WAIT, permits).await {
            Ok(Ok(permit)) => self.add(permit),
            Ok(Err(_)) | Err(_) => return Err(NoRoom),
        }
        Ok(())
    }

    /// The same without waiting.
    pub(super) fn grow_at_once(&mut self, bytes: usize) -> Result<(), NoRoom> {
        let wanted = self.wanted(bytes)?;
        if wanted > 0 {
            let permits = Arc::clone(&self.room.0).try_acquire_many_owned(wanted);
            self.add(permits.map_err(|_| NoRoom)?);
        }
        Ok(())
    }

    fn wanted(&self, bytes: usize) -> Result<u32, NoRoom> {
        let held = self
            .permit
            .as_ref()
            .map_or(0, OwnedSemaphorePermit::num_permits);
        let wanted = bytes.div_ceil(GRAIN).saturating_sub(held);
        u32::try_from(wanted).map_err(|_| NoRoom)
    }

    fn add(&mut self, more: OwnedSemaphorePermit) {
        match &mut self.permit {
            Some(permit) => permit.merge(more),
            None => self.permit = Some(more),
        }
    }
}

/// The room is counted in pieces of so many bytes.
const GRAIN: usize = 1024;

/// A commit of the inbox takes milliseconds: who finds no room within this comes again later. Every
/// provider waits longer for its answer.
const WAIT: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_held_is_free_again_when_it_is_let_go() {
        let room = Room::of(4 * GRAIN);
        let (mut one, mut other) = (room.hold(), room.hold());
        one.grow(1).await.unwrap();
        one.grow(3 * GRAIN).await.unwrap();
        assert_eq!(other.grow_at_once(2 * GRAIN), Err(NoRoom));
        assert_eq!(other.grow(2 * GRAIN).await, Err(NoRoom));
        assert_eq!(other.grow(usize::MAX).await, Err(NoRoom));
        drop(one);
        other.grow_at_once(4 * GRAIN).unwrap();
        assert_eq!(room.0.available_permits(), 0);
    }
}
